"""What happened at the service, and when it lets it be seen: late within its lag, and in ties."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from tests.simulation.plan import Plan
from tests.simulation.timeline import START


@dataclass(frozen=True, slots=True)
class Event:
    """One event, or one file. `time`: microseconds; `tie` orders equal ones; `logs`: what has to arrive."""

    time: int
    tie: int
    published: float
    id: str
    row: bytes
    logs: tuple[bytes, ...]


def events(plan: Plan) -> list[Event]:
    """Return what happens in a plan's time, by publication."""
    luck = Random(f"{plan.seed}:events")
    times = _seconds(plan, luck) if plan.shape == "seed style" else _bursts(plan, luck)
    made = [_event(plan, luck, number, time) for number, time in enumerate(times)]
    return sorted(made, key=lambda event: (event.published, event.id))


def _seconds(plan: Plan, luck: Random) -> list[float]:
    """One event in a second at most: what a plugin in StreamAlert's form can tell apart."""
    seconds = range(-plan.interval_minutes * 120, int(plan.span))
    return [float(second) for second in luck.sample(seconds, min(plan.events, len(seconds) // 2))]


def _bursts(plan: Plan, luck: Random) -> list[float]:
    times: list[float] = []
    while len(times) < plan.events:
        time = luck.uniform(-plan.interval_minutes * 120, plan.span)
        spread = luck.choice((0.0, 0.0, 1.0, 30.0))
        times += [time + luck.uniform(0, spread) for _ in range(luck.randint(1, plan.burst))]
    return times[: plan.events]


def _event(plan: Plan, luck: Random, number: int, time: float) -> Event:
    late = luck.choice((0.0, 0.0, 0.0, luck.uniform(0, plan.lag), plan.lag * 0.999))
    unit = plan.unit // 1000 if plan.finer else plan.unit
    told = int(time * 1_000_000) // unit * unit
    readable = not plan.unreadable or luck.random() > 0.03
    identity = f"e{number:04}"
    row = {
        "time": (START + timedelta(microseconds=told)).isoformat() if readable else "soon",
        "what": luck.choice(("login", "logout")),
    }
    if plan.ids:
        row["id"] = identity
    if plan.ids or not plan.twins or not readable:
        row["n"] = f"{number:04}"
    data = json.dumps(row, separators=(",", ":")).encode()
    logs: tuple[bytes, ...] = (data,)
    if plan.shape == "catalogue":
        lines = range(luck.choice((0, 1, 7, 20)))
        logs = tuple(f'{{"file":"{identity}","line":{line}}}'.encode() for line in lines)
    return Event(told, luck.randrange(1 << 30), time + late, identity, data, logs)

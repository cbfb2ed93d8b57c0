"""What happened at the service, and when it lets it be seen: late within its lag, and in ties."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Final

from tests.simulation.plan import Plan
from tests.simulation.timeline import START

YEAR_2038: Final = 373_000_000.0  # seconds from the start to then
WITHOUT_TIME: Final = b'"soon"'


@dataclass(frozen=True, slots=True)
class Event:
    """One event, or one file. `time`: microseconds; `tie` orders equal ones; `logs`: what has to arrive."""

    time: int
    tie: int
    published: float
    late: bool
    id: str
    row: bytes
    logs: tuple[bytes, ...]
    replaces: int | None = None
    """The time that the event had before it changed."""


def events(plan: Plan) -> list[Event]:
    """Return what happens in a plan's time, by publication; what changes comes again, under its id."""
    luck = Random(f"{plan.seed}:events")
    times = _seconds(plan, luck) if plan.shape == "seed style" else _bursts(plan, luck)
    made = [_event(plan, luck, number, time) for number, time in enumerate(times)]
    if plan.tardy:
        luck = Random(f"{plan.seed}:tardy")
        made = [_tardy(plan, luck, event) for event in made]
    if plan.moves and plan.ids:
        made += [_moved(plan, luck, event) for event in made if luck.random() < 0.1]
    return sorted(made, key=lambda event: (event.published, event.id))


def _seconds(plan: Plan, luck: Random) -> list[float]:
    """One event in a second at most: what a plugin in StreamAlert's form can tell apart."""
    seconds = range(-int(plan.interval * 2), int(plan.span))
    return [float(second) for second in luck.sample(seconds, min(plan.events, len(seconds) // 2))]


def _bursts(plan: Plan, luck: Random) -> list[float]:
    times: list[float] = []
    while len(times) < plan.events:
        time = luck.uniform(-plan.interval * 2, plan.span)
        if plan.future and luck.random() < 0.05:
            time = luck.choice((YEAR_2038, plan.span + 86_400.0))
        spread = luck.choice((0.0, 0.0, 1.0, 30.0))
        times += [time + luck.uniform(0, spread) for _ in range(luck.randint(1, plan.burst))]
    return times[: plan.events]


def _event(plan: Plan, luck: Random, number: int, time: float) -> Event:
    late = luck.choice((0.0, 0.0, 0.0, luck.uniform(0, plan.lag), plan.lag * 0.999))
    unit = plan.unit // 1000 if plan.finer else plan.unit
    told = int(time * 1_000_000) // unit * unit
    readable = not plan.unreadable or luck.random() > 0.03
    identity = f"e{number:04}"
    row = _row(told if readable else None, luck.choice(("login", "logout", "login", "x" * 400)))
    if plan.ids:
        row["id"] = identity
    if plan.ids or not plan.twins or not readable:
        row["n"] = f"{number:04}"
    data = json.dumps(row, separators=(",", ":")).encode()
    logs: tuple[bytes, ...] = (data,)
    if plan.shape == "catalogue":
        lines = range(luck.choice((0, 1, 7, 20)))
        logs = tuple(f'{{"file":"{identity}","line":{line}}}'.encode() for line in lines)
    published = time + late
    if time > plan.span + 3600:  # of a clock that is ahead
        published, late = luck.uniform(0, plan.span), 0.0
    return Event(told, luck.randrange(1 << 30), published, late > 0, identity, data, logs)


def _tardy(plan: Plan, luck: Random, event: Event) -> Event:
    """Return an event, perhaps as one that comes later than it may."""
    if luck.random() > 0.1 or event.published < event.time / 1e6:
        return event
    published = event.time / 1e6 + plan.lag + luck.uniform(10, plan.span / 2)
    return replace(event, published=published, late=True)


def _moved(plan: Plan, luck: Random, event: Event) -> Event:
    """Return an event as it is after a change: soon enough for its id to be known still."""
    published = event.published + luck.uniform(
        0, max(0.0, plan.lag / 2 - (event.published - event.time / 1e6))
    )
    told = max(event.time, int(published * 1_000_000) // plan.unit * plan.unit)
    row = json.loads(event.row) | {"what": "changed"}
    if WITHOUT_TIME not in event.row:
        row["time"] = _told(told)
    data = json.dumps(row, separators=(",", ":")).encode()
    return replace(event, time=told, published=published, row=data, logs=(data,), replaces=event.time)


def _row(time: int | None, what: str) -> dict[str, str]:
    return {"time": "soon" if time is None else _told(time), "what": what}


def _told(time: int) -> str:
    return (START + timedelta(microseconds=time)).isoformat()

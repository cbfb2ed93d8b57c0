"""The service misbehaves: it is too busy, broken, silent, or answers for somebody else."""

from __future__ import annotations

from collections.abc import Callable

from streamalert_apps.simulator.faults import CutBody, Dropped, Effect, Fault, Hang, HtmlPage, Status
from streamalert_apps.testing.kit import Scenario, Trial
from streamalert_apps.testing.world import Conditions

SOMETIMES = range(2, 20, 2)
OUTAGE = range(2, 16)  # requests; each is tried six times in a run

EFFECTS: tuple[tuple[str, str, Effect], ...] = (
    ("429", "The service answers 429, with no word on how long to wait", Status(429)),
    ("429_seconds", "The service answers 429 and names the seconds to wait", Status(429, retry_after=40)),
    ("429_long", "The service answers 429 and names a wait longer than a run", Status(429, retry_after=900)),
    ("429_date", "The service answers 429 and names a time", Status(429, retry_after=70, as_date=True)),
    ("500", "The service answers 500", Status(500)),
    ("502", "The service answers 502", Status(502)),
    ("503", "The service answers 503", Status(503)),
    ("503_seconds", "The service answers 503 and names the seconds to wait", Status(503, retry_after=40)),
    ("html", "A proxy answers with a page for people, and status 200", HtmlPage()),
    ("cut", "The body of an answer is cut", CutBody()),
    ("dropped", "The connection is dropped", Dropped()),
    ("hang", "The service takes a request and does not answer", Hang(600)),
)

ANSWERED_BY_THE_SDK = {"429_date", "500", "502", "503_seconds", "cut", "dropped", "hang"}


def scenarios() -> tuple[Scenario, ...]:
    """Return a scenario for each fault."""
    return tuple(
        Scenario(
            f"service_{name}",
            f"{says}: now and then, every second time, for long.",
            _played(effect, turn),
            shared=name in ANSWERED_BY_THE_SDK,
        )
        for turn, (name, says, effect) in enumerate(EFFECTS)
    )


def _played(effect: Effect, turn: int) -> Callable[[Trial], None]:
    """Return a scenario in which faults take turns at the requests where they tell most."""

    def play(trial: Trial) -> None:
        numbers = trial.telling_requests()[turn % 2 :: 2]
        cases = {f"at request {number}": Fault(effect, nth=number) for number in numbers}
        cases["at every second request"] = Fault(effect, nth=SOMETIMES)
        cases[f"at requests {OUTAGE.start} to {OUTAGE.stop - 1}"] = Fault(effect, nth=OUTAGE)
        for when, fault in cases.items():
            world = trial.world(Conditions(faults=(fault,)))
            world.fill()
            trial.settle(world, when)

    return play

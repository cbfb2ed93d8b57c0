"""Everything at once, at random: the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Final

from botocore.exceptions import ReadTimeoutError

from streamalert_apps.sdk.pace import Rate
from streamalert_apps.simulator.faults import CutBody, Dropped, Fault, Hang, HtmlPage, Status
from streamalert_apps.simulator.store import seeded
from streamalert_apps.testing.cloud import refusal
from streamalert_apps.testing.kit import Trial
from streamalert_apps.testing.scenarios.feeds import crowded
from streamalert_apps.testing.steps import Disturbance, Killed, Step
from streamalert_apps.testing.world import Conditions, World

STORMS: Final = 3
LENGTH: Final = timedelta(hours=2)
REQUESTS_OF_A_RUN: Final = 8  # that its time suffices for, where a service takes few a minute
EFFECTS: Final = (
    Status(429),
    Status(429, retry_after=45),
    Status(503),
    HtmlPage(),
    CutBody(),
    Dropped(),
    Hang(600),
)


def storm(trial: Trial) -> None:
    """Weather a few hours of growth, late events, crowds, faults and kills."""
    for number in range(STORMS):
        random = seeded(trial.seed, trial.kind.type, number)
        world = trial.world(_conditions(random, trial.kind.rate))
        world.pages_move = True
        _grow(world, random)
        world.steps.disturb = _disturbing(world, random)
        ends = world.clock.now() + LENGTH + world.lag
        while world.clock.now() < ends:
            world.tick()
        world.steps.disturb = lambda _: None
        trial.settle(world, f"storm {number + 1}")


def _conditions(random: Random, rate: Rate | None) -> Conditions:
    faults = tuple(Fault(random.choice(EFFECTS), nth=random.randint(1, 60)) for _ in range(6))
    least = REQUESTS_OF_A_RUN * rate.seconds / rate.requests if rate else 0.0
    budget = max(least, random.choice((12.0, 30.0, 60.0, 240.0)))
    return Conditions(
        page_size=random.choice((5, 20, 50)),
        batch_bytes=random.choice((1 << 10, 8 << 10, 64 << 10)),
        budget=budget,
        latency=random.choice((0.2, 1.0, 2.5)) if budget > 20 else 0.2,  # noqa: PLR2004
        faults=faults,
    )


def _grow(world: World, random: Random) -> None:
    facts, app_type = world.facts, world.app_type
    world.fill(random.uniform(0.5, 4.0), ahead=LENGTH / 2)
    for _ in range(random.randint(0, 3)):
        size = min(random.randint(1, 3 * facts.page), 400, facts.in_one_second or 400)
        crowded(world, world.clock.now() + random.uniform(-0.4, 1) * LENGTH, size)
    for _ in range(random.randint(0, 40)):
        at = world.clock.now() + random.random() * LENGTH
        delay = random.random() * facts.lag if random.random() < 0.5 else facts.lag  # noqa: PLR2004
        world.twin.put(app_type, at=at, visible=at + delay)


def _disturbing(world: World, random: Random) -> Disturbance:
    busy = False

    def disturb(step: Step) -> None:
        nonlocal busy
        if busy or random.random() > 0.03:  # noqa: PLR2004
            return
        busy = True
        try:
            _strike(world, step, random)
        finally:
            busy = False

    return disturb


def _strike(world: World, step: Step, random: Random) -> None:
    """Let something happen that can happen at this step."""

    def die() -> None:
        raise Killed

    def fail() -> None:
        if step.edge != "request":
            raise refusal("ThrottlingException", 429)

    def lose_answer() -> None:
        if step.edge != "request":
            raise ReadTimeoutError(endpoint_url="https://aws.example")

    happenings: tuple[Callable[[], None], ...] = (
        die,
        fail,
        lose_answer,
        world.meanwhile,
        world.twin.revoke_tokens,
    )
    random.choice(happenings)()

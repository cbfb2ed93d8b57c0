"""Running one app type through one scenario."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import httpx

from streamalert_apps.errors import ConfigError
from streamalert_apps.runtime.handler import CLOSING_SECONDS
from streamalert_apps.sdk.app import App
from streamalert_apps.sdk.http import ToSimulator
from streamalert_apps.simulator.contract import Twin
from streamalert_apps.simulator.faults import Fault
from streamalert_apps.simulator.server import serve
from streamalert_apps.simulator.transport import transport
from streamalert_apps.testing.judge import Verdict, judge
from streamalert_apps.testing.leaks import Leaks
from streamalert_apps.testing.report import Report
from streamalert_apps.testing.steps import Disturbance, Edge, Step
from streamalert_apps.testing.world import SMALL, Conditions, TwinFactory, World

MOST_AT_ONCE: Final = 10  # requests before a first delivery; who needs more has to go on from its checkpoint
SHOWN: Final = 8  # of the messages of a report
MOST_STEPS: Final = 60  # that are disturbed, one by one
FEW_STEPS: Final = 16  # where a page can't be made small

_TWIN: Final = (
    *("clock", "credentials", "wrong_credentials", "facts", "revoke_tokens", "handle", "failure"),
    *("seed", "put", "complete", "held", "identify"),
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that sooner or later happens to every app.

    `core`: cheap, and telling even among app types that are alike. `shared`: an app has no hand in it, so
    one of all that walk alike suffices. `sockets`: can be played over real ones, too.
    """

    name: str
    says: str
    play: Callable[[Trial], None]
    core: bool = False
    shared: bool = False
    sockets: bool = False


class Trial:
    """One app type in one scenario: makes worlds and collects what was wrong in them."""

    def __init__(
        self, kind: type[App], factory: TwinFactory, seed: int, stack: ExitStack, *, sockets: bool
    ) -> None:
        self.kind = kind
        self.seed = seed
        self.lost = self.repeated = self.worlds = self.runs = self.requests = 0
        self.stuck = False
        self.leaks = Leaks()
        self._factory = factory
        self._stack = stack
        self._way = self._over_sockets if sockets else transport
        self._cases: dict[str, list[str]] = {}  # what is wrong, and when

    def world(self, conditions: Conditions | None = None) -> World:
        """Create a world in which nothing has happened yet."""
        world = World(
            self.kind, self._factory, conditions or Conditions(), self.seed, leaks=self.leaks, way=self._way
        )
        if missing := [name for name in _TWIN if not hasattr(world.twin, name)]:
            raise ConfigError(
                f"The twin of {self.kind.type} lacks {', '.join(missing)}.",
                hint="streamalert_apps.simulator.contract.Twin says what a twin is.",
            )
        return world

    def say(self, message: str, when: str = "") -> None:
        """Note what is wrong, and when it was."""
        self._cases.setdefault(message, []).append(when)

    def settle(self, world: World, when: str = "") -> Verdict:
        """Run a world until nothing is left to do, and judge it."""
        if not world.settle():
            self.stuck = True
            self.say(f"it is stuck: the last of {len(world.runs)} runs {world.runs[-1]}", when)
        return self.judge(world, when)

    def judge(self, world: World, when: str = "") -> Verdict:
        """Note what a world lost, repeated and did wrong."""
        verdict = judge(world)
        self.worlds += 1
        self.runs += len(world.runs)
        self.requests += world.wire.requests
        self.lost += verdict.lost
        self.repeated += verdict.repeated
        for message in verdict.messages:
            self.say(message, when)
        return verdict

    def each_step(
        self,
        prepare: Callable[[World], None],
        disturbance: Callable[[World], Disturbance],
        *,
        edges: Container[Edge],
        done: Container[bool],
        what: str,
        conditions: Conditions | None = None,
        most: int = MOST_STEPS,
    ) -> None:
        """Disturb, each in a world of its own, the steps that an undisturbed world takes in two ticks.

        All of them, or a selection spread over them where they are more than `most`.
        """
        model = self.world(conditions)
        prepare(model)
        model.chain()
        model.tick()
        steps = [step for step in model.steps.taken if step.edge in edges and step.done in done]
        if model.facts.page > SMALL:
            most = min(most, FEW_STEPS)
        for step in steps[:: 1 + len(steps) // most]:
            world = self.world(conditions)
            prepare(world)
            world.steps.disturb = once(step, disturbance(world))
            self.settle(world, f"{what} {step}")

    def telling_requests(self) -> list[int]:
        """Return the numbers of the requests where a fault tells most: the first ones, some to the last."""
        model = self.world()
        model.fill()
        model.chain()
        last = max(3, model.wire.requests)
        return sorted({1, 2, 3, *(3 + (last - 3) * part // 3 for part in (1, 2, 3))})

    def short_budgets(self) -> list[float]:
        """Return seconds of an invocation that suffice for a first delivery and a few requests more."""
        model = self.world()
        model.fill()
        model.chain()
        first = next((n for n, step in enumerate(model.steps.taken) if step.edge == "delivery"), None)
        requests = sum(step.edge == "request" and step.done for step in model.steps.taken[:first])
        needed = min(requests, MOST_AT_ONCE) * model.conditions.latency
        pause, rate = model.conditions.latency, self.kind.rate
        if rate:
            apart = rate.seconds / rate.requests
            pause = max(pause, 2 * apart)
            needed += max(0, requests + 1 - rate.requests) * apart  # the run before made one just now
        return [needed + more * pause + CLOSING_SECONDS for more in (2, 5, 20)]

    def messages(self) -> tuple[str, ...]:
        """Return what is wrong, in words: each with the first case, and how many more there are."""
        for seen in self.leaks.seen:
            self.say(seen)
        said = [_sentence(message, cases) for message, cases in self._cases.items()]
        return (*said[:SHOWN], *([f"and {len(said) - SHOWN} more"] if len(said) > SHOWN else []))

    def _over_sockets(self, twin: Twin, faults: Iterable[Fault]) -> httpx.BaseTransport:
        server = self._stack.enter_context(serve(twin, faults=faults))
        return self._stack.enter_context(ToSimulator(server.url))


def check(
    kind: type[App], twin: TwinFactory, scenario: Scenario, *, seed: int = 1, sockets: bool = False
) -> Report:
    """Run an app type against its twin through a scenario, in simulated time.

    `twin` makes the twin: its class, usually. With `sockets` the twin is served over real ones.
    Raises ConfigError where the twin lacks something.
    """
    with ExitStack() as stack:
        trial = Trial(kind, twin, seed, stack, sockets=sockets)
        stack.enter_context(trial.leaks.listening())
        scenario.play(trial)
    return Report(
        kind.type,
        scenario.name,
        seed,
        lost=trial.lost,
        repeated=trial.repeated,
        stuck=trial.stuck,
        messages=trial.messages(),
        worlds=trial.worlds,
        runs=trial.runs,
        requests=trial.requests,
    )


def once(step: Step, disturbance: Disturbance) -> Disturbance:
    """Return a disturbance that comes at one step alone."""

    def disturb(taken: Step) -> None:
        if taken == step:
            disturbance(taken)

    return disturb


def _sentence(message: str, cases: list[str]) -> str:
    first = f"{cases[0]}: " if cases[0] else ""
    more = f" (and in {len(cases) - 1} more cases)" if len(cases) > 1 else ""
    return f"{first}{message}{more}"

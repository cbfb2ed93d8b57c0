"""The steps that a run takes at the network's edge: the places where a test can step in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from streamalert_apps.testing.clock import ManualClock

Edge: TypeAlias = Literal["request", "delivery", "head write", "object write", "read", "list", "delete"]

WRITES: Final[tuple[Edge, ...]] = ("head write", "object write")
CHANGING: Final[tuple[Edge, ...]] = ("request", "delivery", *WRITES, "delete")
EDGES: Final[tuple[Edge, ...]] = (*CHANGING, "read", "list")
MOST_REQUESTS: Final = 3000  # of one run: more of them is a circle


class Killed(BaseException):
    """The process ends here, as by SIGKILL."""


class Circle(BaseException):
    """A run does not come to an end."""


@dataclass(frozen=True, slots=True)
class Step:
    """A call over the network: about to be made, or `done`: it took effect, its answer is on the way."""

    edge: Edge
    number: int
    done: bool

    def __str__(self) -> str:
        moment = "after" if self.done else "before"
        return f"{moment} {self.edge} {self.number}"


Disturbance: TypeAlias = Callable[[Step], None]


class Steps:
    """Counts the steps of a world; at each of them `disturb` may move time, run something, or raise."""

    def __init__(self, clock: ManualClock) -> None:
        self.taken: list[Step] = []
        self.disturb: Disturbance = lambda _: None
        self.ends: datetime | None = None
        self.overran = False
        self._clock = clock
        self._counts: Counter[Edge] = Counter()
        self._requests = 0

    def run_begins(self, ends: datetime | None) -> None:
        """Note until when the run that takes the next steps may last."""
        self.ends = ends
        self._requests = 0

    @contextmanager
    def taking(self, edge: Edge) -> Iterator[None]:
        """Surround one call."""
        self._counts[edge] += 1
        number = self._counts[edge]
        self._pass(Step(edge, number, done=False))
        yield
        self._pass(Step(edge, number, done=True))

    def _pass(self, step: Step) -> None:
        self.taken.append(step)
        self._requests += step.edge == "request" and not step.done
        if self._requests > MOST_REQUESTS:
            raise Circle
        if self.ends and self._clock.now() > self.ends:
            self.overran = True
            raise Killed
        self.disturb(step)

"""A run without a network: a service of numbered events, a state in memory, a destination, and a killer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from streamalert_apps.errors import DeliveryFailed
from streamalert_apps.runtime.batch import Batches, Bytes
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.state import MemorySlot, StateSlot, Stored
from streamalert_apps.sdk.app import App, Checkpoint, Page
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace, Rate
from tests.simulator.world import StillClock

LEASE = timedelta(seconds=100)
HOUR = timedelta(hours=1)
LOG_BYTES = 20


class Killed(BaseException):
    """The process is gone; nothing may catch it."""


class Killer:
    """Counts the steps of a run, before and after each effect, and ends it at one of them."""

    def __init__(self, step: int | None = None) -> None:
        self.left = step
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        if self.left is not None and self.steps > self.left:
            raise Killed


class Numbers(App):
    """Collects the numbers of a world; its checkpoint is the next one."""

    type = "numbers_all"
    auth = ()

    def __init__(self, world: World, api: Api) -> None:
        super().__init__({}, api)
        self.world = world

    def start(self, since: datetime) -> Checkpoint:
        return {"next": 0, "since": since.isoformat()}

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        at, more = checkpoint["next"], True
        while more:
            self.world.killer.step()
            self.world.journal.append(("polled", at))
            self.world.clock.sleep(self.world.seconds)
            logs = [log_of(n) for n in range(at, min(at + self.world.page, self.world.total))]
            at += len(logs)
            more = at < self.world.total
            yield Page(logs, {"next": at}, more=more)
            self.world.killer.step()

    def check(self) -> None:
        raise NotImplementedError


@dataclass
class World:
    """Everything that outlives a run, and how the next one goes.

    The service holds the numbers below `total` and gives `page` of them an answer, each of which takes
    `seconds`. `journal` is what happened in its order: ("polled", 0), ("forwarded", [0, 1]), ("saved",
    "running").
    """

    total: int = 10
    page: int = 4
    seconds: float = 0.0
    batch: int = 2
    clock: StillClock = field(default_factory=StillClock)
    text: str = ""
    arrived: list[int] = field(default_factory=list)
    journal: list[tuple[str, Any]] = field(default_factory=list)
    killer: Killer = field(default_factory=Killer)
    on_delivery: Callable[[list[int]], Exception | None] = field(default=lambda _: None)
    on_save: Callable[[Mapping[str, Any]], Exception | None] = field(default=lambda _: None)
    rate: Rate | None = None
    app: Callable[[World, Api], App] = field(default=Numbers)

    def __post_init__(self) -> None:
        self.slot = Slot(self)

    def run(
        self,
        *,
        holder: str = "run",
        after: str = "",
        left: float = float("inf"),
        lease: timedelta = LEASE,
        slot: StateSlot | None = None,
        progress: Callable[[Outcome], None] = lambda _: None,
    ) -> Outcome:
        """Collect once, with so many seconds of time."""
        began = self.clock.now()

        def seconds() -> float:
            return left - (self.clock.now() - began).total_seconds()

        deadline = Deadline(seconds)
        terms = Terms(holder, self.clock, deadline, lease, HOUR, after=after, progress=progress)
        batches = Batches(lambda *_: "", self.batch * (LOG_BYTES + 1))

        def build() -> App:
            transport = httpx.MockTransport(lambda _: httpx.Response(500))
            pace = Pace(self.rate, self.clock)
            return self.app(self, Api(clock=self.clock, deadline=deadline, pace=pace, transport=transport))

        return collect(build, slot or self.slot, Destination(self), batches, terms)

    def run_and_die(self, step: int, **terms: Any) -> None:
        """Run until a step, or to the end; come back when the lease is over."""
        self.killer = Killer(step)
        with suppress(Killed):
            self.run(**terms)
        self.killer = Killer()
        self.clock.sleep(2 * LEASE.total_seconds())

    @property
    def state(self) -> dict[str, Any]:
        """What is stored."""
        state: dict[str, Any] = json.loads(self.slot.stored.text) if self.slot.stored else {}
        return state

    @property
    def lost(self) -> set[int]:
        return set(range(self.total)) - set(self.arrived)

    @property
    def repeated(self) -> Counter[int]:
        return Counter(self.arrived) - Counter(set(self.arrived))


def log_of(number: int) -> bytes:
    return json.dumps({"n": number}).encode().ljust(LOG_BYTES)


@dataclass
class Destination:
    """Takes batches unless the world refuses them."""

    world: World

    def forward(self, batch: Sequence[Bytes]) -> None:
        numbers = [json.loads(bytes(log))["n"] for log in batch]
        self.world.killer.step()
        if error := self.world.on_delivery(numbers):
            raise error
        self.world.arrived += numbers
        self.world.journal.append(("forwarded", numbers))
        self.world.killer.step()


class Slot:
    """A state that outlives a run."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._slot = MemorySlot(world.text)

    @property
    def stored(self) -> Stored | None:
        return self._slot.read()

    def read(self) -> Stored | None:
        self.world.killer.step()
        return self._slot.read()

    def write(self, text: str) -> None:
        self._put(text, "saved")

    def replace(self, text: str, version: int) -> bool:
        stored = self._slot.read()
        assert version == (stored.version if stored else 0)
        self._put(text, "leased")
        return True

    def _put(self, text: str, verb: str) -> None:
        self.world.killer.step()
        state: Mapping[str, Any] = json.loads(text)
        if error := self.world.on_save(state):
            raise error
        self._slot.write(text)
        self.world.journal.append((verb, state["current_state"]))
        self.world.killer.step()


def failing(*at: int, error: type[Exception] = DeliveryFailed) -> Callable[[list[int]], Exception | None]:
    """Refuse each batch that holds one of these numbers, every time."""
    return lambda numbers: error("The destination is down.") if set(at) & set(numbers) else None

"""A run without a network: a service of numbered events, a store, a sink, and a killer."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from streamalert_apps.errors import AppError, DeliveryFailed
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.delivery import Answer, Batch, Limits, Outlet, nothing_taken
from streamalert_apps.runtime.head import Head, HeldHead, Identity
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.app import App, Checkpoint, Page
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.ids import hashing
from streamalert_apps.sdk.pace import Pace, Rate
from tests.simulator.world import StillClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from streamalert_apps.runtime.store import Item, Read, Store

T = TypeVar("T")

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOG_BYTES = 20
NOWHERE = httpx.MockTransport(lambda _: httpx.Response(500))


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


class Spied:
    """A store that notes what is asked of it, and breaks where a test says so.

    `fault` sees each call with its name before it is carried out, `after` when it has been.
    """

    def __init__(self, store: Store, killer: Callable[[], None] = lambda: None) -> None:
        self.store = store
        self.calls: list[tuple[str, str]] = []
        self.killer = killer
        self.fault: Callable[[str, str], AppError | None] = lambda *_: None
        self.after: Callable[[str, str], AppError | None] = lambda *_: None

    def read(self, name: str) -> Read:
        return self._called("read", name, lambda: self.store.read(name))

    def write(self, name: str, body: bytes, *, replacing: str | None) -> str:
        return self._called("write", name, lambda: self.store.write(name, body, replacing=replacing))

    def put(self, name: str, body: bytes) -> None:
        self._called("put", name, lambda: self.store.put(name, body))

    def get(self, name: str) -> bytes | None:
        return self._called("get", name, lambda: self.store.get(name))

    def list(self, prefix: str) -> list[Item]:
        return self._called("list", prefix, lambda: self.store.list(prefix))

    def delete(self, names: Iterable[str]) -> None:
        gone = [*names]
        self._called("delete", " ".join(gone), lambda: self.store.delete(gone))

    def _called(self, what: str, name: str, call: Callable[[], T]) -> T:
        self.killer()
        self.calls.append((what, name))
        if error := self.fault(what, name):
            raise error
        answer = call()
        if error := self.after(what, name):
            raise error
        self.killer()
        return answer


class Numbers(App):
    """Collects the numbers of a world; its checkpoint is the next one."""

    type = "numbers_all"
    collects = "numbers"
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
            self.world.told.append(("polled", at))
            self.world.clock.sleep(self.world.seconds)
            numbers = range(at, min(at + self.world.page, self.world.total))
            at += len(numbers)
            more = at < self.world.total
            yield self.page([*numbers], {"next": at}, more=more)
            self.world.killer.step()

    def page(self, numbers: list[int], checkpoint: Checkpoint, *, more: bool) -> Page:
        return Page([log_of(n) for n in numbers], checkpoint, more=more)

    def check(self) -> None:
        raise NotImplementedError


class Remembered(Numbers):
    """Numbers with ids: a second each from the start on. The floor is `floor` of the checkpoint."""

    def page(self, numbers: list[int], checkpoint: Checkpoint, *, more: bool) -> Page:
        times = [START.timestamp() + number for number in numbers]
        ids = [id_of(number) for number in numbers]
        return Page([log_of(n) for n in numbers], checkpoint, more=more, ids=ids, times=times)

    def watermark(self, checkpoint: Checkpoint) -> datetime | None:
        return datetime.fromtimestamp(checkpoint.get("floor", 0), UTC)


class Sink:
    """Takes batches unless `judge` says something else of one."""

    def __init__(self, world: World, limits: Limits | None = None) -> None:
        self.limits = limits or Limits(bytes=world.batch * (LOG_BYTES + 1))
        self.world = world
        self.batches: list[Batch] = []
        self.arrived: list[int] = []
        self.judge: Callable[[list[int]], Answer | AppError | None] = lambda _: None

    def send(self, batch: Batch) -> Answer:
        numbers = [number_of(event) for event in batch.events]
        self.world.killer.step()
        self.batches.append(batch)
        answer = self.judge(numbers) or Answer()
        if isinstance(answer, AppError):
            answer = nothing_taken(batch, answer)
        if not answer.halve:
            out = {*answer.retry, *answer.refused}
            taken = [number for at, number in enumerate(numbers) if at not in out]
            self.arrived += taken
            self.world.told.append(("forwarded", taken))
        self.world.killer.step()
        return answer


@dataclass
class World:
    """Everything that outlives a run, and how the next one goes.

    The service holds the numbers below `total` and gives `page` of them an answer, each of which takes
    `seconds`. `told` is what happened in its order: ("polled", 0), ("forwarded", [0, 1]).
    """

    total: int = 10
    page: int = 4
    seconds: float = 0.0
    batch: int = 2
    clock: StillClock = field(default_factory=lambda: StillClock(START))
    killer: Killer = field(default_factory=Killer)
    rate: Rate | None = None
    app: Callable[[World, Api], App] = Numbers
    adopted: Any = None
    journal_days: float = 7.0
    audits: bool = False
    told: list[tuple[str, Any]] = field(default_factory=list)
    under: Store | None = None
    transport: httpx.BaseTransport = NOWHERE

    def __post_init__(self) -> None:
        self.memory = MemoryStore(self.clock)
        self.store = Spied(self.under or self.memory, lambda: self.killer.step())  # noqa: PLW0108 (there are several)
        self.sink = Sink(self)
        self.sinks: dict[str, Any] = {"sink": self.sink}

    def run(
        self,
        *,
        holder: str = "",
        left: float | Callable[[], float] = float("inf"),
        threads: bool = False,
        progress: Callable[[Outcome], None] = lambda _: None,
        **identity: Any,
    ) -> Outcome:
        """Collect once, with so many seconds of time, or what a function says of it."""
        began = self.clock.now()
        deadline = Deadline(
            left if callable(left) else lambda: left - (self.clock.now() - began).total_seconds()
        )

        def build() -> App:
            pace = Pace(self.rate, self.clock)
            transport = self.transport
            return self.app(self, Api(clock=self.clock, deadline=deadline, pace=pace, transport=transport))

        terms = Terms(
            Identity("owner", holder or f"run {len(self.store.calls)}", **identity),
            self.clock,
            deadline,
            HOUR,
            adopt=lambda: self.adopted,
            journal_days=self.journal_days,
            threads=threads,
            progress=progress,
            audits=self.audits,
        )
        outlets = {
            name: sink if isinstance(sink, Outlet) else Outlet(sink) for name, sink in self.sinks.items()
        }
        return collect(build, self.store, outlets, terms)

    def numbers(self) -> Numbers:
        """Return an app for another one to go on with."""
        return Numbers(self, Api(clock=self.clock, transport=self.transport))

    def run_and_die(self, step: int) -> None:
        """Run until a step, or to the end; come back when the lease is over."""
        self.killer = Killer(step)
        with suppress(Killed):
            self.run()
        self.killer = Killer()
        self.clock.sleep(2 * heads.LEASE_SECONDS)

    def hold(self) -> HeldHead:
        """Take the lease, as a command does that changes the record."""
        never = Deadline.never()
        return heads.take(
            self.store, Identity("owner", "hold"), clock=self.clock, deadline=never, first_look=HOUR
        )

    @property
    def head(self) -> Head:
        """The head as it is stored."""
        return heads.parse(self.store.store.read(heads.NAME).body)[0]

    @property
    def record(self) -> list[int]:
        """The numbers on record, in their order."""
        return [number_of(raw) for raw in self.raws() if raw]

    def raws(self) -> list[bytes]:
        """The events on record; those that were purged are empty."""
        head, store = self.head, self.store.store
        found = journal.entries(store, head.birth, since=head.first, up_to=head.sequence)
        return [raw for entry in found for raw in journal.raws(store.get(entry.name) or b"")]

    def names(self, part: str) -> list[str]:
        """The names of the objects that have a part."""
        return [item.name for item in self.store.store.list("") if part in item.name]

    @property
    def arrived(self) -> list[int]:
        return self.sink.arrived

    @property
    def lost(self) -> set[int]:
        return set(range(self.total)) - set(self.arrived)

    @property
    def repeated(self) -> Counter[int]:
        return Counter(self.arrived) - Counter(set(self.arrived))


def log_of(number: int) -> bytes:
    """Return an event of twenty bytes."""
    return json.dumps({"n": number}).encode().ljust(LOG_BYTES)


def number_of(event: bytes) -> int:
    """Return the number of an event, or of what is left of one."""
    fields: Mapping[str, Any] = json.loads(event)
    return int(fields.get("n", -1))


def id_of(number: int) -> bytes:
    """Return the short id of a number."""
    return hashing(b"key")(str(number))


def scripted(poll: Callable[[World, Checkpoint], Iterator[Page]]) -> Callable[[World, Api], App]:
    """Return what makes an app that polls so."""

    class Scripted(Numbers):
        def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
            return poll(self.world, checkpoint)

    return Scripted


def raising(error: BaseException, after: int = 0) -> Callable[[World, Api], App]:
    """Return what makes an app that collects so many pages and then breaks."""

    def poll(world: World, checkpoint: Checkpoint) -> Iterator[Page]:
        pages = world.numbers().poll(checkpoint)
        for _ in range(after):
            yield next(pages)
        raise error

    return scripted(poll)


def down(*at: int, error: type[AppError] = DeliveryFailed) -> Callable[[list[int]], AppError | None]:
    """Refuse each batch that holds one of these numbers, every time; all of them, where none is named."""
    return lambda numbers: error("The destination is down.") if not at or set(at) & set(numbers) else None

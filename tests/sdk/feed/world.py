"""A service that lists events, in memory, with all that vendors do differently; and runs of an app for it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec

from streamalert_apps.errors import PageTokenExpired
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.journal import entries, read
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.app import App, Json
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.events import Fetched
from streamalert_apps.sdk.feed import AnyOrder, NewestFirst, OldestFirst
from streamalert_apps.sdk.feed.place import Place
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace, Rate
from tests.simulator.world import StillClock

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)
MICROSECOND = timedelta(microseconds=1)
ORDERS: tuple[Any, ...] = (OldestFirst, NewestFirst, AnyOrder)
FOREVER = float("inf")

_EPOCH = datetime.fromtimestamp(0, UTC)
_NOWHERE = httpx.MockTransport(lambda _: httpx.Response(500))


class Killed(BaseException):
    """The process is no more: nothing is written after this."""


class Endless(BaseException):
    """The run does not end."""


@dataclass(slots=True)
class Event:
    at: datetime
    visible: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    since: datetime
    until: datetime
    token: Json
    at: datetime


@dataclass
class OurClock:
    """This machine's clock, which may be wrong."""

    true: StillClock
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.true.now() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.true.sleep(seconds)


@dataclass
class Service:
    """Lists what is visible between two times, which it takes in whole units of its precision.

    `inclusive`: its bounds count in. `exact`: it compares and sorts by the exact time, otherwise by the
    unit, and then in no order inside one. `by_offset`: a page token counts rows, otherwise it names the
    last one. `token_seconds`: how long it knows a token. `cost`: the seconds that a request takes.
    `dated`: it tells its time. `says`: the order that it documents, where that is not the one it keeps.
    `answers`: called for each request; it raises what goes wrong, or returns another answer than usual.
    """

    order: Any = OldestFirst
    ids: bool = True
    page: int = 10
    precision: timedelta = SECOND
    lag: timedelta | None = timedelta(0)
    inclusive: bool = True
    exact: bool = True
    by_offset: bool = False
    bounded: bool = True
    retention: timedelta | None = None
    token_seconds: float = FOREVER
    cost: float = 0.0
    dated: bool = True
    says: Any = None
    rate: Rate | None = None
    answers: Callable[[Asked], Fetched | None] = lambda _: None
    clock: StillClock = field(default_factory=lambda: StillClock(NOW))
    ours: OurClock = field(init=False)
    events: list[Event] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ours = OurClock(self.clock)

    def happen(self, at: datetime, *, late: timedelta = timedelta(0), **fields: Json) -> Event:
        """Let an event happen, and appear `late`. Without ids, two of one time are equal."""
        identity = {"id": f"e{len(self.events)}"} if self.ids else {}
        body = json.dumps({"time": at.isoformat()} | identity | fields).encode()
        self.events.append(Event(at, at + late, body))
        return self.events[-1]

    def happen_often(self, count: int, at: datetime, step: timedelta = timedelta(0)) -> None:
        """Let so many events happen, one `step` after the other."""
        for n in range(count):
            self.happen(at + n * step)

    def answer(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Answer a request for a page."""
        self.clock.sleep(self.cost)
        asked = Asked(since, until, token, self.clock.now())
        self.asked.append(asked)
        if (other := self.answers(asked)) is not None:
            return other
        low = self._unit(since)
        high = self._unit(until) if self.bounded else datetime.max.replace(tzinfo=UTC)
        query = [low.isoformat(), high.isoformat()]
        found = sorted(self._found(low, high))
        begin = 0
        if token is not None:
            place = self._place(token, query)
            begin = place if self.by_offset else sum(key <= tuple(place) for key in found)
        rows = found[begin : begin + self.page]
        after = begin + self.page if self.by_offset else rows and rows[-1]
        is_last = begin + self.page >= len(found)
        given = json.dumps([query, after, self.clock.now().timestamp()])
        return Fetched(
            [msgspec.Raw(self.events[number].body) for *_, number in rows], None if is_last else given
        )

    def _place(self, token: str, query: Json) -> Json:
        of_query, place, given = json.loads(token)
        assert of_query == query, "a page token was sent with another query than its own"
        if self.clock.now().timestamp() - given > self.token_seconds:
            raise PageTokenExpired("The page token has expired.")
        return place

    def _found(self, low: datetime, high: datetime) -> Iterator[tuple[int, int, int]]:
        now = self.clock.now()
        assert not self.retention or low >= now - self.retention, "the service keeps nothing that old"
        for number, event in enumerate(self.events):
            at = event.at if self.exact else self._unit(event.at)
            inside = low <= at <= high if self.inclusive else low < at < high
            kept = not self.retention or event.at >= now - self.retention
            if inside and kept and event.visible <= now:
                yield self._key(at, number)

    def _key(self, at: datetime, number: int) -> tuple[int, int, int]:
        """Return what a row is sorted by; among equal times in an order that is not that of arrival."""
        time, scattered = (at - _EPOCH) // MICROSECOND, number * 7919 % 1009
        if self.order is AnyOrder:
            return (scattered, time, number)
        return (-time if self.order is NewestFirst else time, scattered, number)

    def _unit(self, moment: datetime) -> datetime:
        return moment - (moment - _EPOCH) % self.precision


@dataclass
class Runs:
    """Runs an app of the service again and again; from run to run there is nothing but the store.

    `alone`: the store is on this machine, so its time is ours.
    """

    service: Service
    since: datetime = NOW - HOUR
    overridden: dict[str, Any] = field(default_factory=dict)
    alone: bool = False
    store: MemoryStore = field(init=False)

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.service.ours if self.alone else self.service.clock)

    def run(self, *, seconds: float = FOREVER, killed: int = 0) -> Outcome:
        """Run once, for so many seconds; the process is killed at the request of that number."""
        service, clock = self.service, self.service.clock
        ends = clock.now().timestamp() + seconds
        deadline = Deadline(lambda: ends - clock.now().timestamp())
        first = len(service.asked)
        most = first + 3000

        def build() -> App:
            api = Api(
                clock=service.ours,
                deadline=deadline,
                pace=Pace(service.rate, service.ours),
                transport=_NOWHERE,
            )
            app: App = self._kind(lambda: self._strike(first + killed if killed else 0, most))({}, api)
            return app

        terms = Terms(
            Identity("feed", "the same"),
            service.ours,
            deadline,
            first_look=self.store.read("head.json").now - self.since,
            threads=False,
        )
        return collect(build, self.store, {}, terms)

    def every(self, interval: timedelta, times: int, *, seconds: float = FOREVER) -> None:
        """Run so many times, one after the other."""
        clock = self.service.clock
        for _ in range(times):
            tick = clock.now()
            self.run(seconds=seconds)
            clock.sleep(max(0.0, (interval - (clock.now() - tick)).total_seconds()))

    def finish(self) -> None:
        """Collect once all that happened has settled, and twice more."""
        clock, lag = self.service.clock, self.service.lag or HOUR
        clock.time = max([clock.time, *(event.visible for event in self.service.events)])
        for _ in range(3):
            clock.sleep(2 * lag.total_seconds() + 65)
            for _ in range(10):
                if self.run().status == "succeeded":
                    break

    @property
    def place(self) -> Place:
        """Where the walk is, as the store has it."""
        return Place.of(json.loads(self.store.read("head.json").body)["checkpoint"])

    @property
    def record(self) -> Counter[bytes]:
        """The events on record."""
        head = json.loads(self.store.read("head.json").body)
        found: Counter[bytes] = Counter()
        for entry in entries(
            self.store, head["birth"], since=head.get("first", 1), up_to=head.get("sequence", 0)
        ):
            body = self.store.get(entry.name)
            assert body is not None
            found.update(bytes(line.raw) for _, line in read(body))
        return found

    @property
    def lost(self) -> Counter[bytes]:
        return Counter(event.body for event in self.service.events if event.at >= self.since) - self.record

    @property
    def twice(self) -> Counter[bytes]:
        return self.record - Counter(event.body for event in self.service.events)

    @property
    def unread_below_the_floor(self) -> Counter[bytes]:
        """What the floor has passed and is not on record."""
        floor = self.place.floor
        below = [event.body for event in self.service.events if self.since <= event.at < floor]
        return Counter(below) - self.record

    def _strike(self, killed: int, most: int) -> None:
        asked = len(self.service.asked) + 1
        if killed and asked >= killed:
            raise Killed
        if asked >= most:
            raise Endless

    def _kind(self, strike: Callable[[], None]) -> Any:
        service = self.service

        def fetch(app: App, since: datetime, until: datetime, token: Json) -> Fetched:
            strike()
            if wait := app.api.pace.wait():
                app.api.sleep(wait)
            try:
                return service.answer(since, until, token)
            finally:
                app.api.pace.request_made()
                app.api.dated = service.dated
                if service.dated:
                    app.api.ahead = service.ours.ahead

        says = {
            "type": "memory_events",
            "time_field": "time",
            "id_fields": ("id",) if service.ids else (),
            "precision": service.precision,
            "lag": service.lag,
            "retention": service.retention,
            "rate": service.rate,
            "fetch": fetch,
        }
        return type("Listed", (service.says or service.order,), says | self.overridden)


def exactly_once(runs: Runs) -> bool:
    """Tell whether all is on record, once; what is wrong shows in a failure's message."""
    return (runs.lost, runs.twice) == ({}, {})

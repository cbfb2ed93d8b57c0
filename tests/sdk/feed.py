"""A service that lists events, in memory, with all that vendors do differently; and an app for it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec

from streamalert_apps.errors import RequestRefused
from streamalert_apps.sdk.app import Checkpoint, Json, Log
from streamalert_apps.sdk.events import Fetched
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.watermark import AnyOrder, NewestFirst, OldestFirst
from tests.simulator.world import StillClock

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
MICROSECOND = timedelta(microseconds=1)
CHECKPOINT_BYTES = 3000

_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    visible: datetime
    body: bytes


@dataclass
class Service:
    """Lists what is visible between two times, which it takes in whole units of its precision.

    `inclusive`: its bounds count in. `exact`: it compares and sorts by the exact time, otherwise by the
    unit, and then in no order inside one. `by_offset`: a page token counts rows, otherwise it names the
    last one. `expired`: which requests with a token, counted from 1, bring one that it no longer knows.
    `cost`: the seconds that a request takes.
    """

    order: Any = OldestFirst
    ids: bool = True
    page: int = 10
    precision: timedelta = SECOND
    lag: timedelta = timedelta(0)
    inclusive: bool = True
    exact: bool = True
    by_offset: bool = False
    retention: timedelta | None = None
    expired: frozenset[int] = frozenset()
    cost: float = 0.0
    clock: StillClock = field(default_factory=lambda: StillClock(NOW))
    events: list[Event] = field(default_factory=list)
    asked: list[tuple[datetime, datetime, Json]] = field(default_factory=list)

    def happen(self, at: datetime, *, late: timedelta = timedelta(0), **fields: Json) -> None:
        """Let an event happen, and appear `late`. Without ids, two of one time are equal."""
        identity = {"id": f"e{len(self.events)}"} if self.ids else {}
        body = {"time": at.isoformat()} | identity | fields
        self.put(at, json.dumps(body).encode(), late=late)

    def happen_often(self, count: int, at: datetime, step: timedelta = timedelta(0)) -> None:
        """Let so many events happen, one `step` after the other."""
        for n in range(count):
            self.happen(at + n * step)

    def put(self, at: datetime, body: bytes, *, late: timedelta = timedelta(0)) -> None:
        """Let an event of any form happen."""
        self.events.append(Event(at, at + late, body))

    def answer(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Answer a request for a page."""
        self.clock.sleep(self.cost)
        self.asked.append((since, until, token))
        query = [self._unit(since).isoformat(), self._unit(until).isoformat()]
        found = sorted(self._found(self._unit(since), self._unit(until)))
        begin = 0
        if token is not None:
            place = self._place(token, query)
            begin = place if self.by_offset else sum(key <= tuple(place) for key in found)
        rows = found[begin : begin + self.page]
        place = begin + self.page if self.by_offset else rows and rows[-1]
        is_last = begin + self.page >= len(found)
        return Fetched(
            [msgspec.Raw(self.events[number].body) for *_, number in rows],
            None if is_last else json.dumps([query, place]),
        )

    def _place(self, token: str, query: Json) -> Json:
        of_query, place = json.loads(token)
        assert of_query == query, "a page token was sent with another query than its own"
        if sum(token is not None for *_, token in self.asked) in self.expired:
            raise RequestRefused("The page token has expired.")
        return place

    def _found(self, low: datetime, high: datetime) -> Iterator[tuple[int, int, int]]:
        now = self.clock.now()
        assert not self.retention or low >= now - self.retention, "the service keeps nothing that old"
        for number, event in enumerate(self.events):
            at = event.at if self.exact else self._unit(event.at)
            inside = low <= at <= high if self.inclusive else low < at < high
            if inside and event.visible <= now:
                yield self._key(at, number)

    def _key(self, at: datetime, number: int) -> tuple[int, int, int]:
        """Return what a row is sorted by; among equal times in an order that is not that of arrival."""
        time, scattered = (at - _EPOCH) // MICROSECOND, number * 7919 % 1009
        if self.order is AnyOrder:
            return (scattered, time, number)
        return (-time if self.order is NewestFirst else time, scattered, number)

    def _unit(self, moment: datetime) -> datetime:
        return moment - (moment - _EPOCH) % self.precision

    def app(self, **overridden: Any) -> Any:
        """Return a new app."""
        says = {
            "type": "memory_events",
            "time_field": "time",
            "id_fields": ("id",) if self.ids else (),
            "precision": self.precision,
            "lag": self.lag,
            "retention": self.retention,
            "fetch": lambda _, since, until, token: self.answer(since, until, token),
        }
        api = Api(clock=self.clock, transport=httpx.MockTransport(lambda _: httpx.Response(500)))
        return type("Listing", (self.order,), says | overridden)({}, api)


@dataclass
class Collector:
    """Runs the app of a service again and again; from run to run it keeps only the checkpoint, as JSON."""

    service: Service
    since: datetime = NOW - timedelta(hours=1)
    arrived: list[bytes] = field(default_factory=list)
    repeats: int = 0
    checkpoint: str = ""

    def run(self, *, pages: int | None = None) -> bool:
        """Collect until there is no more, or for so many pages; tell whether there is more."""
        app = self.service.app()
        start: Checkpoint = json.loads(self.checkpoint) if self.checkpoint else app.start(self.since)
        most = 100 + 20 * len(self.service.events)
        for count, page in enumerate(app.poll(start), 1):
            assert count < most, "the run does not end"
            self.arrived += map(_bytes, page.logs)
            self.repeats += page.repeats
            self.checkpoint = json.dumps(page.checkpoint, separators=(",", ":"))
            assert len(self.checkpoint) <= CHECKPOINT_BYTES
            if count == pages or not page.more:
                return bool(page.more)
        raise AssertionError("the last page said that there was more")

    def finish(self) -> None:
        """Collect once all that happened has settled, and once more."""
        clock = self.service.clock
        clock.time = max([clock.time, *(event.visible for event in self.service.events)])
        for _ in range(2):
            clock.sleep(2 * self.service.lag.total_seconds() + 5)
            self.run()

    @property
    def lost(self) -> Counter[bytes]:
        return self._held() - Counter(self.arrived)

    @property
    def repeated(self) -> Counter[bytes]:
        return Counter(self.arrived) - self._held()

    def _held(self) -> Counter[bytes]:
        return Counter(event.body for event in self.service.events if event.at >= self.since)


def _bytes(log: Log) -> bytes:
    assert not isinstance(log, dict)
    return bytes(log)  # type: ignore[arg-type]

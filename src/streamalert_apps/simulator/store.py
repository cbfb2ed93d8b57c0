"""The events of one feed: when each happened, and from when on it can be seen.

The two differ, and that is the point: a client that moves its watermark to the newest event it
saw loses what happened before and shows up later. Times are whole microseconds since 1970.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Lock
from typing import Final, TypeAlias

from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.clock import Clock

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SECOND: Final = 1_000_000
MILLISECOND: Final = 1_000
LATE_SPAN: Final = timedelta(minutes=2)

Key: TypeAlias = tuple[int, str]


def micros(time: datetime) -> int:
    """Return whole microseconds since 1970."""
    return (time - EPOCH) // timedelta(microseconds=1)


def moment(at: int) -> datetime:
    """Return the aware UTC time of whole microseconds since 1970."""
    return EPOCH + timedelta(microseconds=at)


def seeded(*parts: object) -> Random:
    """Return random numbers that are the same for the same parts."""
    return Random(" ".join(map(str, parts)))  # noqa: S311 - to be repeatable is the point


@dataclass(frozen=True, slots=True)
class Event:
    """One event; its body is encoded once, so that serving it costs nothing."""

    at: int
    id: str
    visible: int
    body: bytes


def by_time(event: Event) -> Key:
    """Order by when it happened, ties by id."""
    return event.at, event.id


def by_arrival(event: Event) -> Key:
    """Order by when it became visible, as feeds with a server-side cursor do."""
    return event.visible, event.id


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a feed, whether more follows, and how many events the whole window holds now."""

    events: list[Event]
    more: bool
    total: int


class Feed:
    """Events in order, of which each is there from its own time on. Safe to grow while it is read."""

    def __init__(self, clock: Clock, order: Callable[[Event], Key] = by_time) -> None:
        self._clock = clock
        self._order = order
        self._lock = Lock()
        self._hidden: list[Event] = []  # the next to appear comes last
        self._events: list[Event] = []
        self._keys: list[Key] = []
        self._known: dict[str, Event] = {}

    def add(self, events: Iterable[Event]) -> None:
        """Put events into the feed; each appears when its time has come."""
        with self._lock:
            for event in events:
                if event.id in self._known:
                    raise ValueError(f"The feed already holds an event with the id {event.id}.")
                self._known[event.id] = event
                self._hidden.append(event)
            self._hidden.sort(key=lambda event: event.visible, reverse=True)

    def page(
        self, *, low: int, high: int, limit: int, after: Event | None = None, newest_first: bool = False
    ) -> Slice:
        """Return up to `limit` visible events with low ≤ order ≤ high that follow the event `after`.

        KeyError when there is no event of that id.
        """
        with self._lock:
            self._reveal()
            start, stop = bisect_left(self._keys, (low, "")), bisect_left(self._keys, (high + 1, ""))
            total = max(0, stop - start)
            if after and newest_first:
                stop = min(stop, bisect_left(self._keys, self._order(after)))
            elif after:
                start = max(start, bisect_right(self._keys, self._order(after)))
            left = max(0, stop - start)
            if newest_first:
                events = self._events[max(start, stop - limit) : max(start, stop)][::-1]
            else:
                events = self._events[start : min(stop, start + limit)]
        return Slice(events, more=left > limit, total=total)

    def find(self, event_id: str) -> Event | None:
        """Return the event of this id."""
        return self._known.get(event_id)

    def all(self) -> list[Event]:
        """Return every event, visible or not."""
        with self._lock:
            return list(self._known.values())

    def count(self, since: datetime | None, until: datetime | None) -> Counter[str]:
        """Count the ids of the events that happened from `since` to `until`, both inclusive."""
        low = micros(since) if since else 0
        high = micros(until) if until else None
        return Counter(
            event.id for event in self.all() if low <= event.at and (high is None or event.at <= high)
        )

    def complete(self) -> datetime:
        """Return the time from which on every event is visible."""
        return moment(max((event.visible for event in self.all()), default=0))

    def _reveal(self) -> None:
        """Move what has become visible into place: a backlog in one sort, newcomers one by one."""
        now = micros(self._clock.now())
        due: list[Event] = []
        while self._hidden and self._hidden[-1].visible <= now:
            due.append(self._hidden.pop())
        if len(due) > len(self._events) // 100:
            self._events = sorted([*self._events, *due], key=self._order)
            self._keys = [self._order(event) for event in self._events]
            return
        for event in due:
            key = self._order(event)
            self._events.insert(bisect_left(self._keys, key), event)
            insort(self._keys, key)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a feed is filled: `events` in all, of which a burst within one second and some that come late.

    Late events happen in the last two minutes before `end` and become visible up to `lateness` after
    others of their time. An `end` in the future makes the feed grow while it is read.
    """

    events: int
    start: datetime
    end: datetime
    burst: int = 0
    late: int = 0
    delay: timedelta = timedelta(0)
    lateness: timedelta = timedelta(seconds=60)
    precision: int = 1
    """What the vendor rounds times down to, in microseconds."""

    def __post_init__(self) -> None:
        if min(self.events, self.burst, self.late) < 0 or self.burst + self.late > self.events:
            raise UsageError(
                f"{self.burst} events in a burst and {self.late} late ones do not fit into {self.events}.",
                hint="The burst and the late events are part of the total.",
            )
        if self.end - self.start < timedelta(seconds=2):
            raise UsageError("Events need at least two seconds between their start and their end.")

    def times(self, random: Random) -> list[tuple[int, int]]:
        """Return (at, visible) of each event, in the order in which they happen."""
        start, end = -(-micros(self.start) // self.precision) * self.precision, micros(self.end)
        delay = self.delay // timedelta(microseconds=1)
        plain = self._plain(random, start, end)
        burst = self._burst(random, start, end)
        pairs = [(at, at + delay) for at in (self._round(at) for at in [*plain, *burst])]
        lateness = self.lateness // timedelta(microseconds=1)
        late_from = max(start, end - LATE_SPAN // timedelta(microseconds=1))
        for _ in range(self.late):
            at = self._round(random.randint(late_from, end))
            pairs.append((at, at + delay + random.randint(1, lateness)))
        return sorted(pairs)

    def _plain(self, random: Random, start: int, end: int) -> list[int]:
        times = [random.randint(start, end) for _ in range(self.events - self.burst - self.late)]
        times[1::25] = times[0:-1:25]  # every now and then two events share their very moment
        return times

    def _burst(self, random: Random, start: int, end: int) -> list[int]:
        second = (start + end) // 2 // SECOND * SECOND
        tie = second + random.randrange(SECOND // MILLISECOND) * MILLISECOND
        half = self.burst // 2
        return [tie + random.randrange(MILLISECOND) for _ in range(half)] + [
            second + random.randrange(SECOND) for _ in range(self.burst - half)
        ]

    def _round(self, at: int) -> int:
        return at - at % self.precision

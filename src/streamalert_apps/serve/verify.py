"""Verifying: list a span of time again at the service, beside the app's runs, and compare it with the record.

The record is read before the service is asked, so that only what may be missing need be kept, and again
after, so that what runs have put on record meanwhile is not taken for missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from streamalert_apps.errors import AlreadyRunning, UsageError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import inbox, journal, ledger, record
from streamalert_apps.runtime.encode import as_bytes
from streamalert_apps.runtime.head import Head
from streamalert_apps.runtime.inbox import Judged
from streamalert_apps.sdk.app import App, Credentials, NoMemory
from streamalert_apps.sdk.catalogue import Catalogue
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.sdk.feed.reader import UNDECLARED_LAG
from streamalert_apps.sdk.http import Api
from streamalert_apps.serve import asking, estimate
from streamalert_apps.serve.estimate import Estimate
from streamalert_apps.serve.holding import holding
from streamalert_apps.serve.turn import LONGEST_WAIT_SECONDS, Place

_ENDS: Final = "A span is complete once nothing in it can come late any more; verify an earlier one."


@dataclass(frozen=True, slots=True)
class Missing:
    """An event that the service lists and the record lacks. It came `least` to `most` seconds late."""

    id: str
    at: datetime
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour that the journal does not hold any more, in which the service lists more than was recorded."""

    begins: datetime
    listed: int
    recorded: int


@dataclass(slots=True)
class Verified:
    """What was compared: by ids from `whole_from` on, by the hour before."""

    since: datetime
    until: datetime
    whole_from: datetime
    estimate: Estimate
    requests: int = 0
    listed: int = 0
    recorded: int = 0
    missing: list[Missing] = field(default_factory=list)
    hours: list[Hour] = field(default_factory=list)
    repaired: int = 0
    soon: bool = True
    """Whether the next run will look into the inbox; else it does so within a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Asker:
    """An app that is asked beside its runs: its type with the lag of conf/, its record, a clock."""

    kind: type[App]
    credentials: Callable[[], Credentials]
    place: Place
    clock: Clock
    simulator: str = ""

    @contextmanager
    def app(self) -> Iterator[App]:
        """Yield the app, with half of the service's limit."""
        pace = asking.Share(self.kind.rate, self.clock)
        deadline = Deadline(lambda: LONGEST_WAIT_SECONDS)
        api = Api(clock=self.clock, deadline=deadline, pace=pace, simulator=self.simulator)
        try:
            with asking.shared(pace, self.place.store, self.clock):
                yield self.kind(self.credentials(), api)
        finally:
            api.close()

    def head(self) -> tuple[Head, datetime]:
        """Return the app's head and the store's time; raise UsageError where it has no record."""
        there = self.place.store.read(heads.NAME)
        if there.version is None:
            raise UsageError("There is no record of this app yet.", hint="`sa-apps run` collects.")
        return heads.parse(there.body)[0], there.now


def verify(
    asker: Asker,
    since: datetime,
    until: datetime,
    *,
    repair: bool = False,
    tell: Callable[[Estimate], None] = lambda _: None,
) -> Verified:
    """Compare a span with the record. `tell` hears what it takes after the first request.

    With `repair`, what is missing is left in the inbox, for the next run. Raises UsageError where
    there is nothing to compare.
    """
    head, began = asker.head()
    with asker.app() as app:
        since, until = _comparable(app, record.of(asker.place.store, head), since, until)
        return _Verifier(asker, app, head, began, since, until, tell).verify(repair=repair)


def _comparable(
    app: App, records: Sequence[record.Record], since: datetime, until: datetime
) -> tuple[datetime, datetime]:
    """Return the part of a span that can be compared: after the record began, and before what may be late."""
    head = records[0].head
    settled = app.settled(head.checkpoint) if head.checkpoint else None
    if settled is None:
        raise UsageError("It is not known yet up to when the record is complete.", hint=_ENDS)
    begins = datetime.fromtimestamp(record.begins(records), UTC)
    since, until = max(since, begins), min(until, settled)
    if since >= until:
        raise UsageError(
            f"There is nothing to compare yet: the record is complete from {begins:%Y-%m-%d %H:%M:%S} "
            f"to {settled:%Y-%m-%d %H:%M:%S} UTC.",
            hint=_ENDS,
        )
    return since, until


@dataclass(slots=True)
class _Verifier:
    asker: Asker
    app: App
    head: Head
    began: datetime
    since: datetime
    until: datetime
    tell: Callable[[Estimate], None]
    listed: dict[int, float] = field(default_factory=dict)
    events: dict[int, bytes] = field(default_factory=dict)  # those that may be missing

    def verify(self, *, repair: bool) -> Verified:
        """Compare, and repair where that is wanted."""
        store, head = self.asker.place.store, self.head
        records = record.of(store, head)
        whole_from = max(head.expired, self.since.timestamp())
        marks = [
            (int(mark.id, 16), mark.at)
            for mark in record.marks(records, record.written_since(whole_from), lambda: None)
        ]
        known = record.Ids(number for number, _ in marks)
        hours = record.hours(records)
        density = estimate.of_hours(hours)
        if isinstance(self.app, Catalogue):  # whose rows are files, which have a time each
            files = sorted({at for _, at in marks})
            density = lambda begin, end: sum(begin <= at < end for at in files)  # noqa: E731
        reckoned = self._list(known, whole_from, density)
        after, now = self.asker.head()
        settled = self.app.settled(after.checkpoint) if after.checkpoint else None
        if after.birth != head.birth or settled is None:
            raise UsageError("The app's record was started again meanwhile.", hint="Verify again.")
        judged = Judged(after.birth, after.sequence, now.timestamp())
        before = Judged(head.birth, head.sequence, self.began.timestamp())
        records = record.of(store, after)
        since_then = {int(mark.id, 16) for mark in record.marks(records, before.precedes, lambda: None)}
        end = min(self.until, settled).timestamp()
        found = Verified(
            self.since,
            min(self.until, settled),
            datetime.fromtimestamp(whole_from, UTC),
            reckoned,
            self.app.api.requests,
            sum(time < end for time in self.listed.values()),
            self._recorded(marks, hours, whole_from, end),
        )
        missing = [
            number
            for number in self.events
            if number not in since_then and self.listed[number] < end and not self._is_purged(after, number)
        ]
        found.missing = self._described(missing, now)
        found.hours = self._differing(hours, after, whole_from, end)
        if repair and missing:
            self._leave(judged, missing, now)
            found.repaired = len(missing)
            found.soon = announce(self.asker.place)
        return found

    def _list(self, known: record.Ids, whole_from: float, density: estimate.Density) -> Estimate:
        """List the span; keep the events that are not known."""
        app, store, clock = self.app, self.asker.place.store, self.asker.clock
        begin, end = self.since.timestamp(), self.until.timestamp()
        reckoned: Estimate | None = None
        memory = NoMemory(bytes.fromhex(self.head.key))
        for page in app.list_span(app.span(self.since, self.until), memory):
            if reckoned is None and app.api.requests:
                rows = max(len(page.logs) + page.repeats, estimate.fullest(self.head.checkpoint))
                reckoned = estimate.of_listing(app, self.since, self.until, density, rows)
                self.tell(reckoned)
            for event, identity, time in zip(as_bytes(page.logs), page.ids, page.times, strict=True):
                number = int.from_bytes(identity, "big")
                if begin <= time < end:
                    self.listed[number] = time
                    if time >= whole_from and number not in known:
                        self.events[number] = event
            if app.rate:
                asking.keep_to(app.api.pace, store, clock)
        return reckoned or Estimate(0, 0, 0.0)

    def _recorded(
        self, marks: list[tuple[int, float]], hours: ledger.Hours, whole_from: float, end: float
    ) -> int:
        """Return how many events of the span are on record: by the journal, and by the ledger before that."""
        by_ids = len({number for number, at in marks if whole_from <= at < end})
        earlier = estimate.of_hours(hours)(self.since.timestamp(), min(whole_from, end))
        return by_ids + round(earlier)

    def _is_purged(self, head: Head, number: int) -> bool:
        time = self.listed[number]
        return any(since <= time < until for since, until in head.purged)

    def _described(self, missing: list[int], now: datetime) -> list[Missing]:
        lag = (self.app.lag or UNDECLARED_LAG).total_seconds()
        found = []
        for number in sorted(missing, key=self.listed.__getitem__):
            at = datetime.fromtimestamp(self.listed[number], UTC)
            most = (now - at).total_seconds()
            found.append(Missing(f"{number:016x}", at, min(lag, most), most))
        return found

    def _differing(self, hours: ledger.Hours, head: Head, whole_from: float, end: float) -> list[Hour]:
        """Return the hours before the journal begins in which more is listed than was recorded."""
        first = ledger.next_hour(self.since.timestamp())
        last = ledger.next_hour(min(whole_from, end))
        counts = dict.fromkeys(range(first, last), 0)
        for time in self.listed.values():
            hour = int(time // ledger.HOUR)
            if hour in counts:
                counts[hour] += 1
        return [
            Hour(datetime.fromtimestamp(hour * ledger.HOUR, UTC), listed, recorded)
            for hour, listed in counts.items()
            if listed > (recorded := hours.get(hour, ledger.Count()).events)
            and (hour + 1) * ledger.HOUR <= end
            and not any(
                since < (hour + 1) * ledger.HOUR and hour * ledger.HOUR < until
                for since, until in head.purged
            )
        ]

    def _leave(self, judged: Judged, missing: list[int], now: datetime) -> None:
        ids = [number.to_bytes(8, "big") for number in missing]
        events = journal.one_line_each([self.events[number] for number in missing])
        times = [self.listed[number] for number in missing]
        inbox.leave(
            self.asker.place.store, judged, journal.Columns(events, ids, times, round(now.timestamp(), 3))
        )


def announce(place: Place) -> bool:
    """Have the head say that there is something in the inbox; tell whether it does: not during a run."""
    with suppress(AlreadyRunning), holding(place) as held:
        held.head.inbox = 0.0
        return True
    return False

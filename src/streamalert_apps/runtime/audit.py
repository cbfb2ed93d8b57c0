"""The daily audit: list again what is long collected, and put on record what came later than the lag.

It goes from hour to hour, or over several at once where little happens. Where the ledger tells which events
of those that the service lists are missing, the journal need not be read. Where the service allows few
requests, it lists at once what one of them brings, and there is no audit of a day that takes more than a
tenth of them.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from streamalert_apps.errors import AlreadyRunning, AppError, OutOfTime, RateLimited
from streamalert_apps.runtime import journal, ledger, record
from streamalert_apps.runtime.encode import as_bytes
from streamalert_apps.runtime.head import Audit, HeldHead
from streamalert_apps.runtime.store import Store
from streamalert_apps.sdk.app import App, NoMemory

LOGGER = logging.getLogger(__name__)

EVERY_SECONDS: Final = 86_400.0
SPAN_SECONDS: Final = 36 * 3_600.0  # what is up to twelve hours late is found by the next one
EVENTS: Final = 20_000  # of hours that are listed at once
FEW: Final = 5_000  # of a span whose events are kept at hand while it is compared
PIECE_SECONDS: Final = 10.0  # without them, a listing that has to wait for its turn is not begun
WAITING_SECONDS: Final = 60.0  # of a run, under a tight limit: looks for what is new must not wait for long
SHARE: Final = 10  # one request of so many that a tight limit allows in a day
MOST_TRIES: Final = 3
HISTORY: Final = 14


@dataclass(slots=True)
class Auditor:
    """What an audit needs of a run. `take`: puts events on record; `left`: seconds for work."""

    app: App
    held: HeldHead
    store: Store
    take: Callable[[journal.Columns], None]
    left: Callable[[], float]
    journal_days: float
    records: list[record.Record] = field(init=False)
    hours: ledger.Hours = field(init=False)
    begun: datetime = field(init=False)  # in this run
    can_be_less: bool = False  # what is being listed at once
    known: record.Ids | None = None  # read once a run, from the first span on in which something is missing

    def work(self, settled: datetime | None) -> None:
        """Do what is due and what there is time for.

        `settled`: before it, all is on record that did not come later than the lag.
        """
        state = self.held.head.audit
        if settled is None:
            state.off = self._why_not()
            return
        if not self._is_due(state, settled.timestamp()):
            return
        self.records = record.of(self.store, self.held.head)
        self.hours = record.hours(self.records)
        whole = ledger.next_hour(self.held.head.expired) * ledger.HOUR  # runs may have stopped for long
        kept = min(whole, state.until)
        state.skipped += max(0.0, kept - state.cursor)
        begins = ledger.next_hour(record.begins(self.records)) * ledger.HOUR
        state.cursor = max(state.cursor, kept, begins)
        self.begun = self.held.now()
        while state.cursor < state.until and self.left() > 0:
            if self._has_no_time(state) or self._is_too_dear(state):
                return
            top, asked = self._top(state), self.app.api.requests
            self.can_be_less = self.app.api.pace.is_tight and top - state.cursor > ledger.HOUR
            try:
                self._compare(state, state.cursor, top)
                state.batch = self._learned(state, top, self.app.api.requests - asked)
            except AlreadyRunning:
                raise
            except AppError as error:
                LOGGER.info("the audit stops: %s", error.message)
                if isinstance(error, OutOfTime | RateLimited) and self._asks_for_less(state, top):
                    return
                state.tries += 1
                if state.tries < MOST_TRIES:
                    return
                state.skipped += top - state.cursor
            state.cursor, state.tries = top, 0
        if state.cursor >= state.until:
            self._end(state)

    def _is_due(self, state: Audit, settled: float) -> bool:
        """Tell whether an audit is under way, or one begins now."""
        head, now = self.held.head, self.held.now().timestamp()
        if state.cursor:
            return True
        state.at = state.at if 0 < state.at <= now else now
        if now - state.at < EVERY_SECONDS:
            return False
        state.off = self._why_not()
        if state.off:
            return False
        since = max(head.begins, head.expired, settled - SPAN_SECONDS)
        since, until = ledger.next_hour(since) * ledger.HOUR, settled // ledger.HOUR * ledger.HOUR
        if since >= until:
            return False
        state.cursor, state.until, state.found, state.latest, state.skipped = since, until, 0, 0.0, 0.0
        return True

    def _why_not(self) -> str:
        """Return why there are no audits of this app; empty where there are."""
        if not self.journal_days:
            return "the journal is not kept (journal_days is 0)"
        if type(self.app).span is App.span:
            return "the type's events can't be listed again"
        return ""

    def _has_no_time(self, state: Audit) -> bool:
        """Tell whether the next request has to wait for longer than this run lasts; say so if all runs do."""
        pace = self.app.api.pace
        if pace.is_tight and self._seconds() > WAITING_SECONDS:
            return True
        if pace.wait() + (PIECE_SECONDS if pace.is_tight else 0.0) < self.left():
            state.off = ""
            return False
        if self.held.now().timestamp() - state.at > 2 * EVERY_SECONDS:
            state.off = "runs end before the service may be asked again; a longer `timeout` helps"
        return True

    def _seconds(self) -> float:
        return (self.held.now() - self.begun).total_seconds()

    def _is_too_dear(self, state: Audit) -> bool:
        """Tell whether what is left takes too many of few requests; if so, leave it until tomorrow."""
        rate = self.app.rate
        if rate is None or not self.app.api.pace.is_tight:
            return False
        needed = -(-self._total(state.cursor, state.until).events // state.batch)
        allowed = EVERY_SECONDS / rate.seconds * rate.requests
        if needed <= allowed / SHARE:
            return False
        state.off = (
            f"it would take about {needed:,} requests a day, and the service allows {rate.requests} in "
            f"{rate.seconds:.0f} s"
        )
        state.skipped, state.until = state.skipped + state.until - state.cursor, state.cursor
        state.batch = Audit().batch  # tomorrow may show that one request brings more
        self._end(state)
        return True

    def _asks_for_less(self, state: Audit, top: float) -> bool:
        """Tell whether less can be listed at once than up to `top`, under a tight limit; note how much."""
        if not self.can_be_less:
            return False
        state.batch = max(1, min(state.batch, self._total(state.cursor, top).events) // 4)
        return True

    def _learned(self, state: Audit, top: float, requests: int) -> int:
        """Return how many events to list at once under a tight limit, after a listing up to `top`."""
        if requests <= 1:
            return min(2 * state.batch, EVENTS)
        return max(1, min(state.batch, self._total(state.cursor, top).events // requests))

    def _total(self, since: float, until: float) -> ledger.Count:
        """Return what is on record of a span of whole hours."""
        hours = range(int(since // ledger.HOUR), int(until // ledger.HOUR))
        return sum((self.hours.get(hour, ledger.Count()) for hour in hours), ledger.Count())

    def _top(self, state: Audit) -> float:
        """Return up to when to list at once: an hour, or some where these are few events."""
        most = state.batch if self.app.api.pace.is_tight else EVENTS
        top, events = state.cursor, 0
        while top < state.until:
            events += self.hours.get(int(top // ledger.HOUR), ledger.Count()).events
            if events > most and top > state.cursor:
                break
            top += ledger.HOUR
        return top

    def _compare(self, state: Audit, since: float, until: float) -> None:
        """List a span and compare; put on record what is missing."""
        total = self._total(since, until)
        rows = list(self._listed(since, until)) if total.events <= FEW else None
        listed = {
            int.from_bytes(identity, "big"): time
            for _, identity, time in (self._listed(since, until) if rows is None else rows)
        }
        missing = self._missing(listed, since, until)
        missing -= self._purged(listed, missing)
        if not missing:
            return
        taken: dict[int, tuple[bytes, bytes, float]] = {}
        for row, identity, time in self._listed(since, until) if rows is None else rows:
            number = int.from_bytes(identity, "big")
            if number in missing:
                taken[number] = (row, identity, time)
        events, ids, times = map(list, zip(*taken.values(), strict=True))
        now = self.held.now().timestamp()
        LOGGER.warning("%d events came later than the lag; they are put on record", len(events))
        self.take(journal.Columns(journal.one_line_each(events), ids, times, now))
        state.found += len(events)
        state.latest = max(state.latest, now - min(times))

    def _missing(self, listed: dict[int, float], since: float, until: float) -> set[int]:
        """Return what the record lacks of a span: by the ledger where that tells, else by the journal."""
        head = self.held.head
        by_hour: defaultdict[int, list[int]] = defaultdict(list)
        for number, time in listed.items():
            by_hour[int(time // ledger.HOUR)].append(number)
        missing: set[int] = set()
        unclear = []
        for hour in range(int(since // ledger.HOUR), int(until // ledger.HOUR)):
            lacking = ledger.lacking(self.hours.get(hour, ledger.Count()), by_hour[hour])
            if lacking is None and hour * ledger.HOUR < head.expired + record.CLOCKS_DIFFER:
                head.audit.skipped += ledger.HOUR  # commits that held what happened then may be deleted
            elif lacking is None:
                unclear.append(hour)
            else:
                missing |= lacking
        if unclear:
            known = self.known or record.ids(self.records, unclear[0] * ledger.HOUR, self._live)
            self.known = known
            missing.update(number for hour in unclear for number in by_hour[hour] if number not in known)
        return missing

    def _purged(self, listed: dict[int, float], missing: set[int]) -> set[int]:
        spans = self.held.head.purged
        return {
            number for number in missing if any(since <= listed[number] < until for since, until in spans)
        }

    def _listed(self, since: float, until: float) -> Iterator[tuple[bytes, bytes, float]]:
        """Yield what the service lists of a span: the events, their ids and times."""
        checkpoint = self.app.span(datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC))
        for page in self.app.list_span(checkpoint, NoMemory(bytes.fromhex(self.held.head.key))):
            self._live()
            for row in zip(as_bytes(page.logs), page.ids, page.times, strict=True):
                if since <= row[2] < until:
                    yield row

    def _live(self) -> None:
        self.held.renew()
        if self.left() <= 0 or (self.can_be_less and self._seconds() > 2 * WAITING_SECONDS):
            raise OutOfTime("There is no time left; the next run continues.")

    def _end(self, state: Audit) -> None:
        state.cursor, state.at = 0.0, self.held.now().timestamp()
        if state.found:
            state.history = [*state.history, (state.at, state.found, state.latest)][-HISTORY:]

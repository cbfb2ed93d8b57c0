"""The daily audit: list again what is long collected, and put on record what came later than the lag.

It goes from hour to hour, or over several at once where little happens. Where the ledger has the same
events as the service lists, the journal need not be read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from streamalert_apps.errors import AlreadyRunning, AppError, OutOfTime
from streamalert_apps.runtime import journal, ledger, record
from streamalert_apps.runtime.encode import as_bytes
from streamalert_apps.runtime.head import Audit, HeldHead
from streamalert_apps.runtime.store import Store
from streamalert_apps.sdk.app import App, NoMemory

LOGGER = logging.getLogger(__name__)

EVERY_SECONDS: Final = 86_400.0
SPAN_SECONDS: Final = 36 * 3_600.0  # what is up to twelve hours late is found by the next one
EVENTS: Final = 20_000  # of hours that are listed at once
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
        state.cursor = max(state.cursor, -(-record.begins(self.records) // ledger.HOUR) * ledger.HOUR)
        while state.cursor < state.until and self.left() > 0:
            top = self._top(state)
            try:
                self._compare(state, state.cursor, top)
            except AlreadyRunning:
                raise
            except AppError as error:
                LOGGER.info("the audit stops: %s", error.message)
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
        since, until = -(-since // ledger.HOUR) * ledger.HOUR, settled // ledger.HOUR * ledger.HOUR
        if since >= until:
            return False
        state.cursor, state.until, state.found, state.latest, state.skipped = since, until, 0, 0.0, 0.0
        return True

    def _why_not(self) -> str:
        """Return why there are no audits of this app; empty where there are."""
        rate = self.app.rate
        if rate and self.app.api.pace.is_tight:
            return f"the service allows {rate.requests} requests in {rate.seconds:.0f} s, too few for it"
        if not self.journal_days:
            return "the journal is not kept (journal_days is 0)"
        if type(self.app).span is App.span:
            return "the type's events can't be listed again"
        return ""

    def _top(self, state: Audit) -> float:
        """Return up to when to list at once: an hour, or some where these are few events."""
        top, events = state.cursor, 0
        while top < state.until:
            events += self.hours.get(int(top // ledger.HOUR), ledger.Count()).events
            if events > EVENTS and top > state.cursor:
                break
            top += ledger.HOUR
        return top

    def _compare(self, state: Audit, since: float, until: float) -> None:
        """List a span and compare; put on record what is missing."""
        listed = {int.from_bytes(identity, "big"): time for _, identity, time in self._listed(since, until)}
        total = ledger.Count()
        for hour in range(int(since // ledger.HOUR), int(until // ledger.HOUR)):
            total += self.hours.get(hour, ledger.Count())
        if total == ledger.Count(len(listed), sum(listed) & ((1 << 64) - 1)):
            return
        known = record.ids(self.records, since, self._live)
        missing = {number for number in listed if number not in known}
        missing -= self._purged(listed, missing)
        if not missing:
            return
        taken: dict[int, tuple[bytes, bytes, float]] = {}
        for row, identity, time in self._listed(since, until):
            number = int.from_bytes(identity, "big")
            if number in missing:
                taken[number] = (row, identity, time)
        events, ids, times = map(list, zip(*taken.values(), strict=True))
        now = self.held.now().timestamp()
        LOGGER.warning("%d events came later than the lag; they are put on record", len(events))
        self.take(journal.Columns(journal.one_line_each(events), ids, times, now))
        state.found += len(events)
        state.latest = max(state.latest, now - min(times))

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
        if self.left() <= 0:
            raise OutOfTime("There is no time left; the next run continues.")

    def _end(self, state: Audit) -> None:
        state.cursor, state.at = 0.0, self.held.now().timestamp()
        if state.found:
            state.history = [*state.history, (state.at, state.found, state.latest)][-HISTORY:]

"""Looks: what is new, in every run and first. They make events come soon, and never move the floor.

A look lives one run. One that does not come to its end leaves the rest to the sweep.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from streamalert_apps.errors import OutOfTime, RateLimited, RequestRefused, TransientError
from streamalert_apps.sdk.app import Json, Page
from streamalert_apps.sdk.events import Fetched
from streamalert_apps.sdk.feed.listing import Listing
from streamalert_apps.sdk.feed.reader import Reader, is_below, moment_of

LOGGER = logging.getLogger(__name__)

AGAIN: Final = timedelta(minutes=1)  # within a run that goes on and on
SHORTEST_OVERLAP: Final = timedelta(minutes=2)
LATE_SHARE: Final = 0.95  # of late events that an overlap shall find
FULL: Final = 0.85  # of its last page, as reckoned: a few rows more would be another request
FARTHEST: Final = timedelta(hours=1)  # that a look goes back, or the lag; what is older is a sweep's


@dataclass(slots=True)
class _Span:
    """What a look asks for. `cut`: it left out a part of what it was to list."""

    since: datetime
    until: datetime
    listing: Listing
    token: Json = None
    cut: bool = False
    begins: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.begins = self.since


class Looks:
    """The looks of a run."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._began: datetime | None = None
        self._pause = AGAIN

    def is_due(self, *, sweeping: bool) -> bool:
        """Tell whether there was none in this run, or, while it goes on for a sweep, not for long."""
        return self._began is None or (sweeping and self._reader.now() - self._began >= self._pause)

    def pages(self, *, sweeping: bool) -> Iterator[Page]:
        """Yield the pages of a look. Beside a sweep it has half of what is left of the run."""
        began = self._reader.now()
        yield from self._pages(sweeping=sweeping)
        self._pause = max(AGAIN, 2 * (self._reader.now() - began))  # where requests are few a look takes long

    def _pages(self, *, sweeping: bool) -> Iterator[Page]:
        reader, place = self._reader, self._reader.place
        reader.api.wait_turn()
        now = self._began = reader.now()
        looked, covered, hole = place.looked, place.covered, place.hole
        span = self._span(now)
        time_for_the_sweep, most = self._allowance(sweeping=sweeping)
        new = 0
        while fetched := self._fetch(span):
            place.turns += 1
            found = reader.read(fetched, span.listing, looked, covered)
            new += len(found.rows)
            span.token = fetched.next
            done = fetched.next is None or is_below(found, span.listing, span.begins - reader.feed.precision)
            done = done or fetched.short
            if reader.feed.whole and not found.rows:
                done = True  # new rows stand before old ones, as far as a look is concerned
            place.looked, place.cut = now, not done or span.cut
            place.hole = hole or place.cut
            if place.cut:
                place.covered = now
            else:
                place.covered = covered if covered and span.begins <= (looked or covered) else span.begins
                self._note_rate(now, looked, new)
            if not done:
                place.size = max(place.size, len(fetched.rows))
            yield reader.page(found, more=True)
            if done or span.listing.pages >= most or reader.api.left() <= time_for_the_sweep:
                return

    def _span(self, now: datetime) -> _Span:
        """Return what to look at: from a little before the last look on.

        One that was cut short had begun with what is new, or it went on too long: it is not gone on with.
        """
        place, feed = self._reader.place, self._reader.feed
        if place.newest is None:
            since = now - self._reader.lag
        else:
            last = place.looked or place.newest
            since = last if place.cut else min(last, place.newest)
            since -= self._overlap(now - since)
        wanted = max(place.floor, since)
        since = max(wanted, now - max(self._reader.lag, FARTHEST), self._reader.kept_since() or wanted)
        span = _Span(since, max(now, since) + feed.precision, Listing(feed.order))
        was_there = place.looked is not None and place.looked >= since  # a feed may be idle for long
        span.cut = since > wanted and not was_there
        return span

    def _overlap(self, span: timedelta) -> timedelta:
        """Return how far a look goes back: to find most of what is late, at a bounded cost."""
        reader, place = self._reader, self._reader.place
        late = timedelta(seconds=place.late.quantile(LATE_SHARE))
        overlap = min(max(late, SHORTEST_OVERLAP), reader.lag)
        if not (place.rate and place.size):
            return overlap
        new = place.rate * span.total_seconds()
        pages: float = 2 * max(1, -(-int(new) // place.size)) + 1
        if (affordable := reader.api.affordable()) < float("inf"):
            pages = min(pages, max(1.0, affordable // 2))
        spare = max(0.0, (FULL * pages * place.size - new) / place.rate)  # years, where little happens
        return min(overlap, timedelta(seconds=min(spare, overlap.total_seconds())))

    def _allowance(self, *, sweeping: bool) -> tuple[float, float]:
        """Return how much time is to be left after a look, and its requests: half of both, beside a sweep."""
        left = self._reader.api.left()
        if not sweeping or left == float("inf"):
            return float("-inf"), float("inf")
        return left / 2, max(1.0, self._reader.api.affordable() / 2)

    def _fetch(self, span: _Span) -> Fetched | None:
        """Return the next page; None where the look has to end without it."""
        while True:
            try:
                return self._reader.fetch(span.since, span.until, span.token)
            except (RateLimited, OutOfTime):
                raise
            except (RequestRefused, TransientError) as error:
                if span.token is None:
                    raise
                LOGGER.warning("a page of a look could not be had: %s", error.message)
                if isinstance(error, TransientError) or not self._begin_again(span):
                    return None

    def _begin_again(self, span: _Span) -> bool:
        """Go on without the token that was refused; return False where that brings the same again."""
        listing, unit = span.listing, self._reader.feed.precision
        asked = span.since, span.until
        if listing.order and listing.last is not None:
            reached = moment_of(min(listing.last, span.until.timestamp()))
            if listing.order > 0:
                span.since = max(span.since, reached)
            else:
                span.until = min(span.until, reached + 2 * unit)
        else:
            span.since += (span.until - span.since) / 2
            span.cut = True
        span.token, span.listing = None, Listing(listing.order)
        return asked != (span.since, span.until) and span.until - span.since > unit

    def _note_rate(self, now: datetime, before: datetime | None, new: int) -> None:
        place = self._reader.place
        seconds = (now - before).total_seconds() if before else 0.0
        if seconds > 0:
            rate = new / seconds
            place.rate = rate if not place.rate else 0.7 * place.rate + 0.3 * rate

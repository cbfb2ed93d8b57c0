"""Sweeps: from the floor up, window by window, over many runs. They make the record complete."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from streamalert_apps.errors import BadResponse, RequestRefused
from streamalert_apps.sdk.app import MOST_GAPS, Page
from streamalert_apps.sdk.events import Fetched
from streamalert_apps.sdk.feed.listing import Listing
from streamalert_apps.sdk.feed.place import WIDEST, Sweep, Window, rounded
from streamalert_apps.sdk.feed.reader import Found, Reader, is_below, moment_of

LOGGER = logging.getLogger(__name__)

SOONEST: Final = timedelta(minutes=1)  # that a sweep may take, whatever the lag
BEHIND: Final = timedelta(hours=1)  # longer than that, and twice the lag, one takes that falls behind
IDLE: Final = timedelta(days=1)  # the floor of a feed without events follows by that much
MOST_ROWS: Final = 50_000  # of a window, all of which are remembered until it is done; one with more is cut
TELLING: Final = 0.1  # a share of them that tells, in an ordered list, how many there will be
EASY_PAGES: Final = 10  # of a window that may be wider
MOST_TRIES: Final = 3
WORTH_WAITING_SECONDS: Final = 20.0  # for a request of a sweep, rather than to end the run
MOST_COUNTED: Final = 1_000  # rows without id whose counts a checkpoint keeps


class Sweeps:
    """The sweeps of a run."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._feed = reader.feed
        self._place = reader.place
        self._listing = Listing()  # of the window under way
        self._fresh = True  # no page was asked for in this run
        self._has_begun = False  # one in this run; where it takes long the next one is due at its end

    def is_due(self) -> bool:
        """Tell whether one is under way, or the last one is long ago, or a look has left something out."""
        place = self._place
        if place.sweep or self._has_begun:
            return place.sweep is not None
        if place.swept is None or place.hole:
            return True
        since = self._reader.now() - place.swept
        least = max(self._reader.lag / 4, 2 * self._feed.precision)
        if self._is_tight() and place.newest and not self._has_news(place.newest):
            return not self._is_settled(place.newest)
        return since >= least or since < -SOONEST

    def _is_tight(self) -> bool:
        return self._reader.api.pace.is_tight

    def _has_news(self, newest: datetime) -> bool:
        """Tell whether the floor could follow by a worthwhile bit."""
        lag = self._reader.lag
        return newest - lag - self._place.floor >= lag / 4

    def _is_settled(self, newest: datetime) -> bool:
        """Tell whether nothing can show up any more before the newest event, or it is too soon to ask."""
        place, settles = self._place, newest + self._reader.lag
        if self._reader.now() < settles:
            return True
        return bool(place.swept and place.swept >= settles and place.listed and place.listed >= newest)

    def is_old(self) -> bool:
        """Tell whether the one under way has taken longer than the lag."""
        sweep = self._place.sweep
        return sweep is not None and self._reader.now() - sweep.began > max(self._reader.lag, SOONEST)

    def can_be_left(self) -> bool:
        """Tell whether its next request would have to wait long, and need not be made in this run."""
        if not self._is_tight() or self.is_old() or self._place.hole:
            return False
        return self._place.swept is not None and self._reader.api.pace.wait() > WORTH_WAITING_SECONDS

    def is_first(self) -> bool:
        """Tell whether the one under way goes before any look."""
        return self._place.sweep is not None and self._place.sweep.first

    def page(self) -> Iterator[Page]:
        """Ask for one page; yield what is new on it."""
        place, reader = self._place, self._reader
        sweep = place.sweep or self._begin()
        if sweep.window is None:
            self._open(sweep)
        elif self._fresh:
            self._resume(sweep, sweep.window)
        if self._fresh:
            self._fresh = False
            self._tell_behind()
            yield reader.page(Found(), more=True)  # should this run get nothing, the next one knows
        window = sweep.window
        assert window  # noqa: S101 (one was opened)
        try:
            fetched = reader.fetch(window.since, window.until, window.token)
        except RequestRefused as error:
            place.turns = 0
            if window.token is None:
                raise
            LOGGER.warning("a page of a sweep could not be had: %s", error.message)
            self._restart(sweep, window)
            yield reader.page(Found(), more=True)
            return
        place.turns = 0  # it had its request; one that time did not suffice for is still due
        try:
            found = reader.read(fetched, self._listing, place.looked, place.covered)
        except BadResponse:  # its pages run in a circle: the next run must not go on with this token
            self._restart(sweep, window)
            yield reader.page(Found(), more=True)
            raise
        self._advance(sweep, window, fetched, found)
        yield reader.page(found, more=True)

    def _tell_behind(self) -> None:
        sweep = self._place.sweep
        if sweep and sweep.ceiling and self._reader.now() - sweep.began > 2 * self._reader.lag + BEHIND:
            LOGGER.warning("the record is complete only up to %s, and falls behind", self._place.floor)

    def _begin(self) -> Sweep:
        """Begin a sweep; how far the floor may follow is fixed now, as events show up while it goes on."""
        place, lag = self._place, self._reader.lag
        now = self._reader.now()
        self._has_begun = True
        ceiling = None
        if place.newest is not None:
            ceiling = min(now, place.newest) - lag
        if self._reader.api.dated:
            ceiling = max(ceiling or place.floor, now - IDLE - lag)
        if ceiling is not None:
            ceiling = rounded(ceiling, self._feed.precision)
        end = now
        if (place.slow or self._is_tight()) and ceiling is not None and ceiling > place.floor:
            end = min(now, ceiling)
        place.hole = False
        place.sweep = Sweep(
            began=now,
            end=max(end, place.floor),
            cursor=place.floor,
            sure=place.floor,
            ceiling=ceiling,
        )
        return place.sweep

    def _open(self, sweep: Sweep) -> None:
        """Open the window at the cursor."""
        unit = self._feed.precision
        kept = self._reader.kept_since()
        if kept and sweep.cursor < kept:
            self._skip(sweep, min(kept, sweep.end))
        width = max(timedelta(seconds=self._place.width), 2 * unit)
        if self._feed.longest:
            width = min(width, self._feed.longest - 2 * unit)  # the bounds are a unit farther out
        top = sweep.end if self._is_whole() else min(rounded(sweep.cursor + width, unit), sweep.end)
        sweep.window = Window(top, sweep.cursor - unit, top + unit)
        self._listing = Listing(0 if sweep.unordered else self._feed.order)

    def _skip(self, sweep: Sweep, kept: datetime) -> None:
        """Go on from what the service still has; what it has no more is a gap where no sweep has been."""
        missing = max(sweep.cursor, self._place.listed or sweep.cursor)
        if missing < kept:
            LOGGER.error(
                "what happened from %s to %s can't be collected any more: the service keeps %s",
                *(missing.isoformat(), kept.isoformat(), self._feed.retention),
            )
            self._note_gap(missing, kept)
        sweep.cursor = sweep.sure = max(sweep.cursor, kept)
        self._raise_floor(sweep)

    def _resume(self, sweep: Sweep, window: Window) -> None:
        """Take up a window that an earlier run left."""
        self._listing = Listing(0 if sweep.unordered else self._feed.order)
        if window.tries >= MOST_TRIES:
            LOGGER.warning("a page of a sweep could not be had in %d runs; asking for less", window.tries)
            self._restart(sweep, window)
        elif window.met is None or (window.token is None and window.rows):
            self._restart(sweep, window)  # what it takes to go on was too much to keep
        else:
            window.tries += 1
            self._listing.met.update({bytes.fromhex(key): count for key, count in window.met.items()})
            self._listing.last = window.reached.timestamp() if window.reached else None
            self._listing.shown = window.reached is not None

    def _advance(self, sweep: Sweep, window: Window, fetched: Fetched, found: Found) -> None:
        """Note how far a page has brought the window."""
        listing = self._listing
        if listing.order != self._feed.order and not sweep.unordered:
            sweep.unordered = True
            if window.trusted or sweep.sure < sweep.cursor:
                LOGGER.warning("the sweep begins again at %s", sweep.sure.isoformat())
                sweep.cursor = sweep.sure
                self._open(sweep)
                return
        window.tries = 0
        beyond = (window.until + self._feed.precision).timestamp()
        if found.youngest is not None and found.youngest > beyond:
            self._place.boundless = True
        window.rows += len(fetched.rows)
        window.token = fetched.next
        self._reach(sweep, window)
        if fetched.next is None:
            self._close(sweep, window)
        elif self._is_past(sweep, window, found):
            window.trusted = True
            self._close(sweep, window)
        elif self._expected(sweep, window) < MOST_ROWS or not self._cut(sweep, window, found):
            many = len(listing.met) > MOST_COUNTED
            window.met = None if many else {key.hex(): count for key, count in listing.met.items()}

    def _expected(self, sweep: Sweep, window: Window) -> float:
        """Return how many rows a window will have at least, by what has been read of it."""
        shown = self._shown(sweep, window)
        if not shown or window.rows < TELLING * MOST_ROWS:
            return window.rows
        return window.rows * max(1.0, (window.top - sweep.cursor) / shown)

    def _shown(self, sweep: Sweep, window: Window) -> timedelta:
        """Return how much of a window's time an ordered list has shown."""
        if window.reached is None:
            return timedelta(0)
        ascends = self._listing.order > 0
        shown = window.reached - sweep.cursor if ascends else window.top - window.reached
        return max(shown, timedelta(0))

    def _is_whole(self) -> bool:
        """Tell whether every listing goes up to now, so that a narrow window costs as much as a wide one.

        One that begins with the oldest can end where the window does.
        """
        return self._feed.whole or (self._place.boundless and self._feed.order <= 0)

    def _is_past(self, sweep: Sweep, window: Window, found: Found) -> bool:
        """Tell whether an ordered list that has no bound goes on beyond the window."""
        listing = self._listing
        if not listing.shown:
            return False
        if listing.order > 0:
            return found.last is not None and found.last > window.until.timestamp()
        return is_below(found, listing, sweep.cursor - self._feed.precision)

    def _reach(self, sweep: Sweep, window: Window) -> None:
        """Note how far an ordered list has been read; where the order broke, that says nothing."""
        listing = self._listing
        if not listing.order:
            window.reached = None
        elif listing.last is not None and listing.shown:
            last = moment_of(min(listing.last, window.until.timestamp()))
            reached = rounded(last, self._feed.precision)
            window.reached = max(sweep.cursor, reached) if listing.order > 0 else reached

    def _cut(self, sweep: Sweep, window: Window, found: Found) -> bool:
        """Ask for less than a window that holds too much; return False where that can't be, or is of no use.

        For half of it, or for as much as would hold half of the most by what an ordered list has shown.
        """
        unit = self._feed.precision
        if self._is_whole() or window.top - sweep.cursor <= 2 * unit or found.youngest is None:
            return False
        if found.youngest < (window.since - unit).timestamp():
            return False  # the bounds that are asked for mean nothing to the service
        width = (window.top - sweep.cursor) / 2
        if shown := self._shown(sweep, window):
            width = min(width, max(shown * (MOST_ROWS / 2 / window.rows), 2 * unit))
        self._place.width = self._place.widest = width.total_seconds()
        self._open(sweep)
        return True

    def _restart(self, sweep: Sweep, window: Window) -> None:
        """Forget the window's token: go on from the last moment read, or ask for half of it.

        A moment that can't be read to its end in several tries is set aside: it must not hold up the rest.
        """
        feed, reached = self._feed, window.reached  # which is None where the order did not hold
        smallest = 2 * feed.precision
        begun = window.rows > 0 or window.token is not None
        if reached and feed.order < 0 and not self._place.boundless and self._narrow(sweep, window, reached):
            return
        moved = bool(reached and feed.order > 0 and reached > sweep.cursor)
        if reached and moved:
            sweep.cursor, sweep.tries = min(reached, window.top), 0
        span = window.top - sweep.cursor
        whole = self._is_whole()
        if span > smallest and not whole:
            self._place.width = max(smallest, span / 2).total_seconds()
            if not begun:
                self._place.widest = self._place.width  # the service fails with more
        elif begun and not moved and not whole:
            sweep.tries += 1
            if sweep.tries >= MOST_TRIES:
                self._set_aside(sweep, window)
                return
        self._open(sweep)

    def _narrow(self, sweep: Sweep, window: Window, reached: datetime) -> bool:
        """Ask anew for what a list that begins with the newest has left; return False where that is all."""
        smallest = 2 * self._feed.precision
        until = max(reached + smallest, sweep.cursor + smallest)
        if until >= window.until:
            return False
        sweep.window = Window(window.top, window.since, until, trusted=True)
        self._listing = Listing(self._feed.order)
        return True

    def _set_aside(self, sweep: Sweep, window: Window) -> None:
        LOGGER.error(
            "what happened from %s to %s does not fit one run; it is set aside",
            *(sweep.cursor.isoformat(), window.top.isoformat()),
        )
        self._note_gap(sweep.cursor, window.top)
        self._close(sweep, window)

    def _note_gap(self, since: datetime, until: datetime) -> None:
        gaps = self._place.gaps
        if gaps and gaps[-1][1] == since:
            since, gaps = gaps[-1][0], gaps[:-1]
        self._place.gaps = [*gaps, (since, until)][-MOST_GAPS:]

    def _close(self, sweep: Sweep, window: Window) -> None:
        """Go on to the next window. What was read by trust in the order counts once the order has held."""
        place = self._place
        if not window.trusted:
            sweep.sure = window.top
        sweep.cursor, sweep.window, sweep.tries = window.top, None, 0
        if self._listing.pages <= EASY_PAGES:
            place.width = min(place.width * 1.5, place.widest)
            place.widest = min(place.widest * 1.1, WIDEST)
        if sweep.cursor >= sweep.end:
            self._finish(sweep)
        self._raise_floor(sweep)

    def _finish(self, sweep: Sweep) -> None:
        place = self._place
        took = self._reader.now() - sweep.began
        if sweep.end < sweep.began - self._feed.precision:
            place.slow = took > self._reader.lag / 8
        else:
            place.slow = took > max(self._reader.lag / 4, SOONEST)
        sweep.sure = sweep.end
        place.swept, place.listed, place.sweep = sweep.began, sweep.end, None

    def _raise_floor(self, sweep: Sweep) -> None:
        if sweep.ceiling is not None:
            self._place.floor = max(self._place.floor, min(sweep.sure, sweep.ceiling))

"""The walk through a feed: looks for what is new, sweeps that leave nothing out."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from streamalert_apps.errors import OutOfTime, RateLimited, RequestRefused, TransientError
from streamalert_apps.sdk.app import Checkpoint, Json, Memory, NoMemory, Page
from streamalert_apps.sdk.events import Events, Fetched
from streamalert_apps.sdk.feed import legacy
from streamalert_apps.sdk.feed.listing import Found, Listing
from streamalert_apps.sdk.feed.place import Place, Sweep
from streamalert_apps.sdk.legacy import Inherited

LOGGER = logging.getLogger(__name__)

UNDECLARED_LAG: Final = timedelta(hours=1)
SHORTEST_OVERLAP: Final = timedelta(minutes=2)
LOOK_AGAIN: Final = timedelta(minutes=1)  # within a run that goes on and on
IDLE: Final = timedelta(days=1)  # the floor of a feed without events follows by that much
MARGIN: Final = timedelta(minutes=10)  # of retention: a listing takes time, too
MOST_ROWS: Final = 50_000  # of a window; one with more is cut, so that the memory stays small
MOST_TRIES: Final = 3
OLD_TURNS: Final = 3  # requests of looks for each of a sweep that is far behind
MOST_COUNTED: Final = 1_000  # rows without id whose counts a checkpoint keeps
LATE_SHARE: Final = 0.95
KEPT_TIMES: Final = 1_000
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


class Feed(Events):
    """An app type whose service lists events by time. Subclass OldestFirst, NewestFirst or AnyOrder."""

    precision: ClassVar[timedelta] = timedelta(seconds=1)
    """The unit in which the service compares times."""
    whole: ClassVar[bool] = False
    """Whether a listing is of all that the service has, whatever is asked for."""
    fullest: int = 0
    """Rows of the fullest page that was seen: a service may cap its pages at less than it documents."""
    _order: ClassVar[int]

    @abstractmethod
    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for one page of the events from `since` to `until`; `token` is None for the first.

        A token with which the request is refused has expired; raise PageTokenExpired where that is told
        in another way.
        """

    def start(self, since: datetime) -> Checkpoint:
        """Return the checkpoint that collects from `since` on."""
        return Place(self._rounded(since)).checkpoint()

    def inherit(self, checkpoint: Checkpoint, *, halfway: bool = False) -> Inherited:
        """Return where to go on after 0.1.0."""
        return legacy.inherited(self, checkpoint, halfway=halfway)

    def export(self, checkpoint: Checkpoint, undelivered: datetime | None, ids: list[bytes]) -> Checkpoint:
        """Return the floor for 0.1.0, not above what was not delivered, and the ids delivered beyond it."""
        floor = Place.of(checkpoint).floor
        if undelivered:
            floor = min(floor, self._rounded(undelivered))
        return legacy.exported(floor, ids)

    def inherit_token(self, token: Json) -> Json:
        """Return the page token of today for one of 0.1.0."""
        return token

    def watermark(self, checkpoint: Checkpoint) -> datetime:
        """Return the time before which everything has been collected."""
        return datetime.fromisoformat(checkpoint["floor"])

    def check(self) -> None:
        """Ask for the last minute of events."""
        now = self.api.clock.now()
        self.fetch(now - timedelta(minutes=1), now, None)

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages as `walk` does, without a memory of what is on record."""
        return self.walk(checkpoint, NoMemory())

    def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        """Yield pages of new events. Each page's checkpoint is true once its events are on record."""
        yield from _Walk(self, Place.of(checkpoint), memory).pages()

    def _rounded(self, moment: datetime) -> datetime:
        return moment - (moment - _EPOCH) % self.precision


class _Walk:
    """A walk of one run."""

    def __init__(self, feed: Feed, place: Place, memory: Memory) -> None:
        self.feed = feed
        self.place = place
        self.memory = memory
        self.api = feed.api
        self.lag = UNDECLARED_LAG if feed.lag is None else feed.lag
        self.listing: Listing | None = None  # of the sweep's window
        self.looked: datetime | None = None  # in this run
        self.fresh = True  # no page of a sweep was read in this run
        feed.fullest = place.fullest
        if place.ahead:
            self.api.ahead = timedelta(seconds=place.ahead)

    def pages(self) -> Iterator[Page]:
        """Take turns: looks first, the sweep with what is left, and a quarter where it is far behind."""
        while True:
            sweep = self.place.sweep
            if sweep is None and self._sweep_is_due():
                sweep = self._begin_sweep()
            if sweep and self._sweep_is_old(sweep) and self.place.turns >= OLD_TURNS:
                yield from self._sweep_on(sweep)
            elif self._look_is_due():
                yield from self._look(sweeping=sweep is not None)
            elif sweep:
                yield from self._sweep_on(sweep)
            else:
                yield self._page(Found(), more=False)
                return

    # Looks

    def _look_is_due(self) -> bool:
        return self.looked is None or self._now() - self.looked >= LOOK_AGAIN

    def _look(self, *, sweeping: bool) -> Iterator[Page]:
        place = self.place
        now = self._now()
        self.looked = now
        before, covered = place.looked, place.covered
        since, until = self._look_begins(now), now + self.feed.precision
        listing = Listing(self.feed._order)  # noqa: SLF001
        begins, token, new = since, None, 0
        ends, most = self._allowance(sweeping=sweeping)
        while True:
            try:
                fetched = self._fetch(since, until, token)
            except (RateLimited, OutOfTime):
                raise
            except RequestRefused:
                if token is None:
                    raise
                since, until, token = self._look_again(listing, since, until)
                listing = Listing(listing.order)
                continue
            except TransientError as error:
                if token is None:
                    raise
                LOGGER.warning("a look ends early: %s", error.message)
                return
            place.turns += 1
            found = self._read(fetched, listing, before, covered)
            new += len(found.rows)
            token = fetched.next
            done = token is None or self._is_below(found, listing, begins)
            if self.feed.whole and not found.rows:
                done = True  # new rows stand before old ones, as far as a look is concerned
            place.looked = now
            place.hole = not done or since > begins
            if not place.hole:
                place.covered = covered if covered and begins <= (before or begins) else begins
                self._note_rate(now, before, new)
            else:
                place.covered = now
            if not done:
                place.size = max(place.size, len(fetched.rows))
            yield self._page(found, more=True)
            if done or listing.pages >= most or self.api.left() <= ends:
                return

    def _look_begins(self, now: datetime) -> datetime:
        place = self.place
        if place.newest is None:
            return max(place.floor, now - self.lag)
        since = min(place.looked or place.newest, place.newest)
        return max(place.floor, since - self._overlap(now - since))

    def _overlap(self, span: timedelta) -> timedelta:
        """Return how far a look goes back: to find most of what is late, at a bounded cost."""
        place = self.place
        late = timedelta(seconds=place.late.quantile(LATE_SHARE))
        overlap = min(max(late, SHORTEST_OVERLAP), self.lag)
        if not (place.rate and place.size):
            return overlap
        new = place.rate * span.total_seconds()
        pages: float = 2 * max(1, -(-int(new) // place.size)) + 1
        pages = min(pages, max(1.0, self.api.affordable() // 2))
        spare = timedelta(seconds=max(0.0, (pages * place.size - new) / place.rate))
        return min(overlap, spare)

    def _allowance(self, *, sweeping: bool) -> tuple[float, float]:
        """Return how much time is to be left after a look, and its requests: half of both, beside a sweep."""
        if not sweeping:
            return float("-inf"), float("inf")
        return self.api.left() / 2, max(1.0, -(-self.api.affordable() // 2))

    def _look_again(
        self, listing: Listing, since: datetime, until: datetime
    ) -> tuple[datetime, datetime, Json]:
        """Return where a look goes on whose token was refused."""
        LOGGER.warning("the page token of a look expired")
        if listing.order and listing.last is not None:
            reached = _moment(listing.last)
            if listing.order > 0:
                return max(since, reached), until, None
            return since, min(until, reached + 2 * self.feed.precision), None
        return since + (until - since) / 2, until, None

    def _note_rate(self, now: datetime, before: datetime | None, new: int) -> None:
        place = self.place
        seconds = (now - before).total_seconds() if before else 0.0
        if seconds > 0:
            rate = new / seconds
            place.rate = rate if not place.rate else 0.7 * place.rate + 0.3 * rate

    # Sweeps

    def _sweep_is_due(self) -> bool:
        place = self.place
        if place.swept is None or place.hole:
            return True
        since = self._now() - place.swept
        return since >= max(self.lag / 4, 2 * self.feed.precision) or since < -LOOK_AGAIN

    def _sweep_is_old(self, sweep: Sweep) -> bool:
        return self._now() - sweep.began > max(self.lag, LOOK_AGAIN)

    def _begin_sweep(self) -> Sweep:
        place = self.place
        now = self._now()
        ceiling = None
        if place.newest is not None:
            ceiling = min(now, place.newest) - self.lag
        if self.api.dated:
            ceiling = max(ceiling or place.floor, now - IDLE - self.lag)
        end = now
        if place.slow and ceiling is not None and ceiling > place.floor:
            end = min(now, ceiling)
        place.hole = False
        place.sweep = Sweep(now, max(end, place.floor), place.floor, self._floor_at(ceiling))
        self.listing = None
        return place.sweep

    def _floor_at(self, ceiling: datetime | None) -> datetime | None:
        return None if ceiling is None else self.feed._rounded(ceiling)  # noqa: SLF001

    def _sweep_on(self, sweep: Sweep) -> Iterator[Page]:
        """Read one page of a sweep."""
        place = self.place
        place.turns = 0
        if sweep.top is None:
            self._open_window(sweep)
        elif self.fresh:
            self._resume(sweep)
            yield self._page(Found(), more=True)  # should this run get nothing, the next one knows
        self.fresh = False
        assert sweep.since and sweep.until and sweep.top and self.listing  # noqa: PT018, S101 (a window is open)
        try:
            fetched = self._fetch(sweep.since, sweep.until, sweep.token)
        except RequestRefused:
            if sweep.token is None:
                raise
            LOGGER.warning("the page token of a sweep expired")
            self._restart(sweep)
            yield self._page(Found(), more=True)
            return
        listing = self.listing
        found = self._read(fetched, listing, place.looked, place.covered)
        sweep.tries = 0
        sweep.rows += len(fetched.rows)
        sweep.token = fetched.next
        self._reach(sweep, listing)
        done = (
            fetched.next is None
            or self._is_below(found, listing, sweep.cursor)
            or (listing.order > 0 and found.last is not None and found.last > sweep.until.timestamp())
        )
        if not done and sweep.rows >= MOST_ROWS and not self.feed.whole:
            done = self._cut(sweep, listing)
        if done:
            self._close_window(sweep, easy=listing.pages <= 10)  # noqa: PLR2004
        else:
            counted = {key.hex(): count for key, count in listing.met.items()}
            sweep.met = counted if len(counted) <= MOST_COUNTED else {}
        yield self._page(found, more=True)

    def _open_window(self, sweep: Sweep) -> None:
        place, feed = self.place, self.feed
        if feed.retention and sweep.cursor < (kept := self._now() - feed.retention + MARGIN):
            self._leave_gap(sweep, kept)
        width = max(timedelta(seconds=place.width), 2 * feed.precision)
        sweep.top = sweep.end if feed.whole else min(sweep.cursor + width, sweep.end)
        sweep.since, sweep.until = sweep.cursor - feed.precision, sweep.top + feed.precision
        sweep.token, sweep.reached, sweep.rows, sweep.tries, sweep.met = None, None, 0, 0, {}
        self.listing = Listing(feed._order)  # noqa: SLF001

    def _leave_gap(self, sweep: Sweep, kept: datetime) -> None:
        """Go on from what the service still has; say once what it has no more."""
        kept = min(self.feed._rounded(kept), sweep.end)  # noqa: SLF001
        if kept <= sweep.cursor:
            return
        LOGGER.error(
            "what happened from %s to %s can't be collected any more: the service keeps %s",
            *(sweep.cursor.isoformat(), kept.isoformat(), self.feed.retention),
        )
        self.place.gaps = [*self.place.gaps, (sweep.cursor, kept)][-20:]
        sweep.cursor = kept
        self._raise_floor(sweep)

    def _resume(self, sweep: Sweep) -> None:
        """Take up a window that an earlier run left."""
        self.listing = Listing(self.feed._order)  # noqa: SLF001
        if sweep.token is None:
            return
        if sweep.tries >= MOST_TRIES or not (self.feed.has_ids or sweep.met):
            LOGGER.warning("a page of a sweep could not be had in %d runs; asking for less", sweep.tries)
            self._restart(sweep)
            return
        sweep.tries += 1
        self.listing.met.update({bytes.fromhex(key): count for key, count in sweep.met.items()})
        self.listing.last = sweep.reached.timestamp() if sweep.reached else None

    def _restart(self, sweep: Sweep) -> None:
        """Forget the window's token: go on from the last moment read, or with half of it."""
        place, feed = self.place, self.feed
        assert sweep.top  # noqa: S101 (a window is open)
        sweep.restarts += 1
        smallest = 2 * feed.precision
        if sweep.reached and feed._order > 0 and sweep.reached > sweep.cursor:  # noqa: SLF001
            sweep.cursor = min(sweep.reached, sweep.top)
            self._raise_floor(sweep)
            sweep.restarts = 0
        elif sweep.reached and feed._order < 0 and sweep.until and sweep.reached < sweep.until:  # noqa: SLF001
            until = max(sweep.reached + 2 * feed.precision, sweep.cursor + smallest)
            if until < sweep.until:
                sweep.until, sweep.token, sweep.met, sweep.tries = until, None, {}, 0
                self.listing = Listing(feed._order)  # noqa: SLF001
                return
        span = sweep.top - sweep.cursor
        if span > smallest and not feed.whole:
            place.width = max(smallest.total_seconds(), span.total_seconds() / 2)
        elif sweep.restarts > MOST_TRIES and not feed.whole:
            LOGGER.error(
                "what happened from %s to %s does not fit one run; it is set aside",
                *(sweep.cursor.isoformat(), sweep.top.isoformat()),
            )
            place.gaps = [*place.gaps, (sweep.cursor, sweep.top)][-20:]
            sweep.restarts = 0
            sweep.cursor = sweep.top
            self._raise_floor(sweep)
        sweep.cursor = min(sweep.end, sweep.cursor)
        self._open_window(sweep)

    def _reach(self, sweep: Sweep, listing: Listing) -> None:
        """Note how far an ordered list has been read; where the order broke, that says nothing."""
        if not listing.order:
            sweep.reached = None
        elif listing.last is not None:
            reached = self.feed._rounded(_moment(listing.last))  # noqa: SLF001
            assert sweep.top  # noqa: S101
            sweep.reached = max(sweep.cursor, reached) if listing.order > 0 else reached

    def _cut(self, sweep: Sweep, listing: Listing) -> bool:
        """End a window that holds too much where it has been read to; return False where it starts anew."""
        if listing.order > 0 and sweep.reached and sweep.reached > sweep.cursor:
            sweep.top = sweep.reached
            return True
        assert sweep.top  # noqa: S101 (a window is open)
        if sweep.top - sweep.cursor > 2 * self.feed.precision:
            self.place.width = (sweep.top - sweep.cursor).total_seconds() / 2
            self._open_window(sweep)
        return False

    def _close_window(self, sweep: Sweep, *, easy: bool) -> None:
        place = self.place
        assert sweep.top  # noqa: S101 (a window is open)
        sweep.cursor, sweep.top, sweep.restarts = sweep.top, None, 0
        self._raise_floor(sweep)
        if easy:
            place.width = min(place.width * 1.5, 10 * 366 * 86_400.0)
        if sweep.cursor < sweep.end:
            return
        took = self._now() - sweep.began
        if sweep.end < sweep.began - self.feed.precision:
            place.slow = took > self.lag / 8
        else:
            place.slow = took > max(self.lag / 4, LOOK_AGAIN)
        place.swept, place.sweep = sweep.began, None

    def _raise_floor(self, sweep: Sweep) -> None:
        if sweep.ceiling is not None:
            self.place.floor = max(self.place.floor, min(sweep.cursor, sweep.ceiling))

    # Both

    def _fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        fetched = self.feed.fetch(since, until, token)
        self.place.fullest = self.feed.fullest = max(self.feed.fullest, len(fetched.rows))
        return fetched

    def _read(
        self, fetched: Fetched, listing: Listing, looked: datetime | None, covered: datetime | None
    ) -> Found:
        """Return the new events of a page, and note what it tells of the feed."""
        place = self.place
        floor = place.floor.timestamp()
        met = self._now().timestamp()  # the time of a row without one
        found = Found()
        rows, ids, times = self.feed.marked(fetched.rows, listing.met, self.memory, met)
        listing.check_circle(fetched, ids)
        readable = [time for time in times if time != met]
        if not listing.check_order(times, ids, self.feed.precision.total_seconds(), met):
            LOGGER.warning("the service does not list events in the order that it documents")
        listing.before = frozenset(ids)
        known = self.memory.known(ids, times)
        taken: set[bytes] = set()
        for row, identity, time in zip(rows, ids, times, strict=True):
            if time < floor:
                continue
            if identity in known or identity in taken:
                found.repeats += 1
                continue
            taken.add(identity)
            found.rows.append(row)
            found.ids.append(identity)
            found.times.append(time)
        if readable:
            found.last, found.youngest = readable[-1], max(readable)
        self._note_times(readable, met)
        self._note_late(found.times, looked, covered)
        return found

    def _note_times(self, times: list[float], now: float) -> None:
        place = self.place
        if not times:
            return
        if self.api.dated:
            newest = max((time for time in times if time <= now), default=None)
        else:
            place.times = [*place.times, *map(int, times)][-KEPT_TIMES:]
            newest = sorted(place.times)[-1 - len(place.times) // 100]
        if newest is not None:
            moment = _moment(newest)
            place.newest = moment if place.newest is None else max(place.newest, moment)

    def _note_late(self, times: list[float], looked: datetime | None, covered: datetime | None) -> None:
        """Count the new events that a look should have found."""
        if looked is None or covered is None:
            return
        begins, ends = covered.timestamp(), looked.timestamp()
        for time in times:
            if begins <= time < ends - 1:
                self.place.late.note(ends - time)

    def _is_below(self, found: Found, listing: Listing, since: datetime) -> bool:
        """Tell whether a list without a lower bound has come to what was not asked for."""
        if listing.order >= 0 or found.youngest is None:
            return False
        return found.youngest < (since - self.feed.precision).timestamp()

    def _now(self) -> datetime:
        """Return the service's time as far as it is known, ours otherwise."""
        return self.api.clock.now() - self.api.ahead

    def _page(self, found: Found, *, more: bool) -> Page:
        self.place.ahead = self.api.ahead.total_seconds()
        return Page(
            found.rows, self.place.checkpoint(), more, found.repeats, ids=found.ids, times=found.times
        )


def _moment(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)

"""The walk through a feed in one run: looks and sweeps take turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from streamalert_apps.sdk.app import Memory, Page
from streamalert_apps.sdk.feed.look import Looks
from streamalert_apps.sdk.feed.place import Place
from streamalert_apps.sdk.feed.reader import Found, Reader
from streamalert_apps.sdk.feed.sweep import Sweeps

if TYPE_CHECKING:
    from streamalert_apps.sdk.feed.feed import Feed

OLD_TURNS: Final = 3  # requests of looks for each of a sweep that is far behind


<<<<<<< HEAD
def walk(feed: Feed, place: Place, memory: Memory) -> Iterator[Page]:
    """Yield pages: looks first, the sweep with what is left, and a quarter where it is far behind."""
    reader = Reader(feed, place, memory)
    looks, sweeps = Looks(reader), Sweeps(reader)
    while True:
        due = sweeps.is_due()
        if due and sweeps.is_old() and place.turns >= OLD_TURNS:
            yield from sweeps.page()
        elif looks.is_due():
            yield from looks.pages(sweeping=due)
        elif due:
            yield from sweeps.page()
=======
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

    def watermark(self, checkpoint: Checkpoint) -> datetime:
        """Return the time before which everything has been collected."""
        return datetime.fromisoformat(checkpoint["floor"])

    def recorded(self, checkpoint: Checkpoint) -> datetime:
        """Return when the last look began that left no hole, or else the floor."""
        place = Place.of(checkpoint)
        looked = None if place.hole else place.looked
        return max(looked or place.floor, place.floor)

    def listed(self, checkpoint: Checkpoint) -> datetime:
        """Return when the last sweep began that is finished, or else the floor."""
        place = Place.of(checkpoint)
        return max(place.swept or place.floor, place.floor)

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
>>>>>>> aws
        else:
            yield reader.page(Found(), more=False)
            return

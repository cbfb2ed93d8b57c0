"""A feed that hands out a position to continue from: at least once, in no order, late events included.

The position says how far the feed has been read. A first run begins at a position for a time (`begin`),
if the service has one, or at the feed's oldest event. Until the feed has been read to its end once,
events from before the wanted time are left out.

Services keep such a feed only for some time, and some silently continue from the oldest event that
they still have. So a position that was not used for that long counts as lost, and so does one that the
service refuses. The feed is then read again from an older position, and what is missing before that is
the gap. If the service has a history that reaches further back, the gap is filled from there, but only
after the feed, as the feed is what expires.

The memory knows what is on record. It keeps an event by the later of two times, when it happened and
when it was first listed, because late events come at the end of such a feed. The floor is when the feed
was last read to its end, minus the lag.

Rows without an id may be equal. What comes after a position is new, so such a row counts as another
event. Only when the feed is read again are equal rows counted, and as many left out as are on record.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec

from streamalert_apps.errors import AppError, OutOfTime, RateLimited, RequestRefused, TransientError
from streamalert_apps.sdk.app import MOST_GAPS, Checkpoint, Json, Memory, NoMemory, Page
from streamalert_apps.sdk.events import NEVER, Events, Fetched
from streamalert_apps.sdk.feed.listing import Listing
from streamalert_apps.sdk.legacy import CAPACITY, Inherited, pack, unpack

LOGGER = logging.getLogger(__name__)

OVERLAP: Final = timedelta(days=1)  # read again where a position was lost: events may have been late
MARGIN: Final = timedelta(days=1)  # what a feed loses while it is read does not matter
MOST_TRIES: Final = 3  # runs in which a position brings nothing but errors


class _Gap(msgspec.Struct, omit_defaults=True):
    """A time that the feed does not hold any more, and the history's token to go on with."""

    since: datetime
    until: datetime
    token: Json = None


class _Place(msgspec.Struct, omit_defaults=True):
    """A checkpoint while it is worked on."""

    position: str
    at: datetime
    """When the service took the position or gave it."""
    floor: datetime
    since: datetime | None = None
    """What happened before is left out, until the feed has been read to its end."""
    reached: datetime | None = None
    gap: _Gap | None = None
    tries: int = 0
    again: bool = False
    """A position was lost, and the feed is read from an older one, up to its end."""
    stays: bool = False
    """The service gave events, and no position after them: they come again."""
    gaps: list[tuple[datetime, datetime]] = []
    """Times of which the service has no events any more."""

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> _Place:
        return msgspec.convert(checkpoint, cls, strict=False)

    def checkpoint(self) -> Checkpoint:
        done: Checkpoint = msgspec.to_builtins(self)
        return done


class _Span(msgspec.Struct, omit_defaults=True):
    """A listing of a span of time under way."""

    position: str
    since: datetime
    until: datetime
    done: bool = False

    def checkpoint(self) -> Checkpoint:
        done: Checkpoint = msgspec.to_builtins(self)
        return done


class Stream(Events):
    """An app type whose service pages by position. An empty page ends it, unless `Fetched.more` is true."""

    beginning: ClassVar[str] = ""
    """The position of the oldest event."""
    history_retention: ClassVar[timedelta | None] = None
    """How long the history keeps an event, if there is a history."""

    def gaps(self, checkpoint: Checkpoint) -> list[tuple[datetime, datetime]]:
        """Return the latest time spans that could not be collected, oldest first."""
        return _Place.of(checkpoint).gaps

    @abstractmethod
    def fetch(self, position: str) -> Fetched:
        """Request the page at a position; `next` is the position after it.

        Raises RequestRefused if the service no longer knows the position.
        """

    def begin(self, since: datetime) -> str:  # noqa: ARG002 (a service may know positions by time)
        """Return a position from which everything since a time is listed."""
        return self.beginning

    def history(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Request a page of the history between two times, oldest first."""
        raise NotImplementedError

    def start(self, since: datetime) -> Checkpoint:
        """Return the first checkpoint of an app that collects from `since` on."""
        place = _Place("", self._now(), since)
        self._begin(place, since)
        return place.checkpoint()

    def inherit(self, checkpoint: Checkpoint, *, halfway: bool = False) -> Inherited:  # noqa: ARG002
        """Return 0.1.0's position; the floor is where it would have begun again, had that been lost."""
        at = datetime.fromisoformat(checkpoint["at"])
        since, reached = _time(checkpoint.get("since")), _time(checkpoint.get("reached"))
        floor = min(reached, at) - OVERLAP if reached else since or at - OVERLAP
        place = _Place(checkpoint["position"], at, floor, since, reached)
        if gap := checkpoint.get("gap"):
            place.gap = _Gap(datetime.fromisoformat(gap[0]), datetime.fromisoformat(gap[1]), gap[2])
        return Inherited(place.checkpoint(), unpack(checkpoint.get("recent", "")))

    def export(self, checkpoint: Checkpoint, undelivered: datetime | None, ids: list[bytes]) -> Checkpoint:
        """Return the position for 0.1.0; where not all was delivered, the feed's beginning."""
        place = _Place.of(checkpoint)
        done: Checkpoint = {"position": place.position, "at": place.at.isoformat(timespec="seconds")}
        since = place.since
        if undelivered:
            since = min(undelivered, since or undelivered)
            done["position"] = self.beginning
        if since:
            done["since"] = since.isoformat()
        if place.reached and not undelivered:
            done["reached"] = place.reached.isoformat()
        if place.gap:
            done["gap"] = [place.gap.since.isoformat(), place.gap.until.isoformat(), place.gap.token]
        if ids:
            done["recent"] = pack(ids[-CAPACITY:])
        return done

    def watermark(self, checkpoint: Checkpoint) -> datetime | None:
        """Return the time before which everything has been collected, once the feed has been read."""
        return None if checkpoint.get("since") else datetime.fromisoformat(checkpoint["floor"])

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages as `walk` does, without a memory of what is on record."""
        return self.walk(checkpoint, NoMemory())

    def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        """Yield pages up to the end of the feed, and then those of a gap."""
        place = _Place.of(checkpoint)
        listing, begun = Listing(), ""
        place.tries += 1
        yield Page([], place.checkpoint(), more=True)  # should this run get nothing, the next one knows
        more = True
        while more:
            asked = self.api.clock.now()
            if self.retention and self._now() - place.at > self.retention - MARGIN:
                self._begin_again(place)
            try:
                fetched = self.fetch(place.position)
            except (RateLimited, OutOfTime):
                raise
            except (RequestRefused, TransientError) as error:
                lost = isinstance(error, RequestRefused) or place.tries > MOST_TRIES
                if not lost or place.position == begun:
                    raise
                self._begin_again(place)
                begun, listing = place.position, Listing()
                continue
            except AppError:  # it was not for the position
                place.tries = 0
                yield Page([], place.checkpoint(), more=True)
                raise
            page = self._read(fetched, place, listing, memory)
            more = fetched.goes_on and fetched.next not in {None, place.position}
            if not more:
                place.since, place.again = None, False
                place.floor = max(place.floor, asked - self.api.ahead - self._memory_span())
            place.position, place.at, place.tries = fetched.next or place.position, self._now(), 0
            yield replace(page, checkpoint=place.checkpoint(), more=more or place.gap is not None)
        while place.gap:
            yield self._fill(place, place.gap, memory)

    def settled(self, checkpoint: Checkpoint) -> datetime | None:
        """Return when the feed was read last, less the lag, once it has been read to its end."""
        place = _Place.of(checkpoint)
        return None if place.since else place.at - (self.lag or timedelta(0))

    def span(self, since: datetime, until: datetime) -> Checkpoint:
        """Return a position before a span, as far back as the feed reaches."""
        oldest = self._now() - self.retention + MARGIN if self.retention else since
        begin = max(since, oldest)
        return _Span(self.begin(begin), begin, until).checkpoint()

    def list_span(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        """Yield the pages of a span: until those that come are all younger, or to the end of the feed."""
        span, listing = msgspec.convert(checkpoint, _Span, strict=False), Listing()
        last = (span.until + self._memory_span()).timestamp()
        while not span.done:
            fetched = self.fetch(span.position)
            now = self._now().timestamp()
            rows, ids, times = self.marked(fetched.rows, listing.met, memory, now)
            listing.check_circle(fetched)
            known = memory.known(ids, times)
            span.done = not fetched.goes_on or fetched.next in {None, span.position}
            span.done = span.done or min(times, default=now) > last
            span.position = fetched.next or span.position
            begin, end = span.since.timestamp(), span.until.timestamp()
            taken = {
                identity: (row, time)
                for row, identity, time in zip(rows, ids, times, strict=True)
                if identity not in known and (begin <= time < end or time == now)
            }
            yield Page(
                [row for row, _ in taken.values()],
                span.checkpoint(),
                more=not span.done,
                repeats=len(ids) - len(taken),
                ids=[*taken],
                times=[time for _, time in taken.values()],
            )

    def span_left(self, checkpoint: Checkpoint) -> datetime | None:
        """Return the beginning of a span until it has been listed: the feed is in no order."""
        span = msgspec.convert(checkpoint, _Span, strict=False)
        return None if span.done else span.since

    def _memory_span(self) -> timedelta:
        return max(self.lag or timedelta(0), OVERLAP)

    def _now(self) -> datetime:
        return self.api.clock.now() - self.api.ahead

    def _begin(self, place: _Place, since: datetime) -> None:
        """Go to a position before `since`; note what is missing between it and the feed's oldest event."""
        place.at, place.since = self._now(), since
        oldest = place.at - self.retention + MARGIN if self.retention else since
        if since < oldest:
            kept = oldest
            if self.history_retention:
                kept = max(since, place.at - self.history_retention + MARGIN)
                place.gap, place.since = _Gap(kept, oldest), oldest
            if kept > since:
                LOGGER.error("what happened from %s to %s can't be collected any more", since, kept)
                place.gaps = [*place.gaps, (since, kept)][-MOST_GAPS:]
        place.position = self.begin(max(since, oldest))

    def _begin_again(self, place: _Place) -> None:
        """Begin anew where the memory begins; a gap that is there gets longer."""
        since = place.since or place.floor
        if place.gap:
            since = min(since, place.gap.since)
        LOGGER.warning("the position of %s is lost; continuing from %s", place.at, since)
        place.gap, place.tries, place.again = None, 0, True
        self._begin(place, since)

    def _read(self, fetched: Fetched, place: _Place, listing: Listing, memory: Memory) -> Page:
        """Return the events of a page that are new and wanted."""
        now = self._now().timestamp()
        met = Counter() if place.stays else listing.met
        if not (self.has_ids or place.again or place.stays):
            self.count_on(fetched.rows, met, memory, now)
        place.stays = bool(fetched.rows) and fetched.next in {None, place.position}
        rows, ids, times = self.marked(fetched.rows, met, memory, now)
        listing.check_circle(fetched)
        since = place.since.timestamp() if place.since else float("-inf")
        known = memory.known(ids, [max(time, now) for time in times])
        fresh = [
            (row, identity, time)
            for row, identity, time in zip(rows, ids, times, strict=True)
            if identity not in known and time >= since
        ]
        taken = {identity: (row, time) for row, identity, time in fresh}
        happened = [time for time in times if time < now]
        if happened:
            youngest = datetime.fromtimestamp(max(happened), tz=place.floor.tzinfo)
            place.reached = max(place.reached or youngest, youngest)
        return Page(
            [row for row, _ in taken.values()],
            {},
            more=True,
            repeats=len(ids) - len(taken),
            ids=[*taken],
            times=[time for _, time in taken.values()],
            remember=[(identity, max(time, now)) for identity, (_, time) in taken.items()],
        )

    def _fill(self, place: _Place, gap: _Gap, memory: Memory) -> Page:
        """Return the next page of a gap; the history may go on beyond it."""
        try:
            fetched = self.history(gap.since, gap.until, gap.token)
        except RequestRefused:
            if gap.token is None:
                raise
            LOGGER.warning("the history's token is lost; continuing from %s", gap.since)
            gap.token = None
            return Page([], place.checkpoint(), more=True)
        rows = Fetched([
            row
            for row, (time, _) in zip(fetched.rows, self.stamps(fetched.rows), strict=True)
            if time is NEVER or gap.since <= time < gap.until
        ])
        beyond = sum(time >= gap.until for time, _ in self.stamps(fetched.rows))
        page = self._read(rows, _Place(place.position, place.at, place.floor, again=True), Listing(), memory)
        if beyond == len(fetched.rows) or fetched.next in {None, gap.token}:
            place.gap = None
        gap.token = fetched.next
        return replace(page, checkpoint=place.checkpoint(), more=place.gap is not None)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

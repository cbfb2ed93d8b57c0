"""Reading pages: what looks and sweeps have in common."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from streamalert_apps.sdk.app import Json, Memory, Page
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed.listed import Listed
from streamalert_apps.sdk.feed.listing import Listing
from streamalert_apps.sdk.feed.place import Place, rounded

LOGGER = logging.getLogger(__name__)

UNDECLARED_LAG: Final = timedelta(hours=1)
MARGIN: Final = timedelta(minutes=10)  # of retention: a listing takes time, too
KEPT_TIMES: Final = 1_000


@dataclass(slots=True)
class Found:
    """What a page had: its new events with their ids and times, and how many it had besides."""

    rows: list[Row] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    repeats: int = 0
    last: float | None = None
    """The time that the page's last rows have come to; one of them may be of a clock that is wrong."""
    youngest: float | None = None


class Reader:
    """Reads pages of a feed, and notes in its place what they tell of it."""

    def __init__(self, feed: Listed, place: Place, memory: Memory) -> None:
        self.feed = feed
        self.place = place
        self.memory = memory
        self.api = feed.api
        self.lag = lag_of(feed)
        feed.fullest = place.fullest
        if place.ahead:
            self.api.ahead = self.api.skew + timedelta(seconds=place.ahead)

    def now(self) -> datetime:
        """Return the service's time as far as it is known, ours otherwise."""
        return self.api.clock.now() - self.api.ahead

    def kept_since(self) -> datetime | None:
        """Return from when on the service still has events, where it says so."""
        retention = self.feed.retention
        return rounded(self.now() - retention + MARGIN, self.feed.precision) if retention else None

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for a page."""
        fetched = self.feed.fetch(since, until, token)
        self.place.fullest = self.feed.fullest = max(self.feed.fullest, len(fetched.rows))
        return fetched

    def read(
        self, fetched: Fetched, listing: Listing, looked: datetime | None, covered: datetime | None
    ) -> Found:
        """Return the new events of a page. Those between `covered` and `looked` came behind a look."""
        met = self.now().timestamp()  # the time of a row without one
        counted: Counter[bytes] = Counter() if self.feed.overlapping else listing.met
        rows, ids, times = self.feed.marked(fetched.rows, counted, self.memory, met)
        listing.check_circle(fetched)
        if not listing.check_order(times, self.feed.precision.total_seconds(), met):
            LOGGER.warning("the service does not list events in the order that it documents")
        found = self._new(rows, ids, times)
        if believed := [time for time in times if time < met]:
            found.last, found.youngest = min(believed[-2:]), max(believed)
        if self.api.dated:
            self._raise_newest(believed)
        else:
            self._note_times([time for time in found.times if time < met])
        self._note_late(found.times, looked, covered)
        return found

    def page(self, found: Found, *, more: bool) -> Page:
        """Return a page of new events, and where the walk is after it."""
        self.place.ahead = (self.api.ahead - self.api.skew).total_seconds()
        return Page(
            found.rows, self.place.checkpoint(), more, found.repeats, ids=found.ids, times=found.times
        )

    def _new(self, rows: Sequence[Row], ids: Sequence[bytes], times: Sequence[float]) -> Found:
        """Return the rows that are not on record; what happened before the floor is."""
        floor = self.place.floor.timestamp()
        known = self.memory.known(ids, times)
        if not known and len({*ids}) == len(ids) and min(times, default=floor) >= floor:
            return Found([*rows], [*ids], [*times])
        found = Found()
        for row, identity, time in zip(rows, ids, times, strict=True):
            if time < floor or identity in known:
                found.repeats += 1
                continue
            known.add(identity)
            found.rows.append(row)
            found.ids.append(identity)
            found.times.append(time)
        return found

    def _note_times(self, times: list[float]) -> None:
        """Keep the times of new events of a service that does not tell its own time.

        One in a hundred may be of a clock that is wrong, and of a few any one.
        """
        if not times:
            return
        place = self.place
        place.times = [*place.times, *map(int, times)][-KEPT_TIMES:]
        ordered = sorted(place.times)
        self._raise_newest(ordered[: len(ordered) - max(1, len(ordered) // 100)])

    def _raise_newest(self, times: list[float] | list[int]) -> None:
        if times:
            moment = moment_of(max(times))
            self.place.newest = max(self.place.newest or moment, moment)

    def _note_late(self, times: list[float], looked: datetime | None, covered: datetime | None) -> None:
        """Count the new events that a look should have found."""
        if looked is None or covered is None:
            return
        begins, ends = covered.timestamp(), looked.timestamp()
        if not times or min(times) >= ends - 1:
            return
        for time in times:
            if begins <= time < ends - 1:
                self.place.late.note(ends - time)


def lag_of(feed: Listed) -> timedelta:
    """Return the lag that a feed states; where it states none, an hour, and say so."""
    if feed.lag is None:
        LOGGER.warning("%s states no lag; what shows up after an hour is not collected", feed.type)
        return UNDECLARED_LAG
    return feed.lag


def is_below(found: Found, listing: Listing, since: datetime) -> bool:
    """Tell whether a list without a lower bound has come to what was not asked for."""
    return listing.order < 0 and found.youngest is not None and found.youngest < since.timestamp()


def moment_of(time: float) -> datetime:
    """Return the time of so many seconds since 1970."""
    return datetime.fromtimestamp(time, UTC)

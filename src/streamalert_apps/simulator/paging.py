"""The events of a listing, and its pages: which events are on one, and what the next is asked for with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.listing import Cursor, Listing, Number, Offset
from streamalert_apps.simulator.single import Row, SingleLog
from streamalert_apps.simulator.store import Event, Slice, by_arrival, by_time, micros, seeded

_EVERYTHING: Final = 1 << 40
_FAR: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for, in microseconds and events."""

    low: int
    high: int
    size: int
    given: Mapping[str, str]
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Turned:
    """Events of a page, how many there are in all, and what leads to the next one."""

    slice: Slice
    token: str
    number: int = 1


@dataclass(frozen=True, slots=True)
class _Given:
    """A page token that was given out: after which event, for which arguments, when."""

    after: Event | None
    query: Query
    at: datetime


class ListedLog(SingleLog):
    """The events of a listing."""

    def __init__(self, listing: Listing, clock: Clock, seed: int, page_size: int | None) -> None:
        self.listing = listing
        self.app_type = listing.app_type
        self.id_field = listing.id_field
        self.text_field = listing.text_field
        self.precision = listing.times.precision
        self.page = listing.size.most
        self._given: dict[str, _Given] = {}
        super().__init__(clock, seed=seed, page_size=page_size, delay=listing.delay, order=listing.order)

    def row(self, random: Random) -> Row:
        """Return a row."""
        return self.listing.row(random)

    def written(self, time: datetime) -> str:
        """Return a time in JSON."""
        return self.listing.times.write(micros(time))

    def ids(self, random: Random, times: Sequence[tuple[int, int]]) -> Sequence[str | int]:
        """Return an id for each (at, visible)."""
        make = self.listing.ids
        return make(random, times) if make else super().ids(random, times)

    def forget(self) -> None:
        """Make every page token that was given out invalid."""
        self._given.clear()

    def turn(self, query: Query) -> Turned:
        """Return a page; raise ValueError where its token or its number is wrong."""
        match self.listing.turn:
            case Cursor() as cursor:
                return self._after(cursor, query)
            case Number(name, first):
                number = whole(query.given.get(name, str(first))) - first
                found = self._from(number * query.size, query)
                return Turned(found, str(number + first + 1) if found.more else "", number + 1)
            case Offset(name):
                start = whole(query.given.get(name, "0"))
                found = self._from(start, query)
                token = str(start + len(found.events)) if found.more else ""
                return Turned(found, token, start // query.size + 1)

    def _from(self, start: int, query: Query) -> Slice:
        if start < 0:
            raise ValueError("before the first page")
        every = self._between(query, _EVERYTHING).events
        return Slice(every[start : start + query.size], start + query.size < len(every), len(every))

    def _after(self, cursor: Cursor, query: Query) -> Turned:
        after = None
        if sent := query.given.get(cursor.name):
            known = self._known(cursor, sent)
            after = known.after
            if cursor.bound:
                first = known.query.given
                if not query.given.items() - {(cursor.name, sent)} <= first.items():
                    raise ValueError("the token was given out for another query")
                until, size = self.listing.until, self.listing.size.name
                goes_on = cursor.always and not (until and until.name in first)
                query = replace(
                    query,
                    low=known.query.low,
                    high=query.high if goes_on else known.query.high,
                    size=query.size if size in query.given else known.query.size,
                    given=first,
                )
        found = self._between(query, query.size, after)
        last = found.events[-1] if found.events else after
        if not (found.more or cursor.always):
            return Turned(found, "")
        first = {name: value for name, value in query.given.items() if name != cursor.name}
        place = last.id if last else ""
        token = f"{seeded(self.app_type, place, *first.items()).getrandbits(160):040x}"
        self._given[token] = _Given(last, replace(query, given=first), self.clock.now())
        return Turned(found, token)

    def _known(self, cursor: Cursor, sent: str) -> _Given:
        known = self._given.get(sent)
        if known is None:
            raise ValueError("the token was not given out")
        if cursor.life is not None and self.clock.now() - known.at > cursor.life:
            raise ValueError("the token is not known any more")
        return known

    def _between(self, query: Query, limit: int, after: Event | None = None) -> Slice:
        """Return events between the bounds, in the order of the list."""
        by_a_time = self.listing.order in {by_time, by_arrival}
        found = self.feed.page(
            low=query.low if by_a_time else 0,
            high=query.high if by_a_time else _FAR,
            limit=limit if by_a_time else _EVERYTHING,
            after=after,
            newest_first=query.newest_first,
        )
        if by_a_time:
            return found
        events = [event for event in found.events if query.low <= event.at <= query.high]
        return Slice(events[:limit], len(events) > limit, len(events))


def whole(text: str) -> int:
    """Return a whole number that was sent; raise ValueError for anything else."""
    if not (text.isascii() and text.isdecimal() and len(text) < 16):  # noqa: PLR2004 (digits)
        raise ValueError("no whole number")
    return int(text)

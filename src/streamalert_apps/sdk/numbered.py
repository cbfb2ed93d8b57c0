"""Lists paged by number, counted from the top: new rows come in there and push the others down.

A row that was read on one page may be on the next one when that is asked for, perhaps hours later by
another run. The last row read is looked up where it should be now: as many rows further down as the
list has become longer. What stands before it is left out. If it is not there, because the service
keeps another order, or if equal rows could be taken for it, nothing is: better a repeat than a loss.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import msgspec

from streamalert_apps.sdk.app import Json
from streamalert_apps.sdk.events import NEVER, Fetched, Row
from streamalert_apps.sdk.ids import pack, short
from streamalert_apps.sdk.watermark import AnyOrder

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """A page, how many rows a full one has, and how many rows and pages the whole list has now."""

    rows: Sequence[Row]
    size: int
    total: int
    pages: int


class _Place(msgspec.Struct, omit_defaults=True):
    """The page to ask for, of the list `before` a bound, and what the list was when the last row was read."""

    page: int = 1
    before: Json = None
    size: int = 1
    total: int | None = None
    last: str = ""
    falling: bool = False  # younger rows stood before older ones


class Numbered(AnyOrder):
    """A feed without documented order whose service lists all it has, page by page."""

    distinct: ClassVar[bool] = False
    """Whether no two rows have the same key."""

    @abstractmethod
    def page(self, number: int, before: Json) -> NumberedPage | None:
        """Ask for a page of the list, or of a part of it that `beyond` named; None where it ends before."""

    def beyond(self, number: int, before: Json, page: NumberedPage) -> Json:  # noqa: ARG002
        """Return what names the part of the list after a page, if pages can't reach it; otherwise None."""
        return None

    def key(self, row: Row) -> str:
        """Return what a row is known by, whatever may change in it."""
        return bytes(row).decode("utf-8", "replace")

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:  # noqa: ARG002
        """Ask for a page; neither bound is known to the service."""
        place = msgspec.convert(token, _Place) if token else _Place()
        page = self.page(place.page, place.before)
        if page is None:
            LOGGER.error("%s: the service shows no page %d; what follows can't be had", self.type, place.page)
            return Fetched([])
        number, page, skip = self._after_last(place, page)
        following = self._following(place, number, page)
        return Fetched(page.rows[skip:], msgspec.to_builtins(following) if following else None)

    def _following(self, place: _Place, number: int, page: NumberedPage) -> _Place | None:
        if not page.rows:
            return None
        last = self._short(page.rows[-1])
        part = self.beyond(number, place.before, page)
        if part is not None:
            return _Place(before=part, last=last)
        if number >= page.pages:
            return None
        falling = place.falling or self._falls(page.rows)
        return _Place(number + 1, place.before, page.size, page.total, last, falling)

    def _falls(self, rows: Sequence[Row]) -> bool:
        first, last = (time for _, time, _ in self.identified((rows[0], rows[-1])))
        return last < first != NEVER

    def _after_last(self, place: _Place, page: NumberedPage) -> tuple[int, NumberedPage, int]:
        """Return the page that has the row read last, its number, and how many of its rows are done."""
        if not place.last:
            return place.page, page, 0
        keys = [self._short(row) for row in page.rows]
        if (self.distinct or place.total is None) and place.last in keys:
            return place.page, page, keys.index(place.last) + 1
        pushed = page.total - (page.total if place.total is None else place.total)
        if pushed <= 0 or not (self.distinct or place.falling):
            return place.page, page, 0
        index, at = divmod((place.page - 1) * place.size - 1 + pushed, place.size)
        there = page if index + 1 == place.page else self.page(index + 1, place.before)
        if there and at < len(there.rows) and self._short(there.rows[at]) == place.last:
            return index + 1, there, at + 1
        return place.page, page, 0

    def _short(self, row: Row) -> str:
        return pack([short(self.key(row))])

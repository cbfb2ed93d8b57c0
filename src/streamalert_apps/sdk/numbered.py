"""Lists paged by number, counted from the top: new rows come in there and push the others down.

A row that was read on one page may come again on the next one: the memory knows it. Where rows have no
id, they are counted page by page, as the same row may stand on two pages.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from streamalert_apps.sdk.app import Json
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import AnyOrder

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """A page, and how many pages the whole list has now."""

    rows: Sequence[Row]
    pages: int


class Numbered(AnyOrder):
    """A feed without documented order whose service lists all it has, page by page."""

    whole: ClassVar[bool] = True
    overlapping: ClassVar[bool] = True

    @abstractmethod
    def page(self, number: int, before: Json) -> NumberedPage | None:
        """Ask for a page of the list, or of a part of it that `beyond` named; None where it ends before."""

    def beyond(self, number: int, before: Json, page: NumberedPage) -> Json:  # noqa: ARG002
        """Return what names the part of the list after a page, if pages can't reach it; otherwise None."""
        return None

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:  # noqa: ARG002
        """Ask for a page; neither bound is known to the service. A token is a page's number and its part."""
        number, before = token or (1, None)
        page = self.page(number, before)
        if page is None:
            LOGGER.error("%s: the service shows no page %d; what follows can't be had", self.type, number)
            return Fetched([])
        if not page.rows:
            return Fetched([])
        part = self.beyond(number, before, page)
        if part is not None:
            return Fetched(page.rows, [1, part])
        return Fetched(page.rows, [number + 1, before] if number < page.pages else None)

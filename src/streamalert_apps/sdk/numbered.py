"""Lists paged by number, counted from the top: new rows come in there and push the others down.

A row that was read on one page may come again on the next one. Where rows have an id, the memory knows
it. Where they have none they are counted, and a row may come again only as far down a page as the list
has become longer since the page before: those are counted within the page, all others over the listing.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from streamalert_apps.sdk.app import Credentials, Json, Memory
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import AnyOrder
from streamalert_apps.sdk.http import Api

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """A page, and how many pages the whole list has now; and how many rows, where the service tells."""

    rows: Sequence[Row]
    pages: int
    total: int | None = None


class Numbered(AnyOrder):
    """A feed without documented order whose service lists all it has, page by page."""

    whole: ClassVar[bool] = True

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._again = 0  # rows of the page just fetched that may have been on the one before

    @abstractmethod
    def page(self, number: int, before: Json) -> NumberedPage | None:
        """Ask for a page of the list, or of a part of it that `beyond` named; None where it ends before."""

    def beyond(self, number: int, before: Json, page: NumberedPage) -> Json:  # noqa: ARG002
        """Return what names the part of the list after a page, if pages can't reach it; otherwise None."""
        return None

    def inherit_token(self, token: Json) -> Json:
        """Return the place in the list: where new rows come in above, what was read has moved down."""
        if not token:
            return None
        return [token.get("page", 1), token.get("before"), token.get("total"), 0, token.get("falling", False)]

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:  # noqa: ARG002
        """Ask for a page; neither bound is known to the service.

        A token is a page's number, its part, how many rows that had when the page before was read, and how
        many of the next ones may have been read before; of 0.1.0 whether they are to be left out.
        """
        number, before, total, again, *leave_out = token or (1, None, None, 0)
        page = self.page(number, before)
        if page is None:
            LOGGER.error("%s: the service shows no page %d; what follows can't be had", self.type, number)
            return Fetched([])
        if not page.rows:
            return Fetched([])
        if total is None or page.total is None:
            again = len(page.rows)
        else:
            again += max(0, page.total - total)
        rows = page.rows
        if any(leave_out):
            rows, self._again = rows[again:], 0
        else:
            self._again = again
        part = self.beyond(number, before, page)
        if part is not None:
            return Fetched(rows, [1, part, None, 0])
        following = [number + 1, before, page.total, max(0, again - len(page.rows)), *leave_out]
        return Fetched(rows, following if number < page.pages else None)

    def marked(
        self, rows: Sequence[Row], met: Counter[bytes], memory: Memory, now: float
    ) -> tuple[Sequence[Row], list[bytes], list[float]]:
        """Return the rows with ids and times; those that may have come again are counted within the page."""
        again, self._again = self._again, 0
        counted: Counter[bytes] = Counter()
        _, ids, times = super().marked(rows[:again], counted, memory, now)
        for content, count in counted.items():
            met[content] = max(met[content], count)
        _, more_ids, more_times = super().marked(rows[again:], met, memory, now)
        return rows, ids + more_ids, times + more_times

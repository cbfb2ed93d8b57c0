"""One listing of a span of time, page by page: what holds for all of its pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from streamalert_apps.errors import BadResponse
from streamalert_apps.sdk.app import Json
from streamalert_apps.sdk.events import Fetched

CIRCLES: Final = 2  # times that a page may come again: rows may move down by just a page


@dataclass(slots=True)
class Listing:
    """A listing under way. `order`: 1 oldest first, -1 newest first, 0 not known, or not kept.

    `shown`: its rows have different times, and they are in that order. Equal ones prove nothing.
    """

    order: int = 0
    pages: int = 0
    met: Counter[bytes] = field(default_factory=Counter)
    first: float | None = None
    last: float | None = None
    shown: bool = False
    _mark: tuple[Json, int, bytes] | None = None
    _next_mark: int = 1
    _again: int = 0

    def check_order(self, times: Sequence[float], tolerance: float, now: float) -> bool:
        """Hold a page's rows to the order; return False where they break it for the first time.

        What has no time happened now; it tells nothing, nor does what a wrong clock dated later.
        """
        times = [time for time in times if time < now]
        kept = self._check_order(times, tolerance)
        if self.first is None:
            self.first = next(iter(times), None)
        if self.first is not None and self.last is not None and not self.shown:
            self.shown = (self.last - self.first) * self.order > tolerance
        return kept

    def _check_order(self, times: Sequence[float], tolerance: float) -> bool:
        order, last = self.order, self.last
        if not order:
            return True
        if times == sorted(times, reverse=order < 0):
            if not times:
                return True
            if last is None or (times[0] - last) * order >= -tolerance:
                self.last = times[-1]
                return True
        for time in times:
            if last is not None and (time - last) * order < -tolerance:
                self.order = 0
                return False
            last = time
        self.last = last
        return True

    def check_circle(self, fetched: Fetched) -> None:
        """Raise BadResponse where the service's pages run in a circle.

        One page is kept to compare with, and another one after twice as many: so a circle of any length
        is found. Rows that come again are one, whatever their token; of pages that are empty, or hold one
        row and its equals, the token tells.
        """
        self.pages += 1
        rows = fetched.rows
        alike = len(rows) != 1 and all(bytes(row) == bytes(rows[0]) for row in rows)
        told = b"\n".join((*rows[:2], *rows[-2:]))  # enough to tell a page from others
        page = (fetched.next if alike else None, len(rows), blake2b(told, digest_size=16).digest())
        if page == self._mark and fetched.next is not None:
            self._again += 1
            if self._again >= CIRCLES:
                raise BadResponse(
                    "The service gave the same page again and again: its pages run in a circle."
                )
        elif self.pages >= self._next_mark:
            self._mark, self._next_mark, self._again = page, 2 * self.pages, 0

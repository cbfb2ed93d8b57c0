"""Lists by page number: rows without an id are counted, though the list moves while it is read."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import pytest

from streamalert_apps.sdk.app import AuthField, Json, NoMemory
from streamalert_apps.sdk.events import Row
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.numbered import Numbered, NumberedPage
from tests.simulator.world import StillClock

SIZE = 3


class Lines(Numbered):
    """A list of rows, the newest first, in pages of three."""

    type = "lines_all"
    auth: ClassVar[tuple[AuthField, ...]] = ()
    time_field = "at"
    tells = True

    def __init__(self, rows: list[str]) -> None:
        super().__init__({}, Api(clock=StillClock()))
        self.entries = rows

    def page(self, number: int, before: Json) -> NumberedPage | None:  # noqa: ARG002
        rows = [Row(b'{"at":1,"say":"%b"}' % row.encode()) for row in self.entries]
        pages = -(-len(rows) // SIZE)
        total = len(rows) if self.tells else None
        return NumberedPage(rows[(number - 1) * SIZE : number * SIZE], pages, total)


def read(app: Lines, *grows: str) -> int:
    """Read all pages, with rows coming in after the first one; return how many ids were met."""
    met: Counter[bytes] = Counter()
    found: set[bytes] = set()
    token: Json = None
    while True:
        fetched = app.fetch(app.api.clock.now(), app.api.clock.now(), token)
        found.update(app.marked(fetched.rows, met, NoMemory(), 0.0)[1])
        if token is None:
            app.entries[:0] = grows
        token = fetched.next
        if token is None:
            return len(found)


def test_equal_rows_on_two_pages_are_as_many_as_they_are() -> None:
    assert read(Lines(["x"] * 8)) == 8


def test_a_row_that_is_pushed_onto_the_next_page_is_not_another_one() -> None:
    assert read(Lines(["a", "b", "x", "x", "c"]), "new", "newer") == 5


def test_where_nothing_came_in_a_page_has_only_other_rows() -> None:
    assert read(Lines(["a", "b", "x", "x", "c"])) == 5


def test_rows_that_are_equal_across_pages_count_once_where_no_total_is_told() -> None:
    app = Lines(["a", "b", "x", "x", "c"])
    app.tells = False

    assert read(app) == 4


@pytest.mark.parametrize("grown", [1, 3, 7, 20])
def test_each_row_is_met_once_however_far_the_list_moves(grown: int) -> None:
    new = [f"new {number}" for number in range(grown)]
    rows = [f"row {number}" for number in range(8)]

    assert read(Lines(rows), *new) == 8 + max(0, grown - SIZE)

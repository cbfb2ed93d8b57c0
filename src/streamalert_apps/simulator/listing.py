"""How a log is listed: at which path, between which bounds, in pages of which kind. listapi.py serves it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from streamalert_apps.simulator.single import Row
from streamalert_apps.simulator.store import Event, Key, by_time
from streamalert_apps.simulator.times import Times


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound of the time that is asked for. `usual`: how long ago it is, where none is sent."""

    name: str
    inclusive: bool = True
    usual: timedelta | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Size:
    """How many events an answer may hold. What is more than `most` is refused, or `cut` to it."""

    name: str
    usual: int
    most: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """Pages follow an opaque token. It is known for `life` (None: for ever).

    `bound`: it belongs to the arguments that it came with; those may be left out when it is sent, and none
    may differ. Else it is no more than a place, and bounds count as they are sent. `always`: the last page
    has one, too, even if it is empty, to go on from later.
    """

    name: str
    life: timedelta | None = None
    bound: bool = True
    always: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """Pages are counted, so that an event that comes in at the top pushes the others down."""

    name: str = "page"
    first: int = 1


@dataclass(frozen=True, slots=True)
class Offset:
    """Events are counted, and a page begins at one of them."""

    name: str = "offset"


@dataclass(frozen=True, slots=True)
class Sort:
    """An argument that chooses the order; without it, that of the listing counts."""

    name: str
    oldest_first: str = "asc"
    newest_first: str = "desc"


@dataclass(frozen=True, slots=True)
class Listing:
    """One log, and how it is asked for."""

    app_type: str
    path: str
    row: Callable[[Random], Row]
    times: Times
    size: Size
    turn: Cursor | Number | Offset
    since: Bound | None = None
    until: Bound | None = None
    bounds: Times | None = None
    """How bounds write a time, where that differs from rows."""
    method: str = "GET"
    ignored: frozenset[str] = frozenset()
    """Other parameters that may be sent; they change nothing."""
    id_field: str = "id"
    """The field of a row that is its id; empty where rows have none, and their content is it."""
    text_field: str = "description"
    """A field of free text."""
    newest_first: bool = False
    order: Callable[[Event], Key] = by_time
    """What rows are listed by; of a list by arrival, bounds are about that, too."""
    sort: Sort | None = None
    ids: Callable[[Random, Sequence[tuple[int, int]]], Sequence[str | int]] | None = None
    """An id for each (at, visible); UUIDs, where nothing is said."""
    delay: timedelta = timedelta(0)
    """How long it takes until an event can be listed."""
    longest: timedelta | None = None
    """The longest span that can be asked for."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a log."""

    listing: Listing
    events: Sequence[Event]
    more: bool
    """Whether an event follows."""
    total: int
    """The events between the bounds, as of now."""
    number: int
    """Which page it is, from 1 on; of a cursor, always 1."""
    size: int
    token: str
    """What the next page is asked for with; empty on the last one."""
    url: str
    """The whole address of the next page; empty on the last one."""

    @property
    def rows(self) -> bytes:
        """The events, as an array in JSON."""
        return b"[%b]" % b",".join(event.body for event in self.events)

    def json(self, key: str, **more: Any) -> bytes:
        """Return an object in JSON with the events under a key, and whatever else."""
        others = json.dumps(more).encode()[1:-1]
        return b"{%b%b%b:%b}" % (others, b"," if others else b"", json.dumps(key).encode(), self.rows)

"""Where a feed's walk is: what its checkpoint holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from streamalert_apps.sdk.app import Checkpoint, Json
from streamalert_apps.sdk.feed.lateness import Lateness


class Sweep(msgspec.Struct, omit_defaults=True):
    """A listing from the floor up to `end`, window by window."""

    began: datetime
    end: datetime
    cursor: datetime
    """All windows before it have been listed."""
    ceiling: datetime | None = None
    """How far the floor may follow; fixed when the sweep begins."""
    top: datetime | None = None
    """The end of the window under way."""
    since: datetime | None = None
    until: datetime | None = None
    """What is being asked for; the same for all pages, as a token may be good for that alone."""
    token: Json = None
    reached: datetime | None = None
    """The last moment read in the window, where the list keeps its order."""
    rows: int = 0
    tries: int = 0
    """Runs that went on with the token and got nothing."""
    restarts: int = 0
    met: dict[str, int] = {}
    """How often each row without an id was met in the window."""


class Place(msgspec.Struct, omit_defaults=True):
    """The checkpoint of a feed while it is worked on."""

    floor: datetime
    """Every event before it is on record."""
    newest: datetime | None = None
    """The youngest event's time; it never falls."""
    looked: datetime | None = None
    """When the last look began."""
    covered: datetime | None = None
    """Since when looks have left no hole."""
    hole: bool = False
    """The last look was not finished: the next sweep is due."""
    swept: datetime | None = None
    """When the last sweep that is finished began."""
    sweep: Sweep | None = None
    width: float = 86_400.0
    """Seconds of a sweep's next window."""
    slow: bool = False
    """A sweep up to now takes longer than the time to the next one."""
    late: Lateness = msgspec.field(default_factory=Lateness)
    rate: float = 0.0
    """Events a second, as looks see them."""
    size: int = 0
    """Rows of a page that another one followed."""
    fullest: int = 0
    ahead: float = 0.0
    """Seconds that our clock is ahead of the service's."""
    times: list[int] = []
    """Times of the last events, where the service does not tell its own."""
    turns: int = 0
    """Requests of looks since a sweep made one."""
    gaps: list[tuple[datetime, datetime]] = []
    """Times that could not be read."""

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Place:
        """Return the place of a checkpoint; what another version said besides does not matter."""
        return msgspec.convert(checkpoint, cls, strict=False, str_keys=True)

    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint that goes on here."""
        done: dict[str, Any] = msgspec.to_builtins(self, str_keys=True)
        return done

"""Where a feed's walk is: what its checkpoint holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from streamalert_apps.sdk.app import Checkpoint, Json
from streamalert_apps.sdk.feed.lateness import Lateness

LONGEST_TOKEN: Final = 50_000  # bytes that a checkpoint keeps
WIDEST: Final = 10 * 366 * 86_400.0
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


class Window(msgspec.Struct, omit_defaults=True):
    """A listing of a part of a sweep's time: all up to `top`."""

    top: datetime
    since: datetime
    until: datetime
    """What is being asked for; the same for all pages, as a token may be good for that alone."""
    token: Json = None
    reached: datetime | None = None
    """The last moment read, where the list keeps its order."""
    rows: int = 0
    tries: int = 0
    """Runs that went on with it and got nothing."""
    met: dict[str, int] | None = {}
    """How often each row without an id was met; None: too many to keep."""
    trusted: bool = False
    """A part was left out because the list's order tells that it holds nothing more."""


class Sweep(msgspec.Struct, omit_defaults=True):
    """A listing from the floor up to `end`, window by window."""

    began: datetime
    end: datetime
    cursor: datetime
    """All windows before it have been listed."""
    sure: datetime
    """As `cursor`, whatever the order of the list: where the order breaks, the sweep continues from here."""
    ceiling: datetime | None = None
    """How far the floor may follow; fixed when the sweep begins."""
    window: Window | None = None
    """The one under way."""
    tries: int = 0
    """How often a window could not be read to its end that can't be made smaller."""
    unordered: bool = False
    """The list did not keep its order."""
    first: bool = False
    """It goes before any look: what 0.1.0 had begun, and delivered in part."""


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
    cut: bool = False
    """The last look was not finished."""
    hole: bool = False
    """Nor has a sweep begun since: the next one is due."""
    swept: datetime | None = None
    """When the last sweep that is finished began."""
    listed: datetime | None = None
    """Up to when it listed events."""
    sweep: Sweep | None = None
    width: float = 86_400.0
    """Seconds of a sweep's next window."""
    widest: float = WIDEST
    """Seconds that it may have: with more the service has failed."""
    boundless: bool = False
    """The service lists events up to now, whatever end is asked for."""
    slow: bool = False
    """A sweep up to now takes longer than the time to the next one."""
    late: Lateness = msgspec.field(default_factory=Lateness)
    rate: float = 0.0
    """Events a second, as looks see them."""
    size: int = 0
    """Rows of a page that another one followed."""
    fullest: int = 0
    """Rows of the fullest page of all."""
    ahead: float = 0.0
    """Seconds that the store's clock is ahead of the service's."""
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
        window = self.sweep and self.sweep.window
        if window and window.token is not None and len(msgspec.json.encode(window.token)) > LONGEST_TOKEN:
            del done["sweep"]["window"]["token"]
        return done


def rounded(moment: datetime, unit: timedelta) -> datetime:
    """Return the last whole unit up to a moment."""
    return moment - (moment - _EPOCH) % unit

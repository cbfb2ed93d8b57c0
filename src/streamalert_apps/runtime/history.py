"""What runs did in each hour of the last day. It is kept in the head: no call more to write or to read it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

HOURS: Final = 25  # the last 24, and the one that is not over
_SECONDS: Final = 3600


class Hour(msgspec.Struct, array_like=True, omit_defaults=True):
    """What the runs did that ended within an hour. `hour`: hours since 1970."""

    hour: int
    runs: int = 0
    failed: int = 0
    events: int = 0
    bytes: int = 0
    lag: float = -1.0
    """How far collection was behind at the end of the worst of them, in seconds; -1: none could tell."""

    @property
    def began(self) -> datetime:
        """When the hour began."""
        return datetime.fromtimestamp(self.hour * _SECONDS, UTC)


def hour_of(time: datetime) -> int:
    """Return the hour in which a time is."""
    return int(time.timestamp()) // _SECONDS


def added(hours: Sequence[Hour], run: Hour) -> list[Hour]:
    """Return the hours with a run in them; those that are older than a day are left out."""
    kept = [one for one in hours if run.hour - HOURS < one.hour < run.hour]
    same = next((one for one in hours if one.hour == run.hour), Hour(run.hour))
    together = Hour(
        run.hour,
        same.runs + run.runs,
        same.failed + run.failed,
        same.events + run.events,
        same.bytes + run.bytes,
        max(same.lag, run.lag),
    )
    return [*kept, together]

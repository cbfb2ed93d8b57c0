"""Time as an argument: what is slow on a real clock is instant on another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

BELIEVED: Final = range(2000, 2100)
"""Years; a time in another one is of a clock that is not set, or counts in another unit."""


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """Return the aware UTC time."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the aware UTC time."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def iso(moment: datetime, unit: str = "seconds") -> str:
    """Return a time as most services write it: 2026-03-01T12:00:00Z, or with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec=unit).replace("+00:00", "Z")


class FastClock:
    """A clock that runs `speed` times as fast as the machine's, from `start` on."""

    def __init__(self, speed: float, start: datetime | None = None) -> None:
        self._speed = speed
        self._start = start or datetime.now(UTC)
        self._zero = time.monotonic()

    def now(self) -> datetime:
        """Return the aware UTC time on this clock."""
        return self._start + timedelta(seconds=(time.monotonic() - self._zero) * self._speed)

    def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""
        time.sleep(seconds / self._speed)


@dataclass(frozen=True, slots=True)
class Deadline:
    """How many seconds are left for work; what closing needs is already taken off."""

    left: Callable[[], float]

    @classmethod
    def never(cls) -> Deadline:
        """Return a deadline that does not come."""
        return cls(lambda: float("inf"))

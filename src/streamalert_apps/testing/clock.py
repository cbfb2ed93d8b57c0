"""Time that passes only when somebody waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 3, 10, 10, tzinfo=UTC)


class ManualClock:
    """Stands still but for its own sleeps, so that hours pass in no time. An app and its twin share one."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the aware UTC time."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on; a negative wait is none."""
        self._now += timedelta(seconds=max(0.0, seconds))

    def sleep_until(self, moment: datetime) -> None:
        """Move on to a moment; one that has passed is there already."""
        self._now = max(self._now, moment)

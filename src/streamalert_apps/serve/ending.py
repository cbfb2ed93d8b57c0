"""The end of a collector that was told to stop: runs may finish, within a grace period."""

from __future__ import annotations

import time
from threading import Event
from typing import Final

from streamalert_apps.errors import OutOfTime
from streamalert_apps.sdk.clock import SystemClock


class Ending:
    """Whether the collector is to end, and how many seconds runs may still take."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._until = float("inf")
        self._begun = Event()

    @property
    def begun(self) -> bool:
        """Whether it was told to stop."""
        return self._begun.is_set()

    def begin(self) -> None:
        """Stop: begin no more runs, and let those under way come to an end."""
        if not self.begun:
            self._until = time.monotonic() + self._grace
            self._begun.set()

    def left(self) -> float:
        """Return the seconds until all has to be done; infinity while nobody said stop."""
        return self._until - time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Wait; return at once, with True, when it is to end."""
        return self._begun.wait(seconds)


LONGEST_LAST_WAIT_SECONDS: Final = 2.0


class EndingClock(SystemClock):
    """The machine's clock, for runs: once all is to end, only short waits are still worth it."""

    def __init__(self, ending: Ending) -> None:
        self._ending = ending

    def sleep(self, seconds: float) -> None:
        """Wait. Raises OutOfTime where the collector is to end, and that would take too long."""
        until = time.monotonic() + seconds
        if not self._ending.wait(seconds):
            return
        rest = until - time.monotonic()
        if rest >= min(LONGEST_LAST_WAIT_SECONDS, self._ending.left()):
            raise OutOfTime("The collector was told to stop.")
        time.sleep(max(0.0, rest))

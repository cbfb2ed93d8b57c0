"""The two feeds of an enterprise: the stream, as events are processed, and the log, as they happened."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.store import Event, Feed, micros

STREAM_KEEPS: Final = timedelta(weeks=2)
LOG_IS_LATER: Final = timedelta(hours=1) // timedelta(microseconds=1)
FIRST_POSITION: Final = 31_240_077_183_920_411  # more than 2**53
STEP: Final = 7
EVERY_TH_TWICE: Final = 40
AGAIN_AFTER: Final = 12


class Stream(Feed):
    """Events by the time at which they were processed; some come a second time, soon after the first."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.log = Feed(clock)
        self._waiting: list[Event] = []  # the next to be processed comes last
        self._entries: list[Event] = []

    def add(self, events: Iterable[Event]) -> None:
        """Put events into both feeds; the log has them an hour later."""
        made = list(events)
        super().add(made)
        self.log.add(replace(event, visible=event.visible + LOG_IS_LATER) for event in made)
        self._waiting += made
        self._waiting.sort(key=lambda event: (event.visible, event.id), reverse=True)

    def oldest(self) -> int:
        """Return the position of the oldest event that is kept."""
        self._process()
        horizon = micros(self._clock.now() - STREAM_KEEPS)
        return _position(bisect_left(self._entries, horizon, key=lambda event: event.visible))

    def latest(self) -> int:
        """Return the position after the last event."""
        self._process()
        return _position(len(self._entries))

    def entries(self, position: int, limit: int) -> tuple[list[Event], int]:
        """Return events at a position, and the position after them."""
        start = (position - FIRST_POSITION) // STEP
        found = self._entries[start : start + limit]
        return found, _position(start + len(found))

    def _process(self) -> None:
        now = micros(self._clock.now())
        while self._waiting and self._waiting[-1].visible <= now:
            self._entries.append(self._waiting.pop())
            if len(self._entries) % EVERY_TH_TWICE == AGAIN_AFTER and len(self._entries) > EVERY_TH_TWICE:
                self._entries.append(self._entries[-AGAIN_AFTER])


def _position(index: int) -> int:
    return FIRST_POSITION + index * STEP

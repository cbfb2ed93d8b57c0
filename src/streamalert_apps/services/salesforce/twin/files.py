"""Which events are in which file, and when that is made.

A file has the events of one hour or one day. It is made some time after that has ended, and then
stays as it is. What comes later is in another file: of an hour, one with the next sequence number
and just the new events; of a day, one that replaces the file before it and has all of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.salesforce.twin.rows import identifier
from streamalert_apps.simulator.store import EPOCH

SPANS: Final = {"Hourly": timedelta(hours=1), "Daily": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Happened:
    """An event: what it says, when it happened, its id, and when its file is made if that is late."""

    content: dict[str, str]
    at: datetime
    id: str
    late: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file. A day's is there until the next one of that day is made."""

    id: str
    event_type: str
    interval: str
    log_date: datetime
    created: datetime
    sequence: int
    events: tuple[Happened, ...]
    until: datetime | None = None


class Files:
    """The files of one event type and interval. `delay`: how long after its span a file is made."""

    def __init__(
        self, clock: Clock, event_type: str, interval: str, delay: timedelta, random: Random
    ) -> None:
        self._clock = clock
        self._event_type = event_type
        self._interval = interval
        self._span = SPANS[interval]
        self._delay = delay
        self._random = random
        self._made: defaultdict[datetime, dict[datetime, list[Happened]]] = defaultdict(dict)
        self._ids: dict[tuple[datetime, datetime], str] = {}
        self._files: list[LogFile] | None = None  # as they are until something is added

    def due(self, at: datetime) -> datetime:
        """Return when the first file with the events of a time is made."""
        return self._start(at) + self._span + self._delay

    def add(self, events: Iterable[Happened]) -> None:
        """Put events into files; one that has been made stays as it is."""
        now = self._clock.now()
        closed = {(start, made) for start, parts in self._made.items() for made in parts if made <= now}
        for event in events:
            start, made = self._start(event.at), self.due(event.at)
            if event.late and event.late > made:
                made = _whole_second(event.late)
            if (start, made) in closed:
                made = _whole_second(now)
            self._made[start].setdefault(made, []).append(event)
        self._files = None

    def files(self) -> list[LogFile]:
        """Return every file, those included that are not made yet or were replaced."""
        if self._files is None:
            self._files = [f for start, parts in self._made.items() for f in self._of_span(start, parts)]
        return self._files

    def _start(self, at: datetime) -> datetime:
        return at - (at - EPOCH) % self._span

    def _of_span(self, start: datetime, parts: dict[datetime, list[Happened]]) -> Sequence[LogFile]:
        made = sorted(parts)
        daily = self._interval == "Daily"
        files = []
        for number, created in enumerate(made):
            earlier = made[: number + 1] if daily else [created]
            events = [event for part in earlier for event in parts[part]]
            ended = made[number + 1] if daily and number + 1 < len(made) else None
            name = self._ids.setdefault((start, created), identifier(self._random, "0AT"))
            sequence = 0 if daily else number + 1
            files.append(
                LogFile(
                    name, self._event_type, self._interval, start, created, sequence, tuple(events), ended
                )
            )
        return files

    def held(self, since: datetime | None, until: datetime | None) -> Counter[str]:
        """Count the ids of the events that happened from `since` to `until`, both inclusive."""
        events = (event for parts in self._made.values() for part in parts.values() for event in part)
        return Counter(
            event.id
            for event in events
            if (since is None or since <= event.at) and (until is None or event.at <= until)
        )


def _whole_second(moment: datetime) -> datetime:
    """Return the second that a moment is in, or the next one if it is in the middle."""
    return moment if not moment.microsecond else moment.replace(microsecond=0) + timedelta(seconds=1)

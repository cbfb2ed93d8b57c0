"""Which records are in which blob, and when that becomes available.

What becomes visible within ten minutes is one blob, made at their end and never changed. A record that comes
after that, for ten minutes whose blob has been listed, is in another one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Facts
from streamalert_apps.simulator.single import Row, SingleLog, uuid
from streamalert_apps.simulator.store import MILLISECOND, SECOND, Event, by_arrival, micros, moment, seeded

SPAN: Final = 600 * SECOND
LATEST: Final = timedelta(minutes=90)  # as Microsoft says of most services; there is no promise


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob: its id, and when it became available, in microseconds since 1970."""

    id: str
    created: int
    events: tuple[Event, ...]


class BlobLog(SingleLog):
    """The records of a content type, and the blobs that they are in. `delay`: until a record is in one."""

    id_field = "Id"
    text_field = "ObjectId"
    precision = SECOND

    def __init__(
        self,
        clock: Clock,
        app_type: str,
        make: Callable[[Random], Row],
        *,
        seed: int,
        page: int,
        delay: timedelta,
    ) -> None:
        self.app_type = app_type
        self.page = page
        self._make = make
        self._blobs: list[Blob] = []
        self._taken: set[str] = set()
        self._listed = 0
        super().__init__(clock, seed=seed, page_size=page, delay=delay, order=by_arrival)

    def row(self, random: Random) -> Row:
        """Return a record."""
        return self._make(random)

    def written(self, time: datetime) -> str:
        """Return a time as Microsoft writes it here: UTC, without saying so."""
        return f'"{time:%Y-%m-%dT%H:%M:%S}"'

    def facts(self, app_type: str) -> Facts:
        """Return what Microsoft documents."""
        self.know(app_type)
        return Facts(self.page_size, LATEST)

    def complete(self, app_type: str) -> datetime:
        """Return the time from which on every record is in a blob that can be listed."""
        self.know(app_type)
        return moment(max((_end(event.visible) for event in self.feed.all()), default=0))

    def blobs(self) -> list[Blob]:
        """Return the blobs that are available now, in the order in which they became so."""
        now = micros(self.clock.now())
        due: defaultdict[int, list[Event]] = defaultdict(list)
        for event in self.feed.all():
            end = _end(event.visible)
            if event.id not in self._taken and end <= now:
                due[end if end > self._listed else now - now % MILLISECOND].append(event)
        for created, events in sorted(due.items()):
            self._taken.update(event.id for event in events)
            name = uuid(seeded(self.app_type, created, events[0].id)).replace("-", "")
            self._blobs.append(Blob(f"{created}${created}${name}$04", created, tuple(events)))
        self._listed = now
        return self._blobs


def _end(visible: int) -> int:
    return -(-visible // SPAN) * SPAN

"""Looking: a run that leaves no trace in the app's record, but for the service's pace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

import msgspec

from streamalert_apps.errors import AppError, UsageError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import pace
from streamalert_apps.runtime.store import Read, Store
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.app import App, Checkpoint, Memory, Page
from streamalert_apps.sdk.clock import Clock


class Aside(MemoryStore):
    """Keeps in memory what a look writes; reads the app's own objects where it has none of that name."""

    def __init__(self, own: Store, clock: Clock) -> None:
        super().__init__(clock)
        self._own = own

    def begin_where_the_app_is(self) -> None:
        """Take over how far the app has come: checkpoint and memory, but nothing that waits to be sent."""
        there = self._own.read(heads.NAME)
        if there.version is None:
            return
        head, _ = heads.parse(there.body)
        head.lease, head.positions = None, {}
        self.write(heads.NAME, msgspec.json.encode(head), replacing=None)

    def read(self, name: str) -> Read:
        """Return a small mutable object; of the pace, what others have noted."""
        if name == pace.NAME:
            with suppress(AppError):  # there may be no bucket yet
                return self._own.read(name)
        return super().read(name)

    def get(self, name: str) -> bytes | None:
        """Return an object, or None where it is not there."""
        found = super().get(name)
        return self._own.get(name) if found is None else found


def bounded(kind: type[App], until: datetime) -> type[App]:
    """Return an app type of which only the events before a moment are wanted."""

    def walk(self: App, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        for page in kind.walk(self, checkpoint, memory):
            mark = self.watermark(page.checkpoint)
            yield _before(page, until, more=page.more and (mark is None or mark < until))

    return type(kind.__name__, (kind,), {"walk": walk, "__module__": kind.__module__})


def _before(page: Page, until: datetime, *, more: bool) -> Page:
    if len(page.times) != len(page.logs):
        raise UsageError("The app does not tell when its events happened.", hint="Leave out --until.")
    kept = [row for row, time in enumerate(page.times) if time < until.timestamp()]
    return page.only(kept, more=more)

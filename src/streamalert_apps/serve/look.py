"""Looking: a run that leaves no trace in the app's record, but for the service's pace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import msgspec

from streamalert_apps.errors import UsageError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.store import Store
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.app import App, Checkpoint, Json, Memory, NoMemory, Page
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

    def get(self, name: str) -> bytes | None:
        """Return an object, or None where it is not there."""
        found = super().get(name)
        return self._own.get(name) if found is None else found


class Bounded(App):
    """An app of which only the events before a moment are wanted."""

    def __init__(self, app: App, until: datetime) -> None:
        super().__init__(app.credentials, app.api)
        self._app = app
        self._until = until

    def start(self, since: datetime) -> Checkpoint:
        """Return the app's own checkpoint."""
        return self._app.start(since)

    def adopt(self, last_timestamp: Json, context: Json) -> Checkpoint:
        """Return the app's own checkpoint."""
        return self._app.adopt(last_timestamp, context)

    def watermark(self, checkpoint: Checkpoint) -> datetime | None:
        """Return the app's own watermark."""
        return self._app.watermark(checkpoint)

    def check(self) -> None:
        """Make the app's own request."""
        self._app.check()

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield what `walk` does without a memory."""
        return self.walk(checkpoint, NoMemory())

    def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        """Yield the app's pages without later events, until everything before the moment was shown."""
        for page in self._app.walk(checkpoint, memory):
            mark = self._app.watermark(page.checkpoint)
            yield self._before(page, more=page.more and (mark is None or mark < self._until))

    def _before(self, page: Page, *, more: bool) -> Page:
        if len(page.times) != len(page.logs):
            raise UsageError("The app does not tell when its events happened.", hint="Leave out --until.")
        kept = [row for row, time in enumerate(page.times) if time < self._until.timestamp()]
        return replace(
            page,
            logs=[page.logs[row] for row in kept],
            ids=[page.ids[row] for row in kept],
            times=[page.times[row] for row in kept],
            more=more,
        )

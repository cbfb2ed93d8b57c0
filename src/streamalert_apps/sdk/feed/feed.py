"""An app type whose service lists events by time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from streamalert_apps.sdk.app import Checkpoint, Json, Memory, NoMemory, Page
from streamalert_apps.sdk.feed import legacy
from streamalert_apps.sdk.feed.listed import Listed
from streamalert_apps.sdk.feed.place import Place, Sweep, rounded
from streamalert_apps.sdk.feed.reader import Reader
from streamalert_apps.sdk.feed.sweep import Sweeps
from streamalert_apps.sdk.feed.walk import walk
from streamalert_apps.sdk.legacy import Inherited


class Feed(Listed):
    """An app type whose service lists events by time. Subclass OldestFirst, NewestFirst or AnyOrder."""

    def start(self, since: datetime) -> Checkpoint:
        """Return the first checkpoint of an app that collects from `since` on."""
        return Place(rounded(since, self.precision)).checkpoint()

    def inherit(self, checkpoint: Checkpoint, *, halfway: bool = False) -> Inherited:
        """Return where to continue after 0.1.0."""
        now = self.api.clock.now() - self.api.ahead
        listed = legacy.Former(self.order, self.precision, self.has_ids, self.inherit_token, now)
        return legacy.inherited(checkpoint, listed, halfway=halfway)

    def export(self, checkpoint: Checkpoint, undelivered: datetime | None, ids: list[bytes]) -> Checkpoint:
        """Return the floor for 0.1.0, not above what was not delivered, and the ids delivered beyond it."""
        floor = Place.of(checkpoint).floor
        if undelivered:
            floor = min(floor, rounded(undelivered, self.precision))
        return legacy.exported(floor, ids)

    def inherit_token(self, token: Json) -> Json:
        """Return the page token of today for one of 0.1.0."""
        return token

    def watermark(self, checkpoint: Checkpoint) -> datetime:
        """Return the time before which everything has been collected."""
        return datetime.fromisoformat(checkpoint["floor"])

    def recorded(self, checkpoint: Checkpoint) -> datetime:
        """Return when the last complete look began, or else the floor."""
        place = Place.of(checkpoint)
        looked = None if place.hole else place.looked
        return max(looked or place.floor, place.floor)

    def listed(self, checkpoint: Checkpoint) -> datetime:
        """Return when the last finished sweep began, or else the floor."""
        place = Place.of(checkpoint)
        return max(place.swept or place.floor, place.floor)

    def gaps(self, checkpoint: Checkpoint) -> list[tuple[datetime, datetime]]:
        """Return the latest time spans that could not be read, oldest first."""
        return Place.of(checkpoint).gaps

    def lateness(self, checkpoint: Checkpoint) -> timedelta | None:
        """Return the delay within which 99 % of the events came that a look had not seen."""
        seconds = Place.of(checkpoint).late.quantile(0.99)
        return timedelta(seconds=seconds) if seconds else None

    def check(self) -> None:
        """Request the last minute of events."""
        now = self.api.clock.now()
        self.fetch(now - timedelta(minutes=1), now, None)

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages as `walk` does, without a memory of what is on record."""
        return self.walk(checkpoint, NoMemory())

    def span(self, since: datetime, until: datetime) -> Checkpoint:
        """Return where a listing of a span of time begins: a sweep whose end is fixed."""
        place = Place(rounded(since, self.precision))
        place.sweep = Sweep(self.api.clock.now(), end=until, cursor=place.floor, sure=place.floor)
        return place.checkpoint()

    def list_span(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        """Yield the pages of a sweep."""
        place = Place.of(checkpoint)
        sweeps = Sweeps(Reader(self, place, memory))
        while place.sweep:
            yield from sweeps.page()

    def span_left(self, checkpoint: Checkpoint) -> datetime | None:
        """Return up to when a span has been listed, even if the order breaks later."""
        sweep = Place.of(checkpoint).sweep
        return sweep.sure if sweep else None

    def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        """Yield pages of new events. Each page's checkpoint counts once its events are on record."""
        return walk(self, Place.of(checkpoint), memory)

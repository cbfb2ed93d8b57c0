"""The walk through a feed without a known order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from streamalert_apps.sdk import ids
from streamalert_apps.sdk.app import Checkpoint, Page
from streamalert_apps.sdk.events import NEVER, Row
from streamalert_apps.sdk.watermark.feed import SKEW, Feed
from streamalert_apps.sdk.watermark.walk import Position, Walk

_LONG = timedelta(hours=1)  # a walk through everything that took longer is followed by another at once


@dataclass(slots=True)
class _Reading:
    """What a walk through a feed without order has read."""

    met: Counter[bytes] = field(default_factory=Counter)
    read: set[bytes] = field(default_factory=set)  # a page may repeat what the one before it held
    kept: set[bytes] = field(default_factory=set)  # fresh ones that an earlier run forwarded
    fresh: dict[bytes, tuple[Any, Row]] = field(default_factory=dict)  # with their ranks

    def first(self, count: int) -> dict[bytes, tuple[Any, Row]]:
        """Return the fresh events that go first."""
        return dict(sorted(self.fresh.items(), key=lambda item: item[1][0])[:count])


class AnyOrder(Feed):
    """A feed whose order is not documented, or whose old events change: a walk reads all of it.

    Settled events are forwarded page by page. Of the fresh ones, as many as the id memory holds are
    forwarded at the end.
    """

    _descending = False

    def rank(self, row: Row, time: datetime) -> Any:  # noqa: ARG002 (a service may look at more than the time)
        """Return what decides which fresh events go first where not all can: the lowest ones do."""
        return time

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages; only the last page of a walk moves the floor."""
        walk = self._resume(checkpoint)
        more = True
        while more:
            begins = walk.position is None
            at = self._begin(walk)
            whole = at.token is None
            reading = _Reading()
            while walk.position:
                token = at.token
                fetched = self._next_page(walk, at)
                if begins:  # a run whose first delivery failed comes back to the same bounds and logs
                    yield Page([], walk.checkpoint(), more=True)
                    begins = False
                if at.token != token:  # it expired, and all comes again
                    reading.met.clear()
                logs, repeats = self._sift(fetched.rows, walk, at, reading)
                at.token = fetched.next
                if fetched.next is not None:
                    yield Page(logs, walk.checkpoint(), more=True, repeats=repeats)
                    continue
                now = self.api.clock.now()
                more = now - at.until > _LONG
                have_settled = walk.youngest is not None and walk.youngest < at.settled
                walk.seen = reading.kept if whole or have_settled else walk.seen
                walk.floor, walk.position, walk.youngest = at.settled, None, now + SKEW
                fresh = [*reading.first(ids.CAPACITY - len(walk.seen)).items()][::-1]
                yield Page(logs, walk.checkpoint(), more=more or bool(fresh), repeats=repeats)
                while fresh:  # one by one: just those that were accepted are remembered
                    identity, (_, row) = fresh.pop()
                    walk.seen.add(identity)
                    yield Page([row], walk.checkpoint(), more=more or bool(fresh))

    def _sift(
        self, rows: Sequence[Row], walk: Walk, at: Position, reading: _Reading
    ) -> tuple[list[Row], int]:
        """Return the settled events that are new, and how many were not; note the fresh ones."""
        logs: list[Row] = []
        repeats = 0
        for row, time, identity in self.identified(rows, reading.met):
            if time < walk.floor:
                continue
            known = identity in walk.seen
            if known or identity in reading.read:
                repeats += 1
            elif time < at.settled or time == NEVER:
                logs.append(row)
            else:
                reading.fresh[identity] = (self.rank(row, time), row)
            if known and time < at.settled:
                walk.seen.discard(identity)
            elif known or (time == NEVER and len(reading.kept) < ids.CAPACITY):
                reading.kept.add(identity)
            reading.read.add(identity)
        if len(reading.fresh) > 4 * ids.CAPACITY:
            reading.fresh = reading.first(ids.CAPACITY)
        return logs, repeats

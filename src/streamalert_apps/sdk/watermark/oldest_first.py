"""The walk through a feed that lists the oldest event first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from streamalert_apps.sdk import ids
from streamalert_apps.sdk.app import Checkpoint, Page
from streamalert_apps.sdk.events import NEVER, Row
from streamalert_apps.sdk.watermark.feed import Feed
from streamalert_apps.sdk.watermark.walk import Position, Walk

_LONG = timedelta(minutes=5)  # a walk that took longer, over several runs, is followed by another at once


class OldestFirst(Feed):
    """A feed that lists the oldest event first: one walk through settled and fresh time."""

    _descending = False

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages up to the fresh end of the feed."""
        walk = self._resume(checkpoint)
        more = True
        while more:
            at = self._begin(walk)
            fetched = self._next_page(walk, at)
            logs, repeats, full = self._sift(fetched.rows, walk, at)
            if full or fetched.next is None:
                more = not full and self.api.clock.now() - at.until > max(self.lag, _LONG)
                if not full:
                    walk.seen -= at.unmet  # the service has withdrawn them
                walk.floor, walk.position = at.settled, None
            else:
                self._reach(at, fetched)
            yield Page(logs, walk.checkpoint(), more=more, repeats=repeats)

    def _sift(self, rows: Sequence[Row], walk: Walk, at: Position) -> tuple[Sequence[Row], int, bool]:
        """Return the new ones of `rows`, how many were not, and whether the id memory is full.

        Ids met in settled time leave the memory, those met in fresh time enter or stay.
        """
        if self._all_new_and_settled(rows, walk, at):
            return rows, 0, False
        logs: list[Row] = []
        repeats = 0
        for row, time, identity in self.identified(rows, taken=at.edge):
            if time < walk.floor:
                continue
            at.unmet.discard(identity)
            known = identity in walk.seen
            if time < at.settled:
                walk.seen.discard(identity)
                known = known or (at.again and at.passed(self._rounded(time), identity))
            elif known or len(walk.seen) < ids.CAPACITY:
                walk.seen.add(identity)
            elif time != NEVER:
                return logs, repeats, True  # what is younger waits until this has settled
            if known:
                repeats += 1
            else:
                logs.append(row)
        return logs, repeats, False

    def _all_new_and_settled(self, rows: Sequence[Row], walk: Walk, at: Position) -> bool:
        """Tell from its first and last event whether a page needs no look at each: a backlog's usual case."""
        if not rows or walk.seen or at.again:
            return False
        (_, first, _), (_, last, _) = self.identified((rows[0], rows[-1]))
        return walk.floor <= first <= last < at.settled

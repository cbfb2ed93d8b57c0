"""The walk through a feed that lists the newest event first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from streamalert_apps.errors import RequestRefused
from streamalert_apps.sdk.app import Checkpoint, Json, Page
from streamalert_apps.sdk.events import NEVER, Row
from streamalert_apps.sdk.ids import CAPACITY
from streamalert_apps.sdk.watermark.feed import Feed
from streamalert_apps.sdk.watermark.walk import Position, Walk

FRESH_IDS = CAPACITY - 24  # the rest is for the ids where a walk is between two pages
_SHORT = timedelta(seconds=1)
_LONG = timedelta(minutes=5)  # more than any service wants us to wait between two requests


class NewestFirst(Feed):
    """A feed that lists the newest event first: settled time is walked down to the floor, then fresh time.

    A backlog is walked through in windows, the oldest first. That the order is kept is noticed, not
    trusted: where it is not, a walk whose page token expired begins anew.
    """

    _descending = True
    window: ClassVar[timedelta] = timedelta(days=1)
    """The longest time that one walk goes through."""

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages; only the last page of a walk through settled time moves the floor."""
        walk = self._resume(checkpoint)
        due = max(self.precision, _SHORT, min(_LONG, self.lag / 4))
        while walk.position or self._now() - self.lag - walk.floor >= due:
            yield from self._settled(walk)
            due = max(_LONG, self.lag / 4)  # what settled while this was read is mostly not worth a walk
        yield from self._fresh(walk)

    def _begin(self, walk: Walk) -> Position:
        if walk.position is None:
            at = super()._begin(walk)
            at.settled = at.until = min(at.settled, walk.floor + self.window)
        return super()._begin(walk)

    def _settled(self, walk: Walk) -> Iterator[Page]:
        begins = walk.position is None
        at = self._begin(walk)
        while walk.position:
            fetched = self._next_page(walk, at)
            if begins:  # a run whose first delivery fails comes back to the same bounds, and the same logs
                yield Page([], walk.checkpoint(), more=True)
                begins = False
            logs: list[Row] = []
            repeats = 0
            before = NEVER if at.again else at.reached or NEVER
            page = set[bytes]()
            for row, time, identity in self.identified(fetched.rows, taken=at.edge):
                page.add(identity)
                passed = False
                if time != NEVER:
                    unit = self._rounded(time)
                    if identity not in at.last_page:  # it moved down, in a list that grew
                        at.ordered &= unit <= before
                        before = unit
                    if not walk.floor <= time < at.settled:
                        continue
                    passed = at.passed(unit, identity, descending=True)
                if passed or identity in at.edge or identity in walk.seen:
                    walk.seen.discard(identity)
                    repeats += 1
                else:
                    logs.append(row)
            at.last_page = page
            if fetched.next is None or self._all_below(fetched.rows, walk.floor - self.precision):
                walk.floor, walk.position = at.settled, None
            else:
                self._reach(at, fetched)
            yield Page(logs, walk.checkpoint(), more=True, repeats=repeats)

    def _fresh(self, walk: Walk) -> Iterator[Page]:
        """Forward fresh events: the span of them that the id memory holds.

        A span with too many is halved; the next one is chosen to fill three quarters of the memory. Each
        event is a page, so that after a failed delivery just those that were accepted are remembered.
        """
        while True:
            now = self.api.clock.now()
            until = now if walk.reach is None else min(now, walk.floor + timedelta(seconds=walk.reach))
            if until - walk.floor < self.precision:
                if until < now:
                    walk.reach = 2 * self.precision.total_seconds()
                yield Page([], walk.checkpoint(), more=False)
                return
            rows = yield from self._gather(walk, until, whole=until == now)
            if rows is not None:
                break
            walk.reach = (until - walk.floor).total_seconds() / 2
            yield Page([], walk.checkpoint(), more=True)
        if until == now:
            walk.seen &= rows.keys()
        new = {identity: row for identity, row in reversed(rows.items()) if identity not in walk.seen}
        for identity, row in new.items():
            walk.seen.add(identity)
            yield Page([row], walk.checkpoint(), more=True)
        if walk.reach is not None:
            walk.reach = walk.reach * FRESH_IDS * 3 / 4 / max(1, len(walk.seen)) if until < now else None
        yield Page([], walk.checkpoint(), more=False, repeats=len(rows) - len(new))

    def _gather(
        self, walk: Walk, until: datetime, *, whole: bool
    ) -> Generator[Page, None, dict[bytes, Row] | None]:
        """Return the events from the floor on; None where the memory or a page token's life is too short."""
        rows: dict[bytes, Row] = {}
        met: Counter[bytes] = Counter()
        token: Json = None
        while True:
            try:
                fetched = self.fetch(walk.floor - self.precision, until, token)
            except RequestRefused:
                if token is None:
                    raise
                return None
            rows |= {id_: row for row, time, id_ in self.identified(fetched.rows, met) if time >= walk.floor}
            if len(rows.keys() if whole else rows.keys() | walk.seen) > FRESH_IDS:
                return None
            if fetched.next is None or self._all_below(fetched.rows, walk.floor - self.precision):
                return rows
            token = fetched.next
            yield Page([], walk.checkpoint(), more=True)

    def _all_below(self, rows: Sequence[Row], since: datetime) -> bool:
        """Tell whether a page holds only what was not asked for: a list without an end is at its end."""
        return bool(rows) and all(time < since for _, time, _ in self.identified(rows))

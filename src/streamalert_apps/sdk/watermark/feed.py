"""What the three walks share: bounds, page tokens that expire, checkpoints of a wrong clock."""

from __future__ import annotations

import logging
from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from streamalert_apps.errors import RequestRefused
from streamalert_apps.sdk.app import Checkpoint, Json
from streamalert_apps.sdk.events import NEVER, Events, Fetched
from streamalert_apps.sdk.watermark.walk import Position, Walk

LOGGER = logging.getLogger(__name__)

SKEW = timedelta(minutes=1)  # what a service's clock may be ahead of ours
_EPOCH = datetime.fromtimestamp(0, UTC)


class Feed(Events):
    """An app type whose service lists events by time. Subclass OldestFirst, NewestFirst or AnyOrder."""

    precision: ClassVar[timedelta] = timedelta(seconds=1)
    """The unit in which the service compares times."""
    lag: ClassVar[timedelta] = timedelta(0)
    _descending: ClassVar[bool]

    @abstractmethod
    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for one page of the events from `since` to `until`; `token` is None for the first.

        A token with which the request is refused has expired; raise PageTokenExpired where that is told
        in another way.
        """

    def start(self, since: datetime) -> Checkpoint:
        """Return the checkpoint that collects from `since` on."""
        return {"floor": self._rounded(since).isoformat()}

    def watermark(self, checkpoint: Checkpoint) -> datetime:
        """Return the time before which everything has been collected."""
        return datetime.fromisoformat(checkpoint["floor"])

    def check(self) -> None:
        """Ask for the last minute of events."""
        now = self.api.clock.now()
        self.fetch(now - timedelta(minutes=1), now, None)

    def _rounded(self, moment: datetime) -> datetime:
        return moment - (moment - _EPOCH) % self.precision

    def _now(self) -> datetime:
        """Return the time, the service's where ours is ahead of it."""
        return self.api.clock.now() - self.api.ahead

    def _resume(self, checkpoint: Checkpoint) -> Walk:
        """Return the walk of a checkpoint. One of a wrong clock, or too old, is mended."""
        walk = Walk.of(checkpoint)
        now = self.api.clock.now()
        if max(walk.floor, walk.position.settled if walk.position else walk.floor) > now + SKEW:
            LOGGER.warning("the checkpoint is of %s: a clock was wrong; going on from now", walk.floor)
            walk.floor, walk.position = min(walk.floor, self._rounded(now - self.lag)), None
        if self.retention and walk.floor < now - self.retention:
            LOGGER.warning("the service keeps %s; what is older can't be collected any more", self.retention)
            walk.floor, walk.position = self._rounded(now - self.retention + timedelta(minutes=1)), None
        return walk

    def _begin(self, walk: Walk) -> Position:
        """Return where the walk is; a new one gets its bounds here, and they stay."""
        if walk.position:
            return walk.position
        now = self._now()
        settled = max(self._rounded(now - self.lag), walk.floor)
        walk.position = Position(settled, max(now, settled), unmet=set(walk.seen))
        return walk.position

    def _next_page(self, walk: Walk, at: Position) -> Fetched:
        """Fetch the walk's next page; where its token expired, start again from the last event read."""
        if at.token is not None:
            try:
                return self.fetch(*self._bounds(walk, at), at.token)
            except RequestRefused:
                at.restart()
                LOGGER.warning("the page token expired; going on from %s", at.restarted or "the first page")
        asked = self.api.clock.now()
        fetched = self.fetch(*self._bounds(walk, at), None)
        if at.reached is None:  # now it is known whether our clock is ahead, or was when the walk began
            at.settled = max(walk.floor, min(at.settled, self._rounded(asked - self.api.ahead - self.lag)))
        return fetched

    def _bounds(self, walk: Walk, at: Position) -> tuple[datetime, datetime]:
        """Return what to ask for: the same for all pages, as a token may be good for that alone."""
        since, until = walk.floor - self.precision, at.until + self.precision
        if at.restarted is None:
            return since, until
        if self._descending:
            return since, min(until, at.restarted + self.precision)
        return max(since, at.restarted - self.precision), until

    def _reach(self, at: Position, fetched: Fetched) -> None:
        """Move the position past a page: the next token, the last unit of time and the ids in it."""
        at.token = fetched.next
        reached, there = None, set[bytes]()
        for _, time, identity in self.identified(fetched.rows[::-1], taken=at.edge):
            if time == NEVER:
                continue
            reached = reached or self._rounded(time)
            if self._rounded(time) != reached:
                break
            there.add(identity)
        if reached is not None:
            at.reach(reached, there, descending=self._descending)

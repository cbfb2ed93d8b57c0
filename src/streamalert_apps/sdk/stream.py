"""A feed that hands out a position to go on from: at least once, in no order, late events included.

The position says how far the feed is read. A first run starts at the feed's oldest event; what
happened before the wanted time is left out until the feed has been read to its end once.

A service keeps such a feed for some time only, and some go on from the oldest event they have as if
nothing were missing. So a position that was not used for that long counts as lost, as does one that
the service refuses: the feed is read from its oldest event again, and what is missing before it is
the gap. Where the service has a history that reaches further back, the gap is filled from there,
after the feed, which is the one that runs out.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from streamalert_apps.errors import BadResponse, RequestRefused
from streamalert_apps.sdk import ids
from streamalert_apps.sdk.app import Checkpoint, Json, Page
from streamalert_apps.sdk.events import NEVER, Events, Fetched, Row
from streamalert_apps.sdk.ids import pack, unpack

LOGGER = logging.getLogger(__name__)

REMEMBERED_IN_A_RUN: Final = 20_000
OVERLAP: Final = timedelta(days=1)  # read again where a position was lost: events may have been late
MARGIN: Final = timedelta(days=1)  # what a feed loses while it is read does not matter


@dataclass(slots=True)
class _Gap:
    """A time that the feed does not hold any more, and the history's token to go on with."""

    since: datetime
    until: datetime
    token: Json = None


@dataclass(slots=True)
class _Place:
    """A checkpoint while it is worked on."""

    position: str
    at: datetime  # when the service took the position or gave it
    recent: dict[bytes, None]
    since: datetime | None = None
    reached: datetime | None = None
    gap: _Gap | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> _Place:
        gap = checkpoint.get("gap")
        return cls(
            checkpoint["position"],
            datetime.fromisoformat(checkpoint["at"]),
            dict.fromkeys(unpack(checkpoint.get("recent", ""))),
            _time(checkpoint.get("since")),
            _time(checkpoint.get("reached")),
            _Gap(datetime.fromisoformat(gap[0]), datetime.fromisoformat(gap[1]), gap[2]) if gap else None,
        )

    def checkpoint(self) -> Checkpoint:
        done: Checkpoint = {"position": self.position, "at": self.at.isoformat(timespec="seconds")}
        if self.since:
            done["since"] = self.since.isoformat()
        if self.reached:
            done["reached"] = self.reached.isoformat()
        if self.gap:
            done["gap"] = [self.gap.since.isoformat(), self.gap.until.isoformat(), self.gap.token]
        if self.recent:
            done["recent"] = pack([*self.recent][-ids.CAPACITY :])
        return done


class Stream(Events):
    """An app type whose service pages by position; an empty page is its end."""

    beginning: ClassVar[str]
    """The position of the oldest event."""
    history_retention: ClassVar[timedelta | None] = None
    """How long the history holds one, where there is a history."""

    @abstractmethod
    def fetch(self, position: str) -> Fetched:
        """Ask for the page at a position; `next` is the position after it.

        Raises RequestRefused where the service no longer knows the position.
        """

    def history(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask the history for a page of what happened between two times, oldest first."""
        raise NotImplementedError

    def start(self, since: datetime) -> Checkpoint:
        """Return the checkpoint that collects what happened from `since` on."""
        place = _Place(self.beginning, self._now(), {})
        self._begin(place, since)
        return place.checkpoint()

    def watermark(self, checkpoint: Checkpoint) -> datetime | None:
        """Return when the youngest event happened that was read."""
        return _time(checkpoint.get("reached"))

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages up to the end of the feed, and then those of a gap."""
        place = _Place.of(checkpoint)
        visited = {place.position}
        more = True
        while more:
            try:
                fetched = self.fetch(place.position)
            except RequestRefused:
                if place.position == self.beginning:
                    raise
                self._begin_again(place)
                visited.clear()
                continue
            if self.retention and self._now() - place.at > self.retention - MARGIN:
                self._begin_again(place)
                visited.clear()
                continue
            logs, repeats = self._sift(fetched.rows, place)
            more = bool(fetched.rows) and fetched.next not in {None, place.position}
            if more and fetched.next in visited:
                raise BadResponse("The service's positions run in a circle.")
            visited.add(fetched.next)
            place.position, place.at = fetched.next or place.position, self._now()
            place.since = place.since if more else None
            if place.gap and not fetched.rows:
                break  # however little time a run has, it brings something of the gap
            yield Page(logs, place.checkpoint(), more or place.gap is not None, repeats)
        while place.gap:
            yield self._fill(place, place.gap)

    def _now(self) -> datetime:
        return self.api.clock.now() - self.api.ahead

    def _begin(self, place: _Place, since: datetime) -> None:
        """Go to the oldest event that the feed has; note what is missing between it and `since`."""
        place.position, place.at, place.since = self.beginning, self._now(), since
        if self.retention is None or since >= (oldest := place.at - self.retention + MARGIN):
            return
        kept = oldest
        if self.history_retention:
            kept = max(since, place.at - self.history_retention + MARGIN)
            place.gap, place.since = _Gap(kept, oldest), oldest
        if kept > since:
            LOGGER.error("what happened from %s to %s can't be collected any more", since, kept)

    def _begin_again(self, place: _Place) -> None:
        """Begin anew a while before the youngest event that was read; a gap that is there gets longer."""
        since = place.since or place.at - OVERLAP
        if place.reached:
            since = min(place.reached, place.at) - OVERLAP
        if place.gap:
            since = min(since, place.gap.since)
        LOGGER.warning("the position of %s is lost; going on from %s", place.at, since)
        place.gap = None
        self._begin(place, since)

    def _sift(self, rows: Sequence[Row], place: _Place) -> tuple[list[Row], int]:
        """Return the events that are new and wanted, and how many were not new."""
        logs: list[Row] = []
        repeats = 0
        now = self._now()
        for row, time, identity in self.identified(rows):
            if place.since and time < place.since:
                continue
            if identity in place.recent:
                repeats += 1
                continue
            place.recent[identity] = None
            if time <= now:
                place.reached = max(place.reached or time, time)
            logs.append(row)
        for old in list(place.recent)[: max(0, len(place.recent) - REMEMBERED_IN_A_RUN)]:
            del place.recent[old]
        return logs, repeats

    def _fill(self, place: _Place, gap: _Gap) -> Page:
        """Return the next page of a gap; the history may go on beyond it."""
        try:
            fetched = self.history(gap.since, gap.until, gap.token)
        except RequestRefused:
            if gap.token is None:
                raise
            LOGGER.warning("the history's token is lost; going on from %s", gap.since)
            gap.token = None
            return Page([], place.checkpoint(), more=True)
        logs: list[Row] = []
        repeats = beyond = 0
        for row, time, identity in self.identified(fetched.rows):
            if time != NEVER and not gap.since <= time < gap.until:
                beyond += time >= gap.until
            elif identity in place.recent:
                repeats += 1
            else:
                logs.append(row)
        if beyond == len(fetched.rows) or fetched.next in {None, gap.token}:
            place.gap = None
        gap.token = fetched.next
        return Page(logs, place.checkpoint(), more=place.gap is not None, repeats=repeats)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

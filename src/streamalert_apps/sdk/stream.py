"""A feed that hands out a position to go on from: at least once, in no order, late events included.

The position says how far the feed is read, so that time plays no part, but for a first run: it
starts at the feed's oldest event, and what happened before the wanted time is left out until the
feed has been read to its end once.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import ClassVar

from streamalert_apps.errors import PageTokenExpired
from streamalert_apps.sdk.app import Checkpoint, Page
from streamalert_apps.sdk.events import Events, Fetched
from streamalert_apps.sdk.ids import CAPACITY, pack, unpack

LOGGER = logging.getLogger(__name__)

REMEMBERED_IN_A_RUN = 20_000
OVERLAP = timedelta(hours=1)  # read again where a position was lost


class Stream(Events):
    """An app type whose service pages by position; an empty page is its end."""

    beginning: ClassVar[str]
    """The position of the oldest event."""

    @abstractmethod
    def fetch(self, position: str) -> Fetched:
        """Ask for the page at a position; `next` is the position after it.

        Raises PageTokenExpired where the service no longer knows the position.
        """

    def start(self, since: datetime) -> Checkpoint:
        """Return the checkpoint that collects what happened from `since` on."""
        return {"position": self.beginning, "since": since.isoformat()}

    def watermark(self, checkpoint: Checkpoint) -> datetime | None:
        """Return when the youngest event happened that was read."""
        return datetime.fromisoformat(checkpoint["reached"]) if "reached" in checkpoint else None

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages up to the end of the stream."""
        position: str = checkpoint["position"]
        since = _time(checkpoint.get("since"))
        reached = _time(checkpoint.get("reached"))
        recent = dict.fromkeys(unpack(checkpoint.get("recent", "")))
        more = True
        while more:
            try:
                fetched = self.fetch(position)
            except PageTokenExpired:
                if position == self.beginning:
                    raise
                LOGGER.warning(
                    "the position is too old; what happened before the service's oldest event is lost"
                )
                position, since = self.beginning, (reached - OVERLAP if reached else since)
                continue
            logs = []
            repeats = 0
            for row, time, identity in self.identified(fetched.rows):
                if since and time < since:
                    continue
                if identity in recent:
                    repeats += 1
                    continue
                recent[identity] = None
                reached = max(reached or time, time)
                logs.append(row)
            more = bool(fetched.rows) and fetched.next not in {None, position}
            position = fetched.next or position
            since = since if more else None
            for old in list(recent)[: max(0, len(recent) - REMEMBERED_IN_A_RUN)]:
                del recent[old]
            yield Page(logs, _checkpoint(position, since, reached, [*recent][-CAPACITY:]), more, repeats)


def _checkpoint(
    position: str, since: datetime | None, reached: datetime | None, recent: list[bytes]
) -> Checkpoint:
    checkpoint: Checkpoint = {"position": position}
    if since:
        checkpoint["since"] = since.isoformat()
    if reached:
        checkpoint["reached"] = reached.isoformat()
    if recent:
        checkpoint["recent"] = pack(recent)
    return checkpoint


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

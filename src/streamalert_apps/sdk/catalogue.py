"""A feed of files: the service lists files by the time they were made, and each holds logs.

Files are listed from the floor on and opened one after the other, the oldest first. Each is handed
on in pieces, so that a run may end in the middle of a large one. A file whose time has settled moves
the floor to itself; the ids of younger ones are remembered until they have settled, because others
may still show up before them.

A checkpoint: `floor` and `last` (the file that was done last there: others may share its time),
`seen` (younger files that are done), in the middle of a file `file`, `at` (its time) and `skip` (how
many of its logs are done), and `reach` (seconds of the list to ask for at once, where a run was too
short for all).
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from streamalert_apps.errors import AppError, BadResponse, RequestRefused, TransientError, Unavailable
from streamalert_apps.sdk import ids
from streamalert_apps.sdk.app import Checkpoint, Json, Log, Page
from streamalert_apps.sdk.events import NEVER, Row
from streamalert_apps.sdk.ids import pack, unpack
from streamalert_apps.sdk.watermark import SKEW, Feed

LOGGER = logging.getLogger(__name__)

PIECE: Final = 1000

_File = tuple[Row, datetime, bytes]


@dataclass(slots=True)
class _Place:
    """A checkpoint while it is worked on."""

    floor: datetime
    last: bytes = b""
    seen: set[bytes] = field(default_factory=set)
    file: bytes = b""
    at: datetime | None = None
    skip: int = 0
    reach: float | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> _Place:
        return cls(
            floor=datetime.fromisoformat(checkpoint["floor"]),
            last=b"".join(unpack(checkpoint.get("last", ""))),
            seen=set(unpack(checkpoint.get("seen", ""))),
            file=b"".join(unpack(checkpoint.get("file", ""))),
            at=datetime.fromisoformat(checkpoint["at"]) if "at" in checkpoint else None,
            skip=checkpoint.get("skip", 0),
            reach=checkpoint.get("reach"),
        )

    def checkpoint(self) -> Checkpoint:
        checkpoint: Checkpoint = {"floor": self.floor.isoformat()}
        if self.last:
            checkpoint["last"] = pack([self.last])
        if self.seen:
            checkpoint["seen"] = pack(sorted(self.seen))
        if self.skip:
            checkpoint |= {"file": pack([self.file]), "skip": self.skip}
        if self.skip and self.at is not None:
            checkpoint["at"] = self.at.isoformat()
        if self.reach is not None:
            checkpoint["reach"] = self.reach
        return checkpoint


class Catalogue(Feed):
    """An app type whose `fetch` lists files and whose `open` reads one."""

    @abstractmethod
    def open(self, file: Row) -> Iterator[Log]:
        """Yield the logs of a file, always in the same order."""

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield the logs of each file that is not done, in pieces."""
        place = _Place.of(checkpoint)
        now = self.api.clock.now()
        if place.floor > now + SKEW:
            LOGGER.warning("the checkpoint is of %s: a clock was wrong; going on from now", place.floor)
            place.floor = self._rounded(now - self.lag)
        if self.retention and place.floor < now - self.retention:
            LOGGER.warning("the service keeps files for %s; older ones may be gone", self.retention)
        more = True
        while more:
            now = self.api.clock.now()
            until = self._until(place, now)
            reach = place.reach
            place.reach = (until - place.floor).total_seconds() / 2
            yield Page([], place.checkpoint(), more=True)  # a run that ends while it lists leaves this behind
            try:
                files, pages = self._listed(place.floor, until)
            except TransientError:
                raise
            except AppError:  # it was not for want of time
                place.reach = reach
                yield Page([], place.checkpoint(), more=True)
                raise
            place.reach = reach and reach * (2 if pages == 1 else 1) if until < now else None
            settled = max(self._rounded(min(now - self.api.ahead - self.lag, until)), place.floor)
            more = until < now - self.api.ahead - self.lag
            yield from self._opened(files, settled, place, more=more, whole=until == now)

    def _until(self, place: _Place, now: datetime) -> datetime:
        """Return up to when files are listed: now, or less where a run was too short for that."""
        if place.reach is None:
            return now
        until = place.floor + max(self.precision, timedelta(seconds=place.reach))
        if place.skip and place.at is not None:
            until = max(until, place.at)  # the file under way is to be in the list
        return min(now, until)

    def _opened(
        self, files: list[_File], settled: datetime, place: _Place, *, more: bool, whole: bool
    ) -> Iterator[Page]:
        """Yield the logs of what was listed; `whole`: up to now."""
        if whole:
            place.seen &= {identity for _, _, identity in files}
        yield from self._finish(files, place)
        dated = [entry for entry in files if entry[1] < NEVER]
        undated = [entry for entry in files if entry[1] == NEVER]  # first: the list moves on past them
        for file, time, identity in undated + dated[_done(dated, place.last) :]:
            known = identity in place.seen
            full = len(place.seen) >= ids.CAPACITY
            if full and not known and settled <= time < NEVER:
                continue  # it waits until it has settled
            if not known:
                yield from self._read(file, time, identity, place)
            if time < settled:
                place.floor, place.last = time, identity
                place.seen.discard(identity)
            elif not full:
                place.seen.add(identity)
            yield Page([], place.checkpoint(), more=True)
        if settled > place.floor:
            place.floor, place.last = settled, b""
        yield Page([], place.checkpoint(), more=more)

    def _listed(self, since: datetime, until: datetime) -> tuple[list[_File], int]:
        """List the files made from `since` on, the oldest first; those of one time in the service's order.

        Returns also how many pages that took.
        """
        bounds = self._rounded(since) - self.precision, until + self.precision
        rows: list[Row] = []
        pages = 0
        token: Json = None
        tokens: list[Json] = []
        restarted = False
        while True:
            try:
                fetched = self.fetch(*bounds, token)
            except RequestRefused:
                if token is None or restarted:
                    raise
                rows, token, tokens, restarted = [], None, [], True
                continue
            rows += fetched.rows
            pages += 1
            token = fetched.next
            if token in tokens:
                raise BadResponse("The service's list of files runs in a circle.")
            tokens.append(token)
            if token is None:
                files = [entry for entry in self.identified(rows) if entry[1] >= since]
                return sorted(files, key=lambda entry: entry[1]), pages

    def _finish(self, files: list[_File], place: _Place) -> Iterator[Page]:
        """Yield the rest of the file that was under way, though others may have shown up before it."""
        for file, time, identity in files:
            if place.skip and identity == place.file:
                yield from self._read(file, time, identity, place)
                place.seen.add(identity)
                yield Page([], place.checkpoint(), more=True)

    def _read(self, file: Row, time: datetime, identity: bytes, place: _Place) -> Iterator[Page]:
        """Yield a file's logs. A file that breaks off is opened again, if it gave any since it was opened."""
        if place.file != identity:
            place.file, place.skip = identity, 0
        place.at = time if time < NEVER else None
        broken = True
        while broken:
            start = place.skip
            try:
                yield from self._pieces(file, place)
                broken = False
            except Unavailable:
                if place.skip == start:
                    raise
        place.file, place.skip = b"", 0

    def _pieces(self, file: Row, place: _Place) -> Iterator[Page]:
        """Yield a file's logs that are not done, those before a break included."""
        logs = islice(self.open(file), place.skip, None)
        piece: list[Log] = [b""]
        broken: Unavailable | None = None
        while piece and not broken:
            piece = []
            try:
                for log in islice(logs, PIECE):
                    piece.append(log)
            except Unavailable as error:
                broken = error
            place.skip += len(piece)
            if piece:
                yield Page(piece, place.checkpoint(), more=True)
        if broken:
            raise broken


def _done(files: list[_File], last: bytes) -> int:
    """Return how many files are done: all up to the last one, if it is still there."""
    return next((count for count, (_, _, identity) in enumerate(files, 1) if identity == last), 0)

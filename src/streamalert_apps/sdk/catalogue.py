"""A feed of files: the service lists files by the time they were made, and each holds logs.

Files are listed from the floor on and opened one after the other, the oldest first. Each is handed on
in pieces, so that a run may end in the middle of a large one. A file that is done is remembered until
the floor has passed its time, because others may still show up before it. One that can't be read is put
aside: the others go on, the run says so, and the next one tries again, until the service lists it no more.

A checkpoint: `floor`, in the middle of a file `file` and `skip` (how many of its logs are done), `aside`
(the same of files that broke off), and `reach` (seconds of the list to ask for at once, where a run was
too short for all).
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count, islice
from typing import Final, NamedTuple

import msgspec

from streamalert_apps.errors import (
    AppError,
    CredentialsError,
    OutOfTime,
    RateLimited,
    RequestRefused,
    TransientError,
    Unavailable,
)
from streamalert_apps.sdk.app import Checkpoint, Json, Log, Memory, NoMemory, Page
from streamalert_apps.sdk.events import Row
from streamalert_apps.sdk.feed import Feed
from streamalert_apps.sdk.feed.listing import Listing
from streamalert_apps.sdk.feed.place import rounded
from streamalert_apps.sdk.feed.reader import lag_of, moment_of
from streamalert_apps.sdk.feed.sweep import IDLE
from streamalert_apps.sdk.ids import hashing
from streamalert_apps.sdk.legacy import Inherited, pack, unpack

LOGGER = logging.getLogger(__name__)

PIECE: Final = 1000


class _File(NamedTuple):
    row: Row
    identity: bytes
    time: float


class _Aside(NamedTuple):
    """A file that could not be read, by its time, and why."""

    time: float
    error: AppError


class _Place(msgspec.Struct, omit_defaults=True):
    """A checkpoint while it is worked on."""

    floor: datetime
    newest: datetime | None = None
    file: str = ""
    skip: int = 0
    reach: float | None = None
    aside: dict[str, int] = {}
    """How many logs are done of files that broke off."""
    old_file: str = ""
    """The file under way by 0.1.0's short id, until it is listed."""
    old_last: str = ""
    """The last file that 0.1.0 had done at the floor: what was listed before it is done, too."""

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> _Place:
        return msgspec.convert(checkpoint, cls, strict=False)

    def checkpoint(self) -> Checkpoint:
        done: Checkpoint = msgspec.to_builtins(self)
        return done


class Catalogue(Feed):
    """An app type whose `fetch` lists files and whose `open` reads one."""

    order = 0

    @abstractmethod
    def open(self, file: Row) -> Iterator[Log]:
        """Yield the logs of a file, always in the same order."""

    def start(self, since: datetime) -> Checkpoint:
        """Return the checkpoint that collects from `since` on."""
        return _Place(rounded(since, self.precision)).checkpoint()

    def inherit(self, checkpoint: Checkpoint, *, halfway: bool = False) -> Inherited:  # noqa: ARG002
        """Return where to go on after 0.1.0: in the middle of a file where it was in one."""
        place = _Place(
            datetime.fromisoformat(checkpoint["floor"]),
            skip=checkpoint.get("skip", 0),
            reach=None if "file" in checkpoint else checkpoint.get("reach"),  # the list has to hold the file
            old_file=checkpoint.get("file", ""),
            old_last=checkpoint.get("last", ""),
        )
        return Inherited(place.checkpoint(), unpack(checkpoint.get("seen", "")))

    def export(self, checkpoint: Checkpoint, undelivered: datetime | None, ids: list[bytes]) -> Checkpoint:  # noqa: ARG002
        """Return the floor for 0.1.0: files from there on come again, as their ids are not on record."""
        return super().export(checkpoint, undelivered, [])

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages as `walk` does, without a memory of what is on record."""
        return self.walk(checkpoint, NoMemory())

    def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        """Yield the logs of each file that is not done, in pieces."""
        place = _Place.of(checkpoint)
        aside: list[_Aside] = []
        more = True
        while more:
            asked = self.api.clock.now()
            until = self._until(place, self._now())
            reach = place.reach
            place.reach = (until - place.floor).total_seconds() / 2
            yield Page([], place.checkpoint(), more=True)  # a run that ends while it lists leaves this behind
            try:
                files, pages = self._listed(place, until, memory)
            except TransientError:
                raise
            except AppError:  # it was not for want of time
                place.reach = reach
                yield Page([], place.checkpoint(), more=True)
                raise
            began = asked - self.api.ahead  # by the service's clock, which may have told the time only now
            place.reach = reach and reach * (2 if pages == 1 else 1) if until < began else None
            more = until < began
            for file in self._in_turn(files, place):
                yield from self._read_or_put_aside(file, place, memory, aside)
            floor = place.floor
            self._raise_floor(place, began, until, aside)
            if reach and place.reach and place.floor == floor:  # all of that is done: look farther
                place.reach = 2 * reach
            more = more and not aside
            yield Page([], place.checkpoint(), more=more or bool(aside))
        if aside:
            raise aside[0].error

    def list_span(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        """Yield the logs of the files that a span has, in pieces: before a file is done, it counts as not."""
        short = hashing(memory.key)
        before = checkpoint
        for page in super().list_span(checkpoint, memory):
            for row, identity, time in zip(page.logs, page.ids, page.times, strict=True):
                logs = self.open(msgspec.Raw(bytes(row)))  # type: ignore[arg-type]
                for start in count(step=PIECE):
                    if not (piece := list(islice(logs, PIECE))):
                        break
                    ids = [short(f"{identity.hex()}\0{start + at}") for at in range(len(piece))]
                    times = [time] * len(piece)
                    known = memory.known(ids, times)
                    fresh = [at for at, one in enumerate(ids) if one not in known]
                    yield Page(
                        [piece[at] for at in fresh],
                        before,
                        more=True,
                        repeats=len(known),
                        ids=[ids[at] for at in fresh],
                        times=times[: len(fresh)],
                    )
            before = page.checkpoint
            yield Page([], before, more=page.more, repeats=page.repeats)

    def _read_or_put_aside(
        self, file: _File, place: _Place, memory: Memory, aside: list[_Aside]
    ) -> Iterator[Page]:
        """Yield a file's logs; one that can't be read must not hold up the others."""
        try:
            yield from self._read(file, place, memory)
        except (RateLimited, OutOfTime, CredentialsError):
            raise
        except AppError as error:
            LOGGER.warning("a file of %s is set aside: %s", moment_of(file.time), error.message)
            aside.append(_Aside(file.time, error))
            if place.skip:
                place.aside[place.file] = place.skip
            place.file, place.skip = "", 0

    def _now(self) -> datetime:
        return self.api.clock.now() - self.api.ahead

    def _until(self, place: _Place, now: datetime) -> datetime:
        """Return up to when files are listed: now, or less where a run was too short for that."""
        if place.reach is None:
            return now
        return min(now, place.floor + max(self.precision, timedelta(seconds=place.reach)))

    def _listed(self, place: _Place, until: datetime, memory: Memory) -> tuple[list[_File], int]:
        """List the files made from the floor on that are not done, the oldest first.

        Returns also how many pages that took.
        """
        since = place.floor
        if self.retention:
            since = max(since, self._now() - self.retention)
        bounds = rounded(since, self.precision) - self.precision, until + self.precision
        files: list[_File] = []
        listing = Listing()
        token: Json = None
        restarted = False
        while True:
            try:
                fetched = self.fetch(*bounds, token)
            except RequestRefused:
                if token is None or restarted:
                    raise
                files, token, listing, restarted = [], None, Listing(), True
                continue
            now = self._now().timestamp()
            rows, ids, times = self.marked(fetched.rows, listing.met, memory, now)
            listing.check_circle(fetched)
            known = memory.known(ids, times)
            floor = place.floor.timestamp()
            for row, identity, time in zip(rows, ids, times, strict=True):
                if time <= now and time >= floor:
                    place.newest = max(place.newest or moment_of(time), moment_of(time))
                if identity not in known and time >= floor:
                    files.append(_File(row, identity, time))
            token = fetched.next
            if token is None:
                files.sort(key=lambda file: file.time)
                return self._recognized(files, place, memory), listing.pages

    def _recognized(self, files: list[_File], place: _Place, memory: Memory) -> list[_File]:
        """Leave out what 0.1.0 had done at the floor; find the file again that it was in."""
        if not (place.old_file or place.old_last):
            return files
        names = [pack([old]) for old in self.old_ids([file.row for file in files])]
        if place.old_file in names:
            place.file, place.old_file = files[names.index(place.old_file)].identity.hex(), ""
        done = names.index(place.old_last) + 1 if place.old_last in names else 0
        place.old_last = ""
        for file in files[:done]:
            memory.adopt(b"", file.identity, file.time)
        return files[done:]

    def _in_turn(self, files: list[_File], place: _Place) -> list[_File]:
        """Return the files with the one under way first, though others may have shown up before it."""
        return sorted(files, key=lambda file: file.identity.hex() != place.file)

    def _raise_floor(self, place: _Place, began: datetime, until: datetime, aside: Sequence[_Aside]) -> None:
        """Let the floor follow what was listed; a file that could not be read is listed again."""
        lag = lag_of(self)
        ceiling = min(began, place.newest) - lag if place.newest else place.floor
        if self.api.dated:
            ceiling = max(ceiling, began - IDLE - lag)
        ceiling = min(ceiling, until)
        for file in aside:
            ceiling = min(ceiling, moment_of(file.time))
        place.floor = max(place.floor, rounded(ceiling, self.precision))

    def _read(self, file: _File, place: _Place, memory: Memory) -> Iterator[Page]:
        """Yield a file's logs. A file that breaks off is opened again, if it gave any since it was opened."""
        name = file.identity.hex()
        if place.file != name:
            if place.skip:  # a list that does not reach so far has left out the file that is under way
                place.aside[place.file] = place.skip
            place.file, place.skip = name, place.aside.pop(name, 0)
        broken = True
        while broken:
            start = place.skip
            try:
                yield from self._pieces(file, place, memory)
                broken = False
            except Unavailable:
                if place.skip == start:
                    raise
        place.file, place.skip = "", 0
        yield Page([], place.checkpoint(), more=True, remember=[(file.identity, file.time)])

    def _pieces(self, file: _File, place: _Place, memory: Memory) -> Iterator[Page]:
        """Yield a file's logs that are not done, those before a break included.

        Of a file that is known no more, as a part of the memory was lost, those are left out that are on
        record: a memory that is made anew from the journal has the ids of logs, and none of files.
        """
        short = hashing(memory.key)
        logs = islice(self.open(file.row), place.skip, None)
        piece: list[Log] = [b""]
        broken: Unavailable | None = None
        while piece and not broken:
            piece = []
            try:
                for log in islice(logs, PIECE):
                    piece.append(log)
            except Unavailable as error:
                broken = error
            ids = [short(f"{place.file}\0{place.skip + row}") for row in range(len(piece))]
            known = memory.known(ids, [file.time] * len(piece))
            fresh = [row for row, identity in enumerate(ids) if identity not in known]
            place.skip += len(piece)
            if piece:
                yield Page(
                    [piece[row] for row in fresh],
                    place.checkpoint(),
                    more=True,
                    repeats=len(known),
                    ids=[ids[row] for row in fresh],
                    times=[file.time] * len(fresh),
                    remember=(),
                )
        if broken:
            raise broken

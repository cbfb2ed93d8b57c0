"""The store, as S3 can be: writes land although their answers are lost, or land late, or not at all."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import md5
from typing import TYPE_CHECKING, Final, TypeVar

from streamalert_apps.errors import StateError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal
from streamalert_apps.runtime.store import Conflict, Gone, Item, Read, Unsettled
from tests.simulation.timeline import moment

if TYPE_CHECKING:
    from tests.simulation.timeline import Process
    from tests.simulation.world import World

T = TypeVar("T")

CALL_SECONDS: Final = 0.03


@dataclass(frozen=True, slots=True)
class Stored:
    """An object."""

    body: bytes
    written: float

    @property
    def version(self) -> str:
        """Tell it from another content; the same bytes have the same version, whenever they were written."""
        return md5(self.body, usedforsecurity=False).hexdigest()


OWNER: Final = "the project"


class Bucket:
    """One app's part of a store; every process uses the same."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.objects: dict[str, Stored] = {}
        self.copies: list[bytes] = []  # of the head, as a backup has them
        self.held: dict[Process, str | None] = {}  # the version of the head that a process replaces
        self.waiting: list[str | None] = []  # those that writes replace which have not landed yet

    def read(self, name: str) -> Read:
        """Return a small mutable object with its version."""
        self._may_fail("store read fails", f"reads {name}")
        found = self._call(f"reads {name}", lambda: self.objects.get(name))
        now = moment(int(self._world.timeline.now))  # a Date has no fractions
        self.held[self._world.process] = found.version if found else None
        return Read(found.body if found else b"", found.version if found else None, now)

    def write(self, name: str, body: bytes, *, replacing: str | None) -> str:
        """Replace that version; return the new one."""
        world, process = self._world, self._world.process
        self.held[process] = replacing
        for kind in ("write fails", "write answered 409"):
            self._may_fail(kind, f"writes {name}")
        if world.strikes("write lands late"):
            self.waiting.append(replacing)
            self._later("write lands late", lambda: self._land(name, body, replacing, process))
            raise Unsettled("no answer")
        lost, refused = world.strikes("write lands, answer lost"), world.strikes("write lands, answered 412")
        version = self._call(f"writes {name}", lambda: self._land(name, body, replacing, process))
        if lost:
            raise Unsettled("no answer")
        if refused:  # by somebody in between, who sent it twice
            raise Conflict("it was written by somebody else")
        self.held[process] = version
        return version

    def put(self, name: str, body: bytes) -> None:
        """Write an object once."""
        self._may_fail("put fails", f"puts {name}")
        if self._world.strikes("put lands late"):
            self._later("put lands late", lambda: self._keep(name, body))
            raise Unsettled("no answer")
        lost = self._world.strikes("put lands, answer lost")
        self._call(f"puts {name}", lambda: self._keep(name, body))
        if lost:
            raise Unsettled("no answer")

    def get(self, name: str) -> bytes | None:
        """Return an object, or None where it is not there."""
        self._may_fail("store read fails", f"gets {name}")
        found = self._call(f"gets {name}", lambda: self.objects.get(name))
        return found.body if found else None

    def list(self, prefix: str) -> builtins.list[Item]:
        """Return the objects whose names begin so, sorted by name."""
        self._may_fail("store read fails", f"lists {prefix}")
        return self._call(
            f"lists {prefix}",
            lambda: [
                Item(name, len(found.body), moment(found.written))
                for name, found in sorted(self.objects.items())
                if name.startswith(prefix)
            ],
        )

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects."""
        names = [*names]
        self._may_fail("store read fails", "deletes")
        self._call(f"deletes {names}", lambda: self._remove(names))

    def restore(self, copy: bytes) -> None:
        """Put a copy of the head back; later ones are of a record that is given up with it."""
        birth = heads.parse(copy)[0].birth
        at = self.copies.index(copy)
        later = [body for body in self.copies[at + 1 :] if heads.parse(body)[0].birth != birth]
        self.copies = self.copies[: at + 1] + later
        self.set_head(copy)

    def restorable(self) -> builtins.list[bytes]:
        """Return the copies of the head that nobody is about to replace, and whose journal is there."""
        busy = {*self.held.values(), *self.waiting}
        return [
            copy for copy in self.copies[-60:] if Stored(copy, 0).version not in busy and self._is_whole(copy)
        ]

    def _is_whole(self, copy: bytes) -> bool:
        head, _ = heads.parse(copy)
        if head.owner != OWNER:
            return False
        folder = journal.folder(head.birth)
        names = {name[: len(folder) + 10] for name in self.objects if name.startswith(folder)}
        return all(f"{folder}{number:010d}" in names for number in range(head.first, head.sequence + 1))

    def set_head(self, body: bytes | None) -> None:
        """Put a copy of the head in its place, or remove it."""
        if body is None:
            self.objects.pop(heads.NAME, None)
        else:
            self.objects[heads.NAME] = Stored(body, self._world.timeline.now)
        self._world.judge.head_replaced(body)

    def _land(self, name: str, body: bytes, replacing: str | None, process: Process) -> str:
        found = self.objects.get(name)
        if found is None and replacing is not None:
            raise Gone(f"{name} is not there any more")
        if found and found.version != replacing:
            raise Conflict(f"{name} was written by somebody else")
        self.objects[name] = stored = Stored(body, self._world.timeline.now)
        self.copies.append(body)
        self._world.judge.head_landed(body, process)
        return stored.version

    def _keep(self, name: str, body: bytes) -> None:
        found = self.objects.get(name)
        if found is None:
            self.objects[name] = Stored(body, self._world.timeline.now)
            self._world.judge.put(name, body)
        elif found.body != body:
            raise Conflict(f"{name} already exists, with other bytes")

    def _remove(self, names: builtins.list[str]) -> None:
        for name in names:
            self._world.judge.deleted(name)
            self.objects.pop(name, None)

    def _call(self, words: str, apply: Callable[[], T]) -> T:
        seconds = 20.0 if self._world.strikes("store slow") else CALL_SECONDS
        return self._world.step(words, seconds, apply)

    def _may_fail(self, kind: str, words: str) -> None:
        if self._world.strikes(kind):
            self._world.step(f"{words}, in vain", 1.0, lambda: None)
            raise (StateError if "read" in kind else Unsettled)("no answer")

    def _later(self, kind: str, land: Callable[[], object]) -> None:
        """Let a write land when nobody waits for it any more, if it can then."""
        world = self._world
        delay = world.luck.of(kind).choice((0.5, 3.0, 20.0, 100.0, 400.0))

        def landed() -> None:
            try:
                land()
            except StateError as error:
                world.say(f"a late write is refused: {error}")

        world.timeline.at(world.timeline.now + delay, landed)
        world.step("writes, no answer", 10.0, lambda: None)

"""The memory: the ids of all events on record that could still be listed again, exactly.

An id is eight bytes of a keyed hash and the second of its event. New ones are kept in the head; once
these are many they become a segment, an object that is written once. A segment is loaded when an id is
not found among the younger ones, and let go when the floor has passed all of its times. Nothing else
makes the memory forget.
"""

from __future__ import annotations

import struct
import sys
from array import array
from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import compress, repeat
from operator import attrgetter, eq
from typing import Final

import msgspec

from streamalert_apps.sdk.ids import WIDTH
from streamalert_apps.sdk.legacy import pack, unpack

INLINE: Final = 4_000  # ids in the head: 64 KiB
INDEXED: Final = 20_000  # ids in a dict; more are searched in sorted arrays, at an eighth of the space
MERGED: Final = 50_000  # ids of a segment that is not merged with others any more
FUTURE: Final = 86_400  # seconds from now on: such ids may stay for years, in a segment of their own
_LATEST: Final = 2**32 - 1
_RECORD: Final = WIDTH + 4
_FILTERED: Final = 24  # first bits of an id; the filter has a bit for each of their values
_SHIFT: Final = 8 * WIDTH - _FILTERED
_BITS: Final = (1, 2, 4, 8, 16, 32, 64, 128)


class Segment(msgspec.Struct):
    """A segment's name, its count of ids, and the times of its youngest one, in seconds since 1970."""

    name: str
    count: int
    until: int


class Former(msgspec.Struct, omit_defaults=True):
    """What was delivered before the record began, as far as it could be listed again."""

    until: float
    """When it was taken over; once the floor has passed that, it is forgotten."""
    ids: str = ""
    """Short ids of 0.1.0."""
    spans: list[tuple[float, float]] = []
    """Times between which everything had been delivered."""
    half: tuple[int, str] | None = None
    """How many events of the next page had been delivered, and their digest."""


class Kept(msgspec.Struct, omit_defaults=True):
    """The part of the head that is the memory's."""

    inline: str = ""
    segments: list[Segment] = []
    former: Former | None = None


class _Array:
    """A segment that is searched as it lies there."""

    def __init__(self, blob: bytes) -> None:
        count = len(blob) // _RECORD
        self.ids = array("Q", blob[: count * WIDTH])
        if sys.byteorder == "little":  # as bytes they are in the order of numbers of the other form
            self.ids.byteswap()
        self._times = memoryview(blob)[count * WIDTH :].cast("I")
        self.until = max(self._times, default=0)
        self.asked = 0
        self.is_filtered = False

    def find(self, numbers: Sequence[int]) -> dict[bytes, int]:
        self.asked += len(numbers)
        if not (count := len(self.ids)):
            return {}
        places = [at % count for at in map(bisect_left, repeat(self.ids), numbers)]
        there = map(eq, map(self.ids.__getitem__, places), numbers)
        found = compress(zip(numbers, places, strict=True), there)
        return {number.to_bytes(WIDTH, "big"): self._times[at] for number, at in found}


class _Arrays:
    """Arrays, those that are asked often behind one filter: it tells most ids that they do not hold."""

    def __init__(self) -> None:
        self._arrays: list[_Array] = []
        self._filter = bytearray()

    def add(self, new: _Array) -> None:
        self._arrays.append(new)

    def find(self, ids: Sequence[bytes]) -> dict[bytes, int]:
        if not self._arrays:
            return {}
        numbers, bits = _numbers(ids), self._filter
        maybe = [n for n in numbers if bits[n >> _SHIFT + 3] & _BITS[n >> _SHIFT & 7]] if bits else []
        found: dict[bytes, int] = {}
        for each in self._arrays:
            found |= each.find(maybe if each.is_filtered else numbers)
            if not each.is_filtered and each.asked > len(each.ids) // 4:  # a search costs four times as much
                self._put_behind_filter(each)
        return found

    def forget(self, second: int) -> None:
        self._arrays = [each for each in self._arrays if each.until >= second]
        if not self._arrays:
            self._filter = bytearray()

    def _put_behind_filter(self, new: _Array) -> None:
        self._filter = bits = self._filter or bytearray(1 << _FILTERED - 3)
        for number in new.ids:
            bits[number >> _SHIFT + 3] |= _BITS[number >> _SHIFT & 7]
        new.is_filtered = True


@dataclass(slots=True)
class Memory:
    """The memory of one run. `load`: returns a segment's bytes."""

    key: bytes
    load: Callable[[str], bytes]
    segments: list[Segment] = field(default_factory=list)
    floor: float = 0.0
    former: Former | None = None
    legacy: Collection[bytes] = ()
    changed: bool = False
    """Whether it holds what no head does yet."""
    _made: dict[str, bytes] = field(default_factory=dict)
    _inline: dict[bytes, int] = field(default_factory=dict)
    _index: dict[bytes, int] = field(default_factory=dict)
    _arrays: _Arrays = field(default_factory=_Arrays)
    _waiting: list[Segment] = field(default_factory=list)

    @classmethod
    def of(cls, kept: Kept, key: bytes, load: Callable[[str], bytes]) -> Memory:
        """Return the memory that a head holds; segments are loaded when they are needed."""
        memory = cls(key, load, list(kept.segments))
        memory._inline = dict(_records(b64decode(kept.inline)))
        memory._waiting = list(kept.segments)
        if kept.former:
            memory.inherit(kept.former)
        return memory

    def inherit(self, former: Former) -> None:
        """Know what was delivered before the record began."""
        self.former, self.legacy = former, set(unpack(former.ids))

    def adopt(self, old: bytes, identity: bytes, time: float) -> None:
        """Know one of the `legacy` by the id that it has now."""
        self.legacy = {*self.legacy} - {old}
        self._inline[identity] = _second(time)
        self.changed = True

    def delivered(self, page: Sequence[bytes]) -> int:
        """Return how many events at the beginning of the first page had been delivered."""
        if not page or self.former is None or self.former.half is None:
            return 0
        count, digest = self.former.half
        self.former = msgspec.structs.replace(self.former, half=None)
        return count if digest_of(page[:count]) == digest else 0

    def known(self, ids: Sequence[bytes], times: Sequence[float]) -> set[bytes]:
        """Return those of the ids that are on record; the time of one that is met with a later one rises."""
        found = self._found(ids)
        while self._waiting and len(found) < len(ids):
            find = self._take(self._waiting.pop())
            found |= find([identity for identity in ids if identity not in found])
        covered = self._covered(ids, times)
        if not found:
            return covered
        for identity, now in zip(ids, times, strict=True):
            if found.get(identity, _LATEST) + 1 <= now:
                self._inline[identity] = _second(now)
                self.changed = True
        return covered | found.keys()

    def add(self, ids: Sequence[bytes], times: Sequence[float]) -> None:
        """Remember ids whose events are about to be put on record."""
        usual = bool(times) and min(times) >= 0 and max(times) <= _LATEST
        self._inline.update(zip(ids, map(int if usual else _second, times), strict=True))
        self.changed = self.changed or bool(ids)

    def forget(self, floor: float) -> None:
        """Forget what happened before the floor."""
        self.floor = max(self.floor, floor)
        if self.former and self.floor > self.former.until:
            self.former, self.legacy = None, ()
        second = _second(self.floor)
        self.segments = [segment for segment in self.segments if segment.until >= second]
        self._waiting = [segment for segment in self._waiting if segment.until >= second]
        self._arrays.forget(second)

    @property
    def is_full(self) -> bool:
        """Tell whether the head can't hold what is new."""
        return len(self._inline) > INLINE

    def spill(self, now: float, name: Callable[[], str]) -> list[tuple[str, bytes]]:
        """Move ids from the head into segments where they are too many; return the objects to write first.

        Small segments are merged, the smallest first, so that there are never many. Ids of a far future
        are kept apart: they would keep all others that long.
        """
        if not self.is_full:
            return []
        second = _second(self.floor)
        live = {identity: time for identity, time in self._inline.items() if time >= second}
        self._inline = live
        if len(live) <= INLINE // 2:
            return []
        far = _second(now + FUTURE)
        near = {identity: time for identity, time in live.items() if time <= far}
        made = [self._merged(near, name(), distant=False, far=far)] if near else []
        if len(near) < len(live):
            distant = {identity: time for identity, time in live.items() if time > far}
            made.append(self._merged(distant, name(), distant=True, far=far))
        self._inline = {}
        self._remember(live)
        return made

    def kept(self) -> Kept:
        """Return the part of the head that is the memory's."""
        second = _second(self.floor)
        inline = {identity: time for identity, time in self._inline.items() if time >= second}
        self.changed = False
        former = self.former and msgspec.structs.replace(self.former, ids=pack(sorted(self.legacy)))
        return Kept(b64encode(packed(inline)).decode() if inline else "", self.segments, former)

    def _covered(self, ids: Sequence[bytes], times: Sequence[float]) -> set[bytes]:
        """Return the ids of events whose times had been delivered as a whole."""
        spans = self.former.spans if self.former else []
        return {
            identity
            for since, until in spans
            for identity, time in zip(ids, times, strict=True)
            if since <= time < until
        }

    def _merged(self, fresh: dict[bytes, int], name: str, *, distant: bool, far: int) -> tuple[str, bytes]:
        floor = _second(self.floor)
        merged = dict(fresh)
        gone = set()
        for segment in sorted(self.segments, key=attrgetter("count")):
            small = segment.count <= 2 * len(merged) and segment.count + len(merged) <= MERGED
            if not small or (segment.until > far) != distant:
                continue
            gone.add(segment.name)
            older = dict(_records(self._blob(segment.name)))
            for identity in older.keys() & merged.keys():
                merged[identity] = max(merged[identity], older[identity])
            older.update(merged)
            merged = older
        if min(merged.values()) < floor:
            merged = {identity: time for identity, time in merged.items() if time >= floor}
        kept = [segment for segment in self.segments if segment.name not in gone]
        self.segments = [*kept, Segment(name, len(merged), max(merged.values()))]
        blob = packed(merged)
        self._made = {each.name: made for each in kept if (made := self._made.get(each.name))}
        if len(merged) <= MERGED // 2:  # else it is hardly merged again
            self._made[name] = blob
        return name, blob

    def _blob(self, name: str) -> bytes:
        return self._made.get(name) or self.load(name)

    def _found(self, ids: Sequence[bytes]) -> dict[bytes, int]:
        """Return the ids that are known, with their times; those in the head count first."""
        found = self._arrays.find(ids)
        return found | _known_in(self._index, ids) | _known_in(self._inline, ids)

    def _take(self, segment: Segment) -> Callable[[Sequence[bytes]], dict[bytes, int]]:
        """Load a segment; return what looks ids up in it."""
        blob = self._blob(segment.name)
        if len(self._index) + segment.count <= INDEXED:
            self._index.update(_records(blob))
            return partial(_known_in, self._index)
        taken = _Array(blob)
        self._arrays.add(taken)
        return lambda ids: taken.find(_numbers(ids))

    def _remember(self, ids: dict[bytes, int]) -> None:
        """Keep what went into a segment; what is too much for the index is searched in an array."""
        self._index |= ids
        if len(self._index) > INDEXED:
            second = _second(self.floor)
            self._index = {identity: time for identity, time in self._index.items() if time >= second}
        if len(self._index) > INDEXED:
            self._arrays.add(_Array(packed(self._index)))
            self._index = {}


def digest_of(events: Sequence[bytes]) -> str:
    """Return what told a run of events from any other in 0.1.0."""
    total = blake2b(digest_size=12)
    for event in events:
        total.update(len(event).to_bytes(8, "big"))
        total.update(event)
    return total.hexdigest()


def _numbers(ids: Sequence[bytes]) -> Sequence[int]:
    return struct.unpack(f">{len(ids)}Q", b"".join(ids))


def _known_in(place: Mapping[bytes, int], ids: Sequence[bytes]) -> dict[bytes, int]:
    return {identity: place[identity] for identity in place.keys() & ids} if place else {}


def _second(time: float) -> int:
    return min(max(int(time), 0), _LATEST)


def packed(ids: Mapping[bytes, int]) -> bytes:
    """Return a segment of ids with their times as bytes: all ids in order, then their times."""
    ordered = sorted(ids)
    return b"".join(ordered) + array("I", map(ids.__getitem__, ordered)).tobytes()


def _records(blob: bytes) -> Iterator[tuple[bytes, int]]:
    middle = len(blob) // _RECORD * WIDTH
    ids = [blob[at : at + WIDTH] for at in range(0, middle, WIDTH)]
    return zip(ids, array("I", blob[middle:]), strict=True)

"""The journal: what was collected, commit by commit, each an object of lines that is written once.

A line is an event: `{"id": …, "at": …, "got": …, "raw": …}`. `id` is the short id, `at` when it happened
and `got` when it was collected (seconds since 1970), `raw` the service's own bytes; line breaks between
its tokens became spaces. A line that is empty was purged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Final, NamedTuple

import msgspec

from streamalert_apps.runtime.store import Item, Store
from streamalert_apps.sdk.ids import WIDTH

LINE_BYTES: Final = 72  # of a line, besides the event
_RAW: Final = b',"raw":'
_PURGED: Final = b'{"id":"","at":0.0,"got":0.0'


@dataclass(frozen=True, slots=True)
class Entry:
    """The object of a commit."""

    sequence: int
    fence: int
    name: str
    size: int
    written: float


class Line(msgspec.Struct):
    """An event of the journal."""

    id: str
    at: float
    got: float
    raw: msgspec.Raw


class Mark(msgspec.Struct):
    """What a line tells besides the event."""

    id: str
    at: float
    got: float


def folder(birth: str) -> str:
    """Return where the journal's objects lie."""
    return f"{birth}/journal/"


def name_of(birth: str, sequence: int, fence: int) -> str:
    """Return the name of a commit's object; names sort as the commits do."""
    return f"{folder(birth)}{sequence:010d}-{fence:014d}.jsonl"


def body_of(events: Sequence[bytes], ids: Sequence[bytes], times: Sequence[float], got: float) -> bytes:
    """Return the body of a commit's object: a line for each event."""
    if not len(events) == len(ids) == len(times):
        raise ValueError("Each event has an id and a time.")
    if not events:
        return b""
    hexes = b"".join(ids).hex("\n", WIDTH).encode().split(b"\n")
    moments = msgspec.json.encode(times)[1:-1].split(b",")
    columns = (hexes, repeat(b'","at":'), moments, repeat(b',"got":%b,"raw":' % repr(got).encode()), events)
    lines = zip(repeat(b'{"id":"'), *columns, repeat(b"}\n"))
    return b"".join(chain.from_iterable(lines))


def size_of(events: Sequence[bytes]) -> int:
    """Return about how many bytes a commit's object has."""
    return sum(map(len, events)) + LINE_BYTES * len(events)


def one_line_each(events: list[bytes]) -> list[bytes]:
    """Return events without the line breaks that may stand between their tokens (never inside a string)."""
    whole = b"".join(events)  # searched at once
    if b"\n" not in whole and b"\r" not in whole:
        return events
    return [event.replace(b"\r", b" ").replace(b"\n", b" ") for event in events]


def raws(body: bytes) -> list[bytes]:
    """Return the events of an object as the service gave them; a purged one is empty."""
    found = []
    for line in body.split(b"\n")[:-1]:
        at = line.find(_RAW)
        found.append(line[at + len(_RAW) : -1] if at >= 0 else b"")
    return found


class Columns(NamedTuple):
    """The events of an object with their short ids and times; of one that was purged all is empty."""

    events: list[bytes]
    ids: list[bytes]
    times: list[float]
    got: float


def columns(body: bytes) -> Columns:
    """Return what an object holds."""
    lines = body.split(b"\n")[:-1]
    ends = [line.find(_RAW) for line in lines]
    heads = [line[:end] if end >= 0 else _PURGED for line, end in zip(lines, ends, strict=True)]
    marks = msgspec.json.decode(b"[%b]" % b",".join([head + b"}" for head in heads]), type=list[Mark])
    return Columns(
        [line[end + len(_RAW) : -1] if end >= 0 else b"" for line, end in zip(lines, ends, strict=True)],
        [bytes.fromhex(mark.id) for mark in marks],
        [mark.at for mark in marks],
        max((mark.got for mark in marks), default=0.0),
    )


def read(body: bytes) -> Iterator[tuple[int, Line]]:
    """Yield the events of an object with their rows."""
    decoder = msgspec.json.Decoder(Line)
    for row, line in enumerate(body.split(b"\n")[:-1]):
        if line:
            yield row, decoder.decode(line)


def marks(body: bytes) -> Iterator[tuple[int, Mark]]:
    """Yield what an object tells of its events, with their rows; the events themselves may hold anything."""
    decoder = msgspec.json.Decoder(Mark)
    for row, line in enumerate(body.split(b"\n")[:-1]):
        at = line.find(_RAW)
        if at >= 0:
            yield row, decoder.decode(line[:at] + b"}")


def entries(store: Store, birth: str, *, since: int, up_to: int) -> list[Entry]:
    """List the commits from one sequence up to another, the oldest first.

    What a run left that lost its lease before its commit became true does not count: the object with
    the highest fence is the commit's. `since` is the head's first: before it, there are only leftovers.
    """
    return commits(store.list(folder(birth)), birth, since=since, up_to=up_to)


def commits(items: Iterable[Item], birth: str, *, since: int, up_to: int) -> list[Entry]:
    """Return the commits that a listing has, as `entries` does."""
    found: dict[int, Entry] = {}
    for entry in listed(items, birth):
        if since <= entry.sequence <= up_to:
            found[entry.sequence] = entry  # sorted by name: the highest fence comes last
    return [found[sequence] for sequence in sorted(found)]


def listed(items: Iterable[Item], birth: str) -> Iterator[Entry]:
    """Yield the journal's objects that a listing has, true ones and leftovers."""
    for item in items:
        stem = item.name.removeprefix(folder(birth)).removesuffix(".jsonl")
        sequence, _, fence = stem.partition("-")
        if sequence.isdecimal() and fence.isdecimal():
            yield Entry(int(sequence), int(fence), item.name, item.size, item.written.timestamp())

"""The inbox: events that another process found missing, for the next run to put on record.

An object's name says of which record it was judged, up to which commit, and when. A run leaves out what
commits have brought since, and deletes the object once its own commit is true. So an event is put on
record once, whoever is killed when, and however many objects hold it.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from streamalert_apps.runtime import journal
from streamalert_apps.runtime.head import LEASE_SECONDS, Head
from streamalert_apps.runtime.store import Item, Store

LOGGER = logging.getLogger(__name__)

FOLDER: Final = "inbox/"
OBJECT_BYTES: Final = 4 << 20  # as much as one commit holds
PAUSE_SECONDS: Final = 900.0  # between two looks into it; whoever leaves something says so in the head
_NAME: Final = re.compile(rf"{FOLDER}(\d{{8}}-[0-9a-f]{{12}})-(\d{{10}})-(\d{{14}})-[0-9a-f-]+\.jsonl")


@dataclass(frozen=True, slots=True)
class Judged:
    """What was compared: the record of a birth, as its last commit was at a moment of the store's time."""

    birth: str
    sequence: int
    at: float

    def is_still_known(self, head: Head) -> bool:
        """Tell whether the journal has all commits since, so that what they brought can be left out."""
        return self.birth == head.birth and head.first <= self.sequence + 1

    def precedes(self, entry: journal.Entry) -> bool:
        """Tell whether a commit may not have been seen: an older copy of the head may have been put back."""
        return entry.sequence > self.sequence or entry.written >= self.at - LEASE_SECONDS


@dataclass(frozen=True, slots=True)
class Left:
    """An object that was left."""

    name: str
    judged: Judged


def leave(store: Store, judged: Judged, found: journal.Columns) -> list[str]:
    """Leave events that are not on record, in objects no larger than a commit; return their names."""
    names = []
    for rows in _parts(found.events):
        body = journal.body_of(found.events[rows], found.ids[rows], found.times[rows], found.got)
        stem = f"{judged.birth}-{judged.sequence:010d}-{int(judged.at * 1000):014d}-{secrets.token_hex(8)}"
        store.put(f"{FOLDER}{stem}.jsonl", body)
        names.append(f"{FOLDER}{stem}.jsonl")
    return names


def _parts(events: Sequence[bytes]) -> Iterator[slice]:
    begin = size = 0
    for row, event in enumerate(events):
        more = journal.size_of([event])
        if size and size + more > OBJECT_BYTES:
            yield slice(begin, row)
            begin = row
            size = 0
        size += more
    if size:
        yield slice(begin, len(events))


def left(items: Sequence[Item]) -> list[Left]:
    """Return the objects of a listing, the one that was judged first before the others."""
    found = [
        Left(item.name, Judged(name[1], int(name[2]), int(name[3]) / 1000))
        for item in items
        if (name := _NAME.fullmatch(item.name))
    ]
    return sorted(found, key=lambda one: one.judged.at)


def brought_since(store: Store, head: Head, sequence: int, objects: Sequence[Left]) -> set[str]:
    """Return the ids that commits may have brought since objects were judged."""
    return {
        mark.id
        for entry in journal.entries(store, head.birth, since=head.first, up_to=sequence)
        if any(one.judged.precedes(entry) for one in objects)
        for _, mark in journal.marks(store.get(entry.name) or b"")
    }


def missing(body: bytes, known: set[str], purged: Sequence[tuple[float, float]]) -> journal.Columns:
    """Return the events of an object that are not on record; what was purged is not to come again."""
    found = journal.columns(body)
    rows = [
        row
        for row, (identity, time) in enumerate(zip(found.ids, found.times, strict=True))
        if identity
        and identity.hex() not in known
        and not any(since <= time < until for since, until in purged)
    ]
    return journal.Columns(
        [found.events[row] for row in rows],
        [found.ids[row] for row in rows],
        [found.times[row] for row in rows],
        found.got,
    )

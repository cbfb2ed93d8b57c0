"""Purging: what happened within a span leaves the record, wherever it is kept.

Its rows become empty lines, so that the positions of destinations, which count rows, stay right. The
memory keeps the ids, hashed: what was purged is not collected again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from streamalert_apps.runtime import inbox, journal
from streamalert_apps.runtime.head import HeldHead
from streamalert_apps.runtime.store import Store

DEAD: Final = "dead/"
SPANS: Final = 100  # that the head remembers


class _Dead(msgspec.Struct):
    line: journal.Line


def purge(held: HeldHead, store: Store, since: datetime, until: datetime) -> int:
    """Purge the events from `since` to before `until`, under a lease; return how many were on record.

    The head says first which span it is, so that nobody takes it for a loss. A purge that was killed is
    finished by another one. A backfill has a record of its own, to be purged likewise.
    """
    start, end = since.timestamp(), until.timestamp()
    _note(held, start, end)

    def is_within(time: float) -> bool:
        return start <= time < end

    purged = _purge_journal(held, store, is_within)
    _purge_inbox(held, store, is_within)
    _purge_dead(held, store, is_within)
    return purged


def _note(held: HeldHead, start: float, end: float) -> None:
    """Write the span into the head, and a fence above that of all objects there are."""
    with held.lock:
        held.head.purged = [*held.head.purged, (start, end)][-SPANS:]
        held.head.fence += 1
        held.write()


def _purge_journal(held: HeldHead, store: Store, is_within: Callable[[float], bool]) -> int:
    head = held.head
    purged = 0
    for entry in journal.entries(store, head.birth, since=head.first, up_to=held.sequence):
        rest, found = _without(store.get(entry.name) or b"", is_within, b"\n")
        if found:
            store.put(journal.name_of(head.birth, entry.sequence, head.fence), rest)
            purged += found
        held.renew()
    items = store.list(journal.folder(head.birth))
    true = {entry.name for entry in journal.commits(items, head.birth, since=head.first, up_to=held.sequence)}
    store.delete([item.name for item in items if item.name not in true])
    return purged


def _purge_inbox(held: HeldHead, store: Store, is_within: Callable[[float], bool]) -> None:
    for item in store.list(inbox.FOLDER):
        rest, found = _without(store.get(item.name) or b"", is_within, b"")
        if found and rest:
            store.put(f"{item.name.removesuffix('.jsonl')}-{held.head.fence}.jsonl", rest)
        if found:
            store.delete([item.name])


def _purge_dead(held: HeldHead, store: Store, is_within: Callable[[float], bool]) -> None:
    decoder = msgspec.json.Decoder(_Dead)
    for item in store.list(DEAD):
        body = store.get(item.name)
        if body and is_within(decoder.decode(body).line.at):
            store.delete([item.name])
        held.renew()


def _without(body: bytes, is_within: Callable[[float], bool], blank: bytes) -> tuple[bytes, int]:
    """Return the lines with `blank` for those within, and how many these are."""
    rows = [row for row, mark in journal.marks(body) if is_within(mark.at)]
    lines = [line + b"\n" for line in body.split(b"\n")[:-1]]
    for row in rows:
        lines[row] = blank
    return b"".join(lines), len(rows)

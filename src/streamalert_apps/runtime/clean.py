"""What a run deletes: what every destination has and nobody needs any more, and what no head names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from streamalert_apps.errors import AppError
from streamalert_apps.runtime import journal
from streamalert_apps.runtime.head import MOST_PASSING, PASSING, Head, HeldHead
from streamalert_apps.runtime.store import Item, Store

DAY: Final = 86_400.0
UNNAMED_SECONDS: Final = 3_600.0  # a reader may still be at an older head
DEAD_DAYS: Final = 30
_RECORD: Final = re.compile(r"(\d{8}-[0-9a-f]{12})/(journal|memory)/.+")


def clean(
    held: HeldHead, store: Store, journal_days: float, floor: datetime | None, *, overdue: bool = False
) -> None:
    """Delete once a day what is no longer needed; each hour where the journal is not to be kept.

    `floor`: what was collected from then on stays, as the memory can be made anew from it. The head is
    written first, so that it names nothing that is deleted. What can't be deleted is so tomorrow.
    `overdue`: only where that time has passed twice, as runs had none left for it at their end.
    """
    head, now = held.head, held.now().timestamp()
    _forget_passing(head)
    pause = DAY if journal_days else UNNAMED_SECONDS
    if 0 <= now - head.cleaned < (2 * pause if overdue else pause) or not head.sequence:
        return
    head.cleaned = now
    held.write()
    with suppress(AppError):
        kept_from = now - journal_days * DAY
        if floor is not None:
            kept_from = min(kept_from, floor.timestamp())
        store.delete(list(_old(head, store, now, kept_from)))


def _forget_passing(head: Head) -> None:
    """Forget destinations of single runs, those that are furthest behind: a script may name ever new ones."""
    passing = [name for name in head.positions if name.startswith(PASSING)]
    passing.sort(key=lambda name: head.positions[name].sequence)
    for name in passing[:-MOST_PASSING]:
        del head.positions[name]


def _old(head: Head, store: Store, now: float, kept_from: float) -> Iterator[str]:
    """Yield the names of what is no longer needed. `kept_from`: from when on the journal is kept."""
    items = store.list("")
    yield from _old_commits(head, items, now, kept_from)
    named = {f"{head.birth}/memory/{segment.name}" for segment in head.memory.segments}
    for item in items:
        age = now - item.written.timestamp()
        found = _RECORD.fullmatch(item.name)
        if item.name.startswith("dead/"):
            old = age > DEAD_DAYS * DAY
        elif found and found[1] != head.birth:  # a record that was removed, and begun anew
            old = age > max(now - kept_from, DAY)
        else:
            old = bool(found and found[2] == "memory") and item.name not in named and age > UNNAMED_SECONDS
        if old:
            yield item.name


def _old_commits(head: Head, items: Sequence[Item], now: float, kept_from: float) -> Iterator[str]:
    own = [at.sequence for name, at in head.positions.items() if not name.startswith(PASSING)]
    passed = min(own, default=head.sequence + 1)
    commits = {entry.name for entry in journal.commits(items, head.birth, up_to=head.sequence)}
    for entry in journal.listed(items, head.birth):
        leftover = entry.name not in commits and now - entry.written > UNNAMED_SECONDS
        if leftover or (entry.sequence < passed and entry.written < kept_from):
            yield entry.name

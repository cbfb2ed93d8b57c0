"""What a run deletes: what every destination has and nobody needs any more, and what no head names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from streamalert_apps.errors import AppError
from streamalert_apps.runtime import journal, ledger
from streamalert_apps.runtime.head import MOST_PASSING, PASSING, Head, HeldHead
from streamalert_apps.runtime.record import BACKFILL, backfill_heads
from streamalert_apps.runtime.replay import FOLDER as REPLAY
from streamalert_apps.runtime.store import Item, Store

DAY: Final = 86_400.0
UNNAMED_SECONDS: Final = 3_600.0  # a reader may still be at an older head
DEAD_DAYS: Final = 30
_PAST: Final = re.compile(rf"({BACKFILL}[^/]+/)[^/]+/(?:journal|memory)/.+")
_RECORD: Final = re.compile(r"(\d{8}-[0-9a-f]{12})/(journal|memory|ledger)/.+")
_DEAD: Final = "dead/"


def clean(
    held: HeldHead, store: Store, journal_days: float, floor: datetime | None, *, overdue: bool = False
) -> Counter[str] | None:
    """Delete once a day what is no longer needed; each hour where the journal is not to be kept.

    `floor`: what was collected from then on stays, as the memory can be made anew from it. The head is
    written first, so that it names nothing that is deleted. What can't be deleted is so tomorrow.
    `overdue`: only where that time has passed twice, as runs had none left for it at their end. Returns how
    many refused events are kept, by destination; None where nothing was looked at.
    """
    head, now = held.head, held.now().timestamp()
    _forget_passing(head)
    pause = DAY if journal_days else UNNAMED_SECONDS
    if 0 <= now - head.cleaned < (2 * pause if overdue else pause) or not head.sequence:
        return None
    with suppress(AppError):
        return delete_old(held, store, journal_days, floor)
    return None


def delete_old(
    held: HeldHead, store: Store, journal_days: float, floor: datetime | None = None
) -> Counter[str]:
    """Delete what is no longer needed; return how many refused events are kept, by destination."""
    head = held.head
    head.cleaned = now = held.confirm().timestamp()
    kept_from = now - journal_days * DAY
    if floor is not None:
        kept_from = min(kept_from, floor.timestamp())
    items = store.list("")
    old = _old(head, items, now, kept_from) + _old_backfills(store, items, now - journal_days * DAY)
    held.write()
    store.delete(old)
    dead = _dead({item.name for item in items}.difference(old))
    for name, position in head.positions.items():
        position.dead = dead[name]
    return dead


def _dead(names: Iterable[str]) -> Counter[str]:
    """Count refused events by the destination that refused them."""
    return Counter(name.removeprefix(_DEAD).rpartition("/")[0] for name in names if name.startswith(_DEAD))


def _forget_passing(head: Head) -> None:
    """Forget destinations of single runs, those that are furthest behind: a script may name ever new ones."""
    passing = [name for name in head.positions if name.startswith(PASSING)]
    passing.sort(key=lambda name: head.positions[name].sequence)
    for name in passing[:-MOST_PASSING]:
        del head.positions[name]


def _old(head: Head, items: Sequence[Item], now: float, kept_from: float) -> list[str]:
    """Return the names of what is no longer needed. `kept_from`: from when on the journal is kept."""
    named = {f"{head.birth}/memory/{segment.name}" for segment in head.memory.segments}
    named.add(ledger.place(head.birth, head.ledger.name))
    old = _old_commits(head, items, now, kept_from)
    for item in items:
        age = now - item.written.timestamp()
        found = _RECORD.fullmatch(item.name)
        if item.name.startswith((_DEAD, REPLAY)):
            is_old = age > DEAD_DAYS * DAY
        elif found and found[1] != head.birth:  # a record that was removed, and begun anew
            is_old = age > max(now - kept_from, DAY)
        else:
            is_old = (
                bool(found and found[2] != "journal") and item.name not in named and age > UNNAMED_SECONDS
            )
        if is_old:
            old.append(item.name)
    return old


def _old_backfills(store: Store, items: Sequence[Item], kept_from: float) -> list[str]:
    """Return the old events of backfills that are done; how many they are stays."""
    heads = backfill_heads(store, items)
    done = {folder for folder, head in heads if head.backfill and head.backfill.done}
    return [
        item.name
        for item in items
        if (found := _PAST.fullmatch(item.name)) and found[1] in done and item.written.timestamp() < kept_from
    ]


def _old_commits(head: Head, items: Sequence[Item], now: float, kept_from: float) -> list[str]:
    """Return what the journal no longer needs; the head's first commit is then the first that is left."""
    own = [at.sequence for name, at in head.positions.items() if not name.startswith(PASSING)]
    passed = min(own, default=head.sequence + 1)
    commits = journal.commits(items, head.birth, since=head.first, up_to=head.sequence)
    old = {entry.name for entry in commits if entry.sequence < passed and entry.written < kept_from}
    kept = {entry.name: entry.sequence for entry in commits if entry.name not in old}
    head.expired = max((entry.written for entry in commits if entry.name in old), default=head.expired)
    head.first = min(kept.values(), default=head.sequence + 1)
    return [
        entry.name
        for entry in journal.listed(items, head.birth)
        if entry.name in old or (entry.name not in kept and now - entry.written > UNNAMED_SECONDS)
    ]

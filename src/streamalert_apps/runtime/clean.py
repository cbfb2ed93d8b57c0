"""What a run deletes: what every destination has and nobody needs any more, and what no head names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streamalert_apps.runtime import journal
from streamalert_apps.runtime.head import MOST_PASSING, PASSING, Head, HeldHead
from streamalert_apps.runtime.store import Store

DAY: Final = 86_400.0
UNNAMED_SECONDS: Final = 3_600.0  # a reader may still be at an older head
DEAD_DAYS: Final = 30


def clean(held: HeldHead, store: Store, journal_days: float) -> None:
    """Delete once a day what is no longer needed; each hour where the journal is not to be kept."""
    head, now = held.head, held.now().timestamp()
    _forget_passing(head)
    pause = DAY if journal_days else UNNAMED_SECONDS
    if 0 <= now - head.cleaned < pause or not head.sequence:
        return
    head.cleaned = now
    store.delete(list(_old(head, store, now, journal_days)))


def _forget_passing(head: Head) -> None:
    """Forget destinations of single runs, those that are furthest behind: a script may name ever new ones."""
    passing = [name for name in head.positions if name.startswith(PASSING)]
    passing.sort(key=lambda name: head.positions[name].sequence)
    for name in passing[:-MOST_PASSING]:
        del head.positions[name]


def _old(head: Head, store: Store, now: float, journal_days: float) -> Iterator[str]:
    named = {segment.name for segment in head.memory.segments}
    for item in store.list(f"{head.birth}/memory/"):
        unnamed = item.name.rpartition("/")[2] not in named
        if unnamed and now - item.written.timestamp() > UNNAMED_SECONDS:
            yield item.name
    own = [at.sequence for name, at in head.positions.items() if not name.startswith(PASSING)]
    passed = min(own, default=head.sequence + 1)
    commits = {entry.name for entry in journal.entries(store, head.birth, up_to=head.sequence)}
    for entry in journal.listed(store.list(journal.folder(head.birth))):
        age = now - entry.written
        leftover = entry.name not in commits and age > UNNAMED_SECONDS
        if leftover or (entry.sequence < passed and age > journal_days * DAY):
            yield entry.name
    for item in store.list("dead/"):
        if now - item.written.timestamp() > DEAD_DAYS * DAY:
            yield item.name

"""What is on record of an app: in its own journal and ledger, and in those of its backfills."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal, ledger
from streamalert_apps.runtime.head import Head
from streamalert_apps.runtime.store import Item, Store
from streamalert_apps.runtime.store.part import Part

BACKFILL: Final = "backfill/"
CLOCKS_DIFFER: Final = 86_400.0  # seconds that a service's clock may be ahead of the store's


@dataclass(frozen=True, slots=True)
class Record:
    """A head and what it names."""

    store: Store
    head: Head

    @property
    def hours(self) -> ledger.Hours:
        """How many events it has of each hour."""
        return ledger.of(self.head.ledger, ledger.loading(self.store, self.head.birth))


def of(store: Store, head: Head) -> list[Record]:
    """Return an app's record and those of its backfills."""
    return [Record(store, head), *backfills(store)]


def backfills(store: Store) -> list[Record]:
    """Return the records of an app's backfills."""
    return [Record(Part(store, folder), head) for folder, head in backfill_heads(store, store.list(BACKFILL))]


def backfill_heads(store: Store, items: Iterable[Item]) -> Iterator[tuple[str, Head]]:
    """Yield the heads of backfills, each with the folder that it is in, of what is listed."""
    for item in items:
        folder, _, name = item.name.rpartition("/")
        if folder.startswith(BACKFILL) and name == heads.NAME:
            yield f"{folder}/", heads.parse(store.read(item.name).body)[0]


def begins(records: Iterable[Record]) -> float:
    """Return from when on all that is to be is on record: after its begin, and any unfinished backfill."""
    return max(
        record.head.begins if record.head.backfill is None else record.head.backfill.until.timestamp()
        for record in records
        if record.head.backfill is None or not record.head.backfill.done
    )


def hours(records: Iterable[Record]) -> ledger.Hours:
    """Return how many events are on record of each hour."""
    total: ledger.Hours = {}
    for record in records:
        total = ledger.added(total, record.hours)
    return total


class Ids:
    """Short ids, at eight bytes each."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = array("Q", sorted(numbers))

    def __contains__(self, number: int) -> bool:
        at = bisect_left(self._numbers, number)
        return at < len(self._numbers) and self._numbers[at] == number


def marks(
    records: Iterable[Record], wanted: Callable[[journal.Entry], bool], alive: Callable[[], None]
) -> Iterator[journal.Mark]:
    """Yield what journals tell of events, of the commits that are wanted; `alive` is called now and then."""
    for record in records:
        head, store = record.head, record.store
        for entry in journal.entries(store, head.birth, since=head.first, up_to=head.sequence):
            if wanted(entry):
                for _, mark in journal.marks(store.get(entry.name) or b""):
                    yield mark
                alive()


def written_since(time: float) -> Callable[[journal.Entry], bool]:
    """Return what tells the commits that may hold what happened since a time."""
    return lambda entry: entry.written >= time - CLOCKS_DIFFER


def ids(records: Iterable[Record], since: float, alive: Callable[[], None]) -> Ids:
    """Return the ids of all events on record that happened since a time, and perhaps of some before."""
    return Ids(int(mark.id, 16) for mark in marks(records, written_since(since), alive))

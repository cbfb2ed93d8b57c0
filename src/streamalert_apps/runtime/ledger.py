"""The ledger: of each hour how many events are on record, and the sum of their ids.

It outlives the journal. The youngest hours are in the head, the others in one object, which is written
anew, under another name, when the head has too many.
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from streamalert_apps.runtime.store import Store

HOUR: Final = 3_600
INLINE: Final = 100  # hours in the head
KEPT_HOURS: Final = 400 * 24
MOST_HOURS: Final = 2 * KEPT_HOURS  # those to come included
_SUMS: Final = (1 << 64) - 1


class Count(NamedTuple):
    """How many events, and the sum of their short ids: equal only for the same events."""

    events: int = 0
    sum: int = 0

    def __add__(self, other: Count) -> Count:  # type: ignore[override]
        return Count(self.events + other.events, (self.sum + other.sum) & _SUMS)


class Kept(msgspec.Struct, omit_defaults=True):
    """The part of the head that is the ledger's: hours since 1970 with their counts; the object's name."""

    hours: list[tuple[int, int, int]] = []
    name: str = ""


Hours = dict[int, Count]


def counted(ids: Sequence[bytes], times: Sequence[float]) -> Hours:
    """Return the counts of events by the hours in which they happened."""
    numbers = array("Q", b"".join(ids))
    if sys.byteorder == "little":
        numbers.byteswap()
    hours = [int(time // HOUR) for time in times]
    sums: defaultdict[int, int] = defaultdict(int)
    for number, hour in zip(numbers, hours, strict=True):
        sums[hour] += number
    return {hour: Count(events, sums[hour] & _SUMS) for hour, events in Counter(hours).items()}


def next_hour(time: float) -> int:
    """Return the number of the first whole hour from a time on."""
    return int(-(-time // HOUR))


def added(one: Mapping[int, Count], other: Mapping[int, Count]) -> Hours:
    """Return the counts of both."""
    return {hour: one.get(hour, Count()) + other.get(hour, Count()) for hour in one.keys() | other.keys()}


def of(kept: Kept, load: Callable[[str], bytes | None]) -> Hours:
    """Return all hours, those of the object included. `load`: returns its bytes."""
    return added(_inline(kept), _parsed(load(kept.name) if kept.name else b""))


def grown(
    kept: Kept,
    fresh: Mapping[int, Count],
    now: float,
    name: Callable[[], str],
    load: Callable[[str], bytes | None],
) -> tuple[Kept, tuple[str, bytes] | None]:
    """Return the ledger with what is new, and the object to write first where the head has too many hours.

    Hours long past are dropped. Those to come stay, an event of which may be the work of a wrong clock.
    """
    if not fresh:
        return kept, None
    hours = added(_inline(kept), fresh)
    if len(hours) <= INLINE:
        return Kept(_listed(hours), kept.name), None
    hours = added(hours, _parsed(load(kept.name) if kept.name else b""))
    oldest = now // HOUR - KEPT_HOURS
    whole = _listed({hour: count for hour, count in hours.items() if hour > oldest})[:MOST_HOURS]
    made = name()
    return Kept(name=made), (made, msgspec.json.encode(whole))


def lacking(recorded: Count, listed: Sequence[int]) -> set[int] | None:
    """Return which ids of those listed an hour of the record lacks; None where its count does not tell.

    Ids are random numbers: what is missing is known by its sum, as long as it is one or two of them.
    """
    rest, there = (sum(listed) - recorded.sum) & _SUMS, set(listed)
    match len(listed) - recorded.events:
        case 0:
            return None if rest else set()
        case 1:
            return {rest} if rest in there else None
        case 2:
            pairs = ({number, (rest - number) & _SUMS} for number in listed)
            return next((pair for pair in pairs if len(pair) == 2 and pair <= there), None)  # noqa: PLR2004
        case _:
            return None


def place(birth: str, name: str) -> str:
    """Return where the object is."""
    return f"{birth}/ledger/{name}"


def loading(store: Store, birth: str) -> Callable[[str], bytes | None]:
    """Return what loads an object."""
    return lambda name: store.get(place(birth, name))


def _inline(kept: Kept) -> Hours:
    return {hour: Count(events, total) for hour, events, total in kept.hours}


def _listed(hours: Mapping[int, Count]) -> list[tuple[int, int, int]]:
    return [(hour, *hours[hour]) for hour in sorted(hours)]


def _parsed(body: bytes | None) -> Hours:
    rows = msgspec.json.decode(body or b"[]", type=list[tuple[int, int, int]])
    return {hour: Count(events, total) for hour, events, total in rows}

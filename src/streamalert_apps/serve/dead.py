"""What destinations refused for good, or got trimmed: kept whole, to be looked at, sent again or dropped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from streamalert_apps.errors import AppError, DeliveryFailed, DeliveryRefused, UsageError
from streamalert_apps.runtime.delivery import TOO_LARGE, Batch, Outlet
from streamalert_apps.runtime.head import HeldHead
from streamalert_apps.runtime.journal import Line
from streamalert_apps.runtime.replay import Again
from streamalert_apps.runtime.store import NoStore, Store
from streamalert_apps.runtime.window import digest

FOLDER: Final = "dead/"


class _Kept(msgspec.Struct):
    reason: str
    line: Line


@dataclass(frozen=True, slots=True)
class Dead:
    """An event that a destination refused. `object`: where it is kept."""

    object: str
    reason: str
    line: Line

    @property
    def id(self) -> str:
        """What a person calls it."""
        return self.object.removeprefix(FOLDER).removesuffix(".json")

    @property
    def destination(self) -> str:
        """Which destination refused it."""
        return self.id.rpartition("/")[0]

    @property
    def happened(self) -> datetime:
        """When it happened."""
        return datetime.fromtimestamp(self.line.at, UTC)


def find(store: Store, destination: str | None = None, ids: Collection[str] = ()) -> list[Dead]:
    """Return what is kept, of one destination or of all; of these ids alone, where there are any.

    Raises UsageError for an id that is not there.
    """
    decoder = msgspec.json.Decoder(_Kept)
    found = []
    for name in names(store, destination):
        if (not ids or _id(name) in ids) and (body := store.get(name)):
            kept = decoder.decode(body)
            found.append(Dead(name, kept.reason, kept.line))
    if missing := set(ids) - {dead.id for dead in found}:
        raise UsageError(
            f"There is no dead event {', '.join(sorted(missing))}.", hint="`sa-apps dead list` shows all."
        )
    return found


def names(store: Store, destination: str | None = None) -> list[str]:
    """Return where events are kept; nowhere, as long as there is no record."""
    try:
        return [item.name for item in store.list(f"{FOLDER}{destination}/" if destination else FOLDER)]
    except NoStore:
        return []


def replay(
    held: HeldHead, dead: Sequence[Dead], outlet_of: Callable[[str], Outlet]
) -> Iterator[tuple[Dead, AppError | None]]:
    """Send events again, one by one; yield each with why it was not taken. What was taken is kept no more.

    An event keeps its id however often it is replayed, which is another than it was first sent under.
    Of a destination that takes nothing no more is tried.
    """
    down: dict[str, AppError] = {}
    for one in dead:
        error = down.get(one.destination) or _send(held, one, outlet_of)
        if error is None:
            held.store.delete([one.object])
        elif not isinstance(error, Refused):
            down[one.destination] = error
        held.renew()
        yield one, error


class Refused(DeliveryRefused):
    """An event is not taken; others may be."""


def _send(held: HeldHead, one: Dead, outlet_of: Callable[[str], Outlet]) -> AppError | None:
    """Send an event; return why it was not taken."""
    try:
        outlet = outlet_of(one.destination)
    except AppError as error:
        return error
    event, birth = bytes(one.line.raw), held.head.birth
    if outlet.shape:
        event = outlet.shape(event, bytes.fromhex(one.line.id), one.line.at, one.line.got)
    if not event:
        return None  # the destination is not to have it any more
    if len(event) > outlet.destination.limits.event_bytes:
        return Refused(TOO_LARGE)
    name = digest(birth, outlet.settings, one.object)
    batch = Batch(name, [event], [f"{birth}-{one.id.rpartition('/')[2]}"], [one.line.at], name)
    try:
        answer = Again(outlet.destination, "replay").send(batch)
    except AppError as error:
        return error
    if reason := answer.halve or answer.refused.get(0):
        return Refused(reason)
    if answer.retry:
        return answer.error or DeliveryFailed("The destination did not say why.")
    return None


def count(held: HeldHead) -> None:
    """Have the head say how many are kept of each destination."""
    for name, position in held.head.positions.items():
        position.dead = len(names(held.store, name))


def _id(name: str) -> str:
    return name.removeprefix(FOLDER).removesuffix(".json")

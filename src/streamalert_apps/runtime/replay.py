"""Replaying: the journal is read again for one destination, beside the app's runs.

A replay has a head of its own, with its position, so that it goes on where it was cut off. Its events
have ids of their own, as a sink that knows each event would drop them otherwise.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from streamalert_apps.errors import AppError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal, record
from streamalert_apps.runtime.delivery import Answer, Batch, Destination, Limits, Outlet, Shape
from streamalert_apps.runtime.forward import Delivered, Forwarder
from streamalert_apps.runtime.head import Head, HeldHead, Position
from streamalert_apps.runtime.store import Item, Read, Store
from streamalert_apps.runtime.window import digest
from streamalert_apps.sdk.clock import Clock, Deadline

FOLDER: Final = "replay/"
SAME: Final = ""
"""The id of a replay whose events keep the ids that they had."""


class Again:
    """A destination to which events are sent again, under other ids than before."""

    def __init__(self, destination: Destination, id: str) -> None:  # noqa: A002 (it is one)
        self.limits: Limits = destination.limits
        self._destination = destination
        self._id = id

    def send(self, batch: Batch) -> Answer:
        """Deliver a batch."""
        if self._id == SAME:
            return self._destination.send(batch)
        again = replace(
            batch,
            id=digest(self._id, batch.id),
            ids=[f"{one}-{self._id}" for one in batch.ids],
            window=digest(self._id, batch.window),
        )
        return self._destination.send(again)


@dataclass(frozen=True, slots=True)
class Beside:
    """The store of a replay: its head is its own, all else is the app's."""

    store: Store
    folder: str

    def read(self, name: str) -> Read:
        """Return a small mutable object with its version; consistent."""
        return self.store.read(self.folder + name)

    def write(self, name: str, body: bytes, *, replacing: str | None) -> str:
        """Replace that version (None: nothing is there); return the new one."""
        return self.store.write(self.folder + name, body, replacing=replacing)

    def put(self, name: str, body: bytes) -> None:
        """Write an object once."""
        self.store.put(name, body)

    def get(self, name: str) -> bytes | None:
        """Return an object, or None where it is not there."""
        return self.store.get(name)

    def list(self, prefix: str) -> builtins.list[Item]:
        """Return the objects whose names begin so, sorted by name."""
        return self.store.list(prefix)

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; fine where they are not there."""
        self.store.delete(names)


class Wanted(msgspec.Struct):
    """What is replayed: the events of a span (seconds since 1970), to a destination, under which ids."""

    since: float
    until: float
    to: str
    same_ids: bool = False


def begin(store: Store, live: Head, wanted: Wanted, id: str) -> None:  # noqa: A002 (it is one)
    """Write the head of a replay: at the first commit that may hold an event of the span."""
    entries = journal.entries(store, live.birth, since=live.first, up_to=live.sequence)
    may_hold = record.written_since(wanted.since)
    first = next((entry.sequence for entry in entries if may_hold(entry)), live.sequence + 1)
    head = Head(
        live.owner,
        live.birth,
        live.key,
        0,
        sequence=live.sequence,
        first=live.first,
        checkpoint=msgspec.to_builtins(wanted),
        positions={wanted.to: Position(first)},
    )
    store.write(f"{FOLDER}{id}/{heads.NAME}", msgspec.json.encode(head), replacing=None)


def wanted_of(head: Head) -> Wanted:
    """Return what a replay is of."""
    return msgspec.convert(head.checkpoint, Wanted)


def outlet_of(outlet: Outlet, wanted: Wanted, id: str) -> Outlet:  # noqa: A002
    """Return the outlet of a replay: of the span alone, at once, and under its ids."""
    destination = Again(outlet.destination, SAME if wanted.same_ids else id)
    return Outlet(destination, outlet.settings, shape=within(outlet.shape, wanted.since, wanted.until))


def within(shape: Shape | None, since: float, until: float) -> Shape:
    """Return a shape that leaves out what did not happen within a span."""

    def shaped(event: bytes, identity: bytes, time: float, got: float) -> bytes:
        if not since <= time < until:
            return b""
        return shape(event, identity, time, got) if shape else event

    return shaped


def run(
    held: HeldHead, name: str, outlet: Outlet, clock: Clock, deadline: Deadline
) -> tuple[Delivered, AppError | None]:
    """Send what is left; return what was sent, and why no more was. Its position is kept in its head."""
    forwarder = Forwarder(name, outlet, held, clock, deadline)

    def note() -> None:
        held.head.positions[name] = forwarder.snapshot()

    held.collect = note
    try:
        forwarder.drain()
    finally:
        held.head.lease = None
        held.write()
        held.close()
    return forwarder.done, forwarder.error

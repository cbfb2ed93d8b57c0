"""Hands an app back to an earlier version: writes the state that it reads, and seals the head.

What is on record is delivered first, as far as the destination takes it. Where it does not, the state
begins at the earliest event that was not delivered, so that nothing is lost.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from streamalert_apps.errors import StateError, UsageError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal
from streamalert_apps.runtime.forward import Forwarder
from streamalert_apps.runtime.head import HeldHead, Identity, Sealed, digest
from streamalert_apps.runtime.legacy import parse
from streamalert_apps.sdk.app import App, Checkpoint
from streamalert_apps.sdk.catalogue import Catalogue
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.sdk.count import counted
from streamalert_apps.sdk.events import Events, Row
from streamalert_apps.sdk.legacy import CAPACITY
from streamalert_apps.serve.destinations import Target
from streamalert_apps.serve.process import is_dead, this_process
from streamalert_apps.serve.turn import Place

DRAINING_SECONDS: Final = 120.0
_FOREIGN: Final = (ValueError, TypeError, KeyError, AttributeError)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was handed back.

    `delivered`: events that were forwarded for it. `undelivered`: those on record that were not, and from
    when on they happened. `repeats`: how many the destination may get twice.
    """

    since: datetime | None = None
    delivered: int = 0
    undelivered: int = 0
    undelivered_since: datetime | None = None
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class _Event:
    at: float
    raw: bytes
    is_delivered: bool


def is_sealed(place: Place) -> bool:
    """Tell whether the app was handed back, and not used since."""
    there = place.store.read(heads.NAME)
    return there.version is not None and heads.parse(there.body)[0].sealed is not None


def export(place: Place, app: App, target: Target, clock: Clock) -> Exported:
    """Hand the app back. Raises AlreadyRunning during a run, UsageError where there is no record.

    Raises StateError where events are not delivered and the app type can't go back to them.
    """
    if place.store.read(heads.NAME).version is None or place.old is None:
        raise UsageError("There is no record of this app: nothing to export.")
    began = clock.now()
    deadline = Deadline(lambda: DRAINING_SECONDS - (clock.now() - began).total_seconds())
    held = heads.take(
        place.store,
        Identity(place.owner, secrets.token_hex(8), this_process(), is_dead),
        clock=clock,
        deadline=deadline,
        first_look=timedelta(0),
        adopt=place.old.adopt,
    )
    status = held.head.runs[-1].status if held.head.runs else ""
    try:
        delivered = _drain(held, target, clock, deadline)
        text, done = _state(held, app, target.name)
        place.old.leave(text)
        mark = _watermark(app, held.head.checkpoint)
        former = held.head.memory.former
        spans = former.spans if former else []
        floor = max([mark.timestamp() if mark else 0.0, *(end for start, end in spans if not start)])
        held.head.sealed = Sealed(held.now().timestamp(), digest(parse(text)), floor)
        held.head.buried = False
    finally:
        held.head.lease, held.head.status = None, status
        held.write()
        held.close()
    return Exported(done.since, delivered, done.undelivered, done.undelivered_since, done.repeats)


def _drain(held: HeldHead, target: Target, clock: Clock, deadline: Deadline) -> int:
    """Forward what is on record; return how many events that were."""
    if target.name not in held.head.positions:
        return 0
    forwarder = Forwarder(target.name, target.outlet, held, clock, deadline)

    def note() -> None:
        held.head.positions[target.name] = forwarder.snapshot()

    held.collect = note
    forwarder.drain()
    return forwarder.done.events


def _state(held: HeldHead, app: App, destination: str) -> tuple[str, Exported]:
    """Return the text of the state, and what it means."""
    head = held.head
    state: dict[str, Any] = {"current_state": "succeeded", "last_timestamp": None, "context": {}}
    own: dict[str, Any] = {"checkpoint": None, "requests": head.requests}
    checkpoint, done = head.checkpoint, Exported()
    if checkpoint is None:
        left = head.adopted if isinstance(head.adopted, dict) else {}
        state |= {key: left[key] for key in ("last_timestamp", "context") if key in left}
        own |= {key: left[key] for key in ("checkpoint", "since", "delivered") if key in left}
        if not left and head.since:
            own["since"] = head.since.isoformat()
    else:
        own["checkpoint"], done = _checkpoint(held, app, checkpoint, destination)
        state["context"] = checkpoint.get("context") or {}
        with suppress(*_FOREIGN):
            state["last_timestamp"] = app.last_timestamp(_lowered(checkpoint, done.since))
    return json.dumps(state | {"sa_apps": own}, separators=(",", ":")), done


def _checkpoint(
    held: HeldHead, app: App, checkpoint: Checkpoint, destination: str
) -> tuple[Checkpoint, Exported]:
    floor = _watermark(app, checkpoint)
    events = list(_events(held, floor, destination))
    missing = [event.at for event in events if not event.is_delivered]
    earliest = datetime.fromtimestamp(min(missing), UTC) if missing else None
    since = min(floor, earliest) if floor and earliest else floor
    again = [
        event for event in events if event.is_delivered and (since is None or event.at >= since.timestamp())
    ]
    ids: list[bytes] = []
    if isinstance(app, Events):
        ids = app.old_ids([Row(event.raw) for event in again])
    exported = app.export(checkpoint, earliest, ids)
    if exported is None:
        raise StateError(
            f"{destination} has not taken {counted(len(missing), 'event')} on record, and {app.type} can't "
            "go back that far.",
            hint="Fix the destination, then try again; `sa-apps status` shows what is wrong.",
        )
    known = 0 if isinstance(app, Catalogue) else CAPACITY
    repeats = max(0, len(again) - known) if isinstance(app, Events) else 0
    return exported, Exported(since, 0, len(missing), earliest, repeats)


def _events(held: HeldHead, floor: datetime | None, destination: str) -> Iterator[_Event]:
    """Yield the events on record that are not delivered, or happened from the floor on."""
    head = held.head
    position = head.positions.get(destination)
    sequence = position.sequence if position else head.sequence + 1
    begin = floor.timestamp() if floor else float("inf")
    for entry in journal.entries(held.store, head.birth, since=head.first, up_to=head.sequence):
        if entry.sequence < sequence and entry.written < begin:
            continue  # an event on record happened before it was written there
        body = held.store.get(entry.name) or b""
        raws = journal.raws(body)
        for row, mark in journal.marks(body):
            waits = entry.sequence > sequence
            if position and entry.sequence == sequence:
                waits = row >= position.row or row in position.pending
            if waits or mark.at >= begin:
                yield _Event(mark.at, raws[row], not waits)


def _lowered(checkpoint: Checkpoint, since: datetime | None) -> Checkpoint:
    return checkpoint | {"floor": since.isoformat()} if since and "floor" in checkpoint else checkpoint


def _watermark(app: App, checkpoint: Checkpoint | None) -> datetime | None:
    with suppress(*_FOREIGN):
        return app.watermark(checkpoint) if checkpoint is not None else None
    return None

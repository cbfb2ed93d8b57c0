"""Replaying the journal to a destination, from this machine, beside the app's runs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from streamalert_apps.errors import AppError, UsageError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import replay
from streamalert_apps.runtime.delivery import Outlet
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.replay import Beside, Wanted
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.serve.process import is_dead, this_process
from streamalert_apps.serve.turn import Place

LONGEST_WAIT_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was sent; `error` is why that is not all."""

    events: int
    error: AppError | None


def begin(place: Place, wanted: Wanted) -> str:
    """Begin a replay; return its id. Raises UsageError where the journal does not reach so far back."""
    there = place.store.read(heads.NAME)
    if there.version is None:
        raise UsageError("There is no record of this app: nothing to replay.")
    head, _ = heads.parse(there.body)
    if wanted.until <= head.expired:
        reach = datetime.fromtimestamp(head.expired, UTC)
        raise UsageError(
            f"The journal reaches back to {reach:%Y-%m-%d %H:%M} UTC only.",
            hint="`sa-apps backfill` asks the service for what is older.",
        )
    identity = secrets.token_hex(4)
    replay.begin(place.store, head, wanted, identity)
    return identity


def wanted_of(place: Place, identity: str) -> Wanted:
    """Return what a replay is of that was cut off; raise UsageError where there is none of that id."""
    there = place.store.read(f"{replay.FOLDER}{identity}/{heads.NAME}")
    if there.version is None:
        raise UsageError(f"There is no unfinished replay {identity}.")
    return replay.wanted_of(heads.parse(there.body)[0])


def go_on(place: Place, identity: str, outlet: Outlet, clock: Clock) -> Replayed:
    """Send what is left of a replay. Raises AlreadyRunning where it is under way elsewhere."""
    beside = Beside(place.store, f"{replay.FOLDER}{identity}/")
    held = heads.take(
        beside,
        Identity(place.owner, secrets.token_hex(8), this_process(), is_dead),
        clock=clock,
        deadline=Deadline.never(),
        first_look=timedelta(0),
    )
    wanted = replay.wanted_of(held.head)
    deadline = Deadline(lambda: LONGEST_WAIT_SECONDS)
    done, error = replay.run(held, wanted.to, replay.outlet_of(outlet, wanted, identity), clock, deadline)
    if error is None:
        beside.delete([f"{replay.FOLDER}{identity}/{heads.NAME}"])
    return Replayed(done.events, error)

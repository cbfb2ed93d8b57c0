"""Takes an app's record away: first the word that it goes, so that no run begins; the head last."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.store import NoStore
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.serve.process import is_dead, this_process
from streamalert_apps.serve.turn import Place


def begin(place: Place, clock: Clock) -> None:
    """Say in the head that the app is being removed. Raises AlreadyRunning during a run."""
    try:
        there = place.store.read(heads.NAME)
    except NoStore:
        return
    if there.version is None or heads.parse(there.body)[0].removed:
        return
    held = heads.take(
        place.store,
        Identity(place.owner, secrets.token_hex(8), this_process(), is_dead),
        clock=clock,
        deadline=Deadline(lambda: heads.LEASE_SECONDS),
        first_look=timedelta(0),
    )
    held.head.removed, held.head.lease = True, None
    held.write()
    held.close()


def objects(place: Place) -> list[str]:
    """Return the names of all that is kept of the app."""
    try:
        return [item.name for item in place.store.list("")]
    except NoStore:
        return []


def finish(place: Place, keep: Collection[str] = ()) -> None:
    """Delete all that is kept of the app, the head last: interrupted, it can be done again."""
    rest = [name for name in objects(place) if name not in {heads.NAME, *keep}]
    if rest:
        place.store.delete(rest)
    with suppress(NoStore):
        place.store.delete([heads.NAME])

"""The lease of an app's record, for a command that changes it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.head import HeldHead, Identity
from streamalert_apps.sdk.clock import Deadline, SystemClock
from streamalert_apps.serve.process import is_dead, this_process
from streamalert_apps.serve.turn import Place


@contextmanager
def holding(place: Place) -> Iterator[HeldHead]:
    """Take the lease and give it back with a changed head. Raises AlreadyRunning during a run."""
    held = heads.take(
        place.store,
        Identity(place.owner, secrets.token_hex(8), this_process(), is_dead),
        clock=SystemClock(),
        deadline=Deadline.never(),
        first_look=timedelta(0),
    )
    status = held.head.runs[-1].status if held.head.runs else ""
    try:
        yield held
    finally:
        held.head.lease, held.head.status = None, status
        held.write()
        held.close()

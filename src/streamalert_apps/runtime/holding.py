"""The lease of an app's record, for what changes it and does not collect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.head import HeldHead, Identity
from streamalert_apps.runtime.store import Store
from streamalert_apps.sdk.clock import Clock, Deadline


@contextmanager
def holding(store: Store, identity: Identity, clock: Clock, deadline: Deadline) -> Iterator[HeldHead]:
    """Take the lease and give it back with a changed head. Raises AlreadyRunning during a run."""
    held = heads.take(store, identity, clock=clock, deadline=deadline, first_look=timedelta(0))
    status = held.head.runs[-1].status if held.head.runs else ""
    try:
        yield held
    finally:
        held.head.lease, held.head.status = None, status
        held.write()
        held.close()

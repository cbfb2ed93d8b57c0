"""The daily run of an app that is paused: it deletes what is past its time, and does nothing else."""

from __future__ import annotations

import logging

from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.clean import delete_old
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.holding import holding
from streamalert_apps.runtime.store import Store
from streamalert_apps.sdk.clock import Clock, Deadline

LOGGER = logging.getLogger(__name__)


def delete(store: Store, identity: Identity, journal_days: float, clock: Clock, deadline: Deadline) -> None:
    """Delete what a run would delete; what a destination does not have yet stays.

    The floor stands still while an app is paused, so what lies above it is not kept for it.
    """
    if store.read(heads.NAME).version is None:
        return
    with holding(store, identity, clock, deadline) as held:
        before = held.head.first
        delete_old(held, store, journal_days)
        LOGGER.info("deleted while paused", extra={"fields": {"commits": held.head.first - before}})

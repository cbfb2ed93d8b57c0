"""Purges an app's record under its lease."""

from __future__ import annotations

from datetime import datetime

from streamalert_apps.errors import UsageError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import record
from streamalert_apps.runtime.purge import purge as purge_record
from streamalert_apps.serve.holding import holding
from streamalert_apps.serve.turn import Place


def count(place: Place, since: datetime, until: datetime) -> int:
    """Return how many events on record happened within a span. Raises UsageError where there is no record."""
    there = place.store.read(heads.NAME)
    if there.version is None:
        raise UsageError("There is no record of this app: nothing to purge.")
    start, end = since.timestamp(), until.timestamp()
    records = record.of(place.store, heads.parse(there.body)[0])
    return sum(start <= mark.at < end for mark in record.marks(records, lambda _: True, lambda: None))


def purge(place: Place, since: datetime, until: datetime) -> int:
    """Purge a span, of backfills too; return how many events that were.

    Raises AlreadyRunning during a run.
    """
    purged = 0
    for store in (place.store, *(backfill.store for backfill in record.backfills(place.store))):
        with holding(Place(store, place.owner)) as held:
            purged += purge_record(held, store, since, until)
    return purged

"""Purges an app's record under its lease."""

from __future__ import annotations

from datetime import datetime

from streamalert_apps.errors import UsageError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal
from streamalert_apps.runtime.purge import purge as purge_record
from streamalert_apps.serve.holding import holding
from streamalert_apps.serve.turn import Place


def count(place: Place, since: datetime, until: datetime) -> int:
    """Return how many events on record happened within a span. Raises UsageError where there is no record."""
    there = place.store.read(heads.NAME)
    if there.version is None:
        raise UsageError("There is no record of this app: nothing to purge.")
    head, _ = heads.parse(there.body)
    start, end = since.timestamp(), until.timestamp()
    return sum(
        start <= mark.at < end
        for entry in journal.entries(place.store, head.birth, since=head.first, up_to=head.sequence)
        for _, mark in journal.marks(place.store.get(entry.name) or b"")
    )


def purge(place: Place, since: datetime, until: datetime) -> int:
    """Purge a span; return how many events that were. Raises AlreadyRunning during a run."""
    with holding(place) as held:
        return purge_record(held, place.store, since, until)

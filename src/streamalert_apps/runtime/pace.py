"""The pace that a service wants, shared by all that ask it: runs note it in the head, commands beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from streamalert_apps.errors import StateError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.store import Conflict, Gone, Store, Unsettled
from streamalert_apps.sdk.http import LONGEST_REST_SECONDS
from streamalert_apps.sdk.pace import Pace

NAME: Final = "pace.json"
TRIES: Final = 5
CLOCKS_DIFFER_SECONDS: Final = 60.0


class Told(NamedTuple):
    """When the last requests were made, and when the service wants the next one (seconds since 1970)."""

    requests: Sequence[float] = ()
    not_before: float = 0.0


class _Object(msgspec.Struct):
    requests: list[float]
    not_before: float = 0.0


def read(store: Store) -> Told:
    """Return what commands have noted."""
    return _parse(store.read(NAME).body)


def read_all(store: Store) -> Told:
    """Return what commands and runs have noted: what a command has to know before it asks."""
    body = store.read(heads.NAME).body
    if not body:
        return read(store)
    head, _ = heads.parse(body)
    return _merged(Told(head.requests, head.not_before), read(store))


def remind(pace: Pace, told: Told, now: datetime) -> None:
    """Let a pace know what was noted; what lies too far ahead was noted by a clock that was wrong."""
    latest = now.timestamp() + CLOCKS_DIFFER_SECONDS
    merged = _merged(Told(tuple(pace.recent)), Told([time for time in told.requests if time <= latest]))
    pace.recent.clear()
    pace.recent.extend(merged.requests)
    wish = min(told.not_before, now.timestamp() + LONGEST_REST_SECONDS)
    pace.not_before = max(pace.not_before, wish)


def note(store: Store, pace: Pace) -> None:
    """Note what a command has asked, for those that ask after it."""
    mine = Told(tuple(pace.recent), pace.not_before)
    if not mine.requests and not mine.not_before:
        return
    for _ in range(TRIES):
        there = store.read(NAME)
        merged = _merged(_parse(there.body), mine)
        kept = _Object(list(merged.requests)[-(pace.recent.maxlen or 1) :], merged.not_before)
        try:
            store.write(NAME, msgspec.json.encode(kept), replacing=there.version)
        except (Conflict, Gone, Unsettled):
            continue  # to merge the same again changes nothing
        return
    raise StateError(f"{NAME} can't be written: others write it all the time.")


def _parse(body: bytes) -> Told:
    """Return what the object says; one that can't be read says nothing."""
    try:
        found = msgspec.json.decode(body or b"{}", type=_Object)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Told()
    return Told(found.requests, found.not_before)


def _merged(one: Told, other: Told) -> Told:
    requests = Counter(one.requests) | Counter(other.requests)
    return Told(sorted(requests.elements()), max(one.not_before, other.not_before))

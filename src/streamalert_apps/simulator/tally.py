"""What arrived, held against what the service had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streamalert_apps.simulator.contract import Twin


@dataclass(frozen=True, slots=True)
class Tally:
    """How many events were held and arrived, and the ids of those that went wrong, one entry an event."""

    held: int
    arrived: int
    lost: tuple[str, ...]
    repeated: tuple[str, ...]
    foreign: tuple[str, ...]


def compare(
    twin: Twin,
    app_type: str,
    logs: Iterable[Mapping[str, Any]],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Tally:
    """Compare logs that arrived with the twin's events that happened from `since` to `until`."""
    held = twin.held(app_type, since=since, until=until)
    arrived = Counter(twin.identify(app_type, log) for log in logs)
    surplus = arrived - held
    return Tally(
        held.total(),
        arrived.total(),
        lost=tuple((held - arrived).elements()),
        repeated=tuple(name for name in surplus.elements() if name in held),
        foreign=tuple(name for name in surplus.elements() if name not in held),
    )

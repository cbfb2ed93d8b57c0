"""A bus of EventBridge by moto."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.destinations.kinesis import Stream
from tests.destinations.stand import Case

BUS = "saas"


class Bus(Stream):
    """Tells of each event its id, or why it is not taken."""

    service, target, action, entries = "events", "AWSEvents", "PutEvents", "Entries"
    bad, later, answers = "MalformedDetail", "InternalFailure", "Entries"

    def set_up(self) -> None:
        self.ask("CreateEventBus", Name=BUS)

    def event(self, entry: Mapping[str, Any]) -> bytes:
        detail: str = entry["Detail"]
        return detail.encode()


def _settings(_: str) -> Mapping[str, Any]:
    return {"bus": BUS}


CASE = Case(
    "eventbridge",
    Bus,
    _settings,
    per_event=True,
    partial=True,
    strict=False,
    one_event=1_000,
    event_limit=998_976,
)

"""The event that invokes a function: made by deploy, read by the handler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any, Final

from streamalert_apps.errors import ConfigError

DEEPEST_SUCCESSION: Final = 8
SUCCESSIVE: Final = "successive"
DELETING: Final = "deleting"
"""The app is paused: nothing is collected, and what is past its time is deleted."""


_KINDS: Final = ("", "", "", "", 0)


@dataclass(frozen=True, slots=True)
class Event:
    """What to collect and where to. A succession of invocations works off a backlog, `depth` deep so far."""

    app_type: str
    destination_function_name: str
    schedule_expression: str
    invocation_type: str = ""
    depth: int = 0

    @classmethod
    def parse(cls, event: Mapping[str, Any]) -> Event:
        """Return the event; raise ConfigError for what the schedule or an app can't have sent."""
        try:
            parsed = cls(**{name: event[name] for name in cls.__slots__ if name in event})
        except TypeError:
            missing = [name for name in cls.__slots__[:3] if name not in event]
            raise ConfigError(f"The event lacks {', '.join(missing)}.") from None
        if any(
            type(value) is not type(default) for value, default in zip(astuple(parsed), _KINDS, strict=True)
        ):
            raise ConfigError("The event's values have to be strings, and its depth a number.")
        return parsed

    def to_json(self) -> str:
        """Return the event as it is sent: StreamAlert's keys, and ours where they say something."""
        return json.dumps({key: value for key, value in asdict(self).items() if value})

    def successor(self) -> Event | None:
        """Return the event that continues the backlog, or None where the succession is long enough."""
        if self.depth >= DEEPEST_SUCCESSION:
            return None
        return replace(self, invocation_type=SUCCESSIVE, depth=self.depth + 1)

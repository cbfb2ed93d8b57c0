"""What an app's state was before there was a head: that of 0.1.0, and StreamAlert's own."""

from __future__ import annotations

import json
from typing import Any

from streamalert_apps.errors import StateError
from streamalert_apps.runtime.ssm import Parameter
from streamalert_apps.sdk.app import Json
from streamalert_apps.sdk.clock import Clock, Deadline


def of_parameter(client: Any, name: str, clock: Clock, deadline: Deadline) -> Json:
    """Return what is left in Parameter Store, or None."""
    stored = Parameter(client, name, clock, deadline).get()
    return parse(stored.text) if stored else None


def parse(text: str) -> Json:
    """Return `last_timestamp`, `context` and, of 0.1.0, `checkpoint`; raise StateError for no state."""
    try:
        whole = json.loads(text)
        own = whole.get("sa_apps") or {}
        return {
            "last_timestamp": whole.get("last_timestamp"),
            "context": whole.get("context"),
            "checkpoint": own.get("checkpoint"),
        }
    except (ValueError, AttributeError, RecursionError):
        raise StateError("The state that an earlier version left is not readable.") from None

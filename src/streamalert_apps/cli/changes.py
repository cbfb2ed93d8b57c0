"""A change as --json shows it."""

from __future__ import annotations

from typing import Any

from streamalert_apps.deploy.plan import Change


def described_change(change: Change) -> dict[str, Any]:
    """Return what is done to what, and of an update old and new value of each attribute."""
    return {
        "action": change.action,
        "kind": change.subject.kind,
        "name": change.subject.name,
        "differing": {key: {"old": old, "new": new} for key, (old, new) in change.differing.items()},
    }

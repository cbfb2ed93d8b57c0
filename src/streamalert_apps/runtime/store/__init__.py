"""Where an app keeps what it has collected.

Small objects are replaced by compare-and-set, larger ones are written once.

Names are relative to one app's own part of the store: `head.json`, `4f1c…/journal/0000000012-….jsonl`.
A name is either of the one kind or of the other: what was made by `write` is read by `read`, what was
made by `put` is read by `get`. `list` and `delete` know both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from streamalert_apps.errors import ConfigError, StateError


@dataclass(frozen=True, slots=True)
class Read:
    """What was there, and the store's own time. `version` is None where nothing was."""

    body: bytes
    version: str | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """An object in a listing."""

    name: str
    size: int
    written: datetime


class Conflict(StateError, code="state_conflict"):
    """Somebody else wrote first; what they wrote stays."""


class Gone(StateError, code="state_gone"):
    """What was to be replaced is not there any more: it must not be made anew."""


class Unsettled(StateError, code="state_unsettled"):
    """It can't be told whether the write took place: read before anything else is written."""


class NoStore(ConfigError):
    """There is no store at all: the bucket is not there."""


class Store(Protocol):
    """One app's part of a store.

    Every method raises StateError where the store can't be reached, and CredentialsError or ConfigError
    where it can't be used as it is set up.
    """

    def read(self, name: str) -> Read:
        """Return a small mutable object with its version; consistent."""

    def write(self, name: str, body: bytes, *, replacing: str | None) -> str:
        """Replace that version (None: nothing is there); return the new one.

        Raises Conflict, Gone, Unsettled.
        """

    def put(self, name: str, body: bytes) -> None:
        """Write an object once; fine where it is there with the same bytes, Conflict with others."""

    def get(self, name: str) -> bytes | None:
        """Return an object, or None where it is not there."""

    def list(self, prefix: str) -> list[Item]:
        """Return the objects whose names begin so, sorted by name."""

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects (small mutable ones too); fine where they are not there."""

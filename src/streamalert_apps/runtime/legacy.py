"""What an app's state was before there was a head: that of 0.1.0, and StreamAlert's own.

A state is taken over once. In its place then lies a text that neither of the two can read, so both fail
at once, and loudly, instead of delivering again what is on record.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from streamalert_apps.errors import AppError, ConfigError, CredentialsError, StateError
from streamalert_apps.runtime.files import write_private
from streamalert_apps.runtime.head import busy
from streamalert_apps.runtime.ssm import Parameter, Stored
from streamalert_apps.sdk.app import Json
from streamalert_apps.sdk.clock import Clock

LOGGER = logging.getLogger(__name__)

LONGEST_LEASE: Final = timedelta(minutes=16)  # of 0.1.0
_MOVED: Final = "Moved: "
TOMBSTONE: Final = (
    _MOVED + "sa-apps 0.2.0 or later keeps the record of this app. Do not delete or change this: an older "
    "version would begin one interval back and lose events. To go back to one: sa-apps rollback, or "
    "sa-apps state export."
)


class Slot(Protocol):
    """Where a state lies."""

    def get(self) -> Stored | None:
        """Return what is there."""

    def put(self, text: str, *, overwrite: bool) -> int:
        """Replace it; return the new version."""


class FileSlot:
    """The state of an app of a local project: `{"version": 3, "state": {…}}`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self) -> Stored | None:
        """Return what is there; raise StateError for what is no state."""
        try:
            whole = json.loads(self.path.read_bytes())
            state = whole["state"]
            return Stored(state if isinstance(state, str) else json.dumps(state), int(whole["version"]))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{self.path} can't be read ({error.strerror}).") from None
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise _unreadable(str(self.path)) from None

    def put(self, text: str, *, overwrite: bool) -> int:  # noqa: ARG002 (there is one here)
        """Replace it as a whole."""
        stored = self.get()
        version = stored.version + 1 if stored else 1
        state = text if text.startswith("{") else json.dumps(text)
        try:
            write_private(self.path, f'{{"version": {version}, "state": {state}}}\n'.encode())
        except OSError as error:
            raise StateError(f"{self.path} can't be written ({error.strerror}).") from None
        return version


@dataclass(slots=True)
class OldState:
    """The state of one app in its place. `name`: of the place, for messages."""

    slot: Slot
    name: str
    clock: Clock
    _read: Stored | None = field(default=None, init=False)

    @classmethod
    def of_parameter(cls, parameter: Parameter, clock: Clock) -> OldState:
        """Return that of an app in AWS."""
        return cls(parameter, f"The parameter {parameter.name}", clock)

    @classmethod
    def of_file(cls, path: Path, clock: Clock) -> OldState:
        """Return that of an app of a local project."""
        return cls(FileSlot(path), str(path), clock)

    def adopt(self) -> Json:
        """Return what was left; None where there is nothing, or it has been taken over.

        Raises AlreadyRunning while a run of 0.1.0 has its lease.
        """
        self._read = self.slot.get()
        if self._read is None or self._read.text.startswith(_MOVED):
            return None
        state = parse(self._read.text, self.name)
        self._check_lease(self._read.text)
        return state

    def bury(self) -> None:
        """Leave a text that an older version refuses; raise AlreadyRunning where one began meanwhile."""
        read = self._read or self.slot.get()
        if read is None or read.text.startswith(_MOVED):
            return
        try:
            self._bury(read)
        except (ConfigError, CredentialsError) as error:
            LOGGER.warning("an older version could still run: %s", error.message)

    def _bury(self, read: Stored) -> None:
        now = self.slot.get()
        if now is not None and now.version != read.version:
            raise busy(self.clock.now() + LONGEST_LEASE)
        self.slot.put(TOMBSTONE, overwrite=True)

    def leave(self, text: str) -> None:
        """Write a state for an older version to go on from."""
        self.slot.put(text, overwrite=True)

    def _check_lease(self, text: str) -> None:
        lease = (json.loads(text).get("sa_apps") or {}).get("lease")
        if not lease:
            return
        until, now = datetime.fromisoformat(lease["until"]), self.clock.now()
        if now < until <= now + LONGEST_LEASE:
            raise busy(until)


def parse(text: str, name: str = "The stored state") -> Json:
    """Return of a state what a new record goes on from; raise StateError for text that is no state."""
    try:
        whole = json.loads(text)
        own = whole.get("sa_apps") or {}
        lease = own.get("lease")
        if lease:
            datetime.fromisoformat(lease["until"]).astimezone()
        state: dict[str, Any] = {
            "last_timestamp": whole.get("last_timestamp"),
            "context": whole.get("context"),
            **{key: own.get(key) for key in ("checkpoint", "since", "delivered", "requests", "not_before")},
        }
        dict(state["checkpoint"] or {})
        datetime.fromisoformat(state["since"] or "1970-01-01")
        return {key: value for key, value in state.items() if value}
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        raise _unreadable(name) from None


def _unreadable(name: str) -> AppError:
    return StateError(
        f"{name} holds no state that can be taken over.",
        hint="Restore it from its history: without it, the app would lose events.",
    )

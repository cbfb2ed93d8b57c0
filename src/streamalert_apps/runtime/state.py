"""What an app remembers between two runs, and the lease that lets one run at a time have it.

The form is StreamAlert's (`current_state`, `last_timestamp`, `context`), with everything of ours
under `sa_apps`. A state without that part was written by StreamAlert itself: it is taken over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Protocol, cast

from streamalert_apps.errors import AlreadyRunning, AppError, StateError
from streamalert_apps.sdk.app import Checkpoint, Json

Status = Literal["running", "succeeded", "partial", "failed"]

ERROR_CHARACTERS: Final = 240
LONGEST_LEASE: Final = timedelta(minutes=16)  # Lambda's longest time limit, and some


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run, with an end."""

    holder: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many logs after the checkpoint were accepted before a delivery failed, and their digest."""

    logs: int
    digest: str


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the last run ended, in a bounded form."""

    started: str
    seconds: float = 0.0
    logs: int = 0
    repeats: int = 0
    error: str = ""
    message: str = ""

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> LastRun:
        """Return a stored one; what another version said besides must not stop a run."""
        return cls(**{name: stored[name] for name in cls.__slots__ if name in stored})

    @staticmethod
    def of(started: datetime, seconds: float, logs: int, repeats: int, error: AppError | None) -> LastRun:
        """Return the summary; the error's message is cut."""
        return LastRun(
            started.isoformat(timespec="seconds"),
            round(seconds, 3),
            logs,
            repeats,
            error.code if error else "",
            error.message[:ERROR_CHARACTERS] if error else "",
        )


@dataclass(frozen=True, slots=True)
class State:
    """The whole of it."""

    status: Status | None = None  # None: never ran
    checkpoint: Checkpoint | None = None  # None: never ran, or only under StreamAlert
    since: datetime | None = None  # from when on a first run collects; kept until there is a checkpoint
    lease: Lease | None = None
    delivered: Delivered | None = None
    requests: tuple[float, ...] = ()  # when the last ones were made, for the service's limit
    not_before: float = 0.0  # when the service wants the next request
    last_run: LastRun | None = None
    last_timestamp: Json = None
    context: Json = None

    def to_text(self) -> str:
        """Return the state as JSON text."""
        own: dict[str, Any] = {"checkpoint": self.checkpoint}
        if self.since and self.checkpoint is None:
            own["since"] = self.since.isoformat()
        if self.lease:
            own["lease"] = {"holder": self.lease.holder, "until": self.lease.until.isoformat()}
        if self.delivered:
            own["delivered"] = asdict(self.delivered)
        if self.requests:
            own["requests"] = self.requests
        if self.not_before:
            own["not_before"] = self.not_before
        if self.last_run:
            own["last_run"] = {key: value for key, value in asdict(self.last_run).items() if value}
        text: dict[str, Any] = {
            "current_state": self.status,
            "last_timestamp": self.last_timestamp,
            "context": self.context or {},
        }
        if self.checkpoint is not None or self.lease or self.last_run:
            text["sa_apps"] = own
        return json.dumps(text, separators=(",", ":"))

    @classmethod
    def of_text(cls, text: str) -> State:
        """Return the state; raise StateError for text that is no state."""
        try:
            whole = json.loads(text)
            own = whole.get("sa_apps") or {}
            lease, delivered, last = own.get("lease"), own.get("delivered"), own.get("last_run")
            since = own.get("since")
            state = cls(
                status=whole["current_state"],
                checkpoint=own.get("checkpoint"),
                since=datetime.fromisoformat(since) if since else None,
                lease=Lease(lease["holder"], datetime.fromisoformat(lease["until"])) if lease else None,
                delivered=Delivered(**delivered) if delivered else None,
                requests=tuple(own.get("requests", ())),
                not_before=float(own.get("not_before", 0.0)),
                last_run=LastRun.read(last) if last else None,
                last_timestamp=whole.get("last_timestamp"),
                context=whole.get("context"),
            )
            return _sound(state)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            raise StateError(
                "The stored state of the app is not readable.",
                hint="Repair it, or delete it: the app then starts one interval back.",
            ) from None


def _sound(state: State) -> State:
    """Return a state whose parts are what they have to be; raise TypeError where one is something else."""
    lease, delivered = state.lease, state.delivered
    times = [time for time in (state.since, lease.until if lease else None) if time]
    sound = (
        isinstance(cast(object, state.checkpoint), dict | None)
        and all(time.tzinfo for time in times)
        and all(isinstance(time, int | float) for time in state.requests)
        and (delivered is None or (type(delivered.logs) is int and delivered.logs > 0))
        and isinstance(state.context, dict | None)
    )
    if not sound:
        raise TypeError
    return state


@dataclass(frozen=True, slots=True)
class Stored:
    """A text in a slot. Its version rises by one with every write, whoever wrote."""

    text: str
    version: int


class StateSlot(Protocol):
    """The place of one state."""

    def read(self) -> Stored | None:
        """Return what is there; raise StateError when that can't be told."""

    def write(self, text: str) -> None:
        """Replace what is there, whatever it is."""

    def replace(self, text: str, version: int) -> bool:
        """Replace `version` (0: nothing is there); return False if someone was first, whose text stays."""


def take_lease(
    slot: StateSlot, *, holder: str, until: datetime, now: datetime, first_look: timedelta, after: str = ""
) -> State:
    """Take the right to run; return the state as it was. Raise AlreadyRunning if another run has it.

    A first run notes from when on it collects: should it die, the next one begins there.
    A lease whose end has come or is too far away for any (a clock was wrong), one of `after` (the run that
    invoked this one and has not been seen to end), one of `holder` itself (Lambda repeats an invocation
    under its id), and a `running` without a lease do not count.
    """
    stored = slot.read()
    state = State.of_text(stored.text) if stored else State()
    lease = state.lease
    if lease and now < lease.until <= now + LONGEST_LEASE and lease.holder not in {holder, after}:
        raise AlreadyRunning(f"Another run has the lease until {lease.until.astimezone(UTC):%H:%M:%S} UTC.")
    state = replace(state, since=state.since or now - first_look)
    running = replace(state, status="running", lease=Lease(holder, until))
    if not slot.replace(running.to_text(), stored.version if stored else 0):
        raise AlreadyRunning("Another run began at the same moment.")
    return state


class MemorySlot:
    """A slot of this process alone: for a run that must leave no trace."""

    def __init__(self, text: str = "") -> None:
        self._stored = Stored(text, 1) if text else None

    def read(self) -> Stored | None:
        """Return what was written last."""
        return self._stored

    def write(self, text: str) -> None:
        """Replace it."""
        self._stored = Stored(text, self._stored.version + 1 if self._stored else 1)

    def replace(self, text: str, version: int) -> bool:  # noqa: ARG002 (nobody else writes)
        """Replace it; nobody can have been first."""
        self.write(text)
        return True

"""The head: the one small object of an app that changes, and the right to change it.

Everything that a run does becomes true when the head is replaced, by compare-and-set. So one run at a
time has an effect, whatever else is still alive; the lease is there so that others need not try.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any, Final

import msgspec

from streamalert_apps.errors import AlreadyRunning, AppError, StateError
from streamalert_apps.runtime import ledger
from streamalert_apps.runtime.history import Hour
from streamalert_apps.runtime.memory import Former, Kept
from streamalert_apps.runtime.store import Conflict, Gone, Read, Store, Unsettled
from streamalert_apps.sdk.app import Checkpoint, Json
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.sdk.retry import backoff

LOGGER = logging.getLogger(__name__)

NAME: Final = "head.json"
FORMAT: Final = 2
LEASE_SECONDS: Final = 90.0
RENEWED_SECONDS: Final = 30.0
RUNS: Final = 60
SETTLING: Final = 6  # tries at a write whose answer does not come
MESSAGE_CHARACTERS: Final = 240
PASSING: Final = "run:"
"""How the name of a destination begins that somebody named for one run: nothing is kept for it alone."""
MOST_PASSING: Final = 20


class Lease(msgspec.Struct, omit_defaults=True):
    """The right to run, with an end in seconds since 1970 by the store's clock."""

    holder: str
    until: float
    process: str = ""
    """The holder's process where it can be looked for, on this machine alone."""


class Run(msgspec.Struct, omit_defaults=True):
    """How a run ended."""

    started: datetime
    status: str
    seconds: float = 0.0
    events: int = 0
    bytes: int = 0
    repeats: int = 0
    requests: int = 0
    error: str = ""
    message: str = ""
    floor: float = 0.0
    """All that the service showed of the time before it is on record, where the app can tell; since 1970."""
    lateness: float = 0.0
    """How old the oldest event was when it was found, in seconds."""


class Position(msgspec.Struct, omit_defaults=True):
    """How far a destination has been given the journal: all before `row` of the commit `sequence`.

    Of a batch that was taken in part, `pending` has the rows before it that are still to be sent. Where
    several commits are sent as one, `end` is the last of them, and rows are counted through them.
    """

    sequence: int
    row: int = 0
    pending: list[int] = []
    end: int = 0
    """The last commit of what is being sent; it was fixed before anything of it was. 0: none."""
    opened: float = 0.0
    """Since when the oldest of the events that it lacks is on record, as far as that is known."""
    waiting: int = 0
    """How many bytes of them there are on record."""
    events: int = 0
    """How many events of the journal are before it."""
    until: float = 0.0
    """When the last event before it was collected."""
    dead: int = 0
    """How many events that it refused are kept."""
    state: str = ""
    """Why it stands still: `retry` or `configuration`."""
    error: str = ""
    message: str = ""
    not_before: float = 0.0
    """Until when it wants to be left alone, in seconds since 1970."""
    settings: str = ""
    """What tells the settings under which an event was accepted last."""

    @property
    def lacking_since(self) -> float:
        """Since when events wait that it lacks, if there are any."""
        return self.opened or self.until

    def lag(self, now: float) -> float:
        """Return for how many seconds they wait."""
        return max(0.0, now - self.lacking_since)


class Backfill(msgspec.Struct, omit_defaults=True):
    """What a head beside the app's is for: a span of time that was not collected, and where its events go."""

    since: datetime
    until: datetime
    to: str = ""
    """A destination that was named; empty: those of the app."""
    done: bool = False


class Audit(msgspec.Struct, omit_defaults=True):
    """What the daily listings found of what was collected before; times in seconds since 1970."""

    at: float = 0.0
    """When the last one ended, or else when they could have begun."""
    cursor: float = 0.0
    """How far the one under way is; 0: none is."""
    until: float = 0.0
    """Up to when the last one compared, or the one under way does."""
    tries: int = 0
    found: int = 0
    """Events that came later than the lag, and were found by the last one, or the one under way so far."""
    latest: float = 0.0
    """Within how many seconds each of them had come at the latest."""
    skipped: float = 0.0
    """Seconds that could not be compared, as no run had time for them."""
    batch: int = 1000
    """Events that one request brings, as far as is known; it counts where the service allows few requests."""
    off: str = ""
    """Why there are none."""
    history: list[tuple[float, int, float]] = []
    """Of the last ones that found any: when, how many, and within how many seconds they had come."""


class Sealed(msgspec.Struct, omit_defaults=True):
    """The app was handed back to an earlier version, which goes on from what was written to its place."""

    at: float
    state: str
    """The digest of what was written."""
    floor: float = 0.0
    """What happened before is on record."""


class Head(msgspec.Struct, omit_defaults=True):
    """What the object holds. What a newer version says besides is kept."""

    owner: str
    birth: str
    key: str
    fence: int
    format: int = FORMAT
    nonce: str = ""
    status: str = ""
    lease: Lease | None = None
    since: datetime | None = None
    """From when on a first run collects; kept until there is a checkpoint."""
    checkpoint: Checkpoint | None = None
    adopted: Json = None
    """What an earlier version, or StreamAlert, left; kept until there is a checkpoint."""
    sequence: int = 0
    first: int = 1
    """The first commit that was not deleted; a run that slept may write an earlier one again."""
    events: int = 0
    """How many events are on record since birth."""
    recorded: float = 0.0
    """When the last commit was made."""
    begins: float = 0.0
    """From when on all that happened is on record, and nowhere else; seconds since 1970."""
    expired: float = 0.0
    """When the last commit was made that the journal has no more."""
    ledger: ledger.Kept = msgspec.field(default_factory=ledger.Kept)
    memory: Kept = msgspec.field(default_factory=Kept)
    positions: dict[str, Position] = {}
    requests: list[float] = []
    not_before: float = 0.0
    cleaned: float = 0.0
    inbox: float = 0.0
    """When a run last looked into the inbox; 0: there may be something in it."""
    purged: list[tuple[float, float]] = []
    """Spans whose events were taken off the record, in seconds since 1970."""
    backfill: Backfill | None = None
    audit: Audit = msgspec.field(default_factory=Audit)
    sealed: Sealed | None = None
    buried: bool = False
    """No state of an earlier version is left that it could go on from."""
    removed: bool = False
    runs: list[Run] = []
    hours: list[Hour] = []
    """What the runs of the last day did, hour by hour, the oldest first."""
    credentials_until: float = 0.0
    """When the credentials end, where they say so themselves; in seconds since 1970."""


def parse(body: bytes) -> tuple[Head, dict[str, Any]]:
    """Return the head and what else is in the object; raise StateError for one that can't be read."""
    try:
        whole: dict[str, Any] = msgspec.json.decode(body)
        if whole.get("format", 0) > FORMAT:
            raise StateError(
                "The record of the app was written by a newer version of sa-apps.",
                hint="Upgrade: pipx upgrade streamalert-apps.",
            )
        head = msgspec.convert(whole, Head)
    except (msgspec.MsgspecError, ValueError, RecursionError, AttributeError, TypeError):
        raise StateError(
            "The head of the app's record can't be read.",
            hint="Restore head.json from a copy; the journal beside it is whole.",
        ) from None
    return head, {key: value for key, value in whole.items() if key not in Head.__struct_fields__}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who wants to run. `owner`: whose record it is; `holder`: unique to this run."""

    owner: str
    holder: str
    process: str = ""
    is_dead: Callable[[str], bool] = field(default=lambda _: False)


@dataclass(slots=True)
class HeldHead:
    """The head while a run has the lease: the only one who writes it.

    Whoever writes holds the lock; after `close` nobody does.
    """

    store: Store
    head: Head
    version: str | None
    identity: Identity
    clock: Clock
    deadline: Deadline
    offset: timedelta = timedelta(0)
    unknown: dict[str, Any] = field(default_factory=dict)
    written: datetime | None = None
    sequence: int = 0
    """The last commit that is true: the one that the object names."""
    closed: bool = False
    collect: Callable[[], None] = field(default=lambda: None)
    """Called before each write: brings in what other threads have done."""
    lock: RLock = field(default_factory=RLock)
    _open: set[str] = field(default_factory=set)  # nonces of writes that may have landed, or still may

    def now(self) -> datetime:
        """Return the store's time."""
        return self.clock.now() + self.offset

    def write(self) -> None:
        """Make the head's fields true; renew the lease. Raises AlreadyRunning where another run took over."""
        with self.lock:
            if self.closed:
                raise AlreadyRunning("This run has ended.")
            if self.head.lease:
                self.head.lease.until = self.now().timestamp() + LEASE_SECONDS
            self.collect()
            self.head.nonce = secrets.token_hex(8)
            self._open.add(self.head.nonce)
            told = msgspec.to_builtins(self.head, str_keys=True)
            body = msgspec.json.encode(self.unknown | told | {"format": FORMAT})
            self.version = self._settled(body)
            self._open.clear()
            self.sequence = self.head.sequence
            self.written = self.clock.now()

    def confirm(self) -> datetime:
        """Return the store's time, now that the head is seen to be as this run wrote it.

        The machine's clock may have been set since. Raises AlreadyRunning where another run took over.
        """
        with self.lock:
            there = self.store.read(NAME)
            if there.version != self.version:
                raise AlreadyRunning("Another run has taken over.")
            self.offset = there.now - self.clock.now()
            return there.now

    def renew(self) -> None:
        """Renew the lease where it is due."""
        if self.closed or self.written is None:
            return
        if (self.clock.now() - self.written).total_seconds() >= RENEWED_SECONDS:
            self.write()

    def close(self) -> None:
        """Write no more."""
        with self.lock:
            self.closed = True

    def _settled(self, body: bytes) -> str:
        """Write; where it can't be told whether that took place, find out before anything else is done.

        The same bytes are sent again, never others: an earlier write may still land. Where it has, and
        this run had given up on it, this one goes on top.
        """
        for attempt in range(SETTLING):
            try:
                return self.store.write(NAME, body, replacing=self.version)
            except Gone:
                raise AlreadyRunning("The app's record was removed during the run.") from None
            except (Conflict, Unsettled) as error:
                there = self._reread(error)
                nonce = _nonce(there.body)
                if there.version is not None and nonce == self.head.nonce:
                    return there.version
                if nonce in self._open:
                    self.version = there.version
                    continue
                if there.version != self.version:
                    raise AlreadyRunning("Another run has taken over.") from None
                wait = backoff(attempt)
                if wait >= self.deadline.left() + LAST_SECONDS:
                    break
                self.clock.sleep(wait)
        raise StateError("The app's record can't be written: the store does not answer.")

    def _reread(self, error: AppError) -> Read:
        LOGGER.info("reading the head again", extra={"fields": {"code": error.code}})
        return self.store.read(NAME)


LAST_SECONDS: Final = 2.0  # of what closing a run may take


def take(
    store: Store,
    identity: Identity,
    *,
    clock: Clock,
    deadline: Deadline,
    first_look: timedelta,
    adopt: Callable[[], Json] | None = None,
    after: str = "",
) -> HeldHead:
    """Take the right to run; raise AlreadyRunning where another run has it.

    `adopt` returns what an earlier version left: where there is no head yet, and where the app was handed
    back to one; without it, the app stays with that one. A lease whose end has come, or is further away
    than any can be (a clock was wrong), one of `after` (the run that invoked this one) or of `holder`
    itself, and one of a process that is no more do not count.
    """
    there = store.read(NAME)
    offset = there.now - clock.now()
    now = there.now
    unknown: dict[str, Any] = {}
    if there.version is None:
        head = _born(identity, now)
    else:
        head, unknown = parse(there.body)
        _check_owner(head, identity)
        _check_lease(head, identity, now, after)
    if adopt and not head.buried and (head.checkpoint is None or head.sealed):
        _take_over(head, adopt(), now)
    head.fence = max(head.fence + 1, int(now.timestamp() * 1000))
    head.since = head.since or (now - first_look)
    if not head.begins:
        earlier = head.adopted is not None or head.checkpoint is not None
        head.begins = (now if earlier else head.since).timestamp()
    head.status = "running"
    head.lease = Lease(identity.holder, 0.0, identity.process)
    held = HeldHead(store, head, there.version, identity, clock, deadline, offset, unknown)
    held.write()
    return held


def _born(identity: Identity, now: datetime) -> Head:
    return Head(
        owner=identity.owner,
        birth=f"{now:%Y%m%d}-{secrets.token_hex(6)}",
        key=secrets.token_hex(16),
        fence=0,
        cleaned=now.timestamp(),
    )


def _take_over(head: Head, left: Json, now: datetime) -> None:
    """Go on from what an earlier version left; after a seal only where it has run since."""
    sealed, head.sealed = head.sealed, None
    if not isinstance(left, dict) or (sealed and sealed.state == digest(left)):
        return
    head.adopted, head.checkpoint, head.begins = left, None, 0.0
    head.requests = [float(time) for time in left.get("requests") or ()]
    head.not_before = float(left.get("not_before") or 0.0)
    if since := left.get("since"):
        head.since = datetime.fromisoformat(since)
    spans = [(0.0, sealed.floor)] if sealed else []
    head.memory.former = Former(now.timestamp(), spans=spans)


def digest(state: Json) -> str:
    """Return what tells a state from any other."""
    return hashlib.sha256(msgspec.json.encode(state, order="sorted")).hexdigest()[:32]


def _check_owner(head: Head, identity: Identity) -> None:
    if head.removed:
        raise StateError(
            "The app is being removed.", hint="Run `sa-apps remove` again, and set the app up anew."
        )
    if head.owner != identity.owner:
        raise StateError(
            f"The record belongs to another app: {head.owner}.",
            hint="Give this one a name, a prefix or a bucket of its own.",
        )


def _check_lease(head: Head, identity: Identity, now: datetime, after: str) -> None:
    lease = head.lease
    if lease is None or not now.timestamp() < lease.until <= now.timestamp() + LEASE_SECONDS + 1:
        return
    if lease.holder in {identity.holder, after} or (lease.process and identity.is_dead(lease.process)):
        return
    raise busy(datetime.fromtimestamp(lease.until, UTC))


def busy(until: datetime) -> AlreadyRunning:
    """Return the error that says until when another run has the lease."""
    until = until.astimezone(UTC)
    return AlreadyRunning(
        f"It is already running; if that run died, try again after {until:%H:%M:%S} UTC.", until=until
    )


def _nonce(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body).get("nonce", ""))
    except (msgspec.MsgspecError, AttributeError):
        return ""

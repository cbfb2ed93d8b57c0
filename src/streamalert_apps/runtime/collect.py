"""One run: take the lease, poll, put on record, forward, and say how it ended.

The one rule: what is on record and how far the app has come change in one write, that of the head. So
a kill at any moment costs nothing but the work since the last one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

import msgspec

from streamalert_apps.errors import AlreadyRunning, AppError, BadResponse, OutOfTime, RateLimited
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal
from streamalert_apps.runtime.clean import clean
from streamalert_apps.runtime.destinations import Destination
from streamalert_apps.runtime.encode import as_bytes
from streamalert_apps.runtime.forward import Beside, Commit, Delivered, Forwarder, Within
from streamalert_apps.runtime.head import HeldHead, Identity, Run
from streamalert_apps.runtime.memory import Memory
from streamalert_apps.runtime.store import Store
from streamalert_apps.sdk.app import App, Checkpoint, Json, Page
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.sdk.http import LONGEST_REST_SECONDS
from streamalert_apps.sdk.ids import hashing

LOGGER = logging.getLogger(__name__)

COMMIT_BYTES: Final = 4 << 20
COMMIT_SECONDS: Final = 2.0
CLOCKS_DIFFER_SECONDS: Final = 60.0
JOINING_SECONDS: Final = 20.0

_FOREIGN_CHECKPOINT: Final = (ValueError, TypeError, KeyError, AttributeError, msgspec.MsgspecError)


@dataclass(slots=True)
class Outcome:
    """How a run ended, and what it did.

    `retry_after`: seconds that the service wants to be left alone. `cursor`: all that the service showed of
    the time before it is on record, where the app can tell. `delivered`: by destination.
    """

    status: Literal["succeeded", "partial", "failed"] = "succeeded"
    events: int = 0
    bytes: int = 0
    commits: int = 0
    pages: int = 0
    repeats: int = 0
    retries: int = 0
    rate_limits: int = 0
    seconds: float = 0.0
    retry_after: float = 0.0
    cursor: datetime | None = None
    backlog: bool = False
    delivered: dict[str, Delivered] = field(default_factory=dict)
    error: AppError | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run is given: who it is, until when it may run, how far back a first run looks.

    `adopt` returns what an earlier version left. `threads`: whether destinations get one each.
    `journal_days`: how long what was delivered everywhere is kept.
    """

    identity: Identity
    clock: Clock
    deadline: Deadline
    first_look: timedelta
    after: str = ""
    adopt: Callable[[], Json] = field(default=lambda: None)
    journal_days: float = 7.0
    threads: bool = True
    progress: Callable[[Outcome], None] = field(default=lambda _: None)


class Forwarding(Protocol):
    """A forwarder at work."""

    forwarder: Forwarder

    def wake(self) -> None:
        """Tell that there is something to forward."""

    def finish(self) -> None:
        """Forward what is there, and end."""

    def join(self, seconds: float) -> bool:
        """Wait for the end; tell whether it came."""


def collect(
    build: Callable[[], App], store: Store, destinations: Mapping[str, Destination], terms: Terms
) -> Outcome:
    """Collect what there is to collect; return how it ended, whatever went wrong.

    `build` makes the app (its credentials may be missing: that is a failed run too). Raises only
    AlreadyRunning, and what the store raises when even the end can't be written.
    """
    held = heads.take(
        store,
        terms.identity,
        clock=terms.clock,
        deadline=terms.deadline,
        first_look=terms.first_look,
        adopt=terms.adopt,
        after=terms.after,
    )
    run = _Run(held, store, terms, started=held.now())
    held.collect = run.note
    run.open(destinations)
    try:
        _poll(run, build)
        return run.end()
    finally:
        held.close()


def _poll(run: _Run, build: Callable[[], App]) -> None:
    """Poll, and note how that ended."""
    try:
        run.work(build())
    except (RateLimited, OutOfTime) as error:
        run.stop("partial", error)
    except AlreadyRunning:
        raise
    except AppError as error:
        run.stop("failed", error)
    except KeyboardInterrupt:
        run.outcome.status = "partial"
        run.end()
        raise
    except Exception as error:  # a fault of a plugin must not leave the lease behind
        LOGGER.debug("the app broke", exc_info=True)
        run.stop("failed", BadResponse(f"The app broke: {type(error).__name__} at {_place(error)}."))


@dataclass(slots=True)
class _Run:
    held: HeldHead
    store: Store
    terms: Terms
    started: datetime
    outcome: Outcome = field(default_factory=Outcome)
    app: App | None = None
    memory: Memory | None = None
    forwarders: list[Forwarder] = field(default_factory=list)
    forwarding: list[Forwarding] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    checkpoint: Checkpoint | None = None  # true once what is buffered has been committed
    telling: bool = field(default_factory=lambda: LOGGER.isEnabledFor(logging.INFO))

    def open(self, destinations: Mapping[str, Destination]) -> None:
        """Bring the memory and the destinations to where the head says they are."""
        head, terms = self.held.head, self.terms
        self.memory = Memory.of(head.memory, bytes.fromhex(head.key), self._segment)
        self.forwarders = [
            Forwarder(name, destination, self.held, terms.clock, terms.deadline)
            for name, destination in destinations.items()
        ]

    def work(self, app: App) -> None:
        """Poll: buffer what is new, commit it when it is enough, have it forwarded meanwhile."""
        self.app = app
        head = self.held.head
        began = self.started.timestamp()
        latest = began + CLOCKS_DIFFER_SECONDS  # what is later is of a clock that was wrong
        app.api.pace.recent.extend(time for time in head.requests if time <= latest)
        app.api.pace.not_before = min(head.not_before, began + LONGEST_REST_SECONDS)
        app.api.alive = self.held.renew
        app.api.before_wait = self._commit_before_wait
        self.checkpoint = head.checkpoint or self._first_checkpoint(app)
        assert self.memory is not None  # noqa: S101 (open made it)
        committed = page_began = self.terms.clock.now()
        slowest = 0.0
        for page in app.walk(self.checkpoint, self.memory):
            self.outcome.pages += 1
            self.outcome.repeats += page.repeats
            self._buffer(page)
            now = self.terms.clock.now()
            slowest = max(slowest, (now - page_began).total_seconds())
            self._tell_page(page, page_began)
            page_began = now
            if not page.more:
                break
            if self.size >= COMMIT_BYTES or (
                self.lines and (now - committed).total_seconds() >= COMMIT_SECONDS
            ):
                self._commit()
                self._start_forwarding()
                committed = self.terms.clock.now()
            self.terms.progress(self.outcome)
            if self.terms.deadline.left() <= slowest:
                self.outcome.status, self.outcome.backlog = "partial", True
                break

    def _commit_before_wait(self) -> None:
        """Put on record what is buffered: it need not wait for what the service is to be asked next."""
        if self.lines:
            self._commit()
            self._start_forwarding()

    def stop(self, status: Literal["partial", "failed"], error: AppError) -> None:
        """Note how polling ended; what was collected before is put on record all the same."""
        self.outcome.status, self.outcome.error = status, error
        self.outcome.backlog = status == "partial"
        if isinstance(error, RateLimited):
            self.outcome.retry_after = error.retry_after or 0.0

    def end(self) -> Outcome:
        """Put the rest on record, let destinations finish, give the lease back."""
        if self.lines or (self.memory and self.memory.is_full):
            self._commit()
        self._start_forwarding()
        self._join()
        with self.held.lock:
            self._close()
        return self.outcome

    def note(self) -> None:
        """Bring into the head what has been done besides."""
        head = self.held.head
        for forwarder in self.forwarders:
            head.positions[forwarder.name] = forwarder.snapshot()
        if self.app:
            head.requests = list(self.app.api.pace.recent)
            wish = self.app.api.pace.not_before
            head.not_before = wish if wish > self.held.now().timestamp() else 0.0

    def _segment(self, name: str) -> bytes:
        body = self.store.get(f"{self.held.head.birth}/memory/{name}")
        if body is None:
            raise BadResponse(f"A part of the app's memory is missing: {name}.")
        return body

    def _first_checkpoint(self, app: App) -> Checkpoint:
        """Return the checkpoint of what was taken over, or that of a first run."""
        head = self.held.head
        adopted = head.adopted
        if isinstance(adopted, dict) and adopted.get("last_timestamp"):
            return app.adopt(adopted["last_timestamp"], adopted.get("context") or {})
        return app.start(head.since or self.started - self.terms.first_look)

    def _buffer(self, page: Page) -> None:
        """Take a page; it is true once it has been committed."""
        assert self.memory is not None  # noqa: S101 (open made it)
        self.checkpoint = page.checkpoint
        if page.logs:
            got = round(self.held.now().timestamp(), 3)
            events = journal.one_line_each(as_bytes(page.logs))
            ids, times = page.ids, page.times
            if not ids:
                ids, times = self._content_ids(events), [got] * len(events)
            lines = journal.lines(events, ids, times, got)
            self.events += events
            self.lines += lines
            self.size += sum(map(len, lines))
        if page.remember is None:
            self.memory.add(page.ids, page.times)
        elif page.remember:
            self.memory.add(*zip(*page.remember, strict=True))
        if (floor := self._watermark()) is not None:
            self.memory.forget(floor.timestamp())

    def _content_ids(self, events: Sequence[bytes]) -> list[bytes]:
        """Return ids for events of an app that has none: their content, and where they stand on record."""
        head = self.held.head
        short = hashing(bytes.fromhex(head.key))
        row = len(self.events)
        return [short(f"{head.sequence + 1} {row + at} {event!r}") for at, event in enumerate(events)]

    def _commit(self) -> None:
        """Put what is buffered on record: journal, memory, head, in this order."""
        head, store = self.held.head, self.store
        assert self.memory is not None  # noqa: S101 (open made it)
        with self.held.lock:
            began = self.terms.clock.now()
            sequence = head.sequence + 1
            body = b"".join(self.lines)
            if self.lines:
                store.put(journal.name_of(head.birth, sequence, head.fence), body)
            numbers = iter(range(100))

            def name() -> str:
                return f"{sequence:010d}-{head.fence:014d}-{next(numbers)}"

            self.memory.spill(self.held.now().timestamp(), name)
            for segment, data in list(self.memory.unsaved.items()):
                store.put(f"{head.birth}/memory/{segment}", data)
                del self.memory.unsaved[segment]
            self._keep()
            events, self.events, self.lines = self.events, [], []
            size, self.size = self.size, 0
            if events:
                head.sequence = sequence
                head.events += len(events)
                head.recorded = round(self.held.now().timestamp(), 3)
            self.held.write()
        if not events:
            return
        self.outcome.commits += 1
        self.outcome.events += len(events)
        self.outcome.bytes += size
        commit = Commit(sequence, events, body, head.recorded)
        for forwarder in self.forwarders:
            forwarder.offer(commit)
        for forwarding in self.forwarding:
            forwarding.wake()
        if self.telling:
            self._tell("on record", began, commit=sequence, events=len(events), bytes=len(body))

    def _keep(self) -> None:
        """Bring into the head what is true with its next write: how far the app is, what it remembers."""
        head = self.held.head
        assert self.memory is not None  # noqa: S101 (open made it)
        head.memory = self.memory.kept()
        if self.checkpoint is not None:
            head.checkpoint, head.adopted = self.checkpoint, None

    def _start_forwarding(self) -> None:
        if not self.forwarding:
            kind = Beside if self.terms.threads else Within
            self.forwarding = [kind(forwarder) for forwarder in self.forwarders if self._has_work(forwarder)]
            for forwarding in self.forwarding:
                forwarding.wake()

    def _has_work(self, forwarder: Forwarder) -> bool:
        return self.terms.threads or forwarder.position.sequence <= self.held.head.sequence

    def _join(self) -> None:
        """Let destinations finish, as far as time allows; keep the lease meanwhile."""
        for forwarding in self.forwarding:
            forwarding.finish()
        for forwarding in self.forwarding:
            while not forwarding.join(min(JOINING_SECONDS, max(0.05, self.terms.deadline.left()))):
                if self.terms.deadline.left() <= 0:
                    break
                self.held.renew()
        for forwarder in self.forwarders:
            self.outcome.delivered[forwarder.name] = forwarder.done
            self.outcome.retries += forwarder.retries.made
            if isinstance(forwarder.error, AlreadyRunning):
                raise forwarder.error
            if isinstance(forwarder.error, OutOfTime):
                self.outcome.backlog = True
                if self.outcome.status == "succeeded":
                    self.outcome.status = "partial"
            elif forwarder.error is not None and self.outcome.error is None:
                self.outcome.status, self.outcome.error = "failed", forwarder.error

    def _close(self) -> None:
        outcome, head = self.outcome, self.held.head
        if self.app:
            retries = self.app.api.retries
            outcome.retries += retries.made
            outcome.rate_limits = retries.rate_limits
        outcome.cursor = self._watermark()
        outcome.seconds = (self.held.now() - self.started).total_seconds()
        self._keep()
        head.status = outcome.status
        head.lease = None
        head.runs = [*head.runs, self._summary()][-heads.RUNS :]
        if self.terms.deadline.left() > 0:
            with suppress(AppError):
                clean(self.held, self.store, self.terms.journal_days)
        self.held.write()
        self.held.closed = True

    def _summary(self) -> Run:
        out = self.outcome
        return Run(
            self.started.replace(microsecond=0),
            out.status,
            round(out.seconds, 3),
            out.events,
            out.bytes,
            out.repeats,
            out.pages,
            out.error.code if out.error else "",
            out.error.message[: heads.MESSAGE_CHARACTERS] if out.error else "",
        )

    def _watermark(self) -> datetime | None:
        if self.app is None or self.checkpoint is None:
            return None
        with suppress(*_FOREIGN_CHECKPOINT):
            return self.app.watermark(self.checkpoint)
        return None

    def _tell_page(self, page: Page, began: datetime) -> None:
        if self.telling:
            number, new = self.outcome.pages, len(page.logs)
            self._tell("page polled", began, page=number, events=new, repeats=page.repeats, more=page.more)

    def _tell(self, what: str, began: datetime, **fields: object) -> None:
        """Write a line for the log group; a caller asks first whether anybody listens."""
        seconds = (self.terms.clock.now() - began).total_seconds()
        LOGGER.info(what, extra={"fields": fields | {"seconds": round(seconds, 3)}})


def _place(error: BaseException) -> str:
    """Return file and line where an error was raised; its message may hold anything."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}" if frame else "?"

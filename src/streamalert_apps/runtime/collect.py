"""One run: take the lease, poll, forward, save, and say how it ended.

The one rule: a checkpoint is saved only after every log before it was accepted. Whatever happens
in between, a kill included, costs repeats at most.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from streamalert_apps.errors import AlreadyRunning, AppError, BadResponse, OutOfTime, RateLimited
from streamalert_apps.runtime.batch import Batches, Bytes, encode
from streamalert_apps.runtime.destinations import Destination
from streamalert_apps.runtime.state import Delivered, LastRun, Lease, State, StateSlot, take_lease
from streamalert_apps.sdk.app import App, Checkpoint, Log, Page
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.sdk.http import LONGEST_REST_SECONDS
from streamalert_apps.sdk.retry import retrying

LOGGER = logging.getLogger(__name__)

SECONDS_BETWEEN_SAVES: Final = 2.0  # Parameter Store takes a handful of puts a second per account
CLOCKS_DIFFER_SECONDS: Final = 60.0
EMPTY_PAGES: Final = 100  # in a row without moving: the service's token runs in a circle


_FOREIGN_CHECKPOINT: Final = (ValueError, TypeError, KeyError, AttributeError)  # it is of another app
_FOREIGN_STATE: Final = (
    "If its stored state was changed by hand or belongs to another app, delete it: "
    "the app then starts one interval back."
)


@dataclass(slots=True)
class Outcome:
    """How a run ended, and what it did.

    `retry_after`: seconds that the service wants to be left alone. `cursor`: all that the service showed of
    the time before it has been collected, where the app can tell.
    """

    status: Literal["succeeded", "partial", "failed"] = "succeeded"
    logs: int = 0
    bytes: int = 0
    batches: int = 0
    pages: int = 0
    repeats: int = 0
    truncated: int = 0
    retries: int = 0
    rate_limits: int = 0
    seconds: float = 0.0
    retry_after: float = 0.0
    cursor: datetime | None = None
    error: AppError | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run is given: who it is, until when it may run, how far back a first run looks."""

    holder: str
    clock: Clock
    deadline: Deadline
    lease: timedelta
    first_look: timedelta
    after: str = ""
    progress: Callable[[Outcome], None] = field(default=lambda _: None)


def collect(
    build: Callable[[], App], slot: StateSlot, destination: Destination, batches: Batches, terms: Terms
) -> Outcome:
    """Collect what there is to collect; return how it ended, whatever went wrong.

    `build` makes the app (its credentials may be missing: that is a failed run too). Raises only
    AlreadyRunning, and what the state's store raises when even the end can't be saved.
    """
    now = terms.clock.now()
    lease = Lease(terms.holder, now + terms.lease)
    state = take_lease(
        slot, holder=lease.holder, until=lease.until, now=now, first_look=terms.first_look, after=terms.after
    )
    run = _Run(state, lease, slot, destination, batches, terms, started=now)
    try:
        run.work(build())
    except (RateLimited, OutOfTime) as error:
        run.stop("partial", error)
    except AppError as error:
        run.stop("failed", error)
    except KeyboardInterrupt:
        run.outcome.status = "partial"
        run.end()
        raise
    except Exception as error:  # a fault of a plugin must not leave the state `running`
        LOGGER.debug("the app broke", exc_info=True)
        hint = "" if run.outcome.pages else _FOREIGN_STATE
        broke = f"The app broke: {type(error).__name__} at {_place(error)}."
        run.stop("failed", BadResponse(broke, hint=hint))
    return run.end()


@dataclass(slots=True)
class _Undelivered:
    """A page some of whose logs have not been accepted yet."""

    page: Page
    accepted: int = 0


@dataclass(slots=True)
class _Run:
    state: State
    lease: Lease
    slot: StateSlot
    destination: Destination
    batches: Batches
    terms: Terms
    started: datetime
    outcome: Outcome = field(default_factory=Outcome)
    app: App | None = None
    queue: deque[_Undelivered] = field(default_factory=deque)
    telling: bool = field(default_factory=lambda: LOGGER.isEnabledFor(logging.INFO))

    def work(self, app: App) -> None:
        self.app = app
        began = self.started.timestamp()
        latest = began + CLOCKS_DIFFER_SECONDS  # what is later is of a clock that was wrong
        app.api.pace.recent.extend(time for time in self.state.requests if time <= latest)
        app.api.pace.not_before = min(self.state.not_before, began + LONGEST_REST_SECONDS)
        self.state = replace(self.state, checkpoint=self._first_checkpoint(app))
        saved = page_began = self.started
        slowest = 0.0
        for page in self._guarded(app.poll(self._checkpoint())):
            self.outcome.pages += 1
            self.outcome.repeats += page.repeats
            self._tell_page(page, page_began)
            self._forward(page)
            now = self.terms.clock.now()
            slowest = max(slowest, (now - page_began).total_seconds())
            page_began = now
            if not page.more:
                break
            if (now - saved).total_seconds() >= SECONDS_BETWEEN_SAVES:
                self._flush()
                self._save("running")
                saved = now
            self.terms.progress(self.outcome)
            if self.terms.deadline.left() <= slowest:
                self.outcome.status = "partial"
                break
        self._flush()

    def stop(self, status: Literal["partial", "failed"], error: AppError) -> None:
        """Deliver what was collected before the error, and note it."""
        try:
            self._flush()
        except AppError as worse:
            status, error = "failed", worse
        self.outcome.status, self.outcome.error = status, error
        if isinstance(error, RateLimited):
            self.outcome.retry_after = error.retry_after or 0.0

    def end(self) -> Outcome:
        self.outcome.truncated = self.batches.truncated
        if self.app:
            retries = self.app.api.retries
            self.outcome.retries, self.outcome.rate_limits = retries.made, retries.rate_limits
        self.outcome.cursor = self.started if self.outcome.status == "succeeded" else self._watermark()
        self.outcome.seconds = (self.terms.clock.now() - self.started).total_seconds()
        self._save(self.outcome.status)
        return self.outcome

    def _checkpoint(self) -> Checkpoint:
        assert self.state.checkpoint is not None  # noqa: S101 (work set it)
        return self.state.checkpoint

    def _first_checkpoint(self, app: App) -> Checkpoint:
        """Return the stored checkpoint, one from what StreamAlert stored, or that of a first run."""
        if self.state.checkpoint is not None:
            return self.state.checkpoint
        if self.state.last_timestamp:
            return app.adopt(self.state.last_timestamp, self.state.context or {})
        return app.start(self.state.since or self.started - self.terms.first_look)

    def _guarded(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Pass pages on; raise BadResponse when the service leads in a circle.

        One place is kept to compare with, and another one after twice as many pages: so a circle of any
        length is found, and no page is passed on more than a few times.
        """
        idle = 0
        places: set[str] = set()
        passed, next_mark = 0, 1
        mark: tuple[str, str] | None = None
        for page in pages:
            place = json.dumps(page.checkpoint, sort_keys=True)
            if page.logs:
                idle = 0
                places.clear()
                if mark and mark[0] == place and mark[1] == digest(page.logs):
                    raise BadResponse("The service gave the same page again: its pages run in a circle.")
                passed += 1
                if passed == next_mark:
                    mark, next_mark = (place, digest(page.logs)), 2 * passed
            elif place in places:
                idle += 1
            if idle >= EMPTY_PAGES:
                raise BadResponse(f"The service gave {EMPTY_PAGES} empty pages that lead nowhere.")
            places.add(place)
            yield page

    def _forward(self, page: Page) -> None:
        """Hand a page's logs to the batches; deliver those that get full, as far as time allows."""
        done = self._accepted_before(page.logs)
        self.queue.append(_Undelivered(page, done))
        for batch in self.batches.add(page.logs[done:] if done else page.logs):
            if self.outcome.batches and self.terms.deadline.left() <= 0:  # one delivery there is in each run
                raise OutOfTime("There is no time left to deliver all of a page.")
            self._deliver(batch)
        self._settle(0)

    def _flush(self) -> None:
        for batch in self.batches.rest():
            self._deliver(batch)

    def _deliver(self, batch: list[Bytes]) -> None:
        began = self.terms.clock.now() if self.telling else self.started
        retrying(
            lambda: self.destination.forward(batch),
            clock=self.terms.clock,
            deadline=self.terms.deadline,
            retries=self.app.api.retries if self.app else None,
        )
        size = sum(map(len, batch))
        self.outcome.logs += len(batch)
        self.outcome.bytes += size
        self.outcome.batches += 1
        if self.telling:
            self._tell("batch delivered", began, batch=self.outcome.batches, logs=len(batch), bytes=size)
        self._settle(len(batch))

    def _settle(self, accepted: int) -> None:
        """Count accepted logs to their pages; a page that is through makes its checkpoint true."""
        while self.queue:
            first = self.queue[0]
            missing = len(first.page.logs) - first.accepted
            if missing > accepted:
                first.accepted += accepted
                return
            accepted -= missing
            delivered = None if first.page.logs else self.state.delivered  # it still waits for its page
            self.state = replace(self.state, checkpoint=first.page.checkpoint, delivered=delivered)
            self.queue.popleft()

    def _accepted_before(self, logs: Sequence[Log]) -> int:
        """Return how many of the first page's logs an earlier run delivered before it failed."""
        delivered = self.state.delivered
        if delivered is None or self.queue or not logs:
            return 0
        if digest(logs[: delivered.logs]) != delivered.digest:
            return 0
        return delivered.logs

    def _save(self, status: Literal["running", "succeeded", "partial", "failed"]) -> None:
        now = self.terms.clock.now()
        if now >= self.lease.until and not self._still_ours():
            raise AlreadyRunning("The lease ended, and another run has taken over.")
        seconds = min(self.terms.lease.total_seconds(), self.terms.deadline.left())
        self.lease = replace(self.lease, until=max(self.lease.until, now + timedelta(seconds=seconds)))
        half = self.queue[0] if self.queue and self.queue[0].accepted else None
        state = replace(
            self.state,
            status=status,
            lease=self.lease if status == "running" else None,
            requests=tuple(self.app.api.pace.recent) if self.app else self.state.requests,
            not_before=self._not_before(now),
            last_timestamp=self._last_timestamp(),
        )
        if half:
            done = half.page.logs[: half.accepted]
            state = replace(state, delivered=Delivered(half.accepted, digest(done)))
        if status != "running":
            out = self.outcome
            state = replace(
                state, last_run=LastRun.of(self.started, out.seconds, out.logs, out.repeats, out.error)
            )
        self.slot.write(state.to_text())
        self.state = state
        if self.telling:
            cursor = self._watermark()
            shown = cursor.isoformat(timespec="seconds") if cursor else None
            self._tell("checkpoint saved", now, status=status, cursor=shown)

    def _not_before(self, now: datetime) -> float:
        """Return when the service wants the next request, where that is still to come."""
        wish = self.app.api.pace.not_before if self.app else self.state.not_before
        return wish if wish > now.timestamp() else 0.0

    def _still_ours(self) -> bool:
        stored = self.slot.read()
        holder = State.of_text(stored.text).lease if stored else None
        return holder is not None and holder.holder == self.lease.holder

    def _last_timestamp(self) -> object:
        """Return how far the app is, in the form that StreamAlert itself would go on from."""
        if self.app is None or self.state.checkpoint is None:
            return self.state.last_timestamp
        try:
            return self.app.last_timestamp(self.state.checkpoint)
        except _FOREIGN_CHECKPOINT:
            return self.state.last_timestamp

    def _watermark(self) -> datetime | None:
        if self.app is None or self.state.checkpoint is None:
            return None
        with suppress(*_FOREIGN_CHECKPOINT):
            return self.app.watermark(self.state.checkpoint)
        return None

    def _tell_page(self, page: Page, began: datetime) -> None:
        if self.telling:
            number, logs = self.outcome.pages, len(page.logs)
            self._tell("page polled", began, page=number, logs=logs, repeats=page.repeats, more=page.more)

    def _tell(self, what: str, began: datetime, **fields: object) -> None:
        """Write a line for the log group; a caller asks first whether anybody listens."""
        seconds = (self.terms.clock.now() - began).total_seconds()
        LOGGER.info(what, extra={"fields": fields | {"seconds": round(seconds, 3)}})


def digest(logs: Sequence[Log]) -> str:
    """Return what tells a run of logs from any other."""
    total = hashlib.blake2b(digest_size=12)
    for log in logs:
        data = encode(log) if isinstance(log, Mapping) else log
        total.update(len(data).to_bytes(8, "big"))
        total.update(data)
    return total.hexdigest()


def _place(error: BaseException) -> str:
    """Return file and line where an error was raised; its message may hold anything."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}" if frame else "?"

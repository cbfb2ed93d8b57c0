"""One run: take the lease, poll, put on record, forward, and say how it ended.

The one rule: what is on record and how far the app has come change in one write, that of the head. So
a kill at any moment costs nothing but the work since the last one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final, Literal, Protocol

import msgspec

from streamalert_apps.errors import (
    AlreadyRunning,
    AppError,
    BadResponse,
    OutOfTime,
    RateLimited,
    StateError,
)
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import history, inbox, journal, ledger, log, pace
from streamalert_apps.runtime.audit import Auditor
from streamalert_apps.runtime.clean import clean
from streamalert_apps.runtime.delivery import Outlet
from streamalert_apps.runtime.encode import as_bytes
from streamalert_apps.runtime.forward import Beside, Delivered, Forwarder, Within
from streamalert_apps.runtime.head import HeldHead, Identity, Run
from streamalert_apps.runtime.history import Hour
from streamalert_apps.runtime.memory import FUTURE, Former, Memory, packed
from streamalert_apps.runtime.priming import prime
from streamalert_apps.runtime.store import Store
from streamalert_apps.runtime.window import Commit
from streamalert_apps.sdk import expiry
from streamalert_apps.sdk.app import App, Checkpoint, Json, Page
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.sdk.ids import hashing
from streamalert_apps.sdk.legacy import pack

LOGGER = logging.getLogger(__name__)

COMMIT_BYTES: Final = 2 << 20
COMMIT_SECONDS: Final = 2.0
JOINING_SECONDS: Final = 20.0
CLOCKS_DIFFER_SECONDS: Final = 5.0  # by less than that, or one is wrong
DATE_SECONDS: Final = 1.0  # what the store's time, which has whole seconds, leaves open
CIRCLES: Final = 100

_FOREIGN_CHECKPOINT: Final = (ValueError, TypeError, KeyError, AttributeError, msgspec.MsgspecError)


@dataclass(slots=True)
class Outcome:
    """How a run ended, and what it did.

    `retry_after`: seconds that the service wants to be left alone. `cursor`: all that the service showed up
    to then is on record, where the app can tell; what appears late may be missing. `found_late`: events
    that came later than the lag. `lateness`: how old, in seconds, the oldest event was when it was
    found; 0 in a first run, which looks back. `credentials_until`: when they end, where they say so, in
    seconds since 1970. `delivered`: by destination.
    """

    status: Literal["succeeded", "partial", "failed"] = "succeeded"
    events: int = 0
    bytes: int = 0
    commits: int = 0
    pages: int = 0
    repeats: int = 0
    retries: int = 0
    rate_limits: int = 0
    found_late: int = 0
    lateness: float = 0.0
    seconds: float = 0.0
    retry_after: float = 0.0
    cursor: datetime | None = None
    credentials_until: float = 0.0
    delivered: dict[str, Delivered] = field(default_factory=dict)
    error: AppError | None = None

    def summary(self) -> dict[str, Any]:
        """Return what there is to say of it, for a log."""
        told: dict[str, Any] = {
            "status": self.status,
            "logs": self.events,
            "bytes": self.bytes,
            "commits": self.commits,
            "pages": self.pages,
            "repeats": self.repeats,
            "delivered": {name: done.events for name, done in self.delivered.items()},
            "retries": self.retries,
            "rate_limits": self.rate_limits,
            "seconds": round(self.seconds, 3),
        }
        if self.cursor:
            told["cursor"] = self.cursor.isoformat(timespec="seconds")
        if self.retry_after:
            told["retry_after"] = self.retry_after
        if self.error:
            told["error"] = {"code": self.error.code, "message": self.error.message}
        return told

    def calls_for_another(self, seconds: float) -> bool:
        """Tell whether another run, of so many seconds, would get on right now.

        There is more, this one got somewhere, and most of the next one would not be a wait.
        """
        moved = self.pages or any(done.events for done in self.delivered.values())
        return self.status == "partial" and bool(moved) and self.retry_after < seconds / 2


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run is given: who it is, until when it may run, how far back a first run looks.

    `adopt` returns what an earlier version left, `bury` keeps that version from going on with it.
    `threads`: whether destinations get one each. `audits`: whether what is long collected is listed again,
    once a day. `journal_days`: how long what was delivered everywhere is kept.
    """

    identity: Identity
    clock: Clock
    deadline: Deadline
    first_look: timedelta
    after: str = ""
    adopt: Callable[[], Json] = field(default=lambda: None)
    bury: Callable[[], None] = field(default=lambda: None)
    journal_days: float = 7.0
    threads: bool = True
    audits: bool = False
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
    build: Callable[[], App], store: Store, destinations: Mapping[str, Outlet], terms: Terms
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
        run.bury()
        _poll(run, build)
        return run.end()
    finally:
        held.close()
        run.let_go()


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
        run.stop("failed", BadResponse(f"The app broke: {log.place(error)}."))


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
    ids: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    got: float = 0.0  # when the first of them was collected: a commit that is sent again is the same
    size: int = 0
    checkpoint: Checkpoint | None = None  # of all that was buffered
    segments: list[tuple[str, bytes]] = field(default_factory=list)  # to be written before the head
    numbers: Iterator[int] = field(default_factory=count)  # of segments
    empty: int = 0  # pages in a row
    marked: str = ""  # one of their checkpoints
    circles: int = 0
    telling: bool = field(default_factory=lambda: LOGGER.isEnabledFor(logging.INFO))

    def open(self, destinations: Mapping[str, Outlet]) -> None:
        """Bring the memory and the destinations to where the head says they are."""
        head, terms = self.held.head, self.terms
        self.memory = Memory.of(head.memory, bytes.fromhex(head.key), self._segment)
        self.forwarders = [
            Forwarder(name, outlet, self.held, terms.clock, terms.deadline)
            for name, outlet in destinations.items()
        ]

    def bury(self) -> None:
        """See to it, once, that no earlier version goes on from what was taken over."""
        head = self.held.head
        if head.buried:
            return
        try:
            self.terms.bury()
        except AlreadyRunning:
            head.lease, head.status = None, ""
            self.held.write()
            raise
        head.buried = True

    def work(self, app: App) -> None:
        """Poll: buffer what is new, commit it when it is enough, have it forwarded meanwhile."""
        self.app = app
        self._prepare(app)
        head = self.held.head
        if head.checkpoint is None:
            head.checkpoint = self._first_checkpoint(app)
        self.checkpoint = head.checkpoint
        assert self.memory is not None  # noqa: S101 (open made it)
        self._forget()
        self._clean(self._watermark(), overdue=True)
        self._empty_inbox()
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
            self._check_circle(page)
            waiting = self.events or self.memory.changed
            if self.size >= COMMIT_BYTES or (waiting and (now - committed).total_seconds() >= COMMIT_SECONDS):
                self._commit()
                self._start_forwarding()
                committed = self.terms.clock.now()
            self.terms.progress(self.outcome)
            if self.terms.deadline.left() <= slowest:
                self.outcome.status = "partial"
                self.outcome.retry_after = app.api.pace.wait()
                return
        if self.terms.audits:
            self._audit(app)

    def _audit(self, app: App) -> None:
        """Look for what came later than the lag, once a day."""
        if self.events:
            self._commit()
            self._start_forwarding()

        def take(found: journal.Columns) -> None:
            self._take(found)
            self._commit()
            self._start_forwarding()

        left, days = self.terms.deadline.left, self.terms.journal_days
        auditor = Auditor(app, self.held, self.store, take, left, days)
        auditor.work(self._told(lambda app, checkpoint: app.settled(checkpoint)))

    def _prepare(self, app: App) -> None:
        """Tell the way to the service what the runs before know of it, and what this one wants to hear."""
        head = self.held.head
        app.api.skew = app.api.ahead = timedelta(seconds=-self._behind())  # until the service tells its time
        self._remind(app, pace.Told(head.requests, head.not_before))
        if app.rate:
            self._ask_others(app)
            app.api.limited = lambda: self._ask_others(app)
        app.api.alive = self.held.renew
        app.api.before_wait = self._commit_before_wait

    def _empty_inbox(self) -> None:
        """Put on record what others found missing; what time does not suffice for waits for the next run."""
        head, left = self.held.head, self.terms.deadline.left()
        if left <= 0 or 0 <= self.held.now().timestamp() - head.inbox < inbox.PAUSE_SECONDS:
            return
        objects = inbox.left(self.store.list(inbox.FOLDER))
        known = inbox.brought_since(self.store, head, self.held.sequence, objects) if objects else set()
        for one in objects:
            if self.terms.deadline.left() < left / 2:
                return
            if one.judged.is_still_known(head):
                self._take(inbox.missing(self.store.get(one.name) or b"", known, head.purged))
                known.update(identity.hex() for identity in self.ids)
            else:
                LOGGER.warning("what was left in the inbox is of another record, or too old: %s", one.name)
            if self.events:
                self._commit()
                self._start_forwarding()
            self.store.delete([one.name])
        head.inbox = self.held.now().timestamp()

    def _take(self, found: journal.Columns) -> None:
        """Buffer events that another process found missing."""
        assert self.memory is not None  # noqa: S101 (open made it)
        self.got = round(self.held.now().timestamp(), 3)
        self.outcome.found_late += len(found.events)
        self.events += found.events
        self.ids += found.ids
        self.times += found.times
        self.size += journal.size_of(found.events)
        self.memory.add(found.ids, found.times)  # the floor may have been put back below them

    def _commit_before_wait(self) -> None:
        """Put on record what is buffered: it need not wait for what the service is to be asked next."""
        if self.events:
            self._commit()
            self._start_forwarding()

    def stop(self, status: Literal["partial", "failed"], error: AppError) -> None:
        """Note how polling ended; what was collected before is put on record all the same."""
        self.outcome.status, self.outcome.error = status, error
        if isinstance(error, RateLimited):
            self.outcome.retry_after = error.retry_after or 0.0

    def end(self) -> Outcome:
        """Put the rest on record, let destinations finish, give the lease back."""
        if self.events or (self.memory and self.memory.is_full):
            self._commit()
        self._start_forwarding()
        self._join()
        with self.held.lock:
            self._close()
        return self.outcome

    def let_go(self) -> None:
        """Let the threads of destinations end, whatever became of the run."""
        for forwarding in self.forwarding:
            forwarding.finish()

    def note(self) -> None:
        """Bring into the head what has been done besides."""
        head = self.held.head
        for forwarder in self.forwarders:
            head.positions[forwarder.name] = forwarder.snapshot()
        if self.app:
            made = self.app.api.pace
            behind = self._behind()
            head.requests = [round(time + behind, 3) for time in made.recent]
            wish = made.not_before + behind
            head.not_before = wish if wish > self.held.now().timestamp() else 0.0

    def _segment(self, name: str) -> bytes:
        """Return a segment of the memory; one that is missing is made anew from the journal."""
        place = _segment_name(self.held.head.birth, name)
        body = self.store.get(place)
        if body is not None:
            return body
        self.held.write()  # it may be gone because another run has taken over
        LOGGER.warning("a part of the app's memory is missing; it is rebuilt from the journal: %s", name)
        until = next(segment.until for segment in self.held.head.memory.segments if segment.name == name)
        body = self._from_journal(until)
        self.store.put(place, body)
        return body

    def _from_journal(self, until: int) -> bytes:
        """Return a segment of all that is on record from the floor on.

        `until`: the latest time of the one that is lost. An id may be remembered by the time at which its
        event was met, so the later time counts.
        """
        assert self.memory is not None  # noqa: S101 (open made it)
        head, floor = self.held.head, int(self.memory.floor)
        distant = until > self.held.now().timestamp() + FUTURE
        ids: dict[bytes, int] = {}
        for entry in journal.entries(self.store, head.birth, since=head.first, up_to=self.held.sequence):
            if entry.written < floor - FUTURE and not distant:
                continue  # what it holds happened before the floor
            for _, mark in journal.marks(self.store.get(entry.name) or b""):
                time = int(max(mark.at, mark.got))
                if time >= floor:
                    ids[bytes.fromhex(mark.id)] = time
        return packed(ids)

    def _first_checkpoint(self, app: App) -> Checkpoint:
        """Return the checkpoint of what was taken over, or that of a first run."""
        head = self.held.head
        adopted = head.adopted if isinstance(head.adopted, dict) else {}
        try:
            if adopted.get("checkpoint"):
                return self._inherited(app, adopted)
            if adopted.get("last_timestamp"):
                return app.adopt(adopted["last_timestamp"], adopted.get("context") or {})
        except _FOREIGN_CHECKPOINT:
            raise StateError(
                f"What an earlier version left is no checkpoint of {app.type}.",
                hint="Deploy the app type that wrote it; the state is kept.",
            ) from None
        return app.start(head.since or self.started - self.terms.first_look)

    def _inherited(self, app: App, adopted: Mapping[str, Json]) -> Checkpoint:
        """Go on from a checkpoint of 0.1.0, and know what it had delivered beyond."""
        assert self.memory is not None  # noqa: S101 (open made it)
        half = adopted.get("delivered")
        inherited = app.inherit(adopted["checkpoint"], halfway=bool(half))
        earlier = self.memory.former.spans if self.memory.former else []
        former = Former(
            self.held.now().timestamp(),
            pack(inherited.ids),
            [*earlier, inherited.span] if inherited.span else earlier,
            (half["logs"], half["digest"]) if half else None,
        )
        self.memory.inherit(former)
        self.held.head.memory.former = former  # which is true with the checkpoint, and no later
        return inherited.checkpoint

    def _buffer(self, page: Page) -> None:
        """Take a page; it is true once it has been committed."""
        assert self.memory is not None  # noqa: S101 (open made it)
        self.checkpoint = page.checkpoint
        if page.logs:
            if not self.events:
                self.got = round(self.held.now().timestamp(), 3)
            raw = as_bytes(page.logs)
            done = self.memory.delivered(raw)
            events = journal.one_line_each(raw[done:])
            ids, times = page.ids[done:], page.times[done:]
            if times and self.held.head.runs:
                now = self.held.now().timestamp()
                self.outcome.lateness = max(self.outcome.lateness, round(now - min(times), 3))
            if not ids:
                ids, times = self._content_ids(events), [self.got] * len(events)
            self.events += events
            self.ids += ids
            self.times += times
            self.size += journal.size_of(events)
        if page.remember is None:
            self.memory.add(page.ids, page.times)
        elif page.remember:
            self.memory.add(*zip(*page.remember, strict=True))
        self._forget()
        if not self.events and not self.memory.changed:  # true at once: any write of the head may tell it
            self.held.head.checkpoint = self.checkpoint

    def _ask_others(self, app: App) -> None:
        """Learn what commands have asked of the service meanwhile."""
        self._remind(app, pace.read(self.store))

    def _remind(self, app: App, told: pace.Told) -> None:
        """Let the app know when the service was asked before; the store's time was noted."""
        behind = self._behind()
        unsure = DATE_SECONDS if behind else 0.0
        requests = [round(time - behind + unsure, 3) for time in told.requests]
        wish = told.not_before and told.not_before - behind
        pace.remind(app.api.pace, pace.Told(requests, wish), self.terms.clock.now())

    def _behind(self) -> float:
        """Return by how many seconds our clock is behind the store's, where it is wrong."""
        seconds = self.held.offset.total_seconds()
        return seconds if abs(seconds) > CLOCKS_DIFFER_SECONDS else 0.0

    def _forget(self) -> None:
        floor = self._watermark()
        if floor is not None and self.memory is not None:
            self.memory.forget(floor.timestamp())

    def _check_circle(self, page: Page) -> None:
        """Raise BadResponse where empty pages lead nowhere.

        One of their checkpoints is kept to compare with, and another one after twice as many pages: so a
        circle of any length is found.
        """
        if page.logs:
            self.empty, self.marked, self.circles = 0, "", 0
            return
        self.empty += 1
        place = json.dumps(page.checkpoint, sort_keys=True, default=str)
        self.circles += place == self.marked
        if self.circles >= CIRCLES:
            raise BadResponse("The service gives empty pages that lead nowhere: they run in a circle.")
        if self.empty.bit_count() == 1:
            self.marked = place

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
            if self.events:
                body = journal.body_of(self.events, self.ids, self.times, self.got)
                store.put(journal.name_of(head.birth, sequence, head.fence), body)
                del body

            kept = self._put_segments(sequence)
            head.memory, head.checkpoint, head.ledger = self.memory.kept(), self.checkpoint, kept
            events, ids, times = self.events, self.ids, self.times
            self.events, self.ids, self.times = [], [], []
            size, self.size = self.size, 0
            if events:
                head.sequence = sequence
                head.events += len(events)
                head.recorded = round(self.held.now().timestamp(), 3)
                self.outcome.commits += 1
                self.outcome.events += len(events)
                self.outcome.bytes += size
                commit = Commit(sequence, head.fence, events, ids, times, self.got, head.recorded)
                for forwarder in self.forwarders:  # they wait until it is true
                    forwarder.offer(commit)
            self.held.write()
        if not events:
            return
        for forwarding in self.forwarding:
            forwarding.wake()
        if self.telling:
            self._tell("on record", began, commit=sequence, events=len(events), bytes=size)

    def _put_segments(self, sequence: int) -> ledger.Kept:
        """Put the segments of memory and ledger that a commit brings; return the ledger with it."""
        head, store = self.held.head, self.store
        assert self.memory is not None  # noqa: S101 (open made it)

        def name() -> str:
            return f"{sequence:010d}-{head.fence:014d}-{next(self.numbers)}"

        now = self.held.now().timestamp()
        self.segments += self.memory.spill(now, name)
        while self.segments:
            segment, data = self.segments[0]
            store.put(_segment_name(head.birth, segment), data)
            del self.segments[0]
        fresh = ledger.counted(self.ids, self.times)
        kept, made = ledger.grown(head.ledger, fresh, now, name, ledger.loading(store, head.birth))
        if made:
            store.put(ledger.place(head.birth, made[0]), made[1])
        return kept

    def _start_forwarding(self) -> None:
        if not self.forwarding:
            if self.terms.threads and self.forwarders:
                prime()
            kind = Beside if self.terms.threads else Within
            self.forwarding = [kind(forwarder) for forwarder in self.forwarders if self._has_work(forwarder)]
            for forwarding in self.forwarding:
                forwarding.wake()

    def _has_work(self, forwarder: Forwarder) -> bool:
        return self.terms.threads or forwarder.position.sequence <= self.held.sequence

    def _join(self) -> None:
        """Let destinations finish, as far as time allows; keep the lease meanwhile."""
        for forwarding in self.forwarding:
            forwarding.finish()
        for forwarding in self.forwarding:
            while not forwarding.join(min(JOINING_SECONDS, max(0.05, self.terms.deadline.left()))):
                if self.terms.deadline.left() <= 0:
                    break
                self.held.renew()
        late = {forwarding.forwarder.name for forwarding in self.forwarding if not forwarding.join(0)}
        for forwarder in self.forwarders:
            forwarder.note_end()
            self.outcome.delivered[forwarder.name] = forwarder.done
            self.outcome.retries += forwarder.retries.made
            if isinstance(forwarder.error, AlreadyRunning):
                raise forwarder.error
            if forwarder.name in late or isinstance(forwarder.error, OutOfTime):
                if self.outcome.status == "succeeded":
                    self.outcome.status = "partial"
            elif forwarder.error is not None and self.outcome.error is None:
                self.outcome.status, self.outcome.error = "failed", forwarder.error

    def _close(self) -> None:
        outcome, head = self.outcome, self.held.head
        assert self.memory is not None  # noqa: S101 (open made it)
        if self.app:
            retries = self.app.api.retries
            outcome.retries += retries.made
            outcome.rate_limits = retries.rate_limits
        floor = self._watermark()
        outcome.cursor = self._told(lambda app, checkpoint: app.recorded(checkpoint))
        outcome.seconds = (self.held.now() - self.started).total_seconds()
        if self.checkpoint is not None:
            head.checkpoint, head.adopted = self.checkpoint, None
        head.memory = self.memory.kept()
        head.status = outcome.status
        head.runs = [*head.runs, self._summary(floor)][-heads.RUNS :]
        head.hours = history.added(head.hours, self._hour())
        if self.app:
            head.credentials_until = expiry.ends(self.app.credentials)
        outcome.credentials_until = head.credentials_until
        if self.terms.deadline.left() > 0:
            self._clean(floor)
        head.lease = None
        self.held.write()
        self.held.closed = True

    def _clean(self, floor: datetime | None, *, overdue: bool = False) -> None:
        dead = clean(self.held, self.store, self.terms.journal_days, floor, overdue=overdue)
        if dead is not None:
            for forwarder in self.forwarders:
                forwarder.count_kept(dead[forwarder.name])

    def _summary(self, floor: datetime | None) -> Run:
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
            floor.timestamp() if floor else 0.0,
            out.lateness,
        )

    def _hour(self) -> Hour:
        out, now = self.outcome, self.held.now()
        lag = max(0.0, round((now - out.cursor).total_seconds(), 1)) if out.cursor else -1.0
        failed = int(out.status == "failed")
        return Hour(history.hour_of(now), 1, failed, out.events, out.bytes, lag)

    def _watermark(self) -> datetime | None:
        return self._told(lambda app, checkpoint: app.watermark(checkpoint))

    def _told(self, ask: Callable[[App, Checkpoint], datetime | None]) -> datetime | None:
        """Return what the app tells of its checkpoint, where it can."""
        if self.app is None or self.checkpoint is None:
            return None
        with suppress(*_FOREIGN_CHECKPOINT):
            return ask(self.app, self.checkpoint)
        return None

    def _tell_page(self, page: Page, began: datetime) -> None:
        if self.telling:
            number, new = self.outcome.pages, len(page.logs)
            self._tell("page polled", began, page=number, events=new, repeats=page.repeats, more=page.more)

    def _tell(self, what: str, began: datetime, **fields: object) -> None:
        """Write a line for the log group; a caller asks first whether anybody listens."""
        seconds = (self.terms.clock.now() - began).total_seconds()
        LOGGER.info(what, extra={"fields": fields | {"seconds": round(seconds, 3)}})


def _segment_name(birth: str, segment: str) -> str:
    return f"{birth}/memory/{segment}"

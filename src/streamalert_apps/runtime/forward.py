"""Forwarding: from the journal to one destination, beside collection and never in its way.

A batch never goes beyond a commit, so that it is cut alike whenever it is cut. What was accepted of a
batch is not sent again; what is refused for good is kept whole under `dead/` before the position passes.
After a kill at most what was sent of one commit is sent again.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Final

import msgspec

from streamalert_apps.errors import AppError, DeliveryFailed, DeliveryRefused, OutOfTime, StateError
from streamalert_apps.runtime import journal, log
from streamalert_apps.runtime.destinations import Answer, Batch, Destination
from streamalert_apps.runtime.head import MESSAGE_CHARACTERS, HeldHead, Position
from streamalert_apps.runtime.store import Conflict
from streamalert_apps.runtime.trim import trim
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.sdk.retry import ATTEMPTS, Retries, backoff

LOGGER = logging.getLogger(__name__)

WAITING: Final = 2  # commits that wait in memory; further ones are read back


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its events as the service gave them, and when it was made.

    An older copy of the head that is put back makes its number come again; with its fence it does not.
    """

    sequence: int
    fence: int
    events: Sequence[bytes]
    got: float


@dataclass(slots=True)
class Delivered:
    """What a forwarder did in this run."""

    events: int = 0
    bytes: int = 0
    batches: int = 0
    trimmed: int = 0
    dead: int = 0


@dataclass(slots=True)
class Forwarder:
    """Forwards to one destination from its position on."""

    name: str
    destination: Destination
    held: HeldHead
    clock: Clock
    deadline: Deadline
    retries: Retries = field(default_factory=Retries)
    done: Delivered = field(default_factory=Delivered)
    position: Position = field(init=False)
    error: AppError | None = None
    _commits: deque[Commit] = field(default_factory=deque)
    _trimmed: dict[int, bytes] = field(default_factory=dict)  # copies of a commit's rows that are too large
    _lock: Lock = field(default_factory=Lock)
    _saved: int = 0
    _before: int = 0  # the last commit of the runs before this one

    def __post_init__(self) -> None:
        head = self.held.head
        position = head.positions.get(self.name)
        if position is None:  # seen for the first time: it begins with what is collected from now on
            position = Position(head.sequence + 1, events=head.events, until=head.recorded)
            head.positions[self.name] = position
        self.position = position
        self._saved, self._before = position.sequence, head.sequence

    @property
    def attempts(self) -> int:
        """How often a batch is tried in a run: once, where the run before failed."""
        return 1 if self.position.state else ATTEMPTS

    def offer(self, commit: Commit) -> None:
        """Hand over a commit that is about to become true."""
        with self._lock:
            self._commits.append(commit)
            if len(self._commits) > WAITING:
                self._commits.popleft()

    def drain(self) -> None:
        """Forward all that is on record; stop where the destination does not take it, or time is up."""
        if self.error is not None:
            return
        try:
            for commit in self._from_position():
                self._forward(commit)
                if self._has_stopped():
                    return
        except AppError as error:
            self.error = error
        except Exception as error:  # a fault of a destination must be told
            LOGGER.debug("the destination broke", exc_info=True)
            self._fail(DeliveryFailed(f"The destination {self.name} broke: {log.place(error)}."))

    def snapshot(self) -> Position:
        """Return the position as it is now, for the head."""
        with self._lock:
            return msgspec.structs.replace(self.position)

    def _has_stopped(self) -> bool:
        return self.error is not None

    def _is_behind(self) -> bool:
        return self.position.sequence <= self.held.sequence and not self.held.closed

    def _from_position(self) -> Iterator[Commit]:
        """Yield commits from the position on: from memory where they are there, else from the journal."""
        while self._is_behind():
            with self._lock:
                while self._commits and self._commits[0].sequence < self.position.sequence:
                    self._commits.popleft()
                commit = self._commits[0] if self._commits else None
            if commit is not None and commit.sequence == self.position.sequence:
                yield commit
                continue
            before = self.position.sequence
            yield from self._read_back(up_to=commit.sequence - 1 if commit else self.held.sequence)
            if self.position.sequence == before:
                return

    def _read_back(self, *, up_to: int) -> Iterator[Commit]:
        for entry in self._entries(self.position.sequence, up_to):
            body = self.held.store.get(entry.name)
            if body is None:
                continue  # purged since it was listed
            self._skip_to(entry.sequence)
            events = journal.raws(body)
            yield Commit(entry.sequence, entry.fence, events, entry.written)
            if self.error is not None:
                return
        self._skip_to(up_to + 1)

    def _entries(self, first: int, last: int) -> list[journal.Entry]:
        """Return commits by number; the names of this run's own need no listing."""
        head = self.held.head
        if first > self._before:
            now = self.clock.now().timestamp()
            return [
                journal.Entry(number, head.fence, journal.name_of(head.birth, number, head.fence), 0, now)
                for number in range(first, last + 1)
            ]
        return journal.entries(self.held.store, head.birth, since=max(first, head.first), up_to=last)

    def _skip_to(self, sequence: int) -> None:
        """Pass commits that are not there: what they held was purged."""
        if self.position.sequence < sequence:
            with self._lock:
                self.position.sequence, self.position.row, self.position.pending = sequence, 0, []

    def _forward(self, commit: Commit) -> None:
        self._trimmed = {}
        if self.position.sequence > self._saved:  # what was sent of one commit at most comes again
            self.held.write()
            self._saved = self.position.sequence
        for rows in self._batches(commit):
            if self.deadline.left() <= 0 and self.done.batches:
                self.error = OutOfTime("There is no time left to deliver everything; the next run goes on.")
                return
            self._send(commit, rows)
            if self._has_stopped():
                return
        with self._lock:
            position = self.position
            position.sequence, position.row, position.pending = commit.sequence + 1, 0, []
            position.until = commit.got

    def _batches(self, commit: Commit) -> Iterator[list[int]]:
        """Cut a commit into batches of rows, from the position on; a half-taken one comes first."""
        position, limits = self.position, self.destination.limits
        if pending := [row for row in position.pending if commit.events[row]]:
            yield pending
        rows: list[int] = []
        size = 0
        for row in range(position.row, len(commit.events)):
            length = len(commit.events[row])
            if not length:
                continue
            if rows and (size + length > limits.bytes or len(rows) >= limits.events):
                yield rows
                rows, size = [], 0
            rows.append(row)
            size += min(length, limits.event_bytes) + 1
        if rows:
            yield rows

    def _send(self, commit: Commit, rows: list[int]) -> None:
        """Send some rows of a commit; pass those that were accepted or kept as dead."""
        end = max(rows[-1] + 1, self.position.row)
        rest, error = rows, None
        for attempt in range(self.attempts):
            before = len(rest)
            rest, error = self._sent(commit, rest)
            self._pass(rest, end, before - len(rest))
            if not rest:
                self._succeed()
                return
            if error is None or error.kind == "config":
                break
            wait = backoff(attempt)
            retry_after = getattr(error, "retry_after", None)
            wait = wait if retry_after is None else retry_after
            if wait >= self.deadline.left() or attempt + 1 >= self.attempts:
                break
            self.retries.made += 1
            told = {"destination": self.name, "code": error.code, "wait": round(wait, 3)}
            LOGGER.info("trying again", extra={"fields": told})
            self.clock.sleep(wait)
        self._fail(error or DeliveryRefused(f"{self.name} did not take a batch and did not say why."))

    def _sent(self, commit: Commit, rows: list[int]) -> tuple[list[int], AppError | None]:
        """Send rows once; return those that are still to be sent, and why."""
        try:
            events = self._fitting(commit, rows)
        except StateError as failed:
            return rows, failed
        answer = self.destination.send(Batch(self._batch_id(commit, rows), events))
        if answer.too_large and len(rows) > 1:
            half = len(rows) // 2
            first, error = self._sent(commit, rows[:half])
            if first:
                return [*first, *rows[half:]], error
            return self._sent(commit, rows[half:])
        if answer.too_large:
            answer = Answer(refused={0: "It is too large."}, error=answer.error)
        accepted = len(rows) - len(answer.retry) - len(answer.refused)
        if accepted:
            self.position.settings = "accepted"
            self.done.events += accepted
            out = (*answer.retry, *answer.refused)
            self.done.bytes += sum(map(len, events)) - sum(len(events[at]) for at in out)
            self.done.batches += 1
        if answer.refused and not self.position.settings:
            reason = next(iter(answer.refused.values()))
            error = answer.error or DeliveryRefused(f"{self.name} took no event: {reason}")
            return sorted({rows[at] for at in (*answer.refused, *answer.retry)}), error
        unkept, unkept_for = self._bury_all(commit, rows, answer.refused)
        rest = sorted((*answer.retry, *unkept))
        return [rows[at] for at in rest], unkept_for or answer.error

    def _bury_all(
        self, commit: Commit, rows: list[int], refused: Mapping[int, str]
    ) -> tuple[list[int], AppError | None]:
        """Keep what was refused for good; return what could not be kept, and why."""
        unkept: list[int] = []
        error: AppError | None = None
        for at, reason in refused.items():
            try:
                self._bury(commit, rows[at], reason)
            except StateError as failed:  # what was accepted of the batch stays accepted
                unkept.append(at)
                error = failed
        return unkept, error

    def _fitting(self, commit: Commit, rows: list[int]) -> list[bytes]:
        """Return events; of one that is too large, a trimmed copy."""
        events = [commit.events[row] for row in rows]
        limit = self.destination.limits.event_bytes
        if max(map(len, events)) <= limit:
            return events
        return [
            self._copy(commit, row, limit) if len(event) > limit else event
            for row, event in zip(rows, events, strict=True)
        ]

    def _copy(self, commit: Commit, row: int, limit: int) -> bytes:
        """Return a trimmed copy of an event, while the whole is kept."""
        event = commit.events[row]
        if row not in self._trimmed:
            place = self._bury(commit, row, "It is too large; a trimmed copy was delivered.")
            self.done.trimmed += 1
            mark = {"bytes": len(event), "sha256": hashlib.sha256(event).hexdigest(), "kept": place}
            self._trimmed[row] = trim(event, limit, mark)
        return self._trimmed[row]

    def _bury(self, commit: Commit, row: int, reason: str) -> str:
        """Keep a record that the destination does not take, whole, with the reason; once."""
        name = f"dead/{self.name}/{commit.sequence:010d}-{commit.fence:014d}-{row}.json"
        line = self._line(commit.sequence, row)
        body = msgspec.json.encode({"reason": reason[:MESSAGE_CHARACTERS], "line": msgspec.Raw(line)})
        try:
            self.held.store.put(name, body)
        except Conflict:  # it was kept before, for another reason
            return name
        self.done.dead += 1
        self.position.dead += 1
        LOGGER.warning("an event was kept as dead", extra={"fields": {"place": name, "reason": reason}})
        return name

    def _line(self, sequence: int, row: int) -> bytes:
        """Read a line of the journal."""
        for entry in self._entries(sequence, sequence):
            body = self.held.store.get(entry.name)
            if body is not None:
                return body.split(b"\n")[row]
        raise StateError("A commit is not in the journal any more.")

    def _batch_id(self, commit: Commit, rows: list[int]) -> str:
        what = f"{self.held.head.birth} {self.name} {commit.sequence} {commit.fence} {rows}"
        return hashlib.sha256(what.encode()).hexdigest()[:32]

    def _pass(self, rest: list[int], end: int, events: int) -> None:
        if not events:
            return
        with self._lock:
            position = self.position
            position.row, position.pending = end, list(rest)
            position.events += events

    def _succeed(self) -> None:
        with self._lock:
            self.position.state = self.position.error = self.position.message = ""

    def _fail(self, error: AppError) -> None:
        self.error = error
        with self._lock:
            self.position.state = "configuration" if error.kind == "config" else "retry"
            self.position.error, self.position.message = error.code, error.message[:MESSAGE_CHARACTERS]


class Beside:
    """Runs a forwarder in a thread of its own: whenever there is something, until it is told to finish."""

    def __init__(self, forwarder: Forwarder) -> None:
        self.forwarder = forwarder
        self._work, self._finish = Event(), False
        self._thread = Thread(target=self._loop, name=f"to {forwarder.name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Tell that there is something to forward."""
        self._work.set()

    def finish(self) -> None:
        """Forward what is there, and end."""
        self._finish = True
        self._work.set()

    def join(self, seconds: float) -> bool:
        """Wait for the end; tell whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            finish = self._finish
            self.forwarder.drain()
            if finish or self.forwarder.error is not None:
                return


class Within:
    """Runs a forwarder in the caller's thread, whenever it is woken: for runs that are to be repeatable."""

    def __init__(self, forwarder: Forwarder) -> None:
        self.forwarder = forwarder

    def wake(self) -> None:
        """Forward what is there."""
        self.forwarder.drain()

    def finish(self) -> None:
        """Forward what is there."""
        self.forwarder.drain()

    def join(self, seconds: float) -> bool:  # noqa: ARG002
        """Tell that it is done."""
        return True

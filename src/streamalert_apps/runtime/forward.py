"""Forwarding: from the journal to one destination, beside collection and never in its way.

What is cut into batches together, a commit or several, is fixed before anything of it is sent, so that it
is cut alike whenever it is cut. What was accepted of a batch is not sent again; what is refused for good is
kept whole under `dead/` before the position passes. After a kill at most what was sent of one commit, or of
what was to be sent with it, is sent again.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from operator import not_
from threading import Event, Lock, Thread
from typing import Final

import msgspec

from streamalert_apps.errors import (
    AppError,
    DeliveryFailed,
    DeliveryRefused,
    OutOfTime,
    RateLimited,
    StateError,
)
from streamalert_apps.runtime import journal, log
from streamalert_apps.runtime.delivery import Answer, Batch, Outlet
from streamalert_apps.runtime.head import MESSAGE_CHARACTERS, HeldHead, Position
from streamalert_apps.runtime.store import Conflict
from streamalert_apps.runtime.trim import trim
from streamalert_apps.runtime.window import Commit, Window, digest
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.sdk.retry import ATTEMPTS, Retries, backoff

LOGGER = logging.getLogger(__name__)

WAITING: Final = 2  # commits that wait in memory; further ones are read back
LONGEST_WAIT_SECONDS: Final = 86_400.0  # then a destination is asked again, whatever it said
MOST_REFUSED: Final = 20  # events in a row that are found by halving, in a run
MOST_DOUBTED: Final = 4  # as long as it may be the settings that are at fault
MOST_TRIALS: Final = 20  # events that are refused before any other, until it is taken to be the settings


@dataclass(slots=True)
class Delivered:
    """What a forwarder did in this run."""

    events: int = 0
    bytes: int = 0
    batches: int = 0
    trimmed: int = 0
    dead: int = 0
    """Events that were refused for good, or trimmed, and are kept."""
    kept: int = 0
    """How many such events are kept at the end, those of earlier runs too."""
    lag: float = 0.0
    """For how long events wait that it does not have at the end, in seconds."""


@dataclass(slots=True)
class Forwarder:
    """Forwards to one destination from its position on."""

    name: str
    outlet: Outlet
    held: HeldHead
    clock: Clock
    deadline: Deadline
    retries: Retries = field(default_factory=Retries)
    done: Delivered = field(default_factory=Delivered)
    position: Position = field(init=False)
    error: AppError | None = None
    _commits: deque[Commit] = field(default_factory=deque)
    _sizes: dict[int, int] = field(default_factory=dict)  # of this run's commits, where they are held back
    _trimmed: dict[int, bytes] = field(default_factory=dict)  # copies of a window's rows that are too large
    _doubted: dict[int, str] = field(default_factory=dict)  # a window's rows that were refused before others
    _lock: Lock = field(default_factory=Lock)
    _saved: int = 0
    _before: int = 0  # the last commit of the runs before this one
    _more_is_due: bool = False  # than what is being sent
    _in_a_row: int = 0  # events that were found by halving, and none was accepted since

    def __post_init__(self) -> None:
        head = self.held.head
        position = head.positions.get(self.name)
        if position is None:  # seen for the first time: it begins with what is collected from now on
            until = head.recorded or self.held.now().timestamp()
            position = Position(head.sequence + 1, events=head.events, until=until)
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
            self.position.opened = self.position.opened or commit.made
            if self.outlet.hold:
                size = journal.size_of(commit.events)
                self._sizes[commit.sequence] = size
                self.position.waiting += size
                return
            self._commits.append(commit)
            if len(self._commits) > WAITING:
                self._commits.popleft()

    def drain(self) -> None:
        """Forward all that is on record; stop where the destination does not take it, or time is up."""
        if self.error is not None:
            return
        if (wait := self._told_wait()) > 0:
            self.error = RateLimited(self.position.message, retry_after=wait)
            return
        try:
            for window in self._from_position():
                self._forward(window)
                if self._has_stopped():
                    return
        except AppError as error:
            self.error = error
        except Exception as error:  # a fault of a destination must be told
            LOGGER.debug("the destination broke", exc_info=True)
            self._fail(DeliveryFailed(f"The destination {self.name} broke: {log.place(error)}."))

    def note_end(self) -> None:
        """Note what it lacks at the end of the run, and what is kept of it."""
        is_behind = self.held.head.events > self.position.events
        lag = self.position.lag(self.held.now().timestamp()) if is_behind else 0.0
        self.done.lag, self.done.kept = round(lag, 3), self.position.dead

    def count_kept(self, dead: int) -> None:
        """Learn how many refused events are kept, some of which may have been deleted."""
        with self._lock:
            self.position.dead = self.done.kept = dead

    def snapshot(self) -> Position:
        """Return the position as it is now, for the head."""
        with self._lock:
            return msgspec.structs.replace(self.position)

    def _told_wait(self) -> float:
        """Return for how many seconds it still wants to be left alone; a clock may have been wrong."""
        wait = self.position.not_before - self.held.now().timestamp()
        return wait if wait <= LONGEST_WAIT_SECONDS else 0.0

    def _has_stopped(self) -> bool:
        return self.error is not None

    def _is_behind(self) -> bool:
        return self.position.sequence <= self.held.sequence and not self.held.closed

    def _from_position(self) -> Iterator[Window]:
        """Yield what is to be sent from the position on: from memory, else from the journal."""
        while self._is_behind():
            if self.outlet.hold or self.position.end:
                if not (entries := self._closed()):
                    return
                commits = [*self._commits_of(entries)]
                if commits:
                    yield Window(commits, self.outlet.shape)
                else:
                    self._skip_to(entries[-1].sequence + 1)
                continue
            with self._lock:
                while self._commits and self._commits[0].sequence < self.position.sequence:
                    self._commits.popleft()
                commit = self._commits[0] if self._commits else None
            if commit is not None and commit.sequence == self.position.sequence:
                yield Window([commit], self.outlet.shape)
                continue
            before = self.position.sequence
            yield from self._read_back(up_to=commit.sequence - 1 if commit else self.held.sequence)
            if self.position.sequence == before and not self.position.end:
                return

    def _read_back(self, *, up_to: int) -> Iterator[Window]:
        for commit in self._commits_of(self._entries(self.position.sequence, up_to)):
            self._skip_to(commit.sequence)
            yield Window([commit], self.outlet.shape)
            if self.error is not None or self.position.end:  # more is to be tried together
                return
        self._skip_to(up_to + 1)

    def _commits_of(self, entries: Sequence[journal.Entry]) -> Iterator[Commit]:
        for entry in entries:
            body = self.held.store.get(entry.name)
            if body is not None:  # else it was purged since it was listed
                yield Commit.read(entry, body)

    def _closed(self) -> list[journal.Entry]:
        """Return the commits that are to be sent together; none as long as more is waited for.

        Their end is in the head before anything of them is sent.
        """
        position = self.position
        if not position.end and not self._is_due():
            return []
        last = position.end or self.held.sequence
        entries = self._entries(position.sequence, last)
        if not entries:
            self._skip_to(last + 1)
        if position.end or not entries:
            return entries
        enough = self._enough(entries)
        self._more_is_due = enough < len(entries)
        entries = entries[:enough]
        with self._lock:
            position.end = entries[-1].sequence
        self.held.write()
        self._saved = position.sequence
        return entries

    def _is_due(self) -> bool:
        """Tell whether what waits has waited long enough, or is enough; a clock may have been wrong."""
        position, now = self.position, self.held.now().timestamp()
        if not 0 < position.opened <= now:
            with self._lock:
                position.opened = now
        limits = self.outlet.destination.limits
        return now - position.opened >= self.outlet.hold or position.waiting >= limits.window

    def _enough(self, entries: Sequence[journal.Entry]) -> int:
        """Return how many commits are enough to be sent; all, where they are less."""
        size = 0
        for count, entry in enumerate(entries, 1):
            size += self._sizes.get(entry.sequence, entry.size)
            if size >= self.outlet.destination.limits.window:
                return count
        return len(entries)

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
                position = self.position
                position.sequence, position.row, position.pending, position.end = sequence, 0, [], 0

    def _forward(self, window: Window) -> None:
        self._trimmed, self._doubted = {}, {}
        if self.position.sequence > self._saved:  # what was sent of one window at most comes again
            self.held.write()
            self._saved = self.position.sequence
        if not self.outlet.hold:
            with self._lock:
                self.position.opened = window.commits[0].made
        for rows in self._batches(window):
            if self.deadline.left() <= 0 and self.done.batches:
                self.error = OutOfTime("There is no time left to deliver everything; the next run continues.")
                return
            self._send(window, rows)
            if self._has_stopped():
                return
        if not self._doubted or self._is_settled(window):
            self._pass_all(window)

    def _is_settled(self, window: Window) -> bool:
        """Bury what was refused before another event was accepted; where none was, try further commits.

        Nothing of the window was accepted then, so it may be cut anew. Returns False where it is not passed.
        """
        if self._is_tried:
            unkept, error = self._bury_all(window, self._doubted)
            self._doubted = {}
            if error is not None:
                self._pass(unkept, self.position.row, 0)
                self._fail(error)
            return error is None
        more = min(window.last.sequence + len(window.commits), self.held.sequence)
        if more == window.last.sequence or len(self._doubted) >= MOST_TRIALS:
            self._fail(self._took_none(self._doubted))
            return False
        with self._lock:
            self.position.end = more
        self.held.write()
        return False

    def _batches(self, window: Window) -> Iterator[list[int]]:
        """Cut it into batches of rows, from the position on; a half-taken one comes first."""
        position = self.position
        if pending := [row for row in position.pending if window.events[row]]:
            yield pending
        yield from window.batches(position.row, self.outlet.destination.limits)

    def _send(self, window: Window, rows: list[int]) -> None:
        """Send some rows of a window; pass those that were accepted or kept as dead."""
        end = max(rows[-1] + 1, self.position.row)
        rest, error = rows, None
        for attempt in range(self.attempts):
            before = len(rest) + len(self._doubted)
            rest, error = self._sent(window, rest)
            self._pass(rest, end, before - len(rest) - len(self._doubted))
            if not rest and len(self._doubted) < MOST_TRIALS:
                if not self._doubted or self._is_tried:
                    self._succeed()
                return
            if error is None or error.kind == "config" or isinstance(error, OutOfTime):
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

    def _sent(self, window: Window, rows: list[int]) -> tuple[list[int], AppError | None]:
        """Send rows once, in halves where that finds those that keep the others from being taken.

        Return what is still to be sent, and why. What is refused is dead only if another event was accepted
        under the same settings; else it may be them that are wrong.
        """
        rest: list[int] = []
        refused: dict[int, str] = {}
        error: AppError | None = None
        parts = [rows]
        while parts and error is None:
            if self.deadline.left() <= 0 and parts != [rows]:
                error = OutOfTime("There is no time left to find what is refused; the next run continues.")
                break
            part = parts.pop()
            answer = self._answer(window, part)
            if answer.halve and len(part) > 1:
                half = len(part) // 2
                parts += [part[half:], part[:half]]
                continue
            if answer.halve:
                answer = Answer(refused={0: answer.halve}, error=answer.error)
                self._in_a_row += 1
            refused |= {part[at]: reason for at, reason in answer.refused.items()}
            again = [part[at] for at in answer.retry]
            if again and answer.refused and answer.error is None:
                self._in_a_row += 1
                parts.append(again)
            elif again:
                rest += again
                error = answer.error or DeliveryRefused(f"{self.name} did not take a batch.")
            error = error or self._is_enough(answer)
        rest += [row for part in parts for row in part]
        if refused and not self._is_tried:
            self._doubted |= refused
            if len(self._doubted) >= MOST_TRIALS:
                error = error or answer.error or self._took_none(refused)
            return sorted(rest), error
        unkept, unkept_for = self._bury_all(window, refused)
        return sorted({*rest, *unkept}), unkept_for or error

    def _is_enough(self, answer: Answer) -> AppError | None:
        """Return why no more is sent, where one event after another is refused."""
        if self._in_a_row < (MOST_REFUSED if self._is_tried else MOST_DOUBTED):
            return None
        self._in_a_row = 0
        reason = next(iter(answer.refused.values()))
        return DeliveryRefused(f"{self.name} refuses one event after another: {reason}")

    def _took_none(self, refused: Mapping[int, str]) -> DeliveryRefused:
        return DeliveryRefused(f"{self.name} took no event: {next(iter(refused.values()))}")

    @property
    def _is_tried(self) -> bool:
        """Whether an event was accepted under these settings."""
        return self.position.settings == self.outlet.settings

    def _answer(self, window: Window, rows: list[int]) -> Answer:
        """Send a batch; count what was accepted of it."""
        try:
            batch = self._batch(window, rows)
            answer = self.outlet.destination.send(batch)
        except AppError as error:
            return Answer(retry=range(len(rows)), error=error)
        out = {*answer.retry, *answer.refused}
        accepted = 0 if answer.halve else len(rows) - len(out)
        if accepted or answer.partly:
            self.position.settings = self.outlet.settings
            self._in_a_row = 0
        if accepted:
            trimmed = sum(row in self._trimmed and at not in out for at, row in enumerate(rows))
            self.done.trimmed += trimmed
            self._count_dead(trimmed)
            self.done.events += accepted
            self.done.bytes += sum(map(len, batch.events)) - sum(len(batch.events[at]) for at in out)
            self.done.batches += 1
        return answer

    def _batch(self, window: Window, rows: list[int]) -> Batch:
        birth = self.held.head.birth
        return Batch(
            self._batch_id(window, rows),
            self._fitting(window, rows),
            window.ids(birth, rows),
            window.times(rows),
            digest(birth, self.name, window.name),
        )

    def _batch_id(self, window: Window, rows: list[int]) -> str:
        return digest(self.held.head.birth, self.name, self.outlet.settings, window.name, rows)

    def _bury_all(self, window: Window, refused: Mapping[int, str]) -> tuple[list[int], AppError | None]:
        """Keep what was refused for good; return what could not be kept, and why."""
        unkept: list[int] = []
        error: AppError | None = None
        for row, reason in refused.items():
            try:
                place = self._bury(window, row, reason)
            except StateError as failed:  # what was accepted of the batch stays accepted
                unkept.append(row)
                error = failed
                continue
            self._count_dead(1)
            LOGGER.warning("an event was kept as dead", extra={"fields": {"place": place, "reason": reason}})
        return unkept, error

    def _count_dead(self, events: int) -> None:
        self.done.dead += events
        self.position.dead += events

    def _fitting(self, window: Window, rows: list[int]) -> list[bytes]:
        """Return events; of one that is too large, a trimmed copy."""
        events = [window.events[row] for row in rows]
        limit = self.outlet.destination.limits.event_bytes
        if max(map(len, events)) <= limit:
            return events
        return [
            self._copy(window, row, limit) if len(event) > limit else event
            for row, event in zip(rows, events, strict=True)
        ]

    def _copy(self, window: Window, row: int, limit: int) -> bytes:
        """Return a trimmed copy of an event, while the whole is kept."""
        event = window.events[row]
        if row not in self._trimmed:
            place = self._bury(window, row, "It is too large; a trimmed copy was delivered.")
            mark = {"bytes": len(event), "sha256": hashlib.sha256(event).hexdigest(), "kept": place}
            self._trimmed[row] = trim(event, limit, mark)
        return self._trimmed[row]

    def _bury(self, window: Window, row: int, reason: str) -> str:
        """Keep a record that the destination does not take, whole, with the reason; return its place."""
        commit, row = window.place(row)
        name = f"dead/{self.name}/{commit.sequence:010d}-{commit.fence:014d}-{row}.json"
        line = self._line(commit.sequence, row)
        body = msgspec.json.encode({"reason": reason[:MESSAGE_CHARACTERS], "line": msgspec.Raw(line)})
        with suppress(Conflict):  # it was kept before, for another reason
            self.held.store.put(name, body)
        return name

    def _line(self, sequence: int, row: int) -> bytes:
        """Read a line of the journal."""
        for entry in self._entries(sequence, sequence):
            body = self.held.store.get(entry.name)
            if body is not None:
                return body.split(b"\n")[row]
        raise StateError("A commit is not in the journal any more.")

    def _pass(self, rest: list[int], end: int, events: int) -> None:
        if not events:
            return
        with self._lock:
            position = self.position
            position.row, position.pending = end, sorted({*rest, *self._doubted})
            position.events += events

    def _pass_all(self, window: Window) -> None:
        """Pass the end of a window."""
        with self._lock:
            position = self.position
            position.sequence, position.row, position.pending = window.last.sequence + 1, 0, []
            position.until, position.end = window.last.made, 0
            position.opened = self._opened(window)
            position.events += sum(map(not_, window.events))
            position.waiting = self._still_waiting(window)

    def _opened(self, window: Window) -> float:
        """Return since when what is beyond a window waits: it came to be after the window."""
        if self.outlet.hold:
            return self.position.opened if self._more_is_due else 0.0
        return window.last.made if self.held.sequence > window.last.sequence else 0.0

    def _still_waiting(self, window: Window) -> int:
        """Return how many bytes wait beyond a window."""
        last = window.last.sequence
        self._sizes = {number: size for number, size in self._sizes.items() if number > last}
        if last >= self._before:
            return sum(self._sizes.values())
        return max(
            0, self.position.waiting - sum(journal.size_of(commit.events) for commit in window.commits)
        )

    def _succeed(self) -> None:
        with self._lock:
            self.position.state = self.position.error = self.position.message = ""
            self.position.not_before = 0.0

    def _fail(self, error: AppError) -> None:
        self.error = error
        if isinstance(error, OutOfTime):
            return
        with self._lock:
            self.position.state = "configuration" if error.kind == "config" else "retry"
            self.position.error, self.position.message = error.code, error.message[:MESSAGE_CHARACTERS]
            wait = min(getattr(error, "retry_after", None) or 0.0, LONGEST_WAIT_SECONDS)
            self.position.not_before = self.held.now().timestamp() + wait if wait else 0.0


class Beside:
    """Runs a forwarder in a thread of its own: whenever there is something, until it is told to finish."""

    def __init__(self, forwarder: Forwarder) -> None:
        self.forwarder = forwarder
        self._work, self._finish = Event(), False
        self._thread = Thread(
            target=copy_context().run, args=(self._loop,), name=f"to {forwarder.name}", daemon=True
        )
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

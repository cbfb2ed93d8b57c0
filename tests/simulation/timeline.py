"""Simulated time: processes take turns, each runs until it waits, and the seed decides who is next.

A process is a thread, but only one ever runs: the one whose turn it is. Its steps outwards (a
request, a put) take simulated time, in which others may run; at each it can be killed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from typing import Final, TypeVar

T = TypeVar("T")

START: Final = datetime(2026, 3, 2, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone: at its time limit, out of memory, or because its machine failed."""


def moment(seconds: float) -> datetime:
    """Return a point of simulated time."""
    return START + timedelta(seconds=seconds)


@dataclass(eq=False)
class Process:
    """One invocation. `skew`: how far its clock is off; `fuse`: the step at which it dies, if it does."""

    name: str
    timeline: Timeline
    on_end: Callable[[Process], None]
    limit: float = float("inf")
    skew: float = 0.0
    jump: tuple[int, float] | None = None  # the step at which its clock jumps, and how far
    fuse: int | None = None
    fuse_after: bool = False
    steps: int = 0
    dead: bool = False
    ended: bool = False
    error: BaseException | None = None
    _turn: Lock = field(default_factory=Lock)

    def start(self, work: Callable[[], None]) -> None:
        """Begin `work`; returns when it waits for the first time."""
        self._turn.acquire()
        Thread(target=self._run, args=(work,), daemon=True).start()
        self.resume()

    def resume(self) -> None:
        """Give it its turn, from the timeline's own thread."""
        self.timeline.current = self
        self._turn.release()
        self.timeline.turn.acquire()
        self.timeline.current = None
        if self.ended:
            self.on_end(self)

    def clock(self) -> datetime:
        """Return what its clock shows."""
        return moment(self.timeline.now + self.skew)

    def step(self, seconds: float, apply: Callable[[], T]) -> T:
        """Do something outside that takes a while; whether a killed process still did it is chance."""
        self.steps += 1
        if self.jump and self.jump[0] == self.steps:
            self.skew += self.jump[1]
        self.wait(seconds / 2)
        if self.steps == self.fuse and not self.fuse_after:
            self.die()
        try:
            done = apply()
        finally:
            if self.steps == self.fuse:
                self.die()
        self.wait(seconds / 2)
        return done

    def wait(self, seconds: float) -> None:
        """Let time pass. Past the limit the process is gone."""
        self._live()
        until = self.timeline.now + max(0.0, seconds)
        in_time = until < self.limit
        self.timeline.pass_to(min(until, self.limit), self)
        if not in_time:
            self.die()
        self._live()

    def die(self) -> None:
        """End it here."""
        self.dead = True
        raise Killed

    def _live(self) -> None:
        if self.dead:
            raise Killed

    def _run(self, work: Callable[[], None]) -> None:
        self._turn.acquire()
        try:
            work()
        except BaseException as error:  # noqa: BLE001 (the world judges it)
            self.error = error
        self.ended = True
        self.timeline.turn.release()

    def hand_over(self) -> None:
        """Let the timeline go on until this one's turn comes again."""
        self.timeline.turn.release()
        self._turn.acquire()


class Timeline:
    """What happens when."""

    def __init__(self) -> None:
        self.now = 0.0
        self.current: Process | None = None
        self.turn = Lock()
        self.turn.acquire()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Do something later."""
        self._count += 1
        heapq.heappush(self._due, (max(time, self.now), self._count, action))

    def pass_to(self, time: float, process: Process) -> None:
        """Let time pass for a process; others run where something is due before."""
        if not self._due or time < self._due[0][0]:
            self.now = time
            return
        self.at(time, process.resume)
        process.hand_over()

    def advance(self) -> bool:
        """Do the next thing that is due; tell whether there was one."""
        if not self._due:
            return False
        self.now, _, action = heapq.heappop(self._due)
        action()
        return True

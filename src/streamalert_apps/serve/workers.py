"""The threads that run apps when they are due."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Condition, Thread
from typing import Final

from streamalert_apps.runtime.schedule import Schedule
from streamalert_apps.sdk.clock import Clock
from streamalert_apps.serve.agenda import Again, Agenda, Task
from streamalert_apps.serve.ending import Ending

LOGGER = logging.getLogger(__name__)

LONGEST_IDLE_SECONDS: Final = 5.0  # until the clock is looked at again: it may have been set


class Workers:
    """Runs what is due, `count` apps at a time.

    `run` returns when the app is to run again, if not by its schedule, and never raises. `limit` says how
    many seconds a run of an app may take at most: one that takes longer hangs, which nothing can end. It
    keeps its thread, the app waits for it, and another thread works in its place.
    """

    def __init__(
        self,
        run: Callable[[Task], Again | None],
        limit: Callable[[str], float],
        count: int,
        clock: Clock,
        ending: Ending,
    ) -> None:
        self._run = run
        self._limit = limit
        self._count = count
        self._clock = clock
        self._ending = ending
        self._agenda = Agenda()
        self._changed = Condition()
        self._began: dict[str, float] = {}  # runs under way
        self._hanging: set[str] = set()
        self._threads: list[Thread] = []

    @property
    def running(self) -> list[str]:
        """The apps that run, hanging ones too."""
        with self._changed:
            return list(self._began)

    @property
    def are_stuck(self) -> bool:
        """Whether so many runs hang that only a new process helps."""
        return len(self._hanging) >= self._count

    def start(self) -> None:
        """Begin."""
        for _ in range(self._count):
            self._add()

    def plan(self, schedules: Mapping[str, Schedule]) -> None:
        """Take the apps that there are now."""
        with self._changed:
            self._agenda.plan(schedules, self._clock.now())
            self._changed.notify_all()

    def look_after(self) -> None:
        """See to it that runs that hang keep no others from running."""
        with self._changed:
            now = time.monotonic()
            hanging = {name for name, since in self._began.items() if now - since > self._limit(name)}
            new, self._hanging = hanging - self._hanging, self._hanging | hanging
        for name in new:
            LOGGER.error("%s: its run hangs; it is left alone, other apps continue", name)
            self._add()

    def finish(self) -> list[str]:
        """Wait until the runs under way have ended, within the time left; return the apps whose did not."""
        with self._changed:
            self._changed.notify_all()
            while self._began.keys() - self._hanging and (left := self._ending.left()) > 0:
                self._changed.wait(left)
            left_behind = sorted(self._began)
        if not left_behind:
            for thread in self._threads:
                thread.join()
        return left_behind

    def _add(self) -> None:
        # A daemon: what hangs must not keep the process from ending.
        thread = Thread(target=self._work, name=f"worker {len(self._threads) + 1}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while task := self._next():
            again = self._run(task)
            with self._changed:
                del self._began[task.name]
                self._agenda.done(task, self._clock.now(), again)
                self._changed.notify_all()
                if task.name in self._hanging:
                    self._hanging.discard(task.name)
                    return  # another thread has taken this one's place

    def _next(self) -> Task | None:
        """Wait for a run that is due; None: no more shall begin."""
        with self._changed:
            while not self._ending.begun:
                now = self._clock.now()
                if task := self._agenda.take(now):
                    self._began[task.name] = time.monotonic()
                    return task
                self._changed.wait(self._idle_seconds(now))
        return None

    def _idle_seconds(self, now: datetime) -> float:
        due = self._agenda.next_due()
        if due is None:
            return LONGEST_IDLE_SECONDS
        return min(max(0.001, (due - now).total_seconds()), LONGEST_IDLE_SECONDS)

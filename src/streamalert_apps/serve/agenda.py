"""Which app runs when. It only counts: threads and clocks are the affair of workers.py."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from streamalert_apps.runtime.schedule import Rate, Schedule

SPREAD: Final = timedelta(seconds=30)  # over which the first runs after a start are spread


@dataclass(frozen=True, slots=True)
class Task:
    """An app's next run. `due`: None where its schedule has no time any more.

    `slot`: the time of the schedule that the run is for. A run of another process at or after it counts as
    this one. None: the run is one more, whatever was before.
    """

    name: str
    schedule: Schedule
    due: datetime | None
    slot: datetime | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """That an app runs again after so many seconds. `same`: for the same time of its schedule."""

    seconds: float
    same: bool = False


class Agenda:
    """The next run of each app; one of an app at a time.

    Runs of a rate begin at the same moments of each interval, which differ from app to app: they are spread
    over it, and are the same for each process that shares the apps.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._running: dict[str, Task] = {}

    @property
    def running(self) -> int:
        """How many apps run."""
        return len(self._running)

    def plan(self, schedules: Mapping[str, Schedule], now: datetime) -> None:
        """Take the apps that there are now; those whose schedule is as it was keep their time."""
        self._tasks = {
            name: task
            if (task := self._tasks.get(name)) and task.schedule == schedule
            else _first(name, schedule, now)
            for name, schedule in schedules.items()
        }

    def next_due(self) -> datetime | None:
        """Return when the next run is due, of the apps that do not run."""
        return min((task.due for task in self._waiting() if task.due), default=None)

    def take(self, now: datetime) -> Task | None:
        """Return the run that is due for longest, which is under way from now on; None where none is due."""
        due = [task for task in self._waiting() if task.due and task.due <= now]
        if not due:
            return None
        task = min(due, key=lambda task: (task.due, task.name))
        self._running[task.name] = task
        return task

    def done(self, task: Task, now: datetime, again: Again | None) -> None:
        """Note that a run has ended, and when the next one is due."""
        del self._running[task.name]
        planned = self._tasks.get(task.name)
        if planned is None or planned.schedule != task.schedule:
            return  # conf/ says something else by now
        if again:
            slot = task.slot if again.same else None
            self._tasks[task.name] = replace(task, due=now + timedelta(seconds=again.seconds), slot=slot)
        else:
            due = _next(task.name, task.schedule, now)
            self._tasks[task.name] = Task(task.name, task.schedule, due, due)

    def _waiting(self) -> list[Task]:
        return [task for name, task in self._tasks.items() if name not in self._running]


def _first(name: str, schedule: Schedule, now: datetime) -> Task:
    """Return the first run: soon, unless an earlier process or another one did it; at its time for cron."""
    if not isinstance(schedule, Rate):
        due = schedule.next(now)
        return Task(name, schedule, due, due)
    wait = _phase(name) * min(schedule.every, SPREAD)
    return Task(name, schedule, now + wait, schedule.next(now - schedule.every, _phase(name)))


def _next(name: str, schedule: Schedule, now: datetime) -> datetime | None:
    return schedule.next(now, _phase(name)) if isinstance(schedule, Rate) else schedule.next(now)


def _phase(name: str) -> float:
    """Return where in an interval the runs of an app begin, from 0 to 1."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:4], "big") / (1 << 32)

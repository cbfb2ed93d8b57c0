"""All apps of a project in one process: each on its schedule, until it is told to stop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.config import content
from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.errors import AlreadyRunning, AppError, BadResponse, ConfigError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import kinds, log
from streamalert_apps.runtime.collect import Outcome
from streamalert_apps.runtime.priming import prime
from streamalert_apps.runtime.schedule import parse
from streamalert_apps.runtime.store import Store
from streamalert_apps.sdk.app import App, Credentials
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.serve import destinations
from streamalert_apps.serve.agenda import Again, Task
from streamalert_apps.serve.ending import Ending, EndingClock
from streamalert_apps.serve.routes import Health
from streamalert_apps.serve.turn import Place, Turn, place_of
from streamalert_apps.serve.workers import Workers

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session

LOGGER = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0  # between two looks at conf/ and at the runs
CLOSING_SECONDS: Final = 3.0  # of a run's time, for the last delivery and the head
HANGING_SECONDS: Final = 120.0  # beyond its time-out: a request may take a minute to give up
LEASE_ENDED_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What a collector is given: how conf/ is read, and what its apps need besides."""

    root: Path
    load: Callable[[], Project]
    find: Callable[[Project], Callable[[str], type[App]]]
    """Return, for a project, what finds the class of an app type."""
    credentials: Callable[[Project, AppConf, type[App]], Credentials]
    session: Callable[[Project], Session]
    simulator: str = ""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What conf/ said when it was read last."""

    project: Project
    apps: Mapping[str, AppConf]
    find: Callable[[str], type[App]]
    places: dict[str, Place] = field(default_factory=dict)


class Collector:
    """Runs the apps of a project. `listeners` are told how each run ended, in the thread that ran it."""

    def __init__(self, tools: Tools, *, workers: int, ending: Ending) -> None:
        self.listeners: list[Callable[[AppConf, Outcome], None]] = []
        self._tools = tools
        self._ending = ending
        self._clock: Clock = EndingClock(ending)
        self._looked = time.monotonic()
        self._conf_error = ""
        self._seen = self._read = _Seen.of(tools.root)
        self._plan = self._planned(tools.load())
        self._placing = Lock()
        self._workers = Workers(self.turn, self._longest, workers, self._clock, ending)

    @property
    def project(self) -> Project:
        """What conf/ said when it was read last."""
        return self._plan.project

    def health(self) -> Health:
        """Return how the collector is."""
        running = len(self._workers.running)
        told = Health("ok", len(self._plan.apps), running, conf_is_valid=not self._conf_error)
        if self._ending.begun:
            return replace(told, status="stopping")
        if self._workers.are_stuck or time.monotonic() - self._looked > 30 * LOOK_SECONDS:
            return replace(told, status="stuck")
        return told

    def run(self) -> list[str]:
        """Run the apps until it is to end; return those that did not come to their end in time."""
        self._workers.plan(self._schedules())
        self._workers.start()
        LOGGER.info("collecting; apps: %d", len(self._plan.apps))
        while not self._ending.wait(LOOK_SECONDS):
            self._look()
        LOGGER.info("stopping; runs under way: %d", len(self._workers.running))
        return [self._shown(name) for name in self._workers.finish()]

    def turn(self, task: Task) -> Again | None:
        """Run an app once, and tell how that ended; return when it is to run again, beside its schedule."""
        plan = self._plan
        app = plan.apps.get(task.name)
        if app is None:
            return None
        log.begin(app=f"{app.cluster}/{app.name}", app_type=app.type, run="")
        try:
            return self._turn(plan, app, task)
        except AlreadyRunning as error:
            LOGGER.info("another process runs it")
            return _when_free(error, self._clock.now())
        except AppError as error:
            self._ended(app, Outcome("failed", error=error))
        except BaseException as error:  # noqa: BLE001 (an app that breaks must not take others along)
            self._ended(app, Outcome("failed", error=BadResponse(f"The app broke: {log.place(error)}.")))
        return None

    def _turn(self, plan: _Plan, app: AppConf, task: Task) -> Again | None:
        if not self._tools.root.is_dir():
            raise ConfigError(
                f"The project's folder {self._tools.root} is gone.",
                hint="Put it back, or stop `sa-apps serve`.",
            )
        place = self._place(plan, app)
        if task.slot and _was_run(place.store, task.slot):
            return None
        kind = plan.find(app.type)
        ends = time.monotonic() + app.timeout
        closing = min(CLOSING_SECONDS, app.timeout / 4)
        deadline = Deadline(lambda: min(ends - time.monotonic(), self._ending.left()) - closing)
        with ExitStack() as stack:
            targets = destinations.of_app(plan.project, app, self._session(plan), self._clock)
            for target in targets:
                stack.callback(target.close)
            turn = Turn(
                app,
                kind,
                lambda: self._tools.credentials(plan.project, app, kind),
                place,
                {target.name: target.outlet for target in targets},
                self._tools.simulator,
                self._clock,
                deadline,
            )
            outcome = turn.collect()
        self._ended(app, outcome)
        return Again(outcome.retry_after) if outcome.calls_for_another(app.timeout) else None

    def _ended(self, app: AppConf, outcome: Outcome) -> None:
        """Write the one line of a run, and tell those who listen."""
        level = logging.ERROR if outcome.status == "failed" else logging.INFO
        LOGGER.log(level, "run ended", extra={"fields": outcome.summary()})
        for listener in self.listeners:
            with suppress(Exception):
                listener(app, outcome)

    def _place(self, plan: _Plan, app: AppConf) -> Place:
        """Return where an app's record is; it is looked up once, as a client of S3 is slow to make."""
        with self._placing:
            if app.function not in plan.places:
                plan.places[app.function] = place_of(plan.project, app, self._session(plan), self._clock)
            return plan.places[app.function]

    def _session(self, plan: _Plan) -> Callable[[], Session]:
        return lambda: self._tools.session(plan.project)

    def _longest(self, name: str) -> float:
        app = self._plan.apps.get(name)
        return (app.timeout if app else 0.0) + HANGING_SECONDS

    def _look(self) -> None:
        """Read conf/ again where it has changed and is left alone since; look after the runs."""
        self._looked = time.monotonic()
        self._workers.look_after()
        seen, before = _Seen.of(self._tools.root), self._seen
        self._seen = seen
        if seen == self._read or seen != before:
            return
        self._read = seen
        try:
            plan = self._planned(self._tools.load())
        except AppError as error:
            self._conf_error = error.message
            LOGGER.error("conf/ can't be read; what it said before stays in force: %s", error.message)  # noqa: TRY400
            return
        self._conf_error, self._plan = "", plan
        self._workers.plan(self._schedules())
        LOGGER.info("conf/ was read again; apps: %d", len(plan.apps))

    def _planned(self, project: Project) -> _Plan:
        apps = {app.function: app for app in project.all_apps}
        find = self._tools.find(project)
        for app in apps.values():
            with suppress(AppError):  # what is wrong with a type is told by the runs of its apps
                find(app.type)
            for sink in app.sinks:
                with suppress(AppError):
                    kinds.find(sink.kind)
        prime()
        return _Plan(project, apps, find)

    def _schedules(self) -> dict[str, Any]:
        return {name: parse(app.schedule_expression) for name, app in self._plan.apps.items()}

    def _shown(self, name: str) -> str:
        app = self._plan.apps.get(name)
        return f"{app.cluster}/{app.name}" if app else name


@dataclass(frozen=True, slots=True)
class _Seen:
    """By what it is seen that a file of conf/ has changed."""

    files: Sequence[tuple[str, int, int, int]]

    @classmethod
    def of(cls, root: Path) -> _Seen:
        found = []
        with suppress(AppError):  # without conf/global.json there is nothing to see; reading it says so
            for file in content.files(root).values():
                with suppress(OSError):
                    stat = (root / file).stat()
                    found.append((file, stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return cls(tuple(found))


def _was_run(store: Store, slot: datetime) -> bool:
    """Tell whether a run of another process began at or after a time of the schedule."""
    there = store.read(heads.NAME)
    if there.version is None:
        return False
    head, _ = heads.parse(there.body)
    return bool(head.runs) and head.runs[-1].started >= slot.replace(microsecond=0)


def _when_free(error: AlreadyRunning, now: datetime) -> Again | None:
    """Return when the other run has ended for sure, if it did not finish; None: by the schedule."""
    if error.until is None:
        return None
    return Again(max(0.0, (error.until - now).total_seconds()) + LEASE_ENDED_SECONDS, same=True)

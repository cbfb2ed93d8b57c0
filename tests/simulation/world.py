"""The world of one seed: let everything happen, let the dust settle, judge."""

from __future__ import annotations

import json
import logging
import os
import random
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from unittest import mock

from streamalert_apps import services
from streamalert_apps.cli.local_run import LEASE, LONGEST_WAIT_SECONDS
from streamalert_apps.runtime import handler, names
from streamalert_apps.runtime.batch import Batches
from streamalert_apps.runtime.collect import Terms, collect
from streamalert_apps.runtime.destinations.classifier import ClassifierLambda
from streamalert_apps.runtime.ssm import ParameterCredentials, ParameterSlot
from streamalert_apps.sdk import catalogue, ids
from streamalert_apps.sdk.app import App
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace
from streamalert_apps.sdk.watermark import newest_first
from tests.simulation.apps import TYPE, app_type
from tests.simulation.functions import Lambda, doom, end_of
from tests.simulation.judge import Judge
from tests.simulation.luck import Luck
from tests.simulation.parameters import ParameterStore
from tests.simulation.plan import plan
from tests.simulation.timeline import START, Process, Timeline
from tests.simulation.vendor import Vendor
from tests.simulation.wire import Wire

T = TypeVar("T")

MOST_CALM_TICKS: Final = 600
GOOD_TICKS: Final = 3  # in a row: what waited for room in the memory is there then


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is deployed now."""

    kind: type[App]
    batch_bytes: int
    time_limit: float


class Clock:
    """What the running process takes for the time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        """Return what its clock shows."""
        return self._world.process.clock()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._world.say(f"sleeps {seconds:.1f} s")
        self._world.judge.sleeps(self._world.process, seconds)
        self._world.process.wait(seconds)


class World:
    """Everything there is. `muted`: faults left out; `tell`: takes each line of the story."""

    function = "sim_prod_sim_log_it_app"

    def __init__(
        self, seed: int, *, muted: frozenset[str] = frozenset(), tell: Callable[[str], None] | None = None
    ) -> None:
        self.plan = plan(seed)
        self.luck = Luck(self.plan, muted)
        self.timeline = Timeline()
        self.vendor = Vendor(self.plan)
        self.wire = Wire(self)
        self.parameters = ParameterStore(self)
        self.functions = Lambda(self)
        self.judge = Judge(self)
        self.ends: Counter[str] = Counter()
        self._tell = tell
        self._laptops = 0
        self._good_ticks = 0
        kind = app_type(self.plan, self.plan.page)
        self.deployed = Deployed(kind, self.plan.batch_bytes, self.plan.time_limit)
        self._kinds: dict[Process, type[App]] = {}

    @property
    def process(self) -> Process:
        """The one whose turn it is."""
        assert self.timeline.current is not None
        return self.timeline.current

    def say(self, words: str) -> None:
        """Tell the story."""
        if self._tell:
            who = self.timeline.current.name if self.timeline.current else ""
            self._tell(f"{self.timeline.now:10.3f}  {who:<9} {words}")

    def strikes(self, kind: str) -> bool:
        """Tell whether a fault is due now."""
        if not self.luck.strikes(kind, self.timeline.now):
            return False
        self.say(f"  * {kind}")
        return True

    def step(self, words: str, seconds: float, apply: Callable[[], T]) -> T:
        """Let the running process do something outside."""
        self.say(words)
        return self.process.step(seconds, apply)

    def hang(self, seconds: float) -> None:
        """Let the running process wait for an answer that never comes; mostly it breaks off at once."""
        if self.luck.of("hang").random() < 0.3:
            self.process.wait(seconds)

    def begin(self, process: Process, work: Callable[[], None]) -> None:
        """Let a process begin, with what is deployed now."""
        self._kinds[process] = self.deployed.kind
        self.judge.began(process)
        process.start(work)

    def end(self, process: Process) -> None:
        """A process has ended."""
        self.judge.ended(process)
        del self._kinds[process]
        end = end_of(process)
        self.ends[end] += 1
        self.say(f"{process.name} {end} {process.error or ''}")
        if not end:
            self.judge.violated(f"the handler broke: {process.error!r}")

    def run(self) -> Judge:
        """Let everything happen, and judge."""
        with ExitStack() as stack:
            for patch in self._patches():
                stack.enter_context(patch)
            logging.disable(logging.CRITICAL)
            stack.callback(logging.disable, logging.NOTSET)
            random.seed(self.plan.seed)  # the collector's jitter
            self._found()
            self.timeline.at(0, self._tick)
            while self.timeline.advance() and not self.judge.violations:
                pass
            if not self.judge.violations:
                self.judge.settled(self._state())
            self._bury()
        return self.judge

    def _patches(self) -> list[Any]:
        """Put simulated time and services where the handler has real ones, and small sizes for large ones."""
        plan = self.plan
        return [
            mock.patch.dict(os.environ),
            mock.patch.object(handler, "_client", {"ssm": self.parameters, "lambda": self.functions}.get),
            mock.patch.object(handler, "_transport", return_value=self.wire),
            mock.patch.object(handler, "SystemClock", return_value=Clock(self)),
            mock.patch.object(services, "find", self._find),
            mock.patch.object(ids, "CAPACITY", plan.memory),
            mock.patch.object(newest_first, "FRESH_IDS", max(plan.memory - 24, plan.memory // 2)),
            mock.patch.object(catalogue, "PIECE", 5),
        ]

    def _find(self, _: str) -> type[App]:
        return self._kinds[self.process]

    def _found(self) -> None:
        """Set up the app, as an operator does; or find it as StreamAlert left it."""
        self._save_key()
        if self.plan.adopted:
            since = START.replace(second=7)
            self.judge.since = since
            timestamp = since.isoformat() if self.plan.shape == "seed style" else int(since.timestamp())
            left: dict[str, Any] = {"current_state": "running", "last_timestamp": timestamp, "context": {}}
            self.parameters.set(names.state_parameter(self.function), json.dumps(left))

    def _save_key(self) -> None:
        self.parameters.set(names.auth_parameter(self.function), json.dumps({"key": self.vendor.key}))

    def _state(self) -> Any:
        return json.loads(self.parameters.get(names.state_parameter(self.function)) or "{}")

    def _tick(self, calm_ticks: int = 0) -> None:
        """Invoke the app on schedule; when the time is over, only until all is done."""
        now, interval = self.timeline.now, self.plan.interval_minutes * 60.0
        if now >= self.plan.span and not self.luck.calm:
            self.luck.calm = True
            self.say("the dust settles")
            self._save_key()
        if self.luck.calm:
            calm_ticks += 1
            over = now > self.plan.span + self.plan.lag + 3 * interval + 400
            succeeded = self._state().get("current_state") == "succeeded"
            self._good_ticks = self._good_ticks + 1 if over and succeeded else 0
            if self._good_ticks > GOOD_TICKS or calm_ticks > MOST_CALM_TICKS:
                return
        else:
            self._operate()
        if not self.strikes("tick lost"):
            self.functions.submit(self._event(), self.luck.of("tick").uniform(0, 1))
        if self.strikes("tick doubled"):
            self.functions.submit(self._event(), self.luck.of("tick").uniform(0, 1))
        self.timeline.at(now + interval, lambda: self._tick(calm_ticks))

    def _event(self) -> str:
        minutes = self.plan.interval_minutes
        event = {
            "app_type": TYPE,
            "destination_function_name": "sim_prod_streamalert_classifier",
            "schedule_expression": f"rate({minutes} minute{'s' if minutes > 1 else ''})",
        }
        return json.dumps(event)

    def _operate(self) -> None:
        """Do what operators do."""
        if self.strikes("redeployed"):
            luck = self.luck.of("redeployed")
            page = max(1, int(self.plan.page * luck.choice((0.5, 1, 2))))
            time_limit = max(60.0, self.plan.time_limit)
            self.deployed = Deployed(app_type(self.plan, page), luck.choice((200, 1000, 5000)), time_limit)
        if self.strikes("run from a laptop"):
            self._run_from_a_laptop()
        if self.strikes("credentials rotated"):
            luck = self.luck.of("credentials rotated")
            number = int(self.vendor.key.partition("-")[2]) + 1
            self.vendor.key = f"key-{number}"
            told = self.timeline.now + luck.uniform(0, self.plan.interval_minutes * 90)
            self.timeline.at(told, self._save_key)

    def _run_from_a_laptop(self) -> None:
        """Collect as `sa-apps run --to classifier` does: without a time limit, but for one wait."""
        self._laptops += 1
        process = Process(f"laptop-{self._laptops}", self.timeline, on_end=self.end)
        doom(self, process)
        clock, deadline = Clock(self), Deadline(lambda: LONGEST_WAIT_SECONDS)

        def build() -> App:
            store = ParameterCredentials(
                self.parameters, names.auth_parameter(self.function), clock, deadline
            )
            kind = self._kinds[process]
            api = Api(clock=clock, deadline=deadline, pace=Pace(kind.rate, clock), transport=self.wire)
            return kind(store.load(), api)

        def work() -> None:
            first_look = timedelta(minutes=self.plan.interval_minutes)
            outcome = collect(
                build,
                ParameterSlot(self.parameters, names.state_parameter(self.function), clock, deadline),
                ClassifierLambda(self.functions, "sim_prod_streamalert_classifier", self.function),
                Batches(lambda *_: "", self.plan.batch_bytes),
                Terms(process.name, clock, deadline, LEASE, first_look),
            )
            self.say(f"ends: {outcome.status} {outcome.error or ''}")

        self.begin(process, work)

    def _bury(self) -> None:
        """End the processes that still wait."""
        for process in list(self._kinds):
            process.dead = True
            process.on_end = lambda _: None
            process.resume()

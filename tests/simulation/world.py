"""The world of one seed: let everything happen, let the dust settle, judge."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, TypeVar
from unittest import mock

from streamalert_apps.errors import AlreadyRunning, AppError, StateError
from streamalert_apps.runtime import audit, inbox, ledger
from streamalert_apps.runtime import collect as run
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import memory as memories
from streamalert_apps.runtime.collect import Outcome, Terms
from streamalert_apps.runtime.delivery import Outlet
from streamalert_apps.runtime.head import Head, HeldHead, Identity
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk import catalogue
from streamalert_apps.sdk.app import App
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.feed import sweep
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace
from tests.simulation.apps import app_type
from tests.simulation.bucket import OWNER, Bucket
from tests.simulation.judge import DAY, Judge
from tests.simulation.luck import Luck
from tests.simulation.plan import plan
from tests.simulation.repair import Repair
from tests.simulation.sinks import Sink
from tests.simulation.timeline import Killed, Process, Timeline
from tests.simulation.vendor import Vendor
from tests.simulation.wire import Wire

T = TypeVar("T")

MOST_CALM_TICKS: Final = 100
MOST_STEPS: Final = 12_000
GOOD_TICKS: Final = 3  # in a row
DEEPEST: Final = 8
CLOSING_SECONDS: Final = 3.0
LONGEST_WAIT_SECONDS: Final = 300.0  # of a run without a time limit
JUMPS: Final = (7.0, 100.0, 4000.0, 86_400.0)
LEDGER_HOUR: Final = 60  # seconds: what takes days happens within a story
KEPT_HOURS: Final = 400 * 24 * 60
AUDITS_EVERY: Final = 600.0
AUDITS_REACH: Final = 3600.0
PAUSES: Final = (20.0, 100.0, 400.0, 5000.0)


@dataclass(frozen=True, slots=True)
class Order:
    """A run that is wanted. `tries`: how often it was begun before; `depth`: of a succession."""

    holder: str
    depth: int = 0
    tries: int = 0
    laptop: bool = False
    owner: str = OWNER
    sinks: bool = True


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
        self._world.judge.waits(self._world.process, seconds)
        self._world.process.wait(seconds)


class Secrets:
    """Names that a seed decides."""

    def __init__(self, seed: int) -> None:
        self._luck = Random(f"{seed}:secrets")

    def token_hex(self, size: int) -> str:
        """Return so many bytes."""
        return self._luck.randbytes(size).hex()


class World:
    """Everything there is. `muted`: faults left out; `tell`: takes each line of the story."""

    def __init__(
        self, seed: int, *, muted: frozenset[str] = frozenset(), tell: Callable[[str], None] | None = None
    ) -> None:
        self.plan = plan(seed)
        self.luck = Luck(self.plan, muted)
        self.timeline = Timeline()
        self.vendor = Vendor(self.plan)
        self.wire = Wire(self)
        self.bucket = Bucket(self)
        self.judge = Judge(self)
        self.sinks = {sink.name: Sink(self, sink) for sink in self.plan.sinks}
        self.ends: Counter[str] = Counter()
        self.kind: type[App] = app_type(self.plan)
        self.calm_interval = max(self.plan.interval, self.plan.lag / 8)
        self._tell = tell
        self._count = 0
        self._steps = 0
        self._good_ticks = 0
        self._alive: dict[Process, None] = {}
        self._outcomes: dict[Process, Outcome] = {}
        self._held: dict[Process, HeldHead] = {}

    @property
    def process(self) -> Process:
        """The one whose turn it is."""
        assert self.timeline.current is not None
        return self.timeline.current

    def clock(self) -> Clock:
        """Return the clock of the running process."""
        return Clock(self)

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
        if self.timeline.current and not kind.startswith(("429", "5xx", "page", "connection", "file")):
            self.judge.troubled(self.timeline.current)
        return True

    def step(self, words: str, seconds: float, apply: Callable[[], T]) -> T:
        """Let the running process do something outside; it may be paused before."""
        process = self.process
        self.say(words)
        self._steps += 1
        if self._steps > MOST_STEPS:
            self.judge.violated("it goes on and on")
            process.die()
        if self.strikes("paused"):
            seconds_asleep = self.luck.of("paused").choice(PAUSES)
            self.judge.sleeps(process)
            process.limit += seconds_asleep
            process.wait(seconds_asleep)
        self.judge.lives(process)
        return process.step(seconds, apply)

    def listing(self, prefix: str) -> MemoryStore:
        """Return what is in the bucket, for a reader that nothing happens to."""
        store = MemoryStore()
        for name, stored in self.bucket.objects.items():
            if name.startswith(prefix):
                store.put(name, stored.body)
        return store

    def run(self) -> Judge:
        """Let everything happen, and judge."""
        with ExitStack() as stack:
            for patch in self._patches():
                stack.enter_context(patch)
            logging.disable(logging.CRITICAL)
            stack.callback(logging.disable, logging.NOTSET)
            random.seed(self.plan.seed)  # the collector's jitter
            self.timeline.at(0, self._tick)
            while self.timeline.advance() and not self.judge.violations:
                pass
            if not self.judge.violations:
                self.judge.settled()
            if not self.judge.violations:
                self._wait_long()
            self._bury()
        return self.judge

    def _patches(self) -> list[Any]:
        """Put names that a seed decides in the place of random ones, and small sizes for large ones."""
        plan = self.plan
        return [
            mock.patch.object(heads, "secrets", Secrets(plan.seed)),
            mock.patch.object(heads, "take", self._taking(heads.take)),
            mock.patch.object(inbox, "secrets", Secrets(plan.seed)),
            mock.patch.object(inbox, "PAUSE_SECONDS", 0.0 if plan.tardy else 1e12),  # else it stays empty
            mock.patch.object(inbox, "OBJECT_BYTES", plan.commit_bytes),
            mock.patch.object(audit, "EVERY_SECONDS", AUDITS_EVERY),
            mock.patch.object(audit, "SPAN_SECONDS", AUDITS_REACH),
            mock.patch.object(audit, "EVENTS", plan.most_rows),
            mock.patch.object(audit, "FEW", plan.page),
            mock.patch.object(ledger, "HOUR", LEDGER_HOUR),
            mock.patch.object(ledger, "INLINE", 5),
            mock.patch.object(ledger, "KEPT_HOURS", KEPT_HOURS),
            mock.patch.object(run, "COMMIT_BYTES", plan.commit_bytes),
            mock.patch.object(memories, "INLINE", plan.inline),
            mock.patch.object(memories, "MERGED", plan.merged),
            mock.patch.object(memories, "INDEXED", plan.merged),
            mock.patch.object(sweep, "MOST_ROWS", plan.most_rows),
            mock.patch.object(catalogue, "PIECE", 5),
        ]

    # The schedule

    def _tick(self, calm_ticks: int = 0) -> None:
        """Run the app on schedule; when the time is over, only until all is done."""
        now = self.timeline.now
        if now >= self.plan.span and not self.luck.calm:
            self.luck.calm = True
            self.vendor.unreadable.clear()
            self.say("the dust settles")
        if self.luck.calm:
            calm_ticks += 1
            last = max(self.plan.span, self.vendor.every[-1].published)
            over = now > last + 1.3 * self.plan.lag + 3 * self.calm_interval + 400
            if (over and self._good_ticks > GOOD_TICKS) or calm_ticks > MOST_CALM_TICKS:
                return
        else:
            self._operate()
        if self.plan.tardy and (self.luck.calm or self.luck.of("repair").random() < 0.5):
            self._repair()
        if not self.strikes("tick lost"):
            self._submit(self._named(), self.luck.of("tick").uniform(0, 1))
        if self.strikes("tick doubled"):
            self._submit(self._named(), self.luck.of("tick").choice((0.0, 0.01, 0.5, 3.0)))
        interval = self.calm_interval if self.luck.calm else self.plan.interval
        self.timeline.at(now + interval, lambda: self._tick(calm_ticks))

    def _named(self, **terms: Any) -> Order:
        self._count += 1
        return Order(f"run-{self._count}", **terms)

    def _operate(self) -> None:
        """Do what operators do."""
        if self.luck.of("file unreadable").random() < 0.3:
            self.vendor.unreadable.clear()
        soon = self.luck.of("operator").uniform(0, min(self.plan.interval, 120))
        if self.strikes("run from a laptop"):
            self._submit(self._named(laptop=True), soon)
        if self.strikes("run with other destinations"):
            self._submit(self._named(laptop=True, sinks=False), soon)
        if self.strikes("run of another project"):
            self._submit(self._named(owner="another project"), soon)
        if self.bucket.copies and self.strikes("head restored"):
            self.timeline.at(self.timeline.now + soon, self._restore)
        if self.bucket.copies and self.strikes("head removed"):
            self.timeline.at(self.timeline.now + soon, lambda: self.bucket.set_head(None))

    def _restore(self) -> None:
        copies = self.bucket.restorable()
        if copies:
            self.say("an old copy of the head is put back")
            self.bucket.restore(self.luck.of("head restored").choice(copies))

    def _submit(self, order: Order, delay: float) -> None:
        self.timeline.at(self.timeline.now + delay, lambda: self._begin(order))

    def _repair(self) -> None:
        """Let somebody look for what is missing, and leave it in the inbox: now, or in a while."""
        repair = Repair(self)

        def begin() -> None:
            process = Process(
                "repair", self.timeline, on_end=self._repaired, limit=self.timeline.now + self.plan.time_limit
            )
            if self.strikes("killed"):
                process.fuse = self.luck.of("killed").randint(1, 6)
            self._alive[process] = None
            self.judge.began(process, process.name)
            process.start(repair.leave_what_is_missing)

        self.timeline.at(self.timeline.now + self.luck.of("repair").choice((0.0, 0.1, 0.2, 1.0, 30.0)), begin)

    def _repaired(self, process: Process) -> None:
        del self._alive[process]
        self.bucket.held.pop(process, None)
        self.judge.ended(process)

    # Runs

    def _begin(self, order: Order) -> None:
        process = Process(
            f"{order.holder}.{order.tries}",
            self.timeline,
            on_end=lambda process: self._ended(process, order),
            limit=self.timeline.now + (1e9 if order.laptop else self.plan.time_limit),
            skew=self.plan.ahead + self.luck.of("skew").uniform(-self.plan.skew, self.plan.skew),
        )
        self._doom(process)
        self._alive[process] = None
        self.judge.began(process, order.holder)
        process.start(lambda: self._collect(process, order))

    def _doom(self, process: Process) -> None:
        """Decide whether a process will be killed, and when; whether its clock is wrong, or will be."""
        if self.strikes("killed"):
            luck = self.luck.of("killed")
            process.fuse = luck.choice((1, 2, 3, 4, 5, luck.randint(1, 60)))
            process.fuse_after = luck.random() < 0.5
        if self.strikes("clock jumps"):
            luck = self.luck.of("clock jumps")
            process.jump = (luck.choice((0, 1, 3, 10)), luck.choice((-1, 1)) * luck.choice(JUMPS))
            if not process.jump[0]:
                process.skew += process.jump[1]

    def _collect(self, process: Process, order: Order) -> None:
        """Collect, as a function or a laptop does."""
        clock = Clock(self)
        deadline = Deadline(lambda: process.limit - CLOSING_SECONDS - self.timeline.now)
        if order.laptop:
            deadline = Deadline(lambda: LONGEST_WAIT_SECONDS)
        terms = Terms(
            Identity(order.owner, order.holder),
            clock,
            deadline,
            first_look=timedelta(seconds=self.plan.interval),
            journal_days=self.plan.journal_days,
            threads=False,
            audits=self.plan.tardy,
        )
        outcome = run.collect(
            lambda: self._app(clock, deadline), self.bucket, self._destinations(order), terms
        )
        self.say(f"ends: {outcome.status} {outcome.events} {outcome.error or ''}")
        self._outcomes[process] = outcome
        self.judge.closed(process)
        if order.owner != OWNER:
            self._judge_stranger(self._held[process].head)
        if outcome.error and "The app broke" in outcome.error.message:
            self.judge.violated(outcome.error.message)
        if self.strikes("a thread thaws"):
            self._thaw(process)

    def _judge_stranger(self, head: Head) -> None:
        """Judge that a run of another project had no record but its own, which then makes room."""
        if head.owner == OWNER:
            self.judge.violated("a run of another project was let in")
        else:  # the app's head had been removed
            self.bucket.set_head(None)

    def _taking(self, take: Callable[..., HeldHead]) -> Callable[..., HeldHead]:
        def taken(*args: Any, **terms: Any) -> HeldHead:
            self._held[self.process] = held = take(*args, **terms)
            return held

        return taken

    def _thaw(self, process: Process) -> None:
        """Let what a run left behind wake up later, and try to write."""
        process.limit = float("inf")
        process.wait(self.luck.of("a thread thaws").choice((0.0, 5.0, 60.0)))
        try:
            self._held[process].write()
        except StateError as error:
            self.judge.violated(f"what a run left behind still writes: {error.message}")
        except AlreadyRunning:
            return

    def _app(self, clock: Clock, deadline: Deadline) -> App:
        kind = self.kind
        return kind({}, Api(clock=clock, deadline=deadline, pace=Pace(kind.rate, clock), transport=self.wire))

    def _destinations(self, order: Order) -> Mapping[str, Outlet]:
        if not order.sinks:
            return {}
        holds = {sink.name: sink.hold for sink in self.plan.sinks}
        return {name: Outlet(sink, hold=holds[name]) for name, sink in self.sinks.items()}

    def _ended(self, process: Process, order: Order) -> None:
        """A process has ended, in whatever way; perhaps it is tried again, or another one goes on."""
        del self._alive[process]
        self.bucket.held.pop(process, None)
        self._held.pop(process, None)
        outcome = self._outcomes.pop(process, None)
        end = _end_of(process, outcome)
        self.ends[end] += 1
        self.say(f"{process.name} {end} {process.error or ''}")
        if order.owner != OWNER and isinstance(process.error, StateError):
            process.error = None
        self.judge.ended(process)
        if self.luck.calm:
            fine = outcome is not None and outcome.status == "succeeded" and not outcome.events
            self._good_ticks = self._good_ticks + 1 if fine else 0
        if isinstance(process.error, Killed) and order.tries < 2 and not self.strikes("not tried again"):
            self._submit(Order(order.holder, order.depth, order.tries + 1, owner=order.owner), 60)
        if (
            outcome and outcome.calls_for_another(self.plan.time_limit) and order.depth < DEEPEST
        ) and not self.strikes("successor lost"):
            self._submit(self._named(depth=order.depth + 1), 0.2)

    def _wait_long(self) -> None:
        """Let nine days pass, with a run at their end, three times: what nobody needs any more goes."""
        before = None
        for _ in range(3):
            before = self.judge.head
            self.timeline.now += 9 * DAY
            self._submit(self._named(), 0)
            while self.timeline.advance() and not self.judge.violations:
                pass
        if before and not self.judge.violations:
            self.judge.cleaned(before)

    def _bury(self) -> None:
        """End the processes that still wait."""
        for process in list(self._alive):
            process.dead = True
            process.on_end = lambda _: None
            process.resume()


def _end_of(process: Process, outcome: Outcome | None) -> str:
    """Return how a process ended, in a word."""
    match process.error:
        case None:
            return outcome.status if outcome else "done"
        case Killed():
            return "killed in its course" if process.fuse == process.steps else "killed at its time limit"
        case AlreadyRunning():
            return "turned away"
        case AppError():
            return "without an end on record"
        case _:
            return "broke"

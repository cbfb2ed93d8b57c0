"""An app and its twin in a world of their own: time, AWS, and invocations as Lambda makes them.

A run is put together as the Lambda handler does it; only time and what lies beyond the network are
doubles. Each invocation starts from what is stored: nothing of the one before it is left. One thread
does it all, so that the same seed makes the same steps.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias

import httpx
import msgspec

from streamalert_apps.errors import AlreadyRunning, AppError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.delivery import Outlet
from streamalert_apps.runtime.destinations.classifier import ClassifierLambda
from streamalert_apps.runtime.encode import as_bytes
from streamalert_apps.runtime.event import DEEPEST_SUCCESSION
from streamalert_apps.runtime.handler import CLOSING_SECONDS
from streamalert_apps.runtime.head import Head, Identity
from streamalert_apps.runtime.names import CLASSIFIER
from streamalert_apps.runtime.ssm import ParameterCredentials
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.runtime.store.s3 import S3Store
from streamalert_apps.sdk.app import App, Checkpoint, Credentials, Json, Log, Memory, Page
from streamalert_apps.sdk.catalogue import Catalogue
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.events import Events, Row
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace
from streamalert_apps.simulator.contract import Facts, Twin
from streamalert_apps.simulator.faults import Fault
from streamalert_apps.simulator.transport import transport
from streamalert_apps.testing.clock import ManualClock
from streamalert_apps.testing.cloud import Bucket, Functions, Parameters
from streamalert_apps.testing.leaks import Leaks
from streamalert_apps.testing.steps import Circle, Killed, Steps
from streamalert_apps.testing.wire import Wire

FUNCTION: Final = "acme_prod_app"
AUTH: Final = f"{FUNCTION}_auth"
SMALL: Final = 100  # events of a page that was made small
CHECKPOINT_CHARACTERS: Final = 100_000
KEPT_DAYS: Final = 36_500.0  # of the journal: a world may be read to its beginning
IDLE_RUNS: Final = 30
SURPLUS: Final = 10  # times as many logs as there are events: they come round and round
SHORTEST_INTERVAL: Final = timedelta(minutes=5)
MARGIN: Final = timedelta(minutes=10)

Status: TypeAlias = Literal["succeeded", "partial", "failed", "killed", "turned away", "circling"]


TwinFactory: TypeAlias = Callable[..., Any]
"""Makes a twin, given `clock`, `seed` and, now and then, `page_size` by name. The twin's class is one."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The circumstances of a world: small pages and batches make many steps of few events.

    `budget`: seconds of an invocation; `latency`: seconds of a request; `audits`: whether they are made.
    """

    page_size: int | None = 20
    batch_bytes: int | None = None  # None: so few that a page fills several
    budget: float = 240.0
    latency: float = 1.0
    faults: tuple[Fault, ...] = ()
    interval: timedelta | None = None
    audits: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """How an invocation ended."""

    status: Status
    outcome: Outcome | None = None
    error: AppError | None = None
    requests: int = 0
    recorded: int = 0
    delivered: int = 0

    def __str__(self) -> str:
        return f"{self.status} ({self.error.message})" if self.error else self.status


@dataclass(frozen=True, slots=True)
class Passed:
    """A page that the app yielded: its logs, and which run took it."""

    run: int
    logs: Sequence[Log]
    checkpoint: Checkpoint


class World:
    """Everything that one app needs to be run, and what it did."""

    def __init__(
        self,
        kind: type[App],
        factory: TwinFactory,
        conditions: Conditions,
        seed: int,
        *,
        leaks: Leaks,
        way: Callable[[Twin, Iterable[Fault]], httpx.BaseTransport] = transport,
    ) -> None:
        size = {} if conditions.page_size is None else {"page_size": conditions.page_size}
        self.clock = ManualClock()
        self.twin: Twin = factory(clock=self.clock, seed=seed, **size)
        self.kind = _watched(kind, self._note)
        self.conditions = conditions
        self.steps = Steps(self.clock)
        self.leaks = leaks
        inner = way(self.twin, conditions.faults)
        self.wire = Wire(inner, self.clock, self.steps, leaks, conditions.latency)
        self.bucket = Bucket(self.clock, self.steps, self._wrote)
        self.parameters = Parameters(self.clock, self.steps)
        self.functions = Functions(self.clock, self.steps, self._took)
        self.began = self.clock.now()
        self.runs: list[Run] = []
        self.pages: list[Passed] = []
        self.findings: dict[str, None] = {}
        self.pages_move = False  # events arrive while pages are read
        self.undone: list[list[dict[str, Any]]] = []
        """Of each run that was cut off, the logs that it had delivered and not noted: they may come again."""
        self.adopted: Json = None
        """What StreamAlert left."""
        self.collected_before: Counter[str] = Counter()
        """The ids of the events that StreamAlert had collected."""
        self._unnoted: list[
            list[dict[str, Any]]
        ] = []  # of each run under way: logs delivered since its last head
        self.use(self.twin.credentials)

    @property
    def app_type(self) -> str:
        """The app type under test."""
        return self.kind.type

    @property
    def has_ids(self) -> bool:
        """Tell whether events are known by an id, and not by what they say."""
        return (
            bool(getattr(self.kind, "id_fields", True)) or getattr(self.kind, "stamp", None) != Events.stamp
        )

    @property
    def facts(self) -> Facts:
        """What the vendor documents of the log."""
        return self.twin.facts(self.app_type)

    @property
    def lag(self) -> timedelta:
        """The longer of the vendor's lag and the one that the app reckons with."""
        return max(self.facts.lag, self.kind.lag or timedelta(0))

    @property
    def span(self) -> timedelta:
        """How far back events reach: some have settled when the first run begins, some have not."""
        return timedelta(hours=1) + self.lag * 2

    @property
    def interval(self) -> timedelta:
        """The time from one scheduled run to the next."""
        return self.conditions.interval or max(SHORTEST_INTERVAL, self.lag / 4)

    @property
    def store(self) -> MemoryStore:
        """What is stored, to be read without a step."""
        return self.bucket.holds

    @property
    def head(self) -> Head | None:
        """The head of the app's record."""
        there = self.store.read(heads.NAME)
        return heads.parse(there.body)[0] if there.version else None

    def use(self, credentials: Credentials) -> None:
        """Store credentials, as `update-auth` does."""
        self.leaks.guard(self.kind, credentials)
        self.parameters.place(AUTH, json.dumps(credentials))

    def fill(self, pages: float = 3.5, *, ahead: timedelta = timedelta(0), dear: bool = False) -> None:
        """Let events have happened, enough for this many pages; some of them `ahead` of now.

        Where the twin can't make pages small there are fewer events: two pages where a scenario is
        about pages, and is `dear`, one otherwise.
        """
        if self.facts.page > SMALL and self.conditions.page_size is not None:
            pages = min(pages, 1.2 if dear else 0.1)
        events = max(1, int(self.facts.page * pages))
        now = self.clock.now()
        self.twin.seed(self.app_type, events=events, start=now - self.span, end=now + ahead)

    def invoke(self, after: str = "") -> Run:
        """Run once, as the Lambda handler does."""
        whole = self.conditions.budget
        number = len(self.runs)
        before, requests, delivered = self.steps.ends, self.wire.requests, len(self.functions.batches)
        recorded = self.recorded
        self.steps.run_begins(self.clock.now() + timedelta(seconds=whole))
        self.runs.append(Run("killed"))
        self._unnoted.append([])
        bodies, self.wire.bodies = self.wire.bodies, []
        try:
            run = self._collect(f"run-{number}", after, whole)
        except Killed:
            run = Run("killed")
        except Circle:
            run = Run("circling")
        except AlreadyRunning as error:
            run = Run("turned away", error=error)
        except AppError as error:
            run = Run("failed", error=error)
        self.steps.run_begins(before)
        self.wire.bodies = bodies
        unnoted = self._unnoted.pop()
        if run.outcome is None and unnoted:
            self.undone.append(unnoted)
        if run.outcome is None and self.wire.requests > requests:
            self.wire.forgive()
        if run.error:
            self.leaks.look_at_error(run.error)
        self.runs[number] = replace(
            run,
            requests=self.wire.requests - requests,
            recorded=self.recorded - recorded,
            delivered=len(self.functions.batches) - delivered,
        )
        return self.runs[number]

    def chain(self) -> Run:
        """Run as on a schedule's tick, with the successive invocations that follow; return the last one."""
        run = self.invoke()
        for _ in range(DEEPEST_SUCCESSION):
            if run.outcome is None or not run.outcome.calls_for_another(self.conditions.budget):
                break
            run = self.invoke(after=f"run-{len(self.runs) - 1}")
        return run

    def tick(self) -> Run:
        """Let the time to the next scheduled run pass, and run."""
        self.clock.sleep(self.interval.total_seconds())
        return self.chain()

    def meanwhile(self) -> None:
        """Run a second invocation while the first one waits for an answer."""
        self.invoke()

    def settle(self) -> bool:
        """Run on schedule until nothing can be left; tell whether that came about."""
        most = len(self.runs) + self._enough_runs()
        run = self.chain()
        while self.clock.now() < self.twin.complete(self.app_type) and self._is_moving(most):
            run = self.tick()
        self.clock.sleep_until(self.twin.complete(self.app_type) + self.lag + MARGIN)
        run = self.tick()
        while run.status != "succeeded" and self._is_moving(most):
            run = self.tick()
        self.tick()  # and once more, which must bring nothing
        return run.status == "succeeded"

    def app(self, credentials: Credentials | None = None, deadline: Deadline | None = None) -> App:
        """Return a new app, as a new process has it."""
        api = Api(
            clock=self.clock, deadline=deadline, pace=Pace(self.kind.rate, self.clock), transport=self.wire
        )
        return self.kind(credentials or self.twin.credentials, api)

    def on_record(self) -> Iterator[tuple[int, Row]]:
        """Yield every event of the journal, and in which commit it is."""
        head = self.head
        if head is None:
            return
        for entry in journal.entries(self.store, head.birth, since=head.first, up_to=head.sequence):
            for _, line in journal.read(self.store.get(entry.name) or b""):
                yield entry.sequence, line.raw

    def arrived(self) -> Iterator[dict[str, Any]]:
        """Yield every log that was delivered; of a trimmed one, the whole that was kept."""
        for batch in self.functions.batches:
            yield from map(self.whole, batch)

    def whole(self, log: dict[str, Any]) -> dict[str, Any]:
        """Return a log; of a trimmed copy, what was kept."""
        mark = log.get("_truncated")
        return msgspec.json.decode(self.kept(mark["kept"])) if isinstance(mark, dict) else log

    def kept(self, name: str) -> bytes:
        """Return the event that was kept because a destination did not take it as it is."""
        return bytes(msgspec.json.decode(self.store.get(name) or b"", type=_Kept).line.raw)

    def taken_over(self, last_timestamp: Json) -> None:
        """Let all that was collected so far have been by StreamAlert, which left this and nothing else."""
        self.adopted = {"last_timestamp": last_timestamp, "context": {}, "checkpoint": None}
        logs = (msgspec.json.decode(event) for _, event in self.on_record())
        self.collected_before = Counter(self.twin.identify(self.app_type, log) for log in logs)
        self.store.delete([item.name for item in self.store.list("")])
        self.functions.batches.clear()

    @property
    def recorded(self) -> int:
        """How many events are on record."""
        return self.head.events if self.head else 0

    def _batch_bytes(self) -> int:
        return 8 << 10 if self.facts.page <= SMALL else 64 << 10

    def _is_moving(self, most: int) -> bool:
        """Tell whether there is hope: not too many runs or logs, few runs in a row that got nothing."""
        idle = 0
        for run in reversed(self.runs):
            if run.recorded or run.delivered or run.status in {"succeeded", "killed"}:
                break
            idle += bool(run.requests)
        surplus = self.recorded > SURPLUS * (1 + self.twin.held(self.app_type).total())
        if surplus or self.runs[-1].status == "circling":
            return False
        return len(self.runs) < most and idle < IDLE_RUNS

    def _enough_runs(self) -> int:
        waiting = self.twin.complete(self.app_type) - self.clock.now()
        held = self.twin.held(self.app_type).total()  # a run that collects one of them is not stuck
        return 60 + held + max(0, waiting // self.interval)

    def _collect(self, holder: str, after: str, whole: float) -> Run:
        clock = self.clock
        ends = clock.now() + timedelta(seconds=whole)
        closing = min(CLOSING_SECONDS, whole / 4)
        deadline = Deadline(lambda: (ends - clock.now()).total_seconds() - closing)
        built: list[App] = []

        def build() -> App:
            store = ParameterCredentials(self.parameters, AUTH, clock, deadline)
            built.append(self.app(store.load(), deadline))
            return built[-1]

        store_deadline = Deadline(lambda: deadline.left() + closing / 2)
        batch_bytes = self.conditions.batch_bytes or self._batch_bytes()
        outcome = collect(
            build,
            S3Store(self.bucket, "records", "", "", clock=clock, deadline=store_deadline),
            {CLASSIFIER: Outlet(ClassifierLambda(self.functions, "classifier", FUNCTION, batch_bytes))},
            Terms(
                Identity(FUNCTION, holder),
                clock,
                deadline,
                first_look=clock.now() - self.began + self.span + MARGIN,
                after=after,
                adopt=lambda: self.adopted,
                journal_days=KEPT_DAYS,
                threads=False,
                audits=self.conditions.audits,
            ),
        )
        for app in built:
            self.leaks.look_at_app(app)
        self.leaks.look("an outcome", repr(outcome))
        return Run(outcome.status, outcome, outcome.error)

    def _took(self, batch: list[dict[str, Any]]) -> None:
        self._unnoted[-1].extend(batch)

    def _wrote(self) -> None:
        """Note that a head was written, which says how far the run has delivered."""
        self._unnoted[-1].clear()

    def _note(self, page: Page) -> None:
        """Hold a page to its terms."""
        self.pages.append(Passed(len(self.runs), page.logs, page.checkpoint))
        number = len(self.pages)
        self._check_bytes(number, page.logs)
        try:
            text = json.dumps(page.checkpoint, allow_nan=False)
        except (TypeError, ValueError) as error:
            self.findings[f"the checkpoint of page {number} is not JSON: {error}"] = None
            return
        self.leaks.look("a checkpoint", text)
        if json.loads(text) != page.checkpoint:
            self.findings[f"the checkpoint of page {number} is another one after a way through JSON"] = None
        if len(text) > CHECKPOINT_CHARACTERS:
            self.findings[
                f"the checkpoint of page {number} has {len(text)} characters; {CHECKPOINT_CHARACTERS} fit"
            ] = None

    def _check_bytes(self, number: int, logs: Sequence[Log]) -> None:
        """Look for the rows of a page in the answers that came since the page before."""
        answers = [*self.wire.bodies]
        self.wire.bodies.clear()
        if not issubclass(self.kind, Events) or issubclass(self.kind, Catalogue) or not self.kind.verbatim:
            return  # it makes its logs itself
        changed = sum(not any(event in answer for answer in answers) for event in as_bytes(logs))
        if changed:
            what = f"{changed} events of page {number} are not as the service gave them, byte for byte"
            self.findings[what] = None


class _Kept(msgspec.Struct):
    line: journal.Line


def _watched(kind: type[App], note: Any) -> type[App]:
    """Return an app type that shows each of its pages before it hands it on."""

    def walk(self: App, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        for page in kind.walk(self, checkpoint, memory):
            note(page)
            yield page

    return type(
        kind.__name__, (kind,), {"walk": walk, "__module__": kind.__module__, "__doc__": kind.__doc__}
    )

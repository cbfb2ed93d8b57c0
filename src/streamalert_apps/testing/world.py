"""An app and its twin in a world of their own: time, AWS, and invocations as Lambda makes them.

A run is put together as the Lambda handler does it; only time and what lies beyond the network are
doubles. Each invocation starts from what is stored: nothing of the one before it is left.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias

import httpx

from streamalert_apps.errors import AlreadyRunning, AppError
from streamalert_apps.runtime.batch import Batches
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.destinations.classifier import ClassifierLambda
from streamalert_apps.runtime.event import DEEPEST_SUCCESSION
from streamalert_apps.runtime.handler import CLOSING_SECONDS, LEASE_SLACK
from streamalert_apps.runtime.ssm import ParameterCredentials, ParameterSlot
from streamalert_apps.runtime.state import State
from streamalert_apps.sdk.app import App, Checkpoint, Credentials, Log, Page
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.events import Events
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace
from streamalert_apps.simulator.contract import Facts, Twin
from streamalert_apps.simulator.faults import Fault
from streamalert_apps.simulator.transport import transport
from streamalert_apps.testing.clock import ManualClock
from streamalert_apps.testing.cloud import Functions, Parameters
from streamalert_apps.testing.leaks import Leaks
from streamalert_apps.testing.steps import Circle, Killed, Steps
from streamalert_apps.testing.wire import Wire

FUNCTION: Final = "acme_prod_app"
STATE: Final = f"{FUNCTION}_state"
AUTH: Final = f"{FUNCTION}_auth"
SMALL: Final = 100  # events of a page that was made small
CHECKPOINT_CHARACTERS: Final = 3000
STATE_CHARACTERS: Final = 4096
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

    `budget`: seconds of an invocation; `latency`: seconds of a request.
    """

    page_size: int | None = 20
    batch_bytes: int | None = None  # None: so few that a page fills several
    budget: float = 240.0
    latency: float = 1.0
    faults: tuple[Fault, ...] = ()
    interval: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """How an invocation ended."""

    status: Status
    outcome: Outcome | None = None
    error: AppError | None = None
    requests: int = 0
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
        self.parameters = Parameters(self.clock, self.steps, self._wrote)
        self.functions = Functions(self.clock, self.steps)
        self.began = self.clock.now()
        self.runs: list[Run] = []
        self.pages: list[Passed] = []
        self.findings: dict[str, None] = {}
        self.pages_move = False  # events arrive while pages are read
        self.excused: list[dict[str, Any]] = []
        """Logs that may come again: they were delivered, and the run was killed before it could note it."""
        self._kept: dict[str, bytes] = {}
        self._saved = 0  # batches that had been delivered when the state was written last
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
    def state(self) -> State:
        """What is stored."""
        texts = self.parameters.history(STATE)
        return State.of_text(texts[-1]) if texts else State()

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
        self.steps.run_begins(self.clock.now() + timedelta(seconds=whole))
        self.runs.append(Run("killed"))
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
        if run.outcome is None and run.status != "turned away":
            self._excuse()  # the run could not write how it ended
            if len(self.runs) > number + 1:  # nor give back the state that it took from one that came between
                self._excuse_since(delivered)
        if run.error:
            self.leaks.look_at_error(run.error)
        self.runs[number] = replace(
            run,
            requests=self.wire.requests - requests,
            delivered=len(self.functions.batches) - delivered,
        )
        return self.runs[number]

    def chain(self) -> Run:
        """Run as on a schedule's tick, with the successive invocations that follow; return the last one."""
        run = self.invoke()
        for _ in range(DEEPEST_SUCCESSION):
            wait = run.outcome.retry_after if run.outcome else 0.0
            if run.status != "partial" or wait > self.conditions.budget / 2:
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

    def arrived(self) -> Iterator[dict[str, Any]]:
        """Yield every log that was delivered; of one too large, the whole that was kept."""
        for batch in self.functions.batches:
            yield from map(self.whole, batch)

    def whole(self, log: dict[str, Any]) -> dict[str, Any]:
        """Return a log; of a trimmed copy, what was kept."""
        mark = log.get("_truncated")
        return dict(json.loads(self._kept[mark["sha256"]])) if isinstance(mark, dict) else log

    def _batch_bytes(self) -> int:
        return 8 << 10 if self.facts.page <= SMALL else 64 << 10

    def _is_moving(self, most: int) -> bool:
        """Tell whether there is hope: not too many runs or logs, few runs in a row that got nothing."""
        idle = 0
        for run in reversed(self.runs):
            if run.delivered or run.status in {"succeeded", "killed"}:
                break
            idle += bool(run.requests)
        arrived = sum(map(len, self.functions.batches))
        if (
            arrived > SURPLUS * (1 + self.twin.held(self.app_type).total())
            or self.runs[-1].status == "circling"
        ):
            return False
        return len(self.runs) < most and idle < IDLE_RUNS

    def _enough_runs(self) -> int:
        waiting = self.twin.complete(self.app_type) - self.clock.now()
        held = self.twin.held(self.app_type).total()  # a run that delivers one of them is not stuck
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

        outcome = collect(
            build,
            ParameterSlot(self.parameters, STATE, clock, deadline),
            ClassifierLambda(self.functions, "classifier", FUNCTION),
            Batches(self._keep, self.conditions.batch_bytes or self._batch_bytes()),
            Terms(
                holder=holder,
                clock=clock,
                deadline=deadline,
                lease=timedelta(seconds=whole) + LEASE_SLACK,
                first_look=clock.now() - self.began + self.span + MARGIN,
                after=after,
            ),
        )
        for app in built:
            self.leaks.look_at_app(app)
        self.leaks.look("an outcome", repr(outcome))
        return Run(outcome.status, outcome, outcome.error)

    def _wrote(self) -> None:
        self._saved = len(self.functions.batches)

    def _excuse(self) -> None:
        """Excuse the repeat of what was delivered since the state was written last."""
        self._excuse_since(self._saved)
        self._wrote()
        self.wire.forgive()

    def _excuse_since(self, first: int) -> None:
        for batch in self.functions.batches[first:]:
            self.excused += batch

    def _keep(self, log: bytes, digest: str) -> str:
        self._kept[digest] = log
        return f"kept/{digest}"

    def _note(self, page: Page) -> None:
        """Hold a page's checkpoint to its terms."""
        self.pages.append(Passed(len(self.runs), page.logs, page.checkpoint))
        number = len(self.pages)
        try:
            text = json.dumps(page.checkpoint, allow_nan=False)
        except (TypeError, ValueError) as error:
            self.findings[f"the checkpoint of page {number} is not JSON: {error}"] = None
            return
        if json.loads(text) != page.checkpoint:
            self.findings[f"the checkpoint of page {number} is another one after a way through JSON"] = None
        if len(text) > CHECKPOINT_CHARACTERS:
            self.findings[
                f"the checkpoint of page {number} has {len(text)} characters; {CHECKPOINT_CHARACTERS} fit"
            ] = None


def _watched(kind: type[App], note: Any) -> type[App]:
    """Return an app type that shows each of its pages before it hands it on."""

    def poll(self: App, checkpoint: Checkpoint) -> Iterator[Page]:
        for page in kind.poll(self, checkpoint):
            note(page)
            yield page

    return type(
        kind.__name__, (kind,), {"poll": poll, "__module__": kind.__module__, "__doc__": kind.__doc__}
    )

"""Three ways to collect: one simulated Duo, the same events, faults and schedule.

All read the administrator log, which is the same for all: GET /admin/v1/logs/administrator.

- StreamAlert's way, reimplemented after its documentation and what its version 3.5 does: poll from the
  second after the newest event, send, note the newest; continue in a new invocation where more is left;
  leave where the state says that another one is running.
- Windows with a lag, as most pullers do it: each run takes the time from the end of the last window to a
  fixed lag before now, and notes that end once all of it is sent. A run that fails takes its window again.
- sa-apps, as its Lambda handler runs it. What comes later than the lag that it reckons with, five minutes,
  is found by the daily audit; the case with such events goes on for a day.

Time is simulated, so the figures are the same on every machine.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final

import httpx

from streamalert_apps.sdk.http import Api
from streamalert_apps.services.duo.app import DuoAdmin
from streamalert_apps.services.duo.twin import Duo
from streamalert_apps.simulator import tally
from streamalert_apps.simulator.faults import Dropped, Fault, Status
from streamalert_apps.simulator.transport import transport
from streamalert_apps.testing.clock import ManualClock
from streamalert_apps.testing.leaks import Leaks
from streamalert_apps.testing.steps import Killed, Step
from streamalert_apps.testing.world import Conditions, Run, World

SEED: Final = 1
INTERVAL: Final = timedelta(minutes=10)
SPANS: Final = 6  # of ten minutes, in each of which EVENTS happen
EVENTS: Final = 1500
A_DAY: Final = 6 * 26  # spans
LONG_BEFORE: Final = 6 * 20  # what happens in so many of them is compared within that day
TIMEOUT: Final = 80.0  # what StreamAlert's documentation recommends for Duo
LATENCY: Final = 1.0
LAG: Final = timedelta(minutes=2)  # of the windows: what pullers of Duo's logs have by default
LATENESS: Final = timedelta(minutes=4)  # the most; Duo documents that an event may take minutes to appear
CALL: Final = 0.05  # of Parameter Store or Lambda
PAGE: Final = 1000
BATCH: Final = 500
FAR_TOO_LATE: Final = (timedelta(minutes=5), timedelta(minutes=20))  # one to four times the lag of sa-apps
TITLES: Final = ("lost", "repeated", "found late", "requests", "seconds")
KILLED_AFTER: Final = Step("delivery", 9, done=True)  # and before anything is saved of it


@dataclass(frozen=True)
class Case:
    """What is special about a feed, or about the way to it.

    `events`: of a span; so many of them are `late`, or later than any lag (`far_too_late`), or `together`.
    """

    name: str
    events: int = EVENTS
    late: int = 0
    far_too_late: int = 0
    together: int = 0
    faults: tuple[Fault, ...] = ()
    killed: bool = False

    @property
    def spans(self) -> int:
        """Spans in which something happens."""
        return A_DAY if self.far_too_late else SPANS

    @property
    def ticks(self) -> int:
        """How many runs are scheduled."""
        return self.spans + 4


@dataclass(frozen=True)
class Figures:
    """What came of a case."""

    lost: int
    repeated: int
    found_late: int
    requests: int
    seconds: float

    def cells(self) -> list[str]:
        """Return them for a table."""
        counts = (self.lost, self.repeated, self.found_late, self.requests, self.seconds)
        return [f"{number:,.0f}" for number in counts]


FAULTS: Final = (Fault(Status(429), nth=5), Fault(Dropped(), nth=9), Fault(Status(500), nth=14))
CASES: Final = (
    Case("nothing special"),
    Case("800 events in one second", together=800),
    Case("events up to four minutes late", late=50),
    Case("a 429, a broken connection, a 500", faults=FAULTS),
    Case("one run killed after a delivery", killed=True),
    Case("all of it", late=50, together=800, faults=FAULTS, killed=True),
    Case("a day, some events up to 20 minutes late", events=20, far_too_late=1),
)


def main() -> None:
    """Print the figures of both, case by case."""
    print(f"{SPANS * EVENTS:,} events in an hour; a run each ten minutes.")
    print("Of each way: events lost, repeated, found by an audit, requests, seconds that Lambda bills.\n")
    for line in table(measured()):
        print(line)


def measured() -> dict[str, tuple[Figures, Figures, Figures]]:
    """Return the figures of the three ways for each case."""
    return {case.name: (old_way(case, StreamAlert), old_way(case, Windows), sa_apps(case)) for case in CASES}


def table(rows: dict[str, tuple[Figures, Figures, Figures]], width: int = len(TITLES)) -> Iterator[str]:
    """Yield the lines of a table in Markdown, with the first `width` figures of each way."""
    titles = " | ".join(TITLES[:width])
    yield f"| | StreamAlert: {titles} | windows: {titles} | sa-apps: {titles} |"
    yield "|---" + "|---:" * 3 * width + "|"
    for name, ways in rows.items():
        cells = [cell for one in ways for cell in one.cells()[:width]]
        yield f"| {' | '.join([name, *cells])} |"


def fill(case: Case, twin: Duo) -> None:
    """Let the same events happen for everybody."""
    random = Random(SEED)
    for span in range(case.spans):
        start = twin.clock.now() + span * INTERVAL
        together = case.together if span == SPANS // 2 else 0
        far_too_late = case.far_too_late if span < LONG_BEFORE else 0
        prompt = case.events - case.late - far_too_late
        twin.seed(DuoAdmin.type, events=prompt, burst=together, late=0, start=start, end=start + INTERVAL)
        for _ in range(case.late):
            at = start + random.random() * INTERVAL
            twin.put(DuoAdmin.type, at=at, visible=at + random.random() * LATENESS)
        least, most = FAR_TOO_LATE
        for _ in range(far_too_late):
            at = start + random.random() * INTERVAL
            twin.put(DuoAdmin.type, at=at, visible=at + least + random.random() * (most - least))


def figures(
    twin: Duo, logs: Iterator[dict[str, Any]], requests: int, seconds: float, found_late: int = 0
) -> Figures:
    """Hold what arrived against what happened."""
    counted = tally.compare(twin, DuoAdmin.type, logs)
    return Figures(len(counted.lost), len(counted.repeated), found_late, requests, seconds)


def killer(case: Case) -> Callable[[Step], None]:
    """Return what ends the process once, where the case says so: a batch is out, and nothing noted."""

    def strike(step: Step) -> None:
        if case.killed and step == KILLED_AFTER:
            raise Killed

    return strike


class Timed(World):
    """A world that counts the seconds for which functions run."""

    seconds = 0.0

    def invoke(self, after: str = "") -> Run:
        """Run once."""
        began = self.clock.now()
        run = super().invoke(after)
        self.seconds += (self.clock.now() - began).total_seconds()
        return run


def sa_apps(case: Case) -> Figures:
    """Collect with this project's own code, run as its Lambda handler runs it."""
    conditions = Conditions(None, 256 << 10, TIMEOUT, LATENCY, case.faults, INTERVAL, audits=True)
    world = Timed(DuoAdmin, Duo, conditions, SEED, leaks=Leaks())
    fill(case, world.twin)  # type: ignore[arg-type]
    world.steps.disturb = killer(case)
    start = world.clock.now()
    for tick in range(case.ticks):
        world.clock.sleep_until(start + tick * INTERVAL)
        world.chain()
    found = sum(run.outcome.found_late for run in world.runs if run.outcome)
    twin: Any = world.twin
    return figures(twin, world.arrived(), world.wire.requests, world.seconds, found)


def old_way(case: Case, kind: type[StreamAlert | Windows]) -> Figures:
    """Collect the way others do."""
    clock = ManualClock()
    twin = Duo(clock=clock, seed=SEED)
    fill(case, twin)
    way = kind(twin, clock, httpx.Client(transport=transport(twin, case.faults)), killer(case))
    start = clock.now()
    for tick in range(case.ticks):
        clock.sleep_until(start + tick * INTERVAL)
        way.invoke()
        while way.successive:
            way.invoke(successive=True)
    return figures(twin, iter(way.delivered), way.requests, way.seconds)


@dataclass
class Puller:
    """An app's function, what it keeps from run to run, and what takes its events."""

    twin: Duo
    clock: ManualClock
    client: httpx.Client
    strike: Callable[[Step], None]
    last: int = 0
    successive: bool = False
    delivered: list[dict[str, Any]] = field(default_factory=list)
    deliveries: int = 0
    requests: int = 0
    seconds: float = 0.0

    def invoke(self, *, successive: bool = False) -> None:
        """Run once; a killed process leaves everything as it is."""
        began = self.clock.now()
        self.successive = False
        with suppress(Killed):
            self._run(successive=successive)
        self.seconds += (self.clock.now() - began).total_seconds()

    def _run(self, *, successive: bool) -> None:
        raise NotImplementedError

    def _ask(self, since: int) -> list[dict[str, Any]] | None:
        """Return a page of what happened since a second; None where there is no answer."""
        self.requests += 1
        self.clock.sleep(LATENCY)
        app = DuoAdmin(self.twin.credentials, Api(clock=self.clock))  # for its signature alone
        host, query = self.twin.credentials["api_hostname"], f"mintime={since}"
        headers = {"Host": host, **app._signed(host, query)}
        try:
            answer = self.client.get(f"https://{host}{DuoAdmin.path}?{query}", headers=headers)
        except httpx.TransportError:
            return None
        return list(answer.json()["response"]) if answer.is_success else None

    def _deliver(self, rows: list[dict[str, Any]]) -> None:
        self.clock.sleep(CALL)
        self.delivered += rows
        self.deliveries += 1
        self.strike(Step("delivery", self.deliveries, done=True))


@dataclass
class Windows(Puller):
    """Windows with a lag: their end is noted once all of one is sent."""

    def _run(self, *, successive: bool) -> None:  # noqa: ARG002 (each run is one of the schedule)
        self.last = self.last or int((self.clock.now() - INTERVAL).timestamp())
        until = int((self.clock.now() - LAG).timestamp())
        since, asked = self.last, 0
        while True:
            self.clock.sleep(60 if asked and asked % 2 == 0 else 0)
            asked += 1
            rows = self._ask(since)
            if rows is None:
                return
            ids = {json.dumps(row) for row in self.delivered[-2 * PAGE :]} if since != self.last else set()
            inside = [row for row in rows if row["timestamp"] < until and json.dumps(row) not in ids]
            for start in range(0, len(inside), BATCH):
                self._deliver(inside[start : start + BATCH])
            if len(rows) < PAGE or rows[-1]["timestamp"] >= until or rows[-1]["timestamp"] == since:
                break
            since = rows[-1]["timestamp"]
        self.clock.sleep(CALL)
        self.last = until


@dataclass
class StreamAlert(Puller):
    """StreamAlert's way, with its state in Parameter Store."""

    state: str = "succeeded"

    def _run(self, *, successive: bool) -> None:
        if self.state != "running" and (successive or self.state != "partial"):
            self._gather()

    def _gather(self) -> None:
        self.last = self.last or int((self.clock.now() - INTERVAL).timestamp())
        self._save("running")
        ends = self.clock.now() + timedelta(seconds=TIMEOUT - 2)
        polls, more = 0, True
        while more:
            began = self.clock.now()
            self.clock.sleep(60 if polls and polls % 2 == 0 else 0)
            polls += 1
            more = self._poll()
            took = (self.clock.now() - began).total_seconds()
            wait = 60 if polls % 2 == 0 else 0
            if took * 1.5 + wait >= (ends - self.clock.now()).total_seconds():
                break
        self._save("partial" if more else "succeeded")
        self.successive = more

    def _poll(self) -> bool:
        """Take one page; tell whether another one follows. A failure looks like an empty page."""
        rows = self._ask(self.last + 1)
        if not rows:
            return False
        self.last = rows[-1]["timestamp"]
        self._send(rows)
        self._save("running")
        return len(rows) >= PAGE

    def _send(self, rows: list[dict[str, Any]]) -> None:
        """Send in one batch, or in halves of it as long as one is too large; a log too large is dropped."""
        if len(json.dumps(rows, separators=(",", ":"))) <= 128_000:
            self._deliver(rows)
        elif len(rows) > 1:
            half = math.ceil(len(rows) / 2)
            self._send(rows[:half])
            self._send(rows[half:])

    def _save(self, state: str) -> None:
        self.clock.sleep(CALL)
        self.state = state

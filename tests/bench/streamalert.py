"""StreamAlert's way to collect beside ours: one simulated Duo, the same events, faults and schedule.

Both read the administrator log, the one that is the same for both: GET /admin/v1/logs/administrator.
StreamAlert's way is written down here anew, after its documentation and what its version 3.5 does:
poll from the second after the newest event, send, note the newest; go on in a new invocation where
more is left; leave where the state says that another one is under way. Time is simulated, so the
figures are the same on every machine.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
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
TICKS: Final = SPANS + 4
TIMEOUT: Final = 80.0  # what StreamAlert's documentation recommends for Duo
LATENCY: Final = 1.0
CALL: Final = 0.05  # of Parameter Store or Lambda
PAGE: Final = 1000
KILLED_AFTER: Final = Step("delivery", 9, done=True)  # and before anything is saved of it


@dataclass(frozen=True)
class Case:
    """What is special about a feed, or about the way to it. `late` and `together`: events of a span."""

    name: str
    late: int = 0
    together: int = 0
    faults: tuple[Fault, ...] = ()
    killed: bool = False


@dataclass(frozen=True)
class Figures:
    """What came of a case."""

    lost: int
    repeated: int
    requests: int
    seconds: float

    def cells(self) -> list[str]:
        """Return them for a table."""
        return [f"{number:,.0f}" for number in (self.lost, self.repeated, self.requests, self.seconds)]


FAULTS: Final = (Fault(Status(429), nth=5), Fault(Dropped(), nth=9), Fault(Status(500), nth=14))
CASES: Final = (
    Case("nothing special"),
    Case("800 events in one second", together=800),
    Case("events up to a minute late", late=50),
    Case("a 429, a broken connection, a 500", faults=FAULTS),
    Case("one run killed after a delivery", killed=True),
    Case("all of it", late=50, together=800, faults=FAULTS, killed=True),
)


def main() -> None:
    """Print the figures of both, case by case."""
    print(f"{SPANS * EVENTS:,} events in an hour; a run each ten minutes, {TICKS} in all\n")
    for line in table():
        print(line)


def table() -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    four = "lost | repeated | requests | seconds |"
    yield f"| | StreamAlert: {four} sa-apps: {four}"
    yield "|---" + "|---:" * 8 + "|"
    for case in CASES:
        cells = [cell for one in (streamalert(case), sa_apps(case)) for cell in one.cells()]
        yield f"| {' | '.join([case.name, *cells])} |"


def fill(case: Case, twin: Duo) -> None:
    """Let the same events happen for everybody."""
    for span in range(SPANS):
        start = twin.clock.now() + span * INTERVAL
        together = case.together if span == SPANS // 2 else 0
        twin.seed(
            DuoAdmin.type, events=EVENTS, burst=together, late=case.late, start=start, end=start + INTERVAL
        )


def figures(twin: Duo, logs: Iterator[dict[str, Any]], requests: int, seconds: float) -> Figures:
    """Hold what arrived against what happened."""
    counted = tally.compare(twin, DuoAdmin.type, logs)
    return Figures(len(counted.lost), len(counted.repeated), requests, seconds)


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
    conditions = Conditions(None, 256 << 10, TIMEOUT, LATENCY, case.faults, INTERVAL)
    world = Timed(DuoAdmin, Duo, conditions, SEED, leaks=Leaks())
    fill(case, world.twin)  # type: ignore[arg-type]
    world.steps.disturb = killer(case)
    start = world.clock.now()
    for tick in range(TICKS):
        world.clock.sleep_until(start + tick * INTERVAL)
        world.chain()
    return figures(world.twin, world.arrived(), world.wire.requests, world.seconds)  # type: ignore[arg-type]


def streamalert(case: Case) -> Figures:
    """Collect the way StreamAlert does."""
    clock = ManualClock()
    twin = Duo(clock=clock, seed=SEED)
    fill(case, twin)
    way = StreamAlert(twin, clock, httpx.Client(transport=transport(twin, case.faults)), killer(case))
    start = clock.now()
    for tick in range(TICKS):
        clock.sleep_until(start + tick * INTERVAL)
        way.invoke()
        while way.successive:
            way.invoke(successive=True)
    return figures(twin, iter(way.delivered), way.requests, way.seconds)


@dataclass
class StreamAlert:
    """An app's function, its state in Parameter Store, and the classifier."""

    twin: Duo
    clock: ManualClock
    client: httpx.Client
    strike: Callable[[Step], None]
    state: str = "succeeded"
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
        try:
            if self.state != "running" and (successive or self.state != "partial"):
                self._gather()
        except Killed:
            pass
        self.seconds += (self.clock.now() - began).total_seconds()

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
        rows = self._ask()
        if not rows:
            return False
        self.last = rows[-1]["timestamp"]
        self._send(rows)
        self._save("running")
        return len(rows) >= PAGE

    def _ask(self) -> list[dict[str, Any]]:
        self.requests += 1
        self.clock.sleep(LATENCY)
        app = DuoAdmin(self.twin.credentials, Api(clock=self.clock))  # for its signature alone
        host, query = self.twin.credentials["api_hostname"], f"mintime={self.last + 1}"
        headers = {"Host": host, **app._signed(host, query)}
        try:
            answer = self.client.get(f"https://{host}{DuoAdmin.path}?{query}", headers=headers)
        except httpx.TransportError:
            return []
        return list(answer.json()["response"]) if answer.is_success else []

    def _send(self, rows: list[dict[str, Any]]) -> None:
        """Send in one batch, or in halves of it as long as one is too large; a log too large is dropped."""
        if len(json.dumps(rows, separators=(",", ":"))) <= 128_000:
            self.clock.sleep(CALL)
            self.delivered += rows
            self.deliveries += 1
            self.strike(Step("delivery", self.deliveries, done=True))
        elif len(rows) > 1:
            half = math.ceil(len(rows) / 2)
            self._send(rows[:half])
            self._send(rows[half:])

    def _save(self, state: str) -> None:
        self.clock.sleep(CALL)
        self.state = state

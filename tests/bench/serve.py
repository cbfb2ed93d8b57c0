"""How `sa-apps serve` does: an hour of 50 apps with faults in simulated time, and 200 apps in real time.

The hour is the same on every machine: one worker, an app each minute, of which one run in fifty is killed and
one request in twenty fails. What 200 apps take is measured on the machine at hand, each run once a minute
against a simulated Duo in another process.
"""

from __future__ import annotations

import json
import os
import resource
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from streamalert_apps.errors import AlreadyRunning, AppError, Unavailable
from streamalert_apps.runtime.schedule import parse
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.app import Json
from streamalert_apps.sdk.events import Fetched
from streamalert_apps.serve.agenda import Again, Agenda, Task
from tests.bench import freshness
from tests.bench.freshness import START, Case, Result, Service, feed_of, judge, recorded
from tests.serve.stand import Serving, duo, write_project
from tests.simulator.world import StillClock

EVENTS_A_SECOND: Final = 0.05
LAG: Final = timedelta(minutes=5)
BUDGET_SECONDS: Final = 50.0
KILLED: Final = 0.02  # of runs
FAILED: Final = 0.05  # of requests


class Killed(BaseException):
    """The process of a run ends here."""


@dataclass
class App:
    """An app with its service and its record, and how often its runs ended how."""

    name: str
    service: Service
    clock: StillClock
    random: Random
    ends: Counter[str] = field(default_factory=Counter)
    dies: bool = False

    def __post_init__(self) -> None:
        app, kind = self, feed_of(self.service.case, self.service, self.clock)
        self.store = MemoryStore(self.clock)

        class Unlucky(kind):  # type: ignore[misc, valid-type]
            def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
                if app.dies:
                    raise Killed
                if app.random.random() < FAILED:
                    raise Unavailable("The service is down.")
                fetched: Fetched = super().fetch(since, until, token)
                return fetched

        self.kind = Unlucky

    def run(self) -> Again | None:
        """Run once; return when it is to run again, beside its schedule."""
        self.dies = self.random.random() < KILLED
        try:
            outcome = freshness.run(
                self.kind, self.store, self.clock, BUDGET_SECONDS, sum(self.ends.values())
            )
        except Killed:
            self.ends["killed"] += 1
            return None
        except AlreadyRunning as error:
            self.ends["waited"] += 1
            until = error.until or self.clock.now()
            return Again((until - self.clock.now()).total_seconds() + 1, same=True)
        except AppError:
            self.ends["failed"] += 1
            return None
        self.ends[outcome.status] += 1
        return Again(outcome.retry_after) if outcome.calls_for_another(BUDGET_SECONDS) else None


def hour(apps: int = 50, hours: float = 1.0, seed: int = 1) -> tuple[list[Result], Counter[str]]:
    """Run apps by an agenda for so long; return how soon the events of each were on record, and all ends."""
    clock, random = StillClock(START), Random(seed)
    case = Case("newest first", EVENTS_A_SECOND, LAG, hours=hours)
    all_apps = {
        f"app{number}": App(f"app{number}", Service(case, Random(seed + number)), clock, random)
        for number in range(apps)
    }
    agenda = Agenda()
    agenda.plan(dict.fromkeys(all_apps, parse("rate(1 minute)")), clock.now())
    end = START + timedelta(hours=hours)
    while clock.now() < end:
        task = _next(agenda, clock)
        agenda.done(task, clock.now(), all_apps[task.name].run())
    results = []
    for app in all_apps.values():
        got, twice = recorded(app.store)
        results.append(judge(app.service, got, twice=twice))
    return results, sum((app.ends for app in all_apps.values()), Counter())


def _next(agenda: Agenda, clock: StillClock) -> Task:
    while (task := agenda.take(clock.now())) is None:
        due = agenda.next_due()
        assert due
        clock.sleep(max(0.001, (due - clock.now()).total_seconds()))
    return task


@dataclass(frozen=True)
class Taken:
    """What a collector took: seconds of CPU for each of the clock, MB at most, and its runs a minute."""

    cpu: float
    megabytes: float
    runs: float
    failed: int
    seconds: list[float]


def measure(apps: int, seconds: float, *options: str) -> Taken:
    """Run a collector of so many apps, each once a minute, for so long; start-up counts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder, duo() as service:
        root = Path(folder)
        names = [f"app{number}" for number in range(apps)]
        write_project(root, names, service, schedule_expression="rate(1 minute)")
        service.emit(int(seconds), within=seconds)
        began = time.monotonic()
        with Serving(root, service, "--log-format", "json", *options) as serving:
            time.sleep(seconds)
            serving.stop()
        passed = time.monotonic() - began
        lines: list[dict[str, Any]] = [
            json.loads(line) for line in serving.said.splitlines() if line.startswith("{")
        ]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = [line for line in lines if line["message"] == "run ended"]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(
        cpu / passed,
        after.ru_maxrss / 1024,
        len(ended) / passed * 60,
        sum(line["status"] != "succeeded" for line in ended),
        sorted(line["seconds"] for line in ended),
    )


def main() -> None:
    """Print two tables."""
    results, ends = hour()
    print("an hour of 50 apps, simulated: " + ", ".join(f"{end} {count}" for end, count in ends.items()))
    print(f"{'p50':>8}{'p90':>8}{'p99':>8}{'lost':>6}{'twice':>6}")
    for share, shown in ((0.5, "median app"), (1.0, "worst app")):
        at = min(len(results) - 1, int(len(results) * share))
        p50, p90, p99 = (
            sorted(getattr(result, key) for result in results)[at] for key in ("p50", "p90", "p99")
        )
        lost, twice = sum(r.lost for r in results), sum(r.twice for r in results)
        print(f"{p50:8.0f}{p90:8.0f}{p99:8.0f}{lost:6d}{twice:6d}  {shown}")
    print(f"\n{'apps':>5}{'CPU, % of a core':>18}{'MB':>6}{'runs a minute':>15}{'failed':>8}{'s a run':>9}")
    for apps in (10, 200):
        took = measure(apps, float(os.environ.get("SA_APPS_BENCH_SECONDS", "180")))
        median = took.seconds[len(took.seconds) // 2]
        cpu, megabytes = f"{took.cpu * 100:.0f}", f"{took.megabytes:.0f}"
        print(f"{apps:5d}{cpu:>18}{megabytes:>6}{took.runs:15.0f}{took.failed:8d}{median:9.2f}")

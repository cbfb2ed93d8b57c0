"""The whole job for one app type, with no account: a simulated service, a project, an app, runs, a count."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from streamalert_apps.cli import configure, output
from streamalert_apps.cli.credentials import Source
from streamalert_apps.cli.prompts import Prompts
from streamalert_apps.cli.run import Run
from streamalert_apps.cli.start import start_project
from streamalert_apps.config import conf
from streamalert_apps.plugins.registry import Registry
from streamalert_apps.runtime.destinations.jsonlines import JsonLines
from streamalert_apps.sdk.app import App, service_of
from streamalert_apps.sdk.clock import Clock, FastClock
from streamalert_apps.services import twins
from streamalert_apps.simulator.faults import Dropped, Fault, Status
from streamalert_apps.simulator.server import Server, serve
from streamalert_apps.simulator.tally import compare

CLUSTER: Final = "demo"
NAME: Final = "collector"
SPEED: Final = 180  # the demonstration's clock: an hour passes in 20 seconds
SHORTEST_INTERVAL: Final = timedelta(minutes=4)  # between two runs
LOOK_BACK: Final = timedelta(minutes=100)
MARGIN: Final = timedelta(minutes=1)
STILL_TO_COME: Final = timedelta(minutes=3)  # the last events happen while the first run reads


class LeapingClock(FastClock):
    """A fast clock that leaps over every wait: a lag of hours or days costs no time."""

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self._start += timedelta(seconds=max(0.0, seconds))


@dataclass(frozen=True, slots=True)
class Shown:
    """What the service held of one app type, and what became of it."""

    app_type: str
    events: int
    delivered: int
    lost: int
    repeated: int
    requests: int
    refused: int
    burst: int
    late: int
    runs: int
    seconds: float

    @property
    def service(self) -> str:
        """The service that the app type is of."""
        return service_of(self.app_type)


def demonstrate(kind: type[App], folder: Path, events: int, clock: Clock) -> Shown:
    """Collect an app type's events on schedule until nothing is left; what it does is told in words."""
    began = time.monotonic()
    app_type, service = kind.type, service_of(kind.type)
    twin = twins.twin(service, clock=clock)
    lag = kind.lag or timedelta(0)
    interval = max(SHORTEST_INTERVAL, lag / 4)
    most = (twin.facts(app_type).in_one_second or 2 * events) // 2
    burst, late = min(max(events * 24 // 100, 1), most), max(events // 100, 1)
    now = clock.now()
    start, end = now - LOOK_BACK, now + STILL_TO_COME
    twin.seed(app_type, events=events, burst=burst, late=late, start=start, end=end)
    runs = 0
    logs = folder / "logs.jsonl"
    with serve(twin, faults=[Fault(Status(429), nth=2), Fault(Dropped(), nth=4)]) as server:
        title = service.capitalize()
        output.say(f"A simulated {title} holds {events:,} events: {burst:,} in one second, {late:,} late.")
        project, app = _project(folder, app_type, twin.credentials, clock, server)
        with logs.open("ab") as file:
            run = Run(project, app, JsonLines(file), simulator=server.url, clock=clock)
            done = False
            while not done:
                run_began = clock.now()
                runs += 1
                with output.progress(f"Run {runs}") as show:
                    outcome = run.collect(show=show)
                if outcome.error and outcome.status == "failed":
                    raise outcome.error
                output.say(f"Run {runs}: {outcome.logs:,} logs, {outcome.repeats:,} repeats left out.")
                everything_was_there = run_began >= twin.complete(app_type) + lag + MARGIN
                done = everything_was_there and outcome.status == "succeeded"
                if not done:
                    clock.sleep(max(0.0, (run_began + interval - clock.now()).total_seconds()))
        with logs.open("rb") as file:
            tally = compare(twin, app_type, map(json.loads, file))
        asked = server.requests
    return Shown(
        app_type,
        events=tally.held,
        delivered=tally.arrived,
        lost=len(tally.lost),
        repeated=len(tally.repeated) + len(tally.foreign),
        requests=len(asked),
        refused=sum(request.status != 200 for request in asked),  # noqa: PLR2004
        burst=burst,
        late=late,
        runs=runs,
        seconds=time.monotonic() - began,
    )


def _project(
    folder: Path, app_type: str, credentials: Mapping[str, Any], clock: Clock, server: Server
) -> tuple[conf.Project, conf.AppConf]:
    """Do what `init --local` and `new` do."""
    nobody = Prompts("a demonstration asks nothing")
    start_project(folder, CLUSTER, {}, nobody, local=True)
    output.say(f"init: made conf/ in {folder}.")
    project = conf.load(folder)
    source = Source(nobody, credentials, simulator=server.url, clock=clock)
    wanted = configure.wanted(project, CLUSTER, app_type, NAME)
    configure.add(project, wanted, Registry(), source)
    output.say(f"new: added {app_type} '{NAME}', its credentials in .sa-apps/.")
    return conf.load(folder), wanted

"""`sa-apps demo`: the whole job with no account: a simulated service, a project, an app, runs, a count."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streamalert_apps.cli import options, output
from streamalert_apps.errors import UsageError

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.sdk.clock import Clock
    from streamalert_apps.simulator.server import Server

EXAMPLES = """Examples:

\b
  sa-apps demo
  sa-apps demo --events 20000 --keep ./demo
  sa-apps demo --json"""

APP_TYPE: Final = "duo_auth"
CLUSTER: Final = "demo"
NAME: Final = "collector"
SPEED: Final = 180  # the demonstration's clock: an hour passes in 20 seconds
INTERVAL: Final = timedelta(minutes=4)  # between two runs
SETTLING: Final = timedelta(minutes=6)  # after that, what came late or had to wait has been collected
STILL_TO_COME: Final = timedelta(minutes=3)  # the last events happen while the first run reads


def command(
    *,
    events: Annotated[
        int, typer.Option(help="How many events the service holds.", min=100, metavar="N")
    ] = 5000,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Leave the project and the logs in this folder.", metavar="DIR", show_default=False
        ),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Show the whole job in seconds: no account, no AWS, no network.

    A simulated Duo holds the events: over a fifth of them in one second, some late. It limits requests,
    answers 429 and breaks a connection on the way. The demonstration makes a project, adds an app, runs
    it on schedule, and counts what arrived against what the service held.
    """
    began = time.monotonic()
    with _folder(keep) as folder:
        result = _demonstrate(folder, events)
    seconds = time.monotonic() - began
    failed = bool(result.lost or result.repeated)
    told = {
        "events": result.events,
        "delivered": result.delivered,
        "lost": result.lost,
        "repeated": result.repeated,
        "seconds": round(seconds, 2),
        "requests": result.requests,
        "refused": result.refused,
        "in_one_second": result.burst,
        "late": result.late,
        "runs": result.runs,
    }
    if as_json:
        output.envelope("demo", told, failed=failed)
    else:
        _tell(result, seconds, keep)
    return 1 if failed else 0


@dataclass(frozen=True, slots=True)
class Result:
    """What the service held and what became of it."""

    events: int
    delivered: int
    lost: int
    repeated: int
    requests: int
    refused: int
    burst: int
    late: int
    runs: int


def _demonstrate(folder: Path, events: int) -> Result:
    from streamalert_apps import simulator
    from streamalert_apps.cli.run import Run
    from streamalert_apps.runtime.destinations.jsonlines import JsonLines
    from streamalert_apps.sdk.clock import FastClock
    from streamalert_apps.simulator.faults import Dropped, Fault, Status
    from streamalert_apps.simulator.server import serve
    from streamalert_apps.simulator.tally import compare

    clock = FastClock(SPEED)
    twin = simulator.twin("duo", clock=clock)
    burst, late = max(events * 24 // 100, 1), max(events // 100, 1)
    now = clock.now()
    start, end = now - timedelta(minutes=100), now + STILL_TO_COME
    twin.seed(APP_TYPE, events=events, burst=burst, late=late, start=start, end=end)
    runs = 0
    logs = folder / "logs.jsonl"
    with serve(twin, faults=[Fault(Status(429), nth=2), Fault(Dropped(), nth=4)]) as server:
        output.say(f"A simulated Duo holds {events:,} events: {burst:,} in one second, {late:,} late.")
        project, app = _project(folder, twin.credentials, clock, server)
        with logs.open("ab") as file:
            run = Run(project, app, JsonLines(file), simulator=server.url, clock=clock)
            while (began := clock.now()) < twin.complete(APP_TYPE) + SETTLING:
                runs += 1
                with output.progress(f"Run {runs}") as show:
                    outcome = run.collect(show=show)
                if outcome.error:
                    raise outcome.error
                output.say(f"Run {runs}: {outcome.logs:,} logs, {outcome.repeats:,} repeats left out.")
                clock.sleep(max(0.0, (began + INTERVAL - clock.now()).total_seconds()))
        with logs.open("rb") as file:
            tally = compare(twin, APP_TYPE, map(json.loads, file))
        asked = server.requests
    return Result(
        events=tally.held,
        delivered=tally.arrived,
        lost=len(tally.lost),
        repeated=len(tally.repeated) + len(tally.foreign),
        requests=len(asked),
        refused=sum(request.status != 200 for request in asked),  # noqa: PLR2004
        burst=burst,
        late=late,
        runs=runs,
    )


def _project(
    folder: Path, credentials: Mapping[str, Any], clock: Clock, server: Server
) -> tuple[Project, AppConf]:
    """Do what `init --local` and `new` do."""
    from streamalert_apps.cli import configure
    from streamalert_apps.cli.credentials import Source
    from streamalert_apps.cli.prompts import Prompts
    from streamalert_apps.cli.start import start_project
    from streamalert_apps.config import conf
    from streamalert_apps.plugins.registry import Registry

    nobody = Prompts("a demonstration asks nothing")
    start_project(folder, CLUSTER, {}, nobody, local=True)
    output.say(f"init: made conf/ in {folder}.")
    project = conf.load(folder)
    source = Source(nobody, credentials, simulator=server.url, clock=clock)
    wanted = configure.wanted(project, CLUSTER, APP_TYPE, NAME)
    configure.add(project, wanted, Registry(), source)
    output.say(f"new: added {APP_TYPE} '{NAME}', its credentials in .sa-apps/.")
    return conf.load(folder), wanted


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with TemporaryDirectory(prefix="sa-apps-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is there and not empty.", hint="Give --keep a new folder.")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.absolute()


def _tell(result: Result, seconds: float, keep: Path | None) -> None:
    output.data(f"The service held   {result.events:>9,} events")
    output.data(f"  in one second    {result.burst:>9,}")
    output.data(f"  visible late     {result.late:>9,}")
    output.data(f"Requests           {result.requests:>9,}, {result.refused} of them refused or broken")
    output.data(f"Arrived            {result.delivered:>9,} logs")
    output.data(f"Lost               {result.lost:>9,}")
    output.data(f"Repeated           {result.repeated:>9,}")
    output.data(f"Seconds            {seconds:>9.1f}")
    if keep:
        output.say(f"The project is in {keep}, the logs in {keep / 'logs.jsonl'}.")
    output.say("Next: `sa-apps init` starts a project of your own.")

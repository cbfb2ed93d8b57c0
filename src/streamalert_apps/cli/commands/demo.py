"""`sa-apps demo`: the whole job with no account, for one app type, a service, or all of them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.sdk.app import App
    from streamalert_apps.sdk.clock import Clock
    from streamalert_apps.serve.destinations import Target
    from streamalert_apps.serve.turn import Turn
    from streamalert_apps.simulator.server import Server

EXAMPLES = """Examples:

\b
  sa-apps demo
  sa-apps demo --service slack
  sa-apps demo --service all --json
  sa-apps demo --events 20000 --keep ./demo"""

DEFAULT: Final = "duo_auth"
ALL: Final = "all"
COLUMNS: Final = ("service", "app type", "held", "arrived", "lost", "repeated", "requests", "seconds")
TOTALS: Final = ("events", "delivered", "lost", "repeated", "requests", "refused", "runs")
CLUSTER: Final = "demo"
NAME: Final = "collector"
LOGS: Final = Path("logs") / f"{NAME}.jsonl"
SPEED: Final = 180  # the demonstration's clock: an hour passes in 20 seconds
SHORTEST_INTERVAL: Final = timedelta(minutes=4)  # between two runs
LOOK_BACK: Final = timedelta(minutes=100)
MARGIN: Final = timedelta(minutes=1)
AGO: Final = timedelta(
    days=1
)  # the demonstration's clock is past, so that a project that is kept has no future
STILL_TO_COME: Final = timedelta(minutes=3)  # the last events happen while the first run reads


def command(
    *,
    service: Annotated[
        str,
        typer.Option(
            help="A service, one of its app types, or all.",
            metavar="NAME",
            autocompletion=options.complete_demo,
        ),
    ] = DEFAULT,
    events: Annotated[
        int, typer.Option(help="How many events each app type's log holds.", min=100, metavar="N")
    ] = 5000,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Leave the project and the logs in this folder.", metavar="DIR", show_default=False
        ),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Show the whole job in seconds, without an account or AWS.

    A simulated service holds the events: a fifth of them in one second, some late. It limits requests,
    answers 429 and breaks a connection on the way. The demo creates a project, adds an app, runs it on
    schedule, and compares what arrived with what the service held. It shows one of several app types
    that differ only in their names.
    """
    began = time.monotonic()
    kinds = _kinds(service)
    with _folder(keep) as folder:
        shown = _demonstrate(kinds, folder, events, leap=service != DEFAULT)
    seconds = time.monotonic() - began
    failed = any(one.lost or one.repeated for one in shown)
    if as_json:
        output.envelope("demo", _told(shown, seconds), failed=failed)
    else:
        _tell(shown, seconds, keep)
    return 1 if failed else 0


def _kinds(name: str) -> list[type[App]]:
    """Return the app types to show; raise UsageError for a name that is none."""
    from difflib import get_close_matches

    from streamalert_apps import services
    from streamalert_apps.sdk.app import service_of

    if name == ALL:
        return [kind for service in services.services() for kind in _unlike(service)]
    if name in services.services():
        return _unlike(name)
    if kind := services.apps(service_of(name)).get(name):
        return [kind]
    close = get_close_matches(name.replace("-", "_"), [ALL, *services.services(), *services.names()], n=1)
    raise UsageError(
        f"There is no service '{name}' to show.",
        hint=f"Did you mean '{close[0]}'?"
        if close
        else f"There are: {', '.join(services.services())}, {ALL}.",
    )


def _unlike(service: str) -> list[type[App]]:
    """Return a service's app types, one of those that are alike."""
    from streamalert_apps import services
    from streamalert_apps.testing.conformance import representatives

    return representatives(services.apps(service).values())


def _demonstrate(kinds: Sequence[type[App]], folder: Path, events: int, *, leap: bool) -> list[Shown]:
    """Show app types, each in a project of its own; waits are leapt over but in the short tour of one."""
    from streamalert_apps.sdk.clock import FastClock

    shown = []
    for kind in kinds:
        place = folder / kind.type if len(kinds) > 1 else folder
        place.mkdir(exist_ok=True)
        start = datetime.now(UTC) - AGO - 3 * (kind.lag or timedelta(0))
        clock = LeapingClock(SPEED, start) if leap else FastClock(SPEED, start)
        shown.append(_tour(kind, place, events, clock))
    return shown


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        from tempfile import TemporaryDirectory

        with TemporaryDirectory(prefix="sa-apps-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is there and not empty.", hint="Give --keep a new folder.")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.absolute()


def _told(shown: Sequence[Shown], seconds: float) -> dict[str, Any]:
    """Return the totals, and each app type's own numbers in `services`."""
    return {
        **{name: sum(getattr(one, name) for one in shown) for name in TOTALS},
        "in_one_second": sum(one.burst for one in shown),
        "late": sum(one.late for one in shown),
        "seconds": round(seconds, 2),
        "services": [_entry(one) for one in shown],
    }


def _entry(one: Shown) -> dict[str, Any]:
    numbers = {name: getattr(one, name) for name in ("events", "delivered", "lost", "repeated", "requests")}
    return {
        "service": one.service,
        "app_type": one.app_type,
        **numbers,
        "seconds": round(one.seconds, 2),
    }


def _tell(shown: Sequence[Shown], seconds: float, keep: Path | None) -> None:
    if len(shown) == 1:
        _tell_one(shown[0], seconds)
    else:
        _tell_all(shown, seconds)
    if keep:
        logs = keep / LOGS if len(shown) == 1 else keep / "*" / LOGS
        output.say(f"The project is in {keep}, the logs in {logs}.")
    output.say("Next: `sa-apps init --local` starts a project of your own on this machine.")


def _tell_one(result: Shown, seconds: float) -> None:
    output.data(f"The service held   {result.events:>9,} events")
    output.data(f"  in one second    {result.burst:>9,}")
    output.data(f"  delivered late   {result.late:>9,}")
    output.data(f"Requests           {result.requests:>9,}, {result.refused} of them failed")
    output.data(f"Arrived            {result.delivered:>9,} logs")
    output.data(f"Lost               {result.lost:>9,}")
    output.data(f"Repeated           {result.repeated:>9,}")
    output.data(f"Seconds            {seconds:>9.1f}")


def _tell_all(shown: Sequence[Shown], seconds: float) -> None:
    """Write the table: drawn on a terminal, a tab between columns elsewhere."""
    rows = [_row(_entry(one)) for one in shown]
    total = _told(shown, seconds)
    rows.append(_row({"service": "all", "app_type": f"{len(shown)} app types", **total}))
    if output.is_terminal(sys.stdout):
        output.table(COLUMNS, rows, right=range(2, len(COLUMNS)))
        return
    for row in (COLUMNS, *rows):
        output.data("\t".join(row))


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    numbers = (f"{entry[name]:,}" for name in ("events", "delivered", "lost", "repeated", "requests"))
    return (entry["service"], entry["app_type"], *numbers, f"{entry['seconds']:.1f}")


class LeapingClock:
    """A fast clock that leaps over every wait: a lag of hours or days costs no time."""

    def __init__(self, speed: float, start: datetime | None = None) -> None:
        from streamalert_apps.sdk.clock import FastClock

        self._clock = FastClock(speed, start)
        self._leapt = timedelta(0)

    def now(self) -> datetime:
        """Return the aware UTC time on this clock."""
        return self._clock.now() + self._leapt

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self._leapt += timedelta(seconds=max(0.0, seconds))


class Shown(NamedTuple):
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
        from streamalert_apps.sdk.app import service_of

        return service_of(self.app_type)


def _tour(kind: type[App], folder: Path, events: int, clock: Clock) -> Shown:
    """Collect an app type's events on schedule until nothing is left; what it does is told in words."""
    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.sdk.app import service_of
    from streamalert_apps.serve import destinations
    from streamalert_apps.services import twins
    from streamalert_apps.simulator.faults import Dropped, Fault, Status
    from streamalert_apps.simulator.server import serve
    from streamalert_apps.simulator.tally import compare

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
    with serve(twin, faults=[Fault(Status(429), nth=2), Fault(Dropped(), nth=4)]) as server:
        title = service.capitalize()
        output.say(
            f"A simulated {title} holds {counted(events, 'event')}: {burst:,} in one second, {late:,} late."
        )
        project, app = _project(folder, app_type, twin.credentials, clock, server)
        with closing(destinations.own(project, app, lambda: aws_session(project.account))) as target:
            turn = _turn(project, app, kind, target, url=server.url, clock=clock)
            runs = _collect_all(turn, clock, interval, lambda: twin.complete(app_type) + lag + MARGIN)
        with (folder / LOGS).open("rb") as file:
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


def _turn(project: Project, app: AppConf, kind: type[App], target: Target, *, url: str, clock: Clock) -> Turn:
    """Return what `run` would take its turn with, on the demonstration's clock."""
    from streamalert_apps.cli.credentials import credentials_of
    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.serve.turn import Turn, place_of

    place = place_of(project, app, lambda: aws_session(project.account), clock)
    destinations = {target.name: target.outlet}
    return Turn(app, kind, lambda: credentials_of(project, app, kind), place, destinations, url, clock)


def _collect_all(turn: Turn, clock: Clock, interval: timedelta, complete: Callable[[], datetime]) -> int:
    """Run on schedule until one that began after all was there has collected it; return how many it took."""
    from streamalert_apps.cli.terminal.collecting import collecting

    runs = 0
    while True:
        began = clock.now()
        runs += 1
        with collecting(f"Run {runs}", turn.kind) as show:
            outcome = turn.collect(show)
        if outcome.error and outcome.status == "failed":
            raise outcome.error
        dropped = counted(outcome.repeats, "duplicate")
        output.say(f"Run {runs}: {counted(outcome.events, 'event')} on record, {dropped} dropped.")
        if began >= complete() and outcome.status == "succeeded":
            return runs
        clock.sleep(max(0.0, (began + interval - clock.now()).total_seconds()))


def _project(
    folder: Path, app_type: str, credentials: Mapping[str, Any], clock: Clock, server: Server
) -> tuple[Project, AppConf]:
    """Do what `init --local` and `new` do."""
    from streamalert_apps.cli.adding import add, wanted
    from streamalert_apps.cli.commands.init import start_project
    from streamalert_apps.cli.credentials import Source
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.config import conf
    from streamalert_apps.plugins.registry import Registry

    nobody = Prompts("a demonstration asks nothing")
    start_project(folder, CLUSTER, {}, nobody, local=True)
    output.say(f"init: created conf/ in {folder}.")
    project = conf.load(folder)
    source = Source(nobody, credentials, simulator=server.url, clock=clock)
    app = wanted(project, CLUSTER, app_type, NAME)
    add(project, app, Registry(), source)
    output.say(f"new: added {app_type} '{NAME}', its credentials in .sa-apps/.")
    return conf.load(folder), app

"""`sa-apps demo`: the whole job with no account, for one app type, a service, or all of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import UsageError

if TYPE_CHECKING:
    from streamalert_apps.cli.demonstration import Shown
    from streamalert_apps.sdk.app import App

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


def command(
    *,
    service: Annotated[
        str,
        typer.Option(help="A service, one of its app types, or all.", metavar="NAME"),
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
    answers 429 and breaks a connection on the way. The demonstration makes a project, adds an app, runs
    it on schedule, and counts what arrived against what the service held. Of app types that are alike
    but for their names one is shown.
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
    from streamalert_apps.cli.demonstration import SPEED, LeapingClock, demonstrate
    from streamalert_apps.sdk.clock import FastClock

    shown = []
    for kind in kinds:
        place = folder / kind.type if len(kinds) > 1 else folder
        place.mkdir(exist_ok=True)
        shown.append(demonstrate(kind, place, events, LeapingClock(SPEED) if leap else FastClock(SPEED)))
    return shown


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
        logs = keep / "logs.jsonl" if len(shown) == 1 else keep / "*" / "logs.jsonl"
        output.say(f"The project is in {keep}, the logs in {logs}.")
    output.say("Next: `sa-apps init` starts a project of your own.")


def _tell_one(result: Shown, seconds: float) -> None:
    output.data(f"The service held   {result.events:>9,} events")
    output.data(f"  in one second    {result.burst:>9,}")
    output.data(f"  visible late     {result.late:>9,}")
    output.data(f"Requests           {result.requests:>9,}, {result.refused} of them refused or broken")
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
        output.table(COLUMNS, rows)
        return
    for row in (COLUMNS, *rows):
        output.data("\t".join(row))


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    numbers = (f"{entry[name]:,}" for name in ("events", "delivered", "lost", "repeated", "requests"))
    return (entry["service"], entry["app_type"], *numbers, f"{entry['seconds']:.1f}")

"""How apps are, in words: a table for several, lines for one."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from streamalert_apps.cli.terminal import output
from streamalert_apps.cli.terminal.description import label
from streamalert_apps.cli.terminal.output import Cell
from streamalert_apps.sdk.count import counted
from streamalert_apps.serve.condition import Health, Status, length

if TYPE_CHECKING:
    from rich.table import Table

    from streamalert_apps.runtime.head import Position

COLUMNS: Final = ("App", "Health", "Lag", "Last run", "Events", "Destinations")
_RIGHT: Final = {2, 4}
_COLOURS: Final = {
    Health.UNHEALTHY: "bold red",
    Health.WARNING: "yellow",
    Health.HEALTHY: "green",
    Health.PAUSED: "dim",
}


def lines(statuses: Sequence[Status]) -> Iterator[str]:
    """Yield how apps are, some lines for each, and one in all for several."""
    for status in statuses:
        yield f"{label(status.app)}: {status.health.value}"
        yield from (f"  ! {problem}" for problem in status.problems)
        yield from (f"  - {note}" for note in status.notes)
        yield from (f"  {line}" for line in (*_deployed(status), *_collected(status)))
        if len(statuses) > 1:
            yield ""
    if len(statuses) > 1:
        yield summary(statuses)


def table(statuses: Sequence[Status]) -> Table:
    """Return a table with a row for each app."""
    return output.drawn(COLUMNS, [_row(status) for status in statuses], right=_RIGHT)


def problems(statuses: Sequence[Status]) -> Iterator[str]:
    """Yield what is wrong or worth a look, a line each below the app's name."""
    for status in statuses:
        if status.problems or status.notes:
            yield label(status.app)
            yield from (f"  ! {problem}" for problem in status.problems)
            yield from (f"  - {note}" for note in status.notes)


def summary(statuses: Sequence[Status]) -> str:
    """Return in one line how many are how, and how far the worst is behind."""
    counts = Counter(status.health for status in statuses)
    told = ", ".join(f"{counts[health]} {health.value}" for health in Health if counts[health])
    lags = [status.lag for status in statuses if status.lag is not None]
    behind = f"; largest lag {length(max(lags))}" if lags else ""
    return f"{counted(len(statuses), 'app')}: {told}{behind}."


def show(statuses: Sequence[Status]) -> None:
    """Write how apps are: as a table where somebody looks and it fits, else as lines."""
    if len(statuses) > 1 and output.is_terminal(sys.stdout):
        drawn = table(statuses)
        if output.fits(drawn):
            output.show(drawn)
            output.data("\n".join(("", *problems(statuses), summary(statuses))))
            return
    output.data("\n".join(lines(statuses)))


def _row(status: Status) -> list[Cell]:
    lag = "" if status.lag is None else length(status.lag)
    last = status.last_run
    delivered = ", ".join(_in_short(status, name, at) for name, at in status.positions())
    health = Cell(status.health.value, _COLOURS[status.health])
    events = f"{last.events:,}" if last else ""
    cells = (lag, _run_in_short(status), events, delivered)
    return [Cell(label(status.app)), health, *map(Cell, cells)]


def _run_in_short(status: Status) -> str:
    if status.running_since:
        return f"running for {length(status.now - status.running_since)}"
    last = status.last_run
    return f"{length(status.now - last.started)} ago: {last.status}" if last else "none yet"


def _in_short(status: Status, name: str, position: Position) -> str:
    told = [position.state] if position.state else []
    if waiting := status.waiting(position):
        told.append(f"{waiting:,} waiting")
    if position.dead:
        told.append(f"{position.dead:,} dead")
    return f"{name} ({', '.join(told)})" if told else name


def _deployed(status: Status) -> Iterator[str]:
    if not status.deployment:
        return
    yield f"version {status.deployment.version}{'' if status.deployment.drift else ', up to date'}"
    yield status.deployment.schedule + ("" if status.deployment.enabled else ", paused")
    runs = status.deployment.counts
    yield f"last 24 hours: {counted(runs.invocations, 'invocation')}, {counted(runs.errors, 'error')}"


def _collected(status: Status) -> Iterator[str]:
    last = status.last_run
    if since := status.running_since:
        yield f"running since {since:%H:%M:%S} UTC"
    elif not last and status.is_readable:
        yield "has not run yet"
    if last:
        what = "last finished run" if status.running_since else "last run"
        ago = length(status.now - last.started)
        yield f"{what} {ago} ago: {last.status}, {counted(last.events, 'event')} in {last.seconds:.1f} s"
    if recorded := status.progress.recorded:
        ago = length(status.now - recorded)
        yield f"collected until {recorded:%Y-%m-%d %H:%M:%S} UTC, {ago} ago"
    yield from _audited(status)
    for name, position in status.positions():
        yield f"{name}: {_delivered(status, position)}"


def _audited(status: Status) -> Iterator[str]:
    audit = status.head.audit if status.head else None
    if audit and audit.off:
        yield f"no daily audit: {audit.off}"
    elif audit and audit.skipped:
        left_out = length(timedelta(seconds=audit.skipped))
        yield f"the daily audit left out {left_out}: no run had time for it; a longer `timeout` helps"


def _delivered(status: Status, position: Position) -> str:
    waiting = status.waiting(position)
    words = "up to date"
    if waiting:
        lag = length(timedelta(seconds=position.lag(status.now.timestamp())))
        words = f"{counted(waiting, 'event')} waiting, the oldest for {lag}"
    return words + (
        f", {position.dead:,} refused for good (see `sa-apps dead list`)" if position.dead else ""
    )

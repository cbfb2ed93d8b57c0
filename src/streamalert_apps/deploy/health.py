"""What is wrong with an app, from what it remembers and from what is deployed of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.deploy.resources.alias import weights
from streamalert_apps.runtime.head import PASSING, Head, Position, Run
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.deploy.view import View

DAY: Final = timedelta(days=1)
_QUERIES_A_CALL: Final = 500
_METRICS: Final = ("Invocations", "Errors")
_GRACE: Final = timedelta(minutes=10)
_RUNS_WITHOUT_PROGRESS: Final = 3
GAP_TOLD: Final = 7 * DAY
_MINUTES: Final = "%Y-%m-%d %H:%M UTC"
_SECONDS: Final = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(frozen=True, slots=True)
class Counts:
    """What CloudWatch counted in the last 24 hours."""

    invocations: int = 0
    errors: int = 0


def counts(cloudwatch: Any, functions: Sequence[str], now: datetime) -> dict[str, Counts]:
    """Return the counts of each function."""
    pairs = [(function, metric) for function in functions for metric in _METRICS]
    queries = [_query(f"q{number}", *pair) for number, pair in enumerate(pairs)]
    sums: dict[str, float] = {}
    for start in range(0, len(queries), _QUERIES_A_CALL):
        some = queries[start : start + _QUERIES_A_CALL]
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=some, StartTime=now - DAY, EndTime=now
        )
        for result in (result for page in pages for result in page["MetricDataResults"]):
            sums[result["Id"]] = sums.get(result["Id"], 0) + sum(result["Values"])
    counted = [int(sums.get(query["Id"], 0)) for query in queries]
    return {f: Counts(*counted[2 * n : 2 * n + 2]) for n, f in enumerate(functions)}


def _query(identity: str, function: str, metric: str) -> dict[str, Any]:
    dimensions = [{"Name": "FunctionName", "Value": function}]
    counted = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": identity, "MetricStat": {"Metric": counted, "Period": 3600, "Stat": "Sum"}}


def deployment_problems(view: View) -> list[str]:
    """Return what is wrong with what is deployed."""
    missing = [
        what
        for what, there in (
            ("function", view.latest),
            ("alias", view.live),
            ("rule", view.rule),
            ("target", view.invoking),
        )
        if not there
    ]
    if "function" in missing:
        return ["It is not deployed."]
    told = [f"Partly deployed: {', '.join(missing)} missing."] if missing else []
    return [*told, *_states(view), *_weights(view)]


def _states(view: View) -> Iterator[str]:
    """Yield what Lambda says of the function, where it is not ready to run."""
    latest: Mapping[str, Any] = view.latest["Configuration"] if view.latest else {}
    live = view.live or latest
    if live.get("State") == "Failed":
        yield f"Lambda can't run it: {live.get('StateReason') or 'the reason is not told'}"
    elif live.get("State") == "Inactive":
        yield "Lambda has put it to rest, as it was not invoked for long; the next run wakes it, and fails."
    if latest.get("LastUpdateStatus") == "Failed":
        yield f"Its last update failed: {latest.get('LastUpdateStatusReason') or 'the reason is not told'}"


def _weights(view: View) -> Iterator[str]:
    """Yield the versions that run besides the one that shall."""
    for version, part in weights(view.alias or {}).items():
        yield f"Version {version} runs besides, in {part:.0%} of its runs; `sa-apps deploy` takes it away."


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an app is, as its checkpoint tells; None: it does not.

    `floor`: all before is on record. `recorded`: all that the service showed up to then is. `listed`: when
    the last listing began that left nothing out.
    """

    floor: datetime | None = None
    recorded: datetime | None = None
    listed: datetime | None = None
    gaps: Sequence[tuple[datetime, datetime]] = ()
    """The last spans of time that could not be collected."""
    lateness: timedelta | None = None
    """How late its events came that came late, within the lag."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What an app was to do: a run each `every`, since `since` (None: nobody runs it), and `lag`.

    `holds`: for how long destinations wait for more before they are sent anything.
    """

    every: timedelta
    lag: timedelta
    since: datetime | None
    holds: Mapping[str, timedelta] = field(default_factory=dict)


def run_problems(head: Head | None, progress: Progress, now: datetime, pace: Pace) -> list[str]:
    """Return what is wrong with an app's runs, the worst first."""
    if head is None:
        late = pace.since and now - pace.since > 2 * pace.every + _GRACE
        return [f"It has never run, and could since {pace.since:{_MINUTES}}."] if late else []
    still = [position.message for position in destinations(head).values() if position.state]
    problems = [*_last_run(head, now, still), *_destinations(head), *_gaps(progress, now)]
    behind = [*_behind(progress, now, pace), *_waiting_long(head, now, pace)]
    if is_running(head, now):
        return problems + behind
    return problems + (_stopped(head, now, pace) or behind) + _stuck(head, now)


def is_running(head: Head, now: datetime) -> bool:
    """Tell whether a run has the lease. `now`: by the store's clock."""
    return head.lease is not None and head.lease.until > now.timestamp()


def destinations(head: Head) -> dict[str, Position]:
    """Return the positions of an app's destinations, without those that somebody named for one run."""
    return {name: at for name, at in head.positions.items() if not name.startswith(PASSING)}


def waiting(head: Head, position: Position) -> int:
    """Return how many events on record a destination does not have yet."""
    return max(0, head.events - position.events)


def _last_run(head: Head, now: datetime, told: Sequence[str]) -> Iterator[str]:
    """Yield how the last run went wrong; what a destination stands still for is told of the destination."""
    if head.status == "running" and not is_running(head, now):
        yield "Its last run was cut off: time limit, memory or a crash. The next one continues."
    last = head.runs[-1] if head.runs else None
    if last and last.status == "failed" and (not last.message or last.message not in told):
        yield f"Its last run failed: {last.message or 'the reason is not stored'}"


def _destinations(head: Head) -> Iterator[str]:
    """Yield the destinations that stand still, and why."""
    for name, position in destinations(head).items():
        if position.state:
            yield f"{name} takes nothing: {position.message or position.error} {_wait(head, position)}"


def _waiting_long(head: Head, now: datetime, pace: Pace) -> Iterator[str]:
    """Yield the destinations that take events, and not as fast as they are collected."""
    if not pace.since:
        return
    for name, position in destinations(head).items():
        most = pace.holds.get(name, timedelta()) + 3 * pace.every + _GRACE
        lag = timedelta(seconds=min(position.lag(now.timestamp()), (now - pace.since).total_seconds()))
        if waiting(head, position) and not position.state and lag > most:
            yield f"{name} falls behind: {_wait(head, position)}"


def _wait(head: Head, position: Position) -> str:
    """Say how many events a destination lacks, and since when."""
    count = waiting(head, position)
    what = f"{counted(count, 'event')} {'waits' if count == 1 else 'wait'}"
    return f"{what} since {_moment(position.lacking_since)}." if position.lacking_since else f"{what}."


def _gaps(progress: Progress, now: datetime) -> Iterator[str]:
    """Yield what could not be collected lately; nobody can do more about what is long past."""
    for since, until in progress.gaps:
        if now - until <= GAP_TOLD:
            yield f"What happened from {since:{_SECONDS}} to {until:{_SECONDS}} could not be collected."


def _stopped(head: Head, now: datetime, pace: Pace) -> list[str]:
    if not head.runs or not pace.since:
        return []
    last = head.runs[-1].started
    if now - max(last, pace.since) <= 2 * pace.every + _GRACE:
        return []
    return [f"It has not run since {last:{_MINUTES}}."]


def _behind(progress: Progress, now: datetime, pace: Pace) -> list[str]:
    """Tell where listings are not finished any more: the floor can't follow."""
    if not progress.listed or not pace.since:
        return []
    most = max(2 * pace.lag, 3 * pace.every) + _GRACE
    if now - max(progress.listed, pace.since) <= most:
        return []
    return [f"It is behind: events since {progress.listed:{_MINUTES}} are not completely collected yet."]


def _stuck(head: Head, now: datetime) -> list[str]:
    """Tell where run after run ends before its time and comes no further."""
    idle: list[Run] = []
    for run in reversed(head.runs):
        if run.status != "partial" or run.events or run.floor != head.runs[-1].floor:
            break
        idle.append(run)
    if len(idle) < _RUNS_WITHOUT_PROGRESS or now - idle[-1].started < _GRACE:
        return []
    why = f": {idle[0].message}" if idle[0].message else "."
    return [f"Its last {len(idle)} runs ended early and came no further{why}"]


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):{_MINUTES}}"

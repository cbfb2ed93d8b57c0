"""What is wrong with an app, from what it remembers and from what is deployed of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.runtime.state import State

if TYPE_CHECKING:
    from streamalert_apps.deploy.view import View

DAY: Final = timedelta(days=1)
_QUERIES_A_CALL: Final = 500
_METRICS: Final = ("Invocations", "Errors")
_GRACE: Final = timedelta(minutes=10)


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
    return [f"It is not wholly deployed: no {', no '.join(missing)}."] if missing else []


def run_problems(state: State | None, now: datetime, every: timedelta, since: datetime | None) -> list[str]:
    """Return what is wrong with an app's runs. `since`: from when on it was to run; None: nobody counts."""
    if state is None or state.status is None:
        late = since and now - since > 2 * every + _GRACE
        return [f"It has never run, and could since {since:%Y-%m-%d %H:%M} UTC."] if late else []
    found = []
    last, running = state.last_run, state.lease is not None and state.lease.until >= now
    if state.status == "running" and not running:
        found.append("Its last run was cut off: time limit, memory or a crash. The next one goes on.")
    if state.status == "failed":
        reason = last.message if last and last.message else "the reason is not stored"
        found.append(f"Its last run failed: {reason}")
    if last and since and not running:
        seen = max(datetime.fromisoformat(last.started), since)
        if now - seen > 2 * every + _GRACE:
            found.append(f"It has not run since {datetime.fromisoformat(last.started):%Y-%m-%d %H:%M} UTC.")
    return found


def is_enabled(rule: Mapping[str, Any]) -> bool:
    """Tell whether a rule is on."""
    return bool(rule.get("State", "ENABLED") == "ENABLED")

"""The project's dashboard in CloudWatch: how far its apps are behind, what they collect, which runs fail.

There is one for a prefix, and it is ours alone: a deploy puts right what somebody changed in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy.patience import Patience, explained
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.plan import Change, Resource, compared
from streamalert_apps.runtime import metrics, names
from streamalert_apps.sdk.clock import Clock, SystemClock

KIND: Final = "dashboard"
PERIOD_SECONDS: Final = 300
MOST_APPS: Final = 500  # metrics of one graph
_ABSENT: Final = {"ResourceNotFound", "ResourceNotFoundException", "DashboardNotFoundError"}
_WIDTH: Final = 24
_HEIGHT: Final = 7


@dataclass(frozen=True, slots=True)
class DashboardPlan:
    """What has to be done to the dashboard, one change at most; or why that can't be told."""

    alarms: Any
    place: Place
    changes: tuple[Change, ...] = ()
    trouble: str = ""
    clock: Clock = SystemClock()  # noqa: RUF009 (it has no state)


def look(alarms: Any, place: Place, apps: Sequence[AppConf]) -> DashboardPlan:
    """Plan what the dashboard needs; without apps it goes. `alarms`: CloudWatch's client."""
    name = names.dashboard(place.prefix)
    try:
        body = json.loads(alarms.get_dashboard(DashboardName=name)["DashboardBody"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ABSENT:
            return DashboardPlan(alarms, place, trouble=explained(error).message)
        body = None
    except ValueError:
        body = {}
    except BotoCoreError as error:
        return DashboardPlan(alarms, place, trouble=explained(error).message)
    there = None if body is None else Resource(KIND, name, {"body": body})
    if apps:
        return DashboardPlan(alarms, place, compared(there, desired(place, apps)))
    return DashboardPlan(alarms, place, (Change(there, None),) if there else ())


def desired(place: Place, apps: Sequence[AppConf]) -> Resource:
    """Return the dashboard as it shall be."""
    graphs = [
        _graph("Behind, in seconds", f"{metrics.NAMESPACE} {metrics.BEHIND} Maximum", apps),
        _graph(
            "Problems: dead letters, credentials, found late",
            f"{metrics.NAMESPACE} {metrics.PROBLEMS} Maximum",
            apps,
        ),
        _graph("Failed runs", "AWS/Lambda Errors Sum", apps),
        _graph("Duration of runs, in milliseconds", "AWS/Lambda Duration Maximum", apps),
    ]
    if told := [app for app in apps if app.extra.get("enable_custom_metrics")]:
        graphs.append(_graph("Events", f"{metrics.NAMESPACE} Events Sum", told))
    widgets = [_widget(number, graph | {"region": place.region}) for number, graph in enumerate(graphs)]
    return Resource(KIND, names.dashboard(place.prefix), {"body": {"widgets": widgets}})


def _widget(number: int, graph: dict[str, Any]) -> dict[str, Any]:
    """Return a graph at its place: two in a row."""
    half = _WIDTH // 2
    left, top = half * (number % 2), _HEIGHT * (number // 2)
    return {"type": "metric", "x": left, "y": top, "width": half, "height": _HEIGHT, "properties": graph}


def _graph(title: str, what: str, apps: Sequence[AppConf]) -> dict[str, Any]:
    """Return a graph with a line for each app. `what`: namespace, metric and statistic."""
    namespace, metric, statistic = what.split()
    shown = [
        [namespace, metric, metrics.DIMENSION, app.function, {"label": f"{app.name} ({app.cluster})"}]
        for app in apps[:MOST_APPS]
    ]
    return {
        "title": title,
        "view": "timeSeries",
        "stat": statistic,
        "period": PERIOD_SECONDS,
        "metrics": shown,
    }


def apply(plan: DashboardPlan) -> None:
    """Carry the plan out, waiting for what passes."""
    patience = Patience(plan.clock)
    for change in plan.changes:
        patience.persist(partial(_carry_out, plan, change))


def _carry_out(plan: DashboardPlan, change: Change) -> None:
    name = change.subject.name
    if change.after is None:
        plan.alarms.delete_dashboards(DashboardNames=[name])
        return
    body = json.dumps(change.after.attributes["body"], separators=(",", ":"))
    plan.alarms.put_dashboard(DashboardName=name, DashboardBody=body)

"""The project's dashboard: kept by each deploy, gone with the last app."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from streamalert_apps.deploy import dashboard
from tests import proxy
from tests.deploy.cloud import PLACE, InstantClock, app
from tests.proxy import Refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.proxy import Proxy

NAME = "acme-sa-apps"
APPS = [app(), app(name="other", extra={"enable_custom_metrics": True})]


@pytest.fixture
def aws(aws_env: str) -> Iterator[Proxy]:
    with proxy.serve(aws_env) as there:
        yield there


@pytest.fixture
def cloudwatch(aws: Proxy) -> Any:
    return boto3.client("cloudwatch", endpoint_url=aws.url)


def body(cloudwatch: Any) -> Any:
    return json.loads(cloudwatch.get_dashboard(DashboardName=NAME)["DashboardBody"])


def test_it_shows_each_app_in_the_regions_metrics(cloudwatch: Any) -> None:
    dashboard.apply(dashboard.look(cloudwatch, PLACE, APPS))

    graphs = [widget["properties"] for widget in body(cloudwatch)["widgets"]]
    assert [graph["metrics"][0][1] for graph in graphs] == [
        "Behind",
        "Problems",
        "Errors",
        "Duration",
        "Events",
    ]
    assert [len(graph["metrics"]) for graph in graphs] == [2, 2, 2, 2, 1]  # one app tells how many events
    assert {graph["region"] for graph in graphs} == {"us-east-1"}
    assert graphs[0]["metrics"][0][2:4] == ["FunctionName", APPS[0].function]


def test_graphs_stand_two_in_a_row_and_none_on_another(cloudwatch: Any) -> None:
    widgets = dashboard.desired(PLACE, APPS).attributes["body"]["widgets"]
    assert [(one["x"], one["y"]) for one in widgets] == [(0, 0), (12, 0), (0, 7), (12, 7), (0, 14)]


def test_where_nothing_differs_nothing_is_written(cloudwatch: Any, aws: Proxy) -> None:
    dashboard.apply(dashboard.look(cloudwatch, PLACE, APPS))
    aws.calls.clear()
    dashboard.apply(dashboard.look(cloudwatch, PLACE, APPS))
    assert aws.names() == ["cloudwatch.GetDashboard"]


def test_what_somebody_changed_and_what_conf_says_anew_is_put_right(cloudwatch: Any) -> None:
    cloudwatch.put_dashboard(DashboardName=NAME, DashboardBody=json.dumps({"widgets": []}))
    (change,) = dashboard.look(cloudwatch, PLACE, APPS).changes
    assert change.action == "update"
    dashboard.apply(dashboard.look(cloudwatch, PLACE, APPS))
    assert len(body(cloudwatch)["widgets"]) == 5
    assert dashboard.look(cloudwatch, PLACE, APPS[:1]).changes


def test_without_apps_it_goes(cloudwatch: Any) -> None:
    dashboard.apply(dashboard.look(cloudwatch, PLACE, APPS))
    dashboard.apply(dashboard.look(cloudwatch, PLACE, []))
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []
    assert dashboard.look(cloudwatch, PLACE, []).changes == ()


def test_whoever_may_not_look_is_told_and_the_rest_is_deployed(cloudwatch: Any, aws: Proxy) -> None:
    aws.before = lambda _: Refuse(403, "AccessDenied")
    plan = dashboard.look(cloudwatch, PLACE, APPS)
    assert (plan.changes, bool(plan.trouble)) == ((), True)


def test_a_throttled_write_is_waited_for(cloudwatch: Any, aws: Proxy) -> None:
    refusals = iter([Refuse(400, "Throttling")])
    plan = dashboard.look(cloudwatch, PLACE, APPS)
    aws.before = lambda call: next(refusals, None) if call.name == "cloudwatch.PutDashboard" else None
    dashboard.apply(replace(plan, clock=InstantClock()))
    assert body(cloudwatch)

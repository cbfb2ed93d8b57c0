"""What the record costs: counted as a run counts."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from streamalert_apps.deploy import cost
from streamalert_apps.runtime.collect import Terms, collect
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.store.s3 import S3Store
from streamalert_apps.sdk.clock import Deadline, SystemClock
from streamalert_apps.sdk.http import Api
from streamalert_apps.services import twins
from streamalert_apps.services.duo.app import DuoAuth
from streamalert_apps.simulator.server import serve
from tests import proxy
from tests.deploy.cloud import app

if TYPE_CHECKING:
    from tests.proxy import Proxy


def requests(aws: Proxy) -> tuple[int, int]:
    """Return how many objects were written and how many read, and forget it."""
    made = Counter(aws.names())
    aws.calls.clear()
    return made["s3.PutObject"], made["s3.GetObject"]


def test_a_run_makes_the_requests_that_are_reckoned_with(aws_env: str) -> None:
    now = datetime.now(UTC)
    twin = twins.twin("duo", clock=SystemClock(), rate=None)
    twin.seed("duo_auth", events=3, start=now - timedelta(minutes=30), end=now - timedelta(minutes=20))
    boto3.client("s3").create_bucket(Bucket="record")
    clock, deadline = SystemClock(), Deadline(lambda: 60.0)
    with proxy.serve(aws_env) as aws, serve(twin) as duo:
        client: Any = boto3.client("s3", endpoint_url=aws.url)
        store = S3Store(client, "record", "app", "123456789012", clock=clock, deadline=deadline)

        def run() -> None:
            api = Api(clock=clock, deadline=deadline, simulator=duo.url)
            terms = Terms(Identity("app", "run"), clock, deadline, timedelta(hours=1))
            outcome = collect(lambda: DuoAuth(twin.credentials, api), store, {}, terms)
            api.close()
            assert outcome.status == "succeeded"

        run()
        assert requests(aws) == (cost.IDLE_PUTS + cost.COMMIT_PUTS, cost.IDLE_GETS)
        run()
        assert requests(aws) == (cost.IDLE_PUTS, cost.IDLE_GETS)
        client.close()


def test_an_app_costs_by_its_schedule() -> None:
    hourly = cost.monthly([app(schedule_expression="rate(1 hour)")])
    each_minute = cost.monthly([app(schedule_expression="rate(1 minute)")])

    assert hourly.idle == pytest.approx(720 * (2 * 0.005 + 2 * 0.0004 + 0.005) / 1000)
    assert each_minute.idle == pytest.approx((43_200 * (2 * 0.005 + 2 * 0.0004) + 2880 * 0.005) / 1000)
    assert hourly.busy == pytest.approx(hourly.idle + 720 * 2 * 0.005 / 1000 + 0.1 * 7 * 0.023)


def test_the_journal_costs_as_long_as_it_is_kept() -> None:
    week, month = (cost.monthly([app(extra={"journal_days": days})]) for days in (7, 30))
    assert month.busy - week.busy == pytest.approx(0.1 * 23 * 0.023)


@pytest.mark.parametrize(
    ("settings", "dollars"),
    [
        ({}, 3 * 0.10 + 2 * 0.30),
        ({"extra": {"enable_custom_metrics": True}}, 3 * 0.10 + 14 * 0.30),
        ({"metric_alarms": {"behind": {"enabled": False}, "problems": {"enabled": False}}}, 0.10),
        ({"schedule_expression": "rate(1 day)"}, 3 * 0.10 + 2 * 0.30 / 24),
    ],
)
def test_alarms_and_metrics_cost_besides_the_dashboard(settings: dict[str, Any], dollars: float) -> None:
    hourly = app(**{"schedule_expression": "rate(1 hour)", **settings})
    assert cost.monthly([hourly]).watch == pytest.approx(cost.DASHBOARD_MONTH + dollars)


def test_it_is_told_in_one_line() -> None:
    told = str(cost.monthly([app(schedule_expression="rate(1 minute)")]))
    assert told == (
        "S3 costs about $0.48 a month when idle, $0.93 if every run finds events (100 MB a day for each "
        "app). CloudWatch costs about $3.90 for alarms, metrics and the dashboard (list prices of us-east-1)."
    )

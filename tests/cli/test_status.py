"""`sa-apps status`: what runs, how it ran, and what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from streamalert_apps.runtime.state import LastRun, Lease, State
from tests.cli.test_json import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

FUNCTION = "acme_prod_duo_auth_collector_app"
NOW = datetime.now(UTC)


def remember(*, ago: timedelta = timedelta(minutes=5), **state: Any) -> None:
    """Store the state that a run left, begun so long ago."""
    began = (datetime.now(UTC) - ago).isoformat()
    run = LastRun(began, 1.5, 312, message=state.pop("message", ""))
    text = State(checkpoint={"floor": began}, last_run=run, **state).to_text()
    boto3.client("ssm").put_parameter(
        Name=f"{FUNCTION}_state", Value=text, Type="SecureString", Overwrite=True
    )


def status(sa_apps: Command) -> tuple[int, Any]:
    ran = sa_apps("status", "--json")
    answer = json.loads(ran.out)
    return ran.code, answer["apps"][0]


def test_an_app_that_runs_is_well(deployed: Path, sa_apps: Command) -> None:
    remember(status="succeeded")

    code, app = status(sa_apps)

    assert code == 0
    assert (app["healthy"], app["state"], app["last_run"]["logs"]) == (True, "succeeded", 312)
    assert app["deployment"]["version"] == "1"
    assert (app["deployment"]["schedule"], app["deployment"]["enabled"]) == ("rate(2 hours)", True)
    assert 300 <= app["behind_seconds"] < 600


def test_it_is_told_in_words(deployed: Path, sa_apps: Command) -> None:
    remember(status="succeeded")

    ran = sa_apps("status")

    assert ran.code == 0
    assert "collector (prod): well" in ran.out
    assert "version 1, as conf/ says" in ran.out
    assert "succeeded, 312 logs in 1.5 s" in ran.out
    assert "collected until" in ran.out


def test_what_cloudwatch_counted_is_told(deployed: Path, sa_apps: Command) -> None:
    for metric, value in (("Invocations", 11), ("Invocations", 1), ("Errors", 2)):
        boto3.client("cloudwatch").put_metric_data(
            Namespace="AWS/Lambda",
            MetricData=[
                {
                    "MetricName": metric,
                    "Value": value,
                    "Timestamp": NOW - timedelta(hours=3),
                    "Dimensions": [{"Name": "FunctionName", "Value": FUNCTION}],
                }
            ],
        )

    _, app = status(sa_apps)

    assert (app["deployment"]["invocations"], app["deployment"]["errors"]) == (12, 2)


def test_a_difference_to_conf_is_told_and_is_no_illness(deployed: Path, sa_apps: Command) -> None:
    boto3.client("events").put_rule(Name=f"{FUNCTION}_schedule", ScheduleExpression="rate(1 hour)")

    code, app = status(sa_apps)

    assert code == 0
    assert [change["kind"] for change in app["deployment"]["drift"]] == ["rule"]
    assert "AWS differs from conf/: rule" in sa_apps("status").out


def test_a_failed_run_is_told_with_its_reason(deployed: Path, sa_apps: Command) -> None:
    remember(status="failed", message="Duo refused the credentials (40103).")

    ran = sa_apps("status", "--json")

    assert ran.code == 1
    answer = json.loads(ran.out)
    assert answer["errors"][0]["code"] == "unhealthy"
    assert "Duo refused the credentials (40103)." in answer["errors"][0]["message"]


def test_a_run_that_was_cut_off_is_told(deployed: Path, sa_apps: Command) -> None:
    remember(status="running", lease=Lease("gone", NOW - timedelta(minutes=1)))
    code, app = status(sa_apps)
    assert code == 1
    assert "cut off" in app["problems"][0]


def test_a_run_under_way_is_no_illness(deployed: Path, sa_apps: Command) -> None:
    remember(status="running", lease=Lease("here", NOW + timedelta(hours=1)))
    assert status(sa_apps)[0] == 0


@pytest.fixture
def long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the app have been deployed days ago."""
    monkeypatch.setattr(
        "streamalert_apps.cli.commands.status._since", lambda _: NOW - timedelta(days=3), raising=True
    )


@pytest.mark.usefixtures("long_ago")
def test_an_app_that_no_longer_runs_is_told(deployed: Path, sa_apps: Command) -> None:
    remember(status="succeeded", ago=timedelta(hours=5))
    code, app = status(sa_apps)
    assert code == 1
    assert "It has not run since" in app["problems"][0]


@pytest.mark.usefixtures("long_ago")
def test_an_app_that_never_ran_is_told(deployed: Path, sa_apps: Command) -> None:
    code, app = status(sa_apps)
    assert code == 1
    assert "It has never run" in app["problems"][0]


@pytest.mark.usefixtures("long_ago")
def test_an_app_that_was_disabled_need_not_run(deployed: Path, sa_apps: Command) -> None:
    sa_apps("disable", "collector")
    code, app = status(sa_apps)
    assert (code, app["deployment"]["enabled"]) == (0, False)


def test_an_app_that_is_not_deployed_is_not_well(deployable: Path, sa_apps: Command) -> None:
    code, app = status(sa_apps)
    assert (code, app["problems"], app["deployment"]) == (1, ["It is not deployed."], None)


def test_an_app_that_lacks_its_schedule_is_not_well(deployed: Path, sa_apps: Command) -> None:
    events = boto3.client("events")
    events.remove_targets(Rule=f"{FUNCTION}_schedule", Ids=["sa-apps"])
    events.delete_rule(Name=f"{FUNCTION}_schedule")
    code, app = status(sa_apps)
    assert (code, app["problems"]) == (1, ["It is not wholly deployed: no rule, no target."])


def test_a_state_that_is_not_readable_is_told(deployed: Path, sa_apps: Command) -> None:
    boto3.client("ssm").put_parameter(Name=f"{FUNCTION}_state", Value="{", Type="SecureString")
    code, app = status(sa_apps)
    assert code == 1
    assert "not readable" in app["problems"][0]


def test_where_one_of_several_is_not_well_the_exit_code_says_so(
    deployed: Path, sa_apps: Command, auth_file: Path
) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "-n", "other", "--auth-file", str(auth_file), "--no-check")

    assert sa_apps("status").code == 5
    assert sa_apps("status", "collector").code == 0
    assert sa_apps("status", "--name", "other", "--cluster", "prod").code == 1


def test_a_state_of_streamalert_is_shown(deployed: Path, sa_apps: Command) -> None:
    text = json.dumps({"current_state": "succeeded", "last_timestamp": 1, "context": {}})
    boto3.client("ssm").put_parameter(Name=f"{FUNCTION}_state", Value=text, Type="SecureString")
    code, app = status(sa_apps)
    assert (code, app["state"], app["collected_until"]) == (0, "succeeded", None)


def test_no_state_is_written_and_nothing_else(deployed: Path, sa_apps: Command) -> None:
    before = boto3.client("ssm").describe_parameters()["Parameters"]
    sa_apps("status")
    assert boto3.client("ssm").describe_parameters()["Parameters"] == before


def test_a_local_project_shows_what_its_runs_left(local: Path, sa_apps: Command, auth_file: Path) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    assert status(sa_apps)[1]["state"] is None
    folder = local / ".sa-apps/local_prod_duo_auth_collector_app"
    run = LastRun(NOW.isoformat(), 1.0, 7)
    stored = State(status="succeeded", checkpoint={"floor": NOW.isoformat()}, last_run=run).to_text()
    (folder / "state.json").write_text(f'{{"version": 1, "state": {stored}}}')

    code, app = status(sa_apps)

    assert (code, app["state"], app["last_run"]["logs"], app["deployment"]) == (0, "succeeded", 7, None)
    check(sa_apps("status", "--json").out, "status")


def test_a_project_without_apps_has_none_that_are_unwell(aws_project: Path, sa_apps: Command) -> None:
    ran = sa_apps("status")
    assert (ran.code, ran.out) == (0, "No Apps configured\n")

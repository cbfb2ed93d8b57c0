"""What StreamAlert's Terraform made is taken over; what others made under our names is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.deploy.cloud import OTHER_CODE, app, client, world
from tests.deploy.streamalert import FUNCTION, TRUST, terraform

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.deploy.cloud import Cloud

THEIRS = [("Name", "StreamAlert"), ("Sid", "")]
ADOPTION = 22
CONF = app(metric_alarms={"errors": {}, "throttles": {}}, extra={"architecture": "x86_64"})


@pytest.fixture(scope="module")
def right(fresh_cloud: Callable[[], Cloud]) -> dict[str, Any]:
    """Return the world that a first deploy makes."""
    fresh_cloud().deploy_well(CONF)
    return world()


def without_streamalerts_marks(value: Any) -> Any:
    """Leave out tags of theirs, and the empty name of a statement."""
    if isinstance(value, list):
        return [without_streamalerts_marks(item) for item in value]
    if isinstance(value, dict):
        left = {key: item for key, item in value.items() if (key, item) not in THEIRS}
        return {key: without_streamalerts_marks(item) for key, item in left.items()}
    return value


def test_what_terraform_made_becomes_what_a_first_deploy_makes(right: dict[str, Any], cloud: Cloud) -> None:
    terraform()

    cloud.deploy_well(CONF)

    assert without_streamalerts_marks(world()) == right
    assert len(cloud.writes()) == ADOPTION
    cloud.deploy_well(CONF)
    assert cloud.writes() == []


def test_the_schedule_keeps_its_rhythm_and_its_one_target(cloud: Cloud) -> None:
    terraform()

    cloud.deploy_well(app())

    assert not {"events.PutRule", "events.PutTargets", "events.RemoveTargets"} & set(cloud.writes())
    assert len(world()["rules"][f"{FUNCTION}_schedule"]["targets"]) == 1


def test_the_function_is_tagged_last(cloud: Cloud) -> None:
    terraform()

    cloud.deploy_well(app())

    assert cloud.writes()[-1] == "lambda.TagResource"


@pytest.mark.parametrize("writes", range(ADOPTION))
def test_an_adoption_that_is_killed_is_completed(right: dict[str, Any], cloud: Cloud, writes: int) -> None:
    terraform()
    with cloud.killed_after(writes):
        cloud.deploy(CONF, workers=1)
    assert len(cloud.writes()) == writes

    cloud.deploy_well(CONF)

    assert without_streamalerts_marks(world()) == right


def test_a_function_that_runs_keeps_its_architecture(cloud: Cloud) -> None:
    terraform()

    cloud.deploy_well(app())

    assert world()["functions"][FUNCTION]["latest"]["Architectures"] == ["x86_64"]
    cloud.writes()
    cloud.deploy_well(app())
    assert cloud.writes() == []


def foreign_function() -> None:
    role = client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(TRUST))
    client("lambda").create_function(
        FunctionName=FUNCTION,
        Role=role["Role"]["Arn"],
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": OTHER_CODE.archive},
        Architectures=["arm64"],
    )


def foreign_rule() -> None:
    events = client("events")
    events.put_rule(Name=f"{FUNCTION}_schedule", ScheduleExpression="rate(1 minute)")
    other = "arn:aws:lambda:us-east-1:123456789012:function:other"
    events.put_targets(Rule=f"{FUNCTION}_schedule", Targets=[{"Id": "1", "Arn": other}])


def foreign_role() -> None:
    client("iam").create_role(RoleName=f"{FUNCTION}_role", AssumeRolePolicyDocument=json.dumps(TRUST))


def foreign_alarm() -> None:
    client("cloudwatch").put_metric_alarm(
        AlarmName=f"{FUNCTION}_invocation_errors",
        Namespace="Theirs",
        MetricName="Errors",
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1,
        Period=60,
        EvaluationPeriods=1,
    )


FOREIGN = {"function": foreign_function, "role": foreign_role, "rule": foreign_rule, "alarm": foreign_alarm}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_others_made_is_refused_and_not_touched(cloud: Cloud, kind: str) -> None:
    FOREIGN[kind]()
    there = world()

    (result,) = cloud.deploy(app())

    assert result.error is not None
    assert f"There is already a {kind}" in result.error.message
    assert "--adopt" in result.error.hint
    assert cloud.writes() == []
    assert world() == there


@pytest.mark.parametrize("kind", ["function", "rule", "alarm"])
def test_what_others_made_can_be_taken_over(cloud: Cloud, kind: str) -> None:
    FOREIGN[kind]()

    cloud.deploy_well(app(), adopt=True)

    cloud.writes()
    cloud.deploy_well(app())
    assert cloud.writes() == []


def test_a_role_elsewhere_in_iam_cannot_be_taken_over(cloud: Cloud) -> None:
    foreign_role()

    (result,) = cloud.deploy(app(), adopt=True)

    assert result.error is not None
    assert "another path (/)" in result.error.message
    assert cloud.writes() == []


@pytest.mark.parametrize("kind", ["function", "rule", "alarm"])
def test_what_others_made_outlives_the_removal_of_an_app(cloud: Cloud, kind: str) -> None:
    FOREIGN[kind]()
    there = world()

    cloud.deploy_well(gone=[FUNCTION])

    assert world() == there


def test_a_log_group_that_lambda_made_gets_its_retention_and_tags(cloud: Cloud) -> None:
    client("logs").create_log_group(logGroupName=f"/aws/lambda/{FUNCTION}")

    cloud.deploy_well(app())

    group = world()["log groups"][f"/aws/lambda/{FUNCTION}"]
    assert group["retention"] == 14
    assert group["tags"]["sa-apps:app"] == "collector"

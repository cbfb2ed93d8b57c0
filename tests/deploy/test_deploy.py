"""What a deploy makes in AWS, what it changes, and what it leaves alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.deploy.view import describe
from tests.deploy.cloud import CODE, OTHER_CODE, app, client, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.deploy.cloud import Cloud

FUNCTION = "acme_prod_duo_auth_collector_app"
ARN = f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}"
CLASSIFIER = "arn:aws:lambda:us-east-1:123456789012:function:acme_prod_streamalert_classifier"
BUCKET = "arn:aws:s3:::acme-sa-apps-123456789012-us-east-1"
PARAMETER = "arn:aws:ssm:us-east-1:123456789012:parameter"
THEIRS = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
TAGS = {
    "sa-apps:prefix": "acme",
    "sa-apps:cluster": "prod",
    "sa-apps:type": "duo_auth",
    "sa-apps:app": "collector",
}


def test_an_app_gets_all_that_streamalerts_names_say(cloud: Cloud) -> None:
    cloud.deploy_well(app())

    there = world()
    assert list(there["roles"]) == [f"{FUNCTION}_role"]
    assert list(there["functions"]) == [FUNCTION]
    assert list(there["functions"][FUNCTION]["aliases"]) == ["production"]
    assert list(there["rules"]) == [f"{FUNCTION}_schedule"]
    assert list(there["log groups"]) == [f"/aws/lambda/{FUNCTION}"]
    assert list(there["alarms"]) == [
        f"{FUNCTION}_{ending}" for ending in ("invocation_errors", "behind", "problems")
    ]


def test_the_function_is_as_conf_says(cloud: Cloud) -> None:
    conf = app(timeout=300, memory=512, log_level="debug", concurrency_limit=2, extra={"batch_bytes": 1000})
    cloud.deploy_well(conf)

    function = world()["functions"][FUNCTION]
    latest = function["latest"]
    assert (latest["Timeout"], latest["MemorySize"], function["concurrency"]) == (300, 512, 2)
    assert (latest["Runtime"], latest["Architectures"]) == ("python3.13", ["arm64"])
    assert latest["Handler"] == "streamalert_apps.runtime.handler.handler"
    assert latest["Role"] == f"arn:aws:iam::123456789012:role/streamalert/{FUNCTION}_role"
    assert latest["TracingConfig"] == {"Mode": "PassThrough"}
    assert latest["Environment"]["Variables"] == {
        "SA_APPS_TYPE": "duo_auth",
        "SA_APPS_LOG_LEVEL": "debug",
        "SA_APPS_BUCKET": "acme-sa-apps-123456789012-us-east-1",
        "SA_APPS_BATCH_BYTES": "1000",
    }
    assert function["aliases"]["production"] == latest


def test_the_role_may_do_what_a_run_needs_and_nothing_else(cloud: Cloud) -> None:
    cloud.deploy_well(app())

    role = world()["roles"][f"{FUNCTION}_role"]
    assert role["path"] == "/streamalert/"
    assert role["attached"] == []
    allowed = {
        (action, resource)
        for statement in role["inline"]["sa-apps"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        for resource in statement["Resource"]
    }
    (listing,) = [s for s in role["inline"]["sa-apps"]["Statement"] if s["Action"] == "s3:ListBucket"]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": [f"{FUNCTION}/*"]}}
    log_group = f"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/{FUNCTION}:*"
    assert allowed == {
        ("lambda:InvokeFunction", ARN),
        ("lambda:InvokeFunction", f"{ARN}:production"),
        ("lambda:InvokeFunction", CLASSIFIER),
        ("lambda:InvokeFunction", f"{CLASSIFIER}:production"),
        ("ssm:GetParameters", f"{PARAMETER}/{FUNCTION}_auth"),
        ("ssm:GetParameters", f"{PARAMETER}/{FUNCTION}_state"),
        ("ssm:PutParameter", f"{PARAMETER}/{FUNCTION}_state"),
        ("s3:GetObject", f"{BUCKET}/{FUNCTION}/*"),
        ("s3:PutObject", f"{BUCKET}/{FUNCTION}/*"),
        ("s3:DeleteObject", f"{BUCKET}/{FUNCTION}/*"),
        ("s3:ListBucket", BUCKET),
        ("logs:CreateLogStream", log_group),
        ("logs:PutLogEvents", log_group),
    }


def test_the_rule_invokes_the_alias_with_the_apps_event(cloud: Cloud) -> None:
    cloud.deploy_well(app())

    rule = world()["rules"][f"{FUNCTION}_schedule"]
    assert (rule["schedule"], rule["state"]) == ("rate(2 hours)", "ENABLED")
    event = {
        "app_type": "duo_auth",
        "destination_function_name": "acme_prod_streamalert_classifier",
        "schedule_expression": "rate(2 hours)",
    }
    assert rule["targets"] == [{"arn": f"{ARN}:production", "input": event}]


def test_a_cron_expression_is_passed_on(cloud: Cloud) -> None:
    cloud.deploy_well(app(schedule_expression="cron(0 9 ? * MON-FRI *)"))

    rule = world()["rules"][f"{FUNCTION}_schedule"]
    ((_, event),) = (target.values() for target in rule["targets"])
    assert rule["schedule"] == event["schedule_expression"] == "cron(0 9 ? * MON-FRI *)"


def test_the_permission_is_the_aliass_own(cloud: Cloud) -> None:
    cloud.deploy_well(app())

    (call,) = [call for call in cloud.proxy.calls if call.name == "lambda.AddPermission"]
    assert call.path.endswith("?Qualifier=production")
    assert call.json == {
        "StatementId": f"AllowExecutionFromCloudWatch_{FUNCTION}",
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": f"arn:aws:events:us-east-1:123456789012:rule/{FUNCTION}_schedule",
    }


def test_a_failed_run_rings(cloud: Cloud) -> None:
    cloud.deploy_well(app())

    alarm = world()["alarms"][f"{FUNCTION}_invocation_errors"]
    assert (alarm["MetricName"], alarm["Threshold"], alarm["Period"]) == ("Errors", 0.0, 120)
    assert alarm["AlarmActions"] == ["arn:aws:sns:us-east-1:123456789012:acme_streamalert_monitoring"]
    assert {d["Name"]: d["Value"] for d in alarm["Dimensions"]} == {
        "FunctionName": FUNCTION,
        "Resource": f"{FUNCTION}:production",
    }


def test_everything_that_can_is_tagged(cloud: Cloud) -> None:
    cloud.deploy_well(app(metric_alarms={"errors": {}, "throttles": {}}))

    there = world()
    tagged = [thing for kind in there.values() for thing in kind.values()]
    assert len(tagged) == 8
    assert all(TAGS.items() <= thing["tags"].items() for thing in tagged)
    (role,) = there["roles"].values()
    assert role["tags"]["sa-apps:region"] == "us-east-1"


def test_creation_takes_no_more_calls_than_are_needed(cloud: Cloud) -> None:
    cloud.deploy_well(app())

    assert sorted(cloud.proxy.names()[:3]) == [
        "cloudwatch.DescribeAlarms",
        "events.ListRules",
        "logs.DescribeLogGroups",
    ]
    assert len(cloud.proxy.names()[3:]) <= 16
    assert cloud.writes() == [
        "iam.CreateRole",
        "iam.PutRolePolicy",
        "logs.CreateLogGroup",
        "logs.PutRetentionPolicy",
        "lambda.CreateFunction",
        "lambda.PutFunctionConcurrency",
        "lambda.CreateAlias",
        "lambda.PutFunctionEventInvokeConfig",
        "lambda.AddPermission",
        "events.PutRule",
        "events.PutTargets",
        *(["cloudwatch.PutMetricAlarm"] * 3),
    ]


def test_where_nothing_differs_nothing_is_written(cloud: Cloud) -> None:
    apps = [app(name) for name in ("a", "b", "c")]
    cloud.deploy_well(*apps)
    cloud.writes()

    cloud.deploy_well(*apps)

    assert len(cloud.proxy.calls) <= 3 + 6 * len(apps)
    assert cloud.writes() == []


def test_a_zip_that_another_machine_compressed_otherwise_is_not_uploaded_again(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.deploy_well(app())
    cloud.writes()
    elsewhere = replace(CODE)
    monkeypatch.setitem(elsewhere.__dict__, "archive", OTHER_CODE.archive)

    cloud.deploy_well(app(), code=elsewhere)

    assert cloud.writes() == []


def test_new_code_is_published_before_the_alias_moves(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    cloud.writes()

    cloud.deploy_well(app(), code=OTHER_CODE)

    assert cloud.writes() == ["lambda.UpdateFunctionCode", "lambda.PublishVersion", "lambda.UpdateAlias"]
    live = client("lambda").get_function(FunctionName=FUNCTION, Qualifier="production")["Configuration"]
    assert (live["Version"], live["CodeSha256"]) == ("2", OTHER_CODE.sha256_base64)
    assert live["Description"] == describe(OTHER_CODE.digest, OTHER_CODE.sha256_base64)


def test_settings_are_changed_before_code_and_both_before_the_alias(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    cloud.writes()

    cloud.deploy_well(app(memory=256), code=OTHER_CODE)

    assert cloud.writes() == [
        "lambda.UpdateFunctionConfiguration",
        "lambda.UpdateFunctionCode",
        "lambda.PublishVersion",
        "lambda.UpdateAlias",
    ]


def test_versions_long_past_are_forgotten(cloud: Cloud) -> None:
    for memory in range(128, 135):
        cloud.deploy_well(app(memory=memory))

    deleted = [call.path for call in cloud.proxy.calls if call.name == "lambda.DeleteFunction"]
    assert deleted == [f"/2015-03-31/functions/{FUNCTION}?Qualifier=1"]


def test_an_alarm_of_which_conf_says_nothing_is_left_alone(cloud: Cloud) -> None:
    cloud.deploy_well(app(metric_alarms={"throttles": {}}))
    cloud.writes()

    cloud.deploy_well(app(metric_alarms={}))

    assert cloud.writes() == []
    assert f"{FUNCTION}_throttles" in world()["alarms"]


WATCHED = app(
    metric_alarms={"errors": {}, "cursor_age": {"threshold": 14400}}, extra={"enable_custom_metrics": True}
)
CURSOR_AGE = f"{FUNCTION}_cursor_age"


def test_an_alarm_on_the_age_of_the_cursor_is_made_where_conf_names_it(cloud: Cloud) -> None:
    cloud.deploy_well(WATCHED)

    alarm = world()["alarms"][CURSOR_AGE]
    assert (alarm["MetricName"], alarm["Threshold"], alarm["Period"]) == ("CursorAge", 14400.0, 14400)
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": FUNCTION}]
    cloud.writes()
    cloud.deploy_well(WATCHED)
    assert cloud.writes() == []


def test_an_alarm_on_the_age_of_the_cursor_follows_conf(cloud: Cloud) -> None:
    cloud.deploy_well(WATCHED)
    settings = {"threshold": 600, "period_secs": 7200, "evaluation_periods": 2}
    cloud.deploy_well(replace(WATCHED, metric_alarms={"errors": {}, "cursor_age": settings}))

    alarm = world()["alarms"][CURSOR_AGE]
    assert (alarm["Threshold"], alarm["Period"], alarm["EvaluationPeriods"]) == (600.0, 7200, 2)


def test_an_alarm_on_the_age_of_the_cursor_that_somebody_changed_is_put_right(cloud: Cloud) -> None:
    cloud.deploy_well(WATCHED)
    right = world()
    client("cloudwatch").put_metric_alarm(
        AlarmName=CURSOR_AGE,
        Namespace="StreamAlert",
        MetricName="CursorAge",
        Statistic="Minimum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=14400,
        Period=14400,
        EvaluationPeriods=1,
        Dimensions=[{"Name": "FunctionName", "Value": FUNCTION}],
        AlarmActions=right["alarms"][CURSOR_AGE]["AlarmActions"],
        TreatMissingData="notBreaching",
    )
    assert world() != right

    cloud.deploy_well(WATCHED)
    assert world() == right


@pytest.mark.parametrize(
    "alarms", [{"errors": {}}, {"errors": {}, "cursor_age": {"enabled": False}}], ids=str
)
def test_an_alarm_on_the_age_of_the_cursor_goes_when_conf_has_it_no_more(
    cloud: Cloud, alarms: dict[str, Any]
) -> None:
    cloud.deploy_well(WATCHED)
    cloud.deploy_well(replace(WATCHED, metric_alarms=alarms))
    assert CURSOR_AGE not in world()["alarms"]


def test_an_app_that_goes_takes_the_alarm_on_the_age_of_its_cursor_with_it(cloud: Cloud) -> None:
    cloud.deploy_well(WATCHED)
    cloud.deploy_well(gone=[FUNCTION])
    assert world()["alarms"] == {}


def test_custom_metrics_are_switched_by_conf_and_what_somebody_changed_is_put_right(cloud: Cloud) -> None:
    cloud.deploy_well(WATCHED)
    assert switched() == "on"

    client("lambda").update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": {}})
    cloud.deploy_well(WATCHED)
    assert switched() == "on"

    cloud.deploy_well(app())
    assert switched() is None


def switched() -> str | None:
    """Return what the function that runs is told of custom metrics."""
    variables: dict[str, str] = world()["functions"][FUNCTION]["aliases"]["production"]["Environment"][
        "Variables"
    ]
    return variables.get("SA_APPS_METRICS")


def test_an_alarm_that_conf_switches_off_is_deleted(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    cloud.writes()

    cloud.deploy_well(app(metric_alarms={"errors": {"enabled": False}}))

    assert cloud.writes() == ["cloudwatch.DeleteAlarms"]


def test_a_rule_that_is_disabled_stays_so(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    client("events").disable_rule(Name=f"{FUNCTION}_schedule")
    cloud.writes()

    cloud.deploy_well(app())
    assert cloud.writes() == []
    cloud.deploy_well(app(schedule_expression="rate(1 hour)"))
    rule = world()["rules"][f"{FUNCTION}_schedule"]
    assert (rule["schedule"], rule["state"]) == ("rate(1 hour)", "DISABLED")


def test_a_rule_is_never_made_anew(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    cloud.writes()

    cloud.deploy_well(app(schedule_expression="rate(1 hour)"))

    judged_by_the_schedule = ["cloudwatch.PutMetricAlarm"] * 2
    assert cloud.writes() == ["events.PutRule", "events.PutTargets", *judged_by_the_schedule]


DRIFTS: dict[str, Callable[[], object]] = {
    "the role's policy": lambda: client("iam").put_role_policy(
        RoleName=f"{FUNCTION}_role",
        PolicyName="sa-apps",
        PolicyDocument=json.dumps({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        }),
    ),
    "no policy": lambda: client("iam").delete_role_policy(RoleName=f"{FUNCTION}_role", PolicyName="sa-apps"),
    "no log group": lambda: client("logs").delete_log_group(logGroupName=f"/aws/lambda/{FUNCTION}"),
    "retention": lambda: client("logs").put_retention_policy(
        logGroupName=f"/aws/lambda/{FUNCTION}", retentionInDays=365
    ),
    "endless retention": lambda: client("logs").delete_retention_policy(
        logGroupName=f"/aws/lambda/{FUNCTION}"
    ),
    "no function": lambda: client("lambda").delete_function(FunctionName=FUNCTION),
    "memory": lambda: client("lambda").update_function_configuration(FunctionName=FUNCTION, MemorySize=1024),
    "timeout": lambda: client("lambda").update_function_configuration(FunctionName=FUNCTION, Timeout=3),
    "environment": lambda: client("lambda").update_function_configuration(
        FunctionName=FUNCTION, Environment={"Variables": {"A": "1"}}
    ),
    "a published environment": lambda: (
        client("lambda").update_function_configuration(
            FunctionName=FUNCTION, Environment={"Variables": {"A": "1"}}
        ),
        client("lambda").publish_version(FunctionName=FUNCTION),
        client("lambda").update_alias(FunctionName=FUNCTION, Name="production", FunctionVersion="2"),
    ),
    "code": lambda: client("lambda").update_function_code(FunctionName=FUNCTION, ZipFile=OTHER_CODE.archive),
    "code under an old description": lambda: (
        client("lambda").update_function_code(FunctionName=FUNCTION, ZipFile=OTHER_CODE.archive),
        client("lambda").publish_version(FunctionName=FUNCTION),
        client("lambda").update_alias(FunctionName=FUNCTION, Name="production", FunctionVersion="2"),
    ),
    "concurrency": lambda: client("lambda").put_function_concurrency(
        FunctionName=FUNCTION, ReservedConcurrentExecutions=7
    ),
    "no concurrency": lambda: client("lambda").delete_function_concurrency(FunctionName=FUNCTION),
    "a tag": lambda: client("lambda").tag_resource(Resource=ARN, Tags={"sa-apps:app": "other"}),
    "no tags": lambda: client("lambda").untag_resource(Resource=ARN, TagKeys=list(TAGS)),
    "no alias": lambda: (
        DRIFTS["no permission"](),  # with AWS it goes along
        client("lambda").delete_alias(FunctionName=FUNCTION, Name="production"),
    ),
    "no permission": lambda: client("lambda").remove_permission(
        FunctionName=FUNCTION, Qualifier="production", StatementId=f"AllowExecutionFromCloudWatch_{FUNCTION}"
    ),
    "a permission for another rule": lambda: (
        client("lambda").remove_permission(
            FunctionName=FUNCTION,
            Qualifier="production",
            StatementId=f"AllowExecutionFromCloudWatch_{FUNCTION}",
        ),
        client("lambda").add_permission(
            FunctionName=FUNCTION,
            Qualifier="production",
            StatementId=f"AllowExecutionFromCloudWatch_{FUNCTION}",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn="arn:aws:events:us-east-1:123456789012:rule/other",
        ),
    ),
    "no rule": lambda: (
        client("events").remove_targets(Rule=f"{FUNCTION}_schedule", Ids=["sa-apps"]),
        client("events").delete_rule(Name=f"{FUNCTION}_schedule"),
    ),
    "schedule": lambda: client("events").put_rule(
        Name=f"{FUNCTION}_schedule", ScheduleExpression="rate(5 days)"
    ),
    "no target": lambda: client("events").remove_targets(Rule=f"{FUNCTION}_schedule", Ids=["sa-apps"]),
    "the target's input": lambda: client("events").put_targets(
        Rule=f"{FUNCTION}_schedule", Targets=[{"Id": "sa-apps", "Arn": f"{ARN}:production", "Input": "{}"}]
    ),
    "a target without the alias": lambda: client("events").put_targets(
        Rule=f"{FUNCTION}_schedule", Targets=[{"Id": "sa-apps", "Arn": ARN}]
    ),
    "a second target": lambda: client("events").put_targets(
        Rule=f"{FUNCTION}_schedule", Targets=[{"Id": "again", "Arn": f"{ARN}:production", "Input": "{}"}]
    ),
    "no alarm": lambda: client("cloudwatch").delete_alarms(AlarmNames=[f"{FUNCTION}_invocation_errors"]),
    "the alarm's threshold": lambda: client("cloudwatch").put_metric_alarm(
        AlarmName=f"{FUNCTION}_invocation_errors",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=100,
        Period=120,
        EvaluationPeriods=1,
        Dimensions=[{"Name": "FunctionName", "Value": FUNCTION}],
    ),
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_what_somebody_changed_is_put_right(cloud: Cloud, drift: str) -> None:
    cloud.deploy_well(app())
    right = world()
    DRIFTS[drift]()
    assert drift == "code under an old description" or world() != right

    cloud.deploy_well(app())
    assert world() == right
    cloud.writes()
    cloud.deploy_well(app())
    assert cloud.writes() == []


def test_what_is_not_ours_to_decide_stays(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    client("lambda").tag_resource(Resource=ARN, Tags={"team": "security"})
    client("iam").put_role_policy(
        RoleName=f"{FUNCTION}_role",
        PolicyName="theirs",
        PolicyDocument=json.dumps(THEIRS),
    )
    there = world()

    cloud.deploy_well(app())

    assert world() == there


def test_a_function_that_lost_its_role_is_made_anew_with_it(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    right = world()
    iam = client("iam")
    iam.delete_role_policy(RoleName=f"{FUNCTION}_role", PolicyName="sa-apps")
    iam.delete_role(RoleName=f"{FUNCTION}_role")
    cloud.writes()

    cloud.deploy_well(app())

    assert cloud.writes()[:2] == ["lambda.DeleteFunction", "iam.CreateRole"]
    assert world() == right


def test_thirty_apps_are_deployed_at_once(cloud: Cloud) -> None:
    apps = [app(f"app{number}") for number in range(30)]

    cloud.deploy_well(*apps, workers=8)

    assert len(world()["functions"]) == 30
    cloud.writes()
    cloud.deploy_well(*apps, workers=8)
    assert cloud.writes() == []


def test_the_roles_of_all_apps_come_before_any_function(cloud: Cloud) -> None:
    cloud.deploy_well(*[app(f"app{number}") for number in range(6)])

    writes = cloud.writes()
    assert "lambda.CreateFunction" not in writes[: 6 * 4]
    assert writes[6 * 4 :].count("iam.CreateRole") == 0

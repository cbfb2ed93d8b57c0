"""`sa-apps deploy`: the plan is shown first, only differences are written, and how it went is told."""

from __future__ import annotations

import io
import json
import os
import signal
from base64 import b64decode
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import boto3
import pytest

from streamalert_apps.deploy.package import build
from streamalert_apps.deploy.resources.role import POLICY
from streamalert_apps.runtime import names
from tests.cli.conftest import FUNCTION, settings, writes
from tests.cli.test_json import check
from tests.proxy import Answer, Call, Fault, Proxy, Refuse, Rewrite
from tests.terminal import ENTER, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]


BUCKET = "acme-sa-apps-123456789012-us-east-1"


def functions() -> list[str]:
    return sorted(f["FunctionName"] for f in boto3.client("lambda").list_functions()["Functions"])


def test_the_plan_is_carried_out_and_the_second_time_there_is_none(
    deployable: Path, sa_apps: Command, aws: Proxy
) -> None:
    ran = sa_apps("deploy", "--yes")
    assert (ran.code, ran.out) == (0, "")
    assert "+ collector (prod): role, log group, function, alias, permission, rule, target, alarm" in ran.err
    assert "Apps: 1 created." in ran.err
    writes(aws)

    ran = sa_apps("deploy", "--yes")
    assert (ran.code, ran.out) == (0, "")
    assert "No changes" in ran.err
    assert writes(aws) == []


def test_what_is_uploaded_is_the_package(deployable: Path, sa_apps: Command, aws: Proxy) -> None:
    sa_apps("deploy", "--yes")

    (created,) = [call for call in aws.calls if call.name == "lambda.CreateFunction"]
    assert b64decode(created.json["Code"]["ZipFile"]) == build("duo_auth").archive


def test_a_dry_run_shows_the_plan_as_data_and_writes_nothing(
    deployable: Path, sa_apps: Command, aws: Proxy
) -> None:
    ran = sa_apps("deploy", "--dry-run")

    assert ran.code == 0
    assert ran.out.splitlines() == [
        f"+ bucket {BUCKET}",
        "+ collector (prod): role, log group, function, alias, permission, rule, target, alarm",
        "+ dashboard acme-sa-apps",
    ]
    assert "Plan: 1 to create." in ran.err
    assert writes(aws) == []


def test_differences_are_shown_old_and_new(deployed: Path, sa_apps: Command) -> None:
    settings(deployed, memory=256, schedule_expression="rate(1 hour)")

    ran = sa_apps("deploy", "--dry-run")

    assert "memory 128 → 256" in ran.out
    assert "schedule rate(2 hours) → rate(1 hour)" in ran.out
    assert "production moves to a new version" in ran.out


def test_what_a_role_may_do_is_shown_old_and_new(deployed: Path, sa_apps: Command) -> None:
    iam = boto3.client("iam")
    name = names.role(FUNCTION)
    document: Any = iam.get_role_policy(RoleName=name, PolicyName=POLICY)["PolicyDocument"]
    document["Statement"][0]["Action"] = "s3:DeleteBucket"
    iam.put_role_policy(RoleName=name, PolicyName=POLICY, PolicyDocument=json.dumps(document))

    told = sa_apps("deploy", "--dry-run").out

    assert "~ role        policy\n" in told
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}"
    assert f"- policy: Allow s3:DeleteBucket on {arn}" in told
    assert f"+ policy: Allow lambda:InvokeFunction on {arn}" in told
    assert "ssm:GetParameters" not in told, "what stays is not shown"


def test_each_property_is_shown_where_that_is_wanted(deployed: Path, sa_apps: Command) -> None:
    settings(deployed, log_level="debug")

    assert "- environment" not in sa_apps("deploy", "--dry-run").out
    told = sa_apps("deploy", "--dry-run", "--verbose").out

    assert "- environment" in told
    assert "+ environment" in told


@pytest.mark.parametrize("words", [[], ["--dry-run"], ["--yes", "--json"]])
def test_without_apps_it_is_said_what_adds_one(aws_project: Path, sa_apps: Command, words: list[str]) -> None:
    ran = sa_apps("deploy", *words)
    assert ran.code == 0
    assert "Plan: ." not in ran.err
    assert ran.err.endswith("No Apps configured.\nNext: `sa-apps new` adds one.\n")


def test_pending_changes_can_be_told_by_the_exit_code(deployable: Path, sa_apps: Command) -> None:
    assert sa_apps("deploy", "--dry-run", "--exit-code").code == 3
    assert sa_apps("deploy", "--yes").code == 0
    assert sa_apps("deploy", "--dry-run", "--exit-code").code == 0


def test_without_a_terminal_nothing_is_written_unasked(
    deployable: Path, sa_apps: Command, aws: Proxy
) -> None:
    ran = sa_apps("deploy")

    assert ran.code == 2
    assert "--yes" in ran.err
    assert writes(aws) == []


@pytest.mark.parametrize(("answer", "code", "made"), [("y", 0, 1), ("n", 130, 0)])
def test_on_a_terminal_the_plan_is_asked_about(deployable: Path, answer: str, code: int, made: int) -> None:
    with Terminal("deploy", folder=deployable) as terminal:
        terminal.see("+ collector (prod): role").see("Apply these changes?").type(answer + ENTER)
        assert terminal.ends() == code
    assert len(functions()) == made


def test_json_has_the_documented_form(deployable: Path, sa_apps: Command) -> None:
    planned = check(sa_apps("deploy", "--dry-run", "--json").out, "deploy")
    assert (planned["dry_run"], planned["totals"]["create"]) == (True, 1)
    done = check(sa_apps("deploy", "--yes", "--json").out, "deploy")
    assert done["dry_run"] is False
    assert done["apps"] == [{**planned["apps"][0]}]
    settings(deployable, memory=256)
    changed = check(sa_apps("deploy", "--yes", "--json").out, "deploy")
    assert changed["apps"][0]["changes"][0]["differing"] == {"memory": {"old": 128, "new": 256}}


def denied(function: str) -> Callable[[Call], Fault | None]:
    def before(call: Call) -> Fault | None:
        if call.name == "lambda.CreateFunction" and call.json["FunctionName"] == function:
            return Refuse(403, "AccessDeniedException")
        return None

    return before


def test_where_some_apps_fail_the_others_are_deployed(deployable: Path, sa_apps: Command, aws: Proxy) -> None:
    other = "acme_prod_duo_auth_other_app"
    settings(deployable, other)
    aws.before = denied(other)

    ran = sa_apps("deploy", "--yes", "--json")

    assert ran.code == 5
    answer = json.loads(ran.out)
    assert answer["status"] == "failed"
    assert {app["name"]: app["result"] for app in answer["apps"]} == {
        "collector": "create",
        "other": "failed",
    }
    assert "other (prod): Your AWS user may not" in answer["errors"][0]["message"]
    assert functions() == [FUNCTION]


def test_where_all_are_refused_the_credentials_are_to_blame(
    deployable: Path, sa_apps: Command, aws: Proxy
) -> None:
    aws.before = denied(FUNCTION)

    assert sa_apps("deploy", "--yes").code == 4


def test_without_credentials_nothing_is_planned(
    deployable: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    ran = sa_apps("deploy", "--yes")

    assert ran.code == 4
    assert "There are no AWS credentials." in ran.err


def test_an_app_that_aws_would_refuse_fails_before_anything_is_written(
    deployable: Path, sa_apps: Command, aws: Proxy
) -> None:
    settings(deployable, vpc_config={"subnet_ids": ["subnet-1"]})

    ran = sa_apps("deploy", "--yes")

    assert ran.code == 1
    assert "vpc_config needs" in ran.err
    assert "conf/clusters/prod.json" in ran.err
    assert writes(aws) == []


@pytest.mark.parametrize("app_type", ["duo_auht", "dou_auth"])
def test_an_app_of_an_unknown_type_fails_with_a_suggestion(
    deployable: Path, sa_apps: Command, app_type: str
) -> None:
    settings(deployable, type=app_type)

    ran = sa_apps("deploy", "--yes")

    assert ran.code == 1
    assert "Did you mean 'duo_auth'?" in ran.err


@pytest.mark.parametrize("app_type", ["duo_auht", "dou_auth"])
def test_so_does_one_that_has_been_deployed(deployed: Path, sa_apps: Command, app_type: str) -> None:
    settings(deployed, type=app_type)

    ran = sa_apps("deploy", "--yes")

    assert ran.code == 1
    assert f"There is no app type '{app_type}'" in ran.err
    assert "Did you mean 'duo_auth'?" in ran.err


def test_only_apps_that_are_named_are_deployed(deployable: Path, sa_apps: Command) -> None:
    settings(deployable, "acme_prod_duo_auth_other_app")
    settings(deployable, "acme_prod_duo_auth_third_app")

    assert sa_apps("deploy", "other", "--name", "third", "--cluster", "prod", "--yes").code == 0

    assert functions() == ["acme_prod_duo_auth_other_app", "acme_prod_duo_auth_third_app"]


def test_a_name_that_is_none_is_an_error_with_a_suggestion(deployable: Path, sa_apps: Command) -> None:
    ran = sa_apps("deploy", "colector", "--yes")
    assert ran.code == 2
    assert "Did you mean 'collector'?" in ran.err


def test_several_clusters_can_be_named(deployable: Path, sa_apps: Command, auth_file: Path) -> None:
    sa_apps("init", "--cluster", "corp")
    sa_apps("new", "duo_auth", "-c", "corp", "--auth-file", str(auth_file), "--no-check")

    assert sa_apps("deploy", "collector", "--yes").code == 2
    assert sa_apps("deploy", "collector", "-c", "prod", "-c", "corp", "--yes").code == 0

    assert len(functions()) == 2


def test_an_app_without_credentials_is_deployed_with_a_warning(deployable: Path, sa_apps: Command) -> None:
    boto3.client("ssm").delete_parameter(Name=f"{FUNCTION}_auth")

    ran = sa_apps("deploy", "--yes")

    assert ran.code == 0
    assert "collector (prod) has no credentials yet" in ran.err


def test_a_local_project_has_nothing_to_deploy(local: Path, sa_apps: Command) -> None:
    ran = sa_apps("deploy", "--yes")
    assert ran.code == 1
    assert "is a local project" in ran.err


def test_a_project_without_apps_is_fine(aws_project: Path, sa_apps: Command) -> None:
    assert sa_apps("deploy", "--yes").code == 0


def gone(folder: Path) -> None:
    path = folder / "conf/clusters/prod.json"
    conf = json.loads(path.read_text())
    conf["modules"] = {}
    path.write_text(json.dumps(conf))


def test_an_app_that_is_gone_from_conf_is_left_unless_it_is_to_be_pruned(
    deployed: Path, sa_apps: Command
) -> None:
    gone(deployed)
    assert sa_apps("deploy", "--yes").code == 0
    assert functions() == [FUNCTION]

    ran = sa_apps("deploy", "--prune", "--yes")

    assert ran.code == 0
    assert f"- {FUNCTION}: alarm, target, rule, function, log group, role" in ran.err
    assert functions() == []
    assert boto3.client("iam").list_roles()["Roles"] == []
    assert "No Apps configured" in sa_apps("deploy", "--prune", "--yes").err


def test_an_app_that_is_gone_from_conf_is_warned_of_as_long_as_it_is_there(
    deployed: Path, sa_apps: Command
) -> None:
    gone(deployed)
    told = f"warning: {FUNCTION} still runs in AWS (rate(2 hours)), but is not in conf/."

    ran = sa_apps("deploy", "--dry-run", "--json")
    assert told in ran.err
    assert check(ran.out, "deploy")["orphans"] == [
        {"function": FUNCTION, "schedule": "rate(2 hours)", "enabled": True}
    ]
    assert FUNCTION not in sa_apps("deploy", "--yes", "--cluster", "prod", "--prune").err.partition("done")[2]
    assert told not in sa_apps("deploy", "--yes").err


def test_pruning_leaves_credentials_and_state(deployed: Path, sa_apps: Command) -> None:
    gone(deployed)
    sa_apps("deploy", "--prune", "--yes")

    assert boto3.client("ssm").get_parameters(Names=[f"{FUNCTION}_auth"])["Parameters"]


def test_pruning_keeps_to_the_clusters_that_are_named(deployed: Path, sa_apps: Command) -> None:
    sa_apps("init", "--cluster", "corp")
    gone(deployed)

    sa_apps("deploy", "--prune", "--cluster", "corp", "--yes")

    assert functions() == [FUNCTION]


def test_pruning_leaves_what_is_not_ours(deployable: Path, sa_apps: Command) -> None:
    iam = boto3.client("iam")
    for name in ("acme_prod_duo_auth_theirs_app_role", "acme_prod_streamalert_classifier_role"):
        iam.create_role(RoleName=name, Path="/streamalert/", AssumeRolePolicyDocument="{}")

    sa_apps("deploy", "--prune", "--yes")

    assert len(iam.list_roles(PathPrefix="/streamalert/")["Roles"]) == 3


def test_pruning_is_about_all_apps(deployable: Path, sa_apps: Command) -> None:
    assert sa_apps("deploy", "collector", "--prune", "--yes").code == 2


def test_what_somebody_else_made_is_taken_over_only_on_demand(deployable: Path, sa_apps: Command) -> None:
    events = boto3.client("events")
    events.put_rule(Name=f"{FUNCTION}_schedule", ScheduleExpression="rate(1 minute)")
    other = "arn:aws:lambda:us-east-1:123456789012:function:other"
    events.put_targets(Rule=f"{FUNCTION}_schedule", Targets=[{"Id": "1", "Arn": other}])

    refused = sa_apps("deploy", "--yes")
    assert refused.code == 1
    assert "--adopt" in refused.err
    assert sa_apps("deploy", "--yes", "--adopt").code == 0


def test_ctrl_c_says_how_far_it_came_and_the_next_deploy_goes_on(
    deployable: Path, sa_apps: Command, aws: Proxy
) -> None:
    def interrupt(call: Call) -> None:
        if call.name == "logs.CreateLogGroup":
            os.kill(os.getpid(), signal.SIGINT)

    aws.after = interrupt

    ran = sa_apps("deploy", "--yes")

    assert ran.code == 130
    assert "Interrupted" in ran.err
    assert functions() == []
    aws.after = lambda _: None
    assert sa_apps("deploy", "--yes").code == 0
    assert functions() == [FUNCTION]


def test_streamalerts_words_are_understood(deployable: Path, sa_apps: Command) -> None:
    ran = sa_apps("deploy", "--functions", "apps", "--yes")
    assert (ran.code, functions()) == (0, [FUNCTION])


def test_streamalerts_other_functions_are_streamalerts(deployable: Path, sa_apps: Command) -> None:
    ran = sa_apps("deploy", "--functions", "rule", "apps", "--yes")
    assert ran.code == 2
    assert "not rule" in ran.err


@pytest.fixture
def classifier(deployable: Path, aws: Proxy, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of StreamAlert's classifier, whose zip knows no app."""
    name = "acme_prod_streamalert_classifier"
    code = io.BytesIO()
    with ZipFile(code, "w") as archive:
        archive.writestr("conf/global.json", "{}")
    role = boto3.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client = boto3.client("lambda")
    client.create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.9",
        Handler="streamalert.classifier.main.handler",
        Code={"ZipFile": code.getvalue()},
        Publish=True,
    )
    client.create_alias(FunctionName=name, Name="production", FunctionVersion="1")
    aws.calls.clear()
    aws.after = lambda call: (
        Rewrite(lambda answer: {**answer, "Code": {"Location": ""}}) if name in call.path else None
    )
    monkeypatch.setattr("streamalert_apps.deploy.classifier.download", lambda _: code.getvalue())
    return name


@pytest.mark.parametrize(
    "words",
    [["--with-classifier"], ["--functions", "classifier", "apps"], ["-f", "apps", "-f", "classifier"]],
)
def test_the_classifier_knows_an_app_before_it_runs(
    classifier: str, sa_apps: Command, aws: Proxy, words: list[str]
) -> None:
    ran = sa_apps("deploy", *words, "--yes", "--json")

    assert ran.code == 0
    (told,) = check(ran.out, "deploy")["classifiers"]
    assert [change["sign"] for change in told.pop("changes")] == ["+", "+"]
    assert told == {
        "cluster": "prod",
        "function": classifier,
        "files": ["conf/clusters/prod.json", "conf/schemas/duo.json"],
        "version": "2",
    }
    made = writes(aws)
    assert made.index("lambda.UpdateAlias") < made.index("iam.CreateRole")


def test_the_classifier_alone_can_be_deployed(classifier: str, sa_apps: Command) -> None:
    assert sa_apps("deploy", "--functions", "classifier", "--yes").code == 0
    assert functions() == [classifier]


def test_a_classifier_that_is_not_there_stops_the_deploy(
    deployable: Path, sa_apps: Command, aws: Proxy
) -> None:
    ran = sa_apps("deploy", "--with-classifier", "--yes")
    assert ran.code == 1
    assert "There is no classifier acme_prod_streamalert_classifier" in ran.err
    assert writes(aws) == []


def test_the_bucket_is_there_before_any_app(deployable: Path, sa_apps: Command, aws: Proxy) -> None:
    planned = check(sa_apps("deploy", "--dry-run", "--json").out, "deploy")
    assert planned["bucket"]["name"] == BUCKET
    assert [change["action"] for change in planned["bucket"]["changes"]] == ["create"]

    sa_apps("deploy", "--yes")

    made = writes(aws)
    assert made.index("s3.PutBucketPolicy") < made.index("iam.CreateRole")


def test_all_apps_share_one_bucket_that_is_asked_for_once(
    deployable: Path, sa_apps: Command, aws: Proxy
) -> None:
    settings(deployable, "acme_prod_duo_auth_other_app")

    sa_apps("deploy", "--yes")

    assert aws.names().count("s3.HeadBucket") == aws.names().count("s3.CreateBucket") == 1


def test_a_bucket_that_conf_names_is_told_to_the_function(deployable: Path, sa_apps: Command) -> None:
    of_the_project(deployable, bucket="ours")
    assert "There is no bucket ours" in sa_apps("deploy", "--yes").err
    assert functions() == []
    boto3.client("s3").create_bucket(Bucket="ours")

    assert sa_apps("deploy", "--yes").code == 0

    configuration = boto3.client("lambda").get_function_configuration(FunctionName=FUNCTION)
    assert configuration["Environment"]["Variables"]["SA_APPS_BUCKET"] == "ours"


def of_the_project(folder: Path, **ours: str) -> None:
    path = folder / "conf/global.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sa_apps": ours}))


def test_a_bucket_of_another_account_stops_the_deploy_in_one_line(
    deployable: Path, sa_apps: Command, aws: Proxy
) -> None:
    aws.before = lambda call: Answer(403, b"") if call.name == "s3.HeadBucket" else None

    ran = sa_apps("deploy", "--yes")

    (line,) = [line for line in ran.err.splitlines() if line.startswith("error:")]
    assert f"The bucket {BUCKET} belongs to another AWS account than 123456789012" in line
    assert writes(aws) == []


def test_the_bucket_outlives_the_app(deployed: Path, sa_apps: Command) -> None:
    assert sa_apps("remove", "collector", "--yes").code == 0
    boto3.client("s3").head_bucket(Bucket=BUCKET)


@pytest.mark.parametrize("words", [["--dry-run"], ["--yes"]])
def test_the_plan_says_what_the_record_costs(deployable: Path, sa_apps: Command, words: list[str]) -> None:
    (line,) = [line for line in sa_apps("deploy", *words).err.splitlines() if "costs about" in line]
    assert line.startswith("S3 costs about $0.01 a month when idle, $0.03 if every run")


def test_a_bucket_for_large_events_is_said_to_be_superseded(deployable: Path, sa_apps: Command) -> None:
    settings(deployable, oversize_bucket="big")

    ran = sa_apps("deploy", "--dry-run")

    (line,) = [line for line in ran.err.splitlines() if "oversize_bucket" in line]
    assert (
        f"oversize_bucket of collector (prod) is superseded: large events are kept whole in {BUCKET}" in line
    )


def test_the_way_of_an_app_in_a_vpc_is_told_or_that_it_could_not_be_checked(
    deployable: Path, sa_apps: Command, aws: Proxy
) -> None:
    settings(deployable, vpc_config={"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]})
    aws.before = lambda call: Answer(403, b"<r/>") if call.service == "ec2" else None

    ran = sa_apps("deploy", "--dry-run")

    assert ran.code == 0
    assert "Whether apps in a VPC reach their bucket in S3 could not be checked" in ran.err

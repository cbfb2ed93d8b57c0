"""The deployer's policy in docs/security.md is what the commands need, and not more."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.cli.app import main
from streamalert_apps.deploy import classifier
from streamalert_apps.deploy.job import Job
from tests import proxy
from tests.deploy.cloud import OTHER_CODE, PLACE, Cloud, app, client
from tests.deploy.streamalert import terraform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.proxy import Call, Proxy

TEXT = (Path(__file__).parents[2] / "docs/security.md").read_text()
POLICY = json.loads(re.search(r"^```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)[1])  # type: ignore[index]
NEEDS_NO_PERMISSION = {"sts:GetCallerIdentity"}
WITHOUT_A_CALL = {
    "iam:PassRole",  # with CreateFunction and UpdateFunctionConfiguration
    "ssm:DeleteParameter",  # where `new` can't write conf/ and takes the credentials back
}
WITH_TAGS = {  # a call that tags what it makes needs this, too
    "iam:CreateRole": "iam:TagRole",
    "lambda:CreateFunction": "lambda:TagResource",
    "events:PutRule": "events:TagResource",
    "logs:CreateLogGroup": "logs:TagResource",
    "cloudwatch:PutMetricAlarm": "cloudwatch:TagResource",
}
FUNCTION = app().function


def granted() -> set[str]:
    return {action for statement in POLICY["Statement"] for action in listed(statement["Action"])}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def action(call: Call) -> str:
    """Return how IAM calls it."""
    return f"{call.service}:{call.operation.replace('Invoke', 'InvokeFunction')}"


@pytest.fixture
def recorded(aws_env: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxy.serve(aws_env) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield aws


@pytest.fixture
def calls(recorded: Proxy, aws_env: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Return every call of an app's whole life, all drift and adoption included."""
    auth = project / "duo.json"
    auth.write_text(
        json.dumps({
            "api_hostname": "api-abcdef12.duosecurity.com",
            "integration_key": "DIABCDEFGHIJKLMN1234",
            "secret_key": "a" * 40,
        })
    )
    new = ("new", "duo_auth", "-c", "prod", "--no-check", "--auth-file", str(auth))
    sa_apps("init", "--prefix", "acme", "--account-id", "123456789012", "--region", "us-east-1")
    sa_apps(*new)
    sa_apps("deploy", "--yes", "--prune")
    deployed = Cloud(recorded, Cloud.behind(recorded).aws)
    change_everything(deployed)
    sa_apps("rollback", "collector")
    for words in (["status"], ["logs"], ["invoke"], ["disable"], ["enable"], ["remove", "--yes"]):
        sa_apps(words[0], "collector", *words[1:])
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_env)
    terraform()
    client("iam").update_assume_role_policy(RoleName=f"{FUNCTION}_role", PolicyDocument=json.dumps(OPEN))
    monkeypatch.setenv("AWS_ENDPOINT_URL", recorded.url)
    deployed.deploy_well(app())
    deploy_classifier(deployed)
    return recorded.calls


OPEN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


def sa_apps(*words: str) -> None:
    assert main([*words]) == 0, words


def change_everything(cloud: Cloud) -> None:
    vpc = {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}
    changes: list[dict[str, Any]] = [
        {"memory": memory, "concurrency_limit": limit} for memory, limit in enumerate([2, None], 256)
    ]
    changes.append({"schedule_expression": "rate(1 hour)", "log_retention_days": 30, "vpc_config": vpc})
    changes.append({"metric_alarms": {"errors": {"enabled": False}, "cursor_age": {"threshold": 14400}}})
    for change in changes:
        cloud.deploy_well(app(**change), code=OTHER_CODE)
    functions = client("lambda")
    functions.remove_permission(
        FunctionName=FUNCTION, Qualifier="production", StatementId=f"AllowExecutionFromCloudWatch_{FUNCTION}"
    )
    functions.add_permission(
        FunctionName=FUNCTION,
        Qualifier="production",
        StatementId=f"AllowExecutionFromCloudWatch_{FUNCTION}",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
    )
    cloud.deploy_well(app(), code=OTHER_CODE)


def deploy_classifier(cloud: Cloud) -> None:
    job = Job(cloud.aws, PLACE, "acme_prod_streamalert_classifier")
    with suppress(Exception):  # there is none: to ask is what counts
        classifier.look(job, "prod", Path(), [], lambda _: b"")


def test_every_call_is_granted_and_nothing_is_that_nobody_needs(calls: list[Call]) -> None:
    made = {action(call) for call in calls} - NEEDS_NO_PERMISSION
    needed = made | {WITH_TAGS[name] for name in made & set(WITH_TAGS)} | WITHOUT_A_CALL

    assert granted() == needed

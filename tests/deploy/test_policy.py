"""The policies in docs/security.md are what the commands need, and not more."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack, suppress
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from streamalert_apps.aws.session import Session
from streamalert_apps.aws.trouble import OTHER_NAMES
from streamalert_apps.cli.app import main
from streamalert_apps.config import conf
from streamalert_apps.deploy import classifier, network, tags
from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.resources import role
from streamalert_apps.runtime.ssm import ParameterCredentials
from streamalert_apps.sdk.clock import Deadline, SystemClock
from streamalert_apps.serve import destinations
from streamalert_apps.serve.turn import Turn, place_of
from streamalert_apps.services import twins
from streamalert_apps.services.duo.app import DuoAuth
from streamalert_apps.simulator.server import serve
from tests import proxy
from tests.deploy.cloud import OTHER_CODE, PLACE, Cloud, app, client
from tests.deploy.streamalert import terraform
from tests.destinations.http import TOKEN, Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.proxy import Call, Proxy

TEXT = (Path(__file__).parents[2] / "docs/security.md").read_text()
DEPLOYER, BOUNDARY, SETTING, BOUNDED, VIEWER, COLLECTOR = map(
    json.loads, re.findall(r"^```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
)
NEEDS_NO_PERMISSION = {"sts:GetCallerIdentity"}
WITHOUT_A_CALL = {
    "servicequotas:GetServiceQuota",  # where there are nearly as many rules as usually may be
    "ssm:DeleteParameter",  # where `new` can't write conf/ and takes the credentials back
}
IMPLIED = {  # a call that tags what it makes, tells tags by the way, or hands a role on, needs this, too
    "cloudwatch:PutMetricAlarm": {"cloudwatch:TagResource"},
    "events:PutRule": {"events:TagResource"},
    "iam:CreateRole": {"iam:TagRole"},
    "lambda:CreateFunction": {"iam:PassRole", "lambda:TagResource"},
    "lambda:GetFunction": {"lambda:ListTags"},
    "lambda:UpdateFunctionConfiguration": {"iam:PassRole"},
    "logs:CreateLogGroup": {"logs:TagResource"},
}
FUNCTION = app().function


def granted(policy: Any) -> set[str]:
    return {action for statement in policy["Statement"] for action in listed(statement["Action"])}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def implied(made: set[str]) -> set[str]:
    return {action for name in made & set(IMPLIED) for action in IMPLIED[name]}


def action(call: Call) -> str:
    """Return how IAM calls it."""
    name = f"{call.service}:{call.operation}"
    return OTHER_NAMES.get(name, name)


@pytest.fixture
def recorded(aws_env: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxy.serve(aws_env) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield aws


@pytest.fixture
def sinks() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def calls(recorded: Proxy, aws_env: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Return every call of an app's whole life, all drift and adoption included."""
    set_up(project)
    sa_apps("deploy", "--yes", "--prune")
    deployed = Cloud(recorded, Cloud.behind(recorded).aws)
    change_everything(deployed)
    change_the_bucket()
    sa_apps("deploy", "--yes")
    sa_apps("rollback", "collector")
    define_and_remove_a_destination(project)
    demand(project)
    sa_apps("update-auth", "collector", "--auth-file", str(project / "duo.json"), "--no-check")
    sa_apps("deploy", "--yes")
    main(["doctor", "--simulator", "http://127.0.0.1:9"])  # whatever it finds
    for words in (["status"], ["logs"], ["invoke"], ["disable"], ["enable"], ["remove", "--yes"]):
        sa_apps(words[0], "collector", *words[1:])
    sa_apps("deploy", "--yes")  # nothing is left for the dashboard to show
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_env)
    terraform()
    client("iam").update_assume_role_policy(RoleName=f"{FUNCTION}_role", PolicyDocument=json.dumps(OPEN))
    monkeypatch.setenv("AWS_ENDPOINT_URL", recorded.url)
    deployed.deploy_well(app())
    deploy_classifier(deployed)
    return [*recorded.calls, *asked_of_the_network()]


def set_up(project: Path) -> None:
    """Make a project with an app."""
    auth = project / "duo.json"
    auth.write_text(
        json.dumps({
            "api_hostname": "api-abcdef12.duosecurity.com",
            "integration_key": "DIABCDEFGHIJKLMN1234",
            "secret_key": "a" * 40,
        })
    )
    sa_apps("init", "--prefix", "acme", "--account-id", "123456789012", "--region", "us-east-1")
    sa_apps("new", "duo_auth", "-c", "prod", "--no-check", "--auth-file", str(auth))


def demand(project: Path) -> None:
    """Let the project demand a boundary and tags, and have other credentials."""
    path = project / "conf/global.json"
    conf_ = json.loads(path.read_text())
    boundary = "arn:aws:iam::123456789012:policy/acme-sa-apps-boundary"
    path.write_text(
        json.dumps({**conf_, "sa_apps": {"role_boundary": boundary, "tags": {"cost": "security"}}})
    )
    auth = json.loads((project / "duo.json").read_text())
    (project / "duo.json").write_text(json.dumps({**auth, "secret_key": "b" * 40}))


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


def define_and_remove_a_destination(project: Path) -> None:
    """Define a destination, and take it away from an app that has a position of it."""
    define_a_destination(project)
    there = json.dumps({
        "owner": PLACE.function(FUNCTION),
        "birth": "b",
        "key": "k",
        "fence": 1,
        "format": 1,
        "positions": {"soc": {"sequence": 1}},
    })
    client("s3").put_object(Bucket=PLACE.bucket, Key=f"{FUNCTION}/head.json", Body=there.encode())
    sa_apps("destination", "remove", "soc", "--yes")


def define_a_destination(project: Path, url: str = "https://logs.example.com/in") -> None:
    auth = project / "soc.json"
    auth.write_text(json.dumps({"token": TOKEN}))
    auth.chmod(0o600)
    sa_apps("destination", "add", "soc", "--type", "http", "--set", f"url={url}", "--auth-file", str(auth))


def change_the_bucket() -> None:
    s3, name = client("s3"), {"Bucket": PLACE.bucket}
    s3.put_bucket_versioning(**name, VersioningConfiguration={"Status": "Enabled"})
    by_key = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(**name, ServerSideEncryptionConfiguration={"Rules": [by_key]})


def asked_of_the_network() -> list[Call]:
    """Return what an app in a VPC makes a deploy ask. moto's EC2 takes long to load, so it is not asked."""
    subnet = "<item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId></item>"
    answers = {
        "DescribeSubnets": f"<r><subnetSet>{subnet}</subnetSet></r>",
        "DescribeVpcEndpoints": "<r><vpcEndpointSet/></r>",
        "DescribeRouteTables": "<r><routeTableSet/></r>",
    }
    conf_app = app(vpc_config={"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]})
    with proxy.serve("http://127.0.0.1:1") as aws:
        aws.before = lambda call: proxy.Answer(200, answers[call.operation].encode())
        ec2 = boto3.client("ec2", endpoint_url=aws.url)
        assert network.warnings(ec2, PLACE, [conf_app])
        ec2.close()
        return aws.calls


def deploy_classifier(cloud: Cloud) -> None:
    job = Job(cloud.aws, PLACE, "acme_prod_streamalert_classifier")
    with suppress(Exception):  # there is none: to ask is what counts
        classifier.look(job, "prod", Path(), [], lambda _: b"")


def test_every_call_is_granted_and_nothing_is_that_nobody_needs(calls: list[Call]) -> None:
    made = {action(call) for call in calls} - NEEDS_NO_PERMISSION
    needed = made | implied(made) | WITHOUT_A_CALL

    assert granted(DEPLOYER) == needed


def test_who_only_looks_needs_no_more_than_the_viewers_policy(
    recorded: Proxy, aws_env: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = (["status"], ["logs", "collector"], ["deploy", "--dry-run", "--prune"])
    set_up(project)
    sa_apps("deploy", "--yes")
    recorded.calls.clear()
    for words in look:
        sa_apps(*words)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_env)
    ours = [tags.PREFIX, tags.CLUSTER, tags.TYPE, tags.APP]
    client("lambda").untag_resource(
        Resource=PLACE.function(FUNCTION), TagKeys=ours
    )  # as if not taken over yet
    monkeypatch.setenv("AWS_ENDPOINT_URL", recorded.url)
    for words in look:
        sa_apps(*words)

    made = {action(call) for call in recorded.calls} - NEEDS_NO_PERMISSION
    assert granted(VIEWER) == made | implied(made)


def test_who_only_looks_reads_no_event() -> None:
    readable = [s["Resource"] for s in VIEWER["Statement"] if "s3:GetObject" in listed(s["Action"])]
    assert readable == ["arn:aws:s3:::acme-sa-apps-111122223333-us-east-1/*/head.json"]


def test_a_laptop_that_collects_needs_no_more_than_its_policy(
    recorded: Proxy, project: Path, sinks: ExitStack
) -> None:
    set_up(project)
    sa_apps("deploy", "--yes")
    endpoint = Endpoint(SystemClock())
    twin = twins.twin("duo", clock=SystemClock(), rate=None)
    now = twin.clock.now()
    twin.seed("duo_auth", events=3, start=now - timedelta(minutes=50), end=now - timedelta(minutes=20))
    client("ssm").put_parameter(
        Name=f"{FUNCTION}_auth", Value=json.dumps(twin.credentials), Type="SecureString", Overwrite=True
    )
    soc = sinks.enter_context(serve(endpoint))  # type: ignore[arg-type] # it is asked for no more
    define_a_destination(project, f"{soc.url}/in")
    sa_apps("config", "set", "destinations", '["classifier", "soc"]', "-n", "collector")
    loaded = conf.load(project)
    (duo_app,) = loaded.all_apps
    session = Session("us-east-1")
    recorded.calls.clear()
    credentials = ParameterCredentials(
        session.client("ssm"), f"{FUNCTION}_auth", SystemClock(), Deadline(lambda: 60.0)
    )
    place = place_of(loaded, duo_app, lambda: session)
    targets = destinations.of_app(loaded, duo_app, lambda: session, SystemClock())
    outlets = {target.name: target.outlet for target in targets}
    with serve(twin) as duo:
        turn = Turn(duo_app, DuoAuth, credentials.load, place, outlets, simulator=duo.url)
        assert turn.collect().events == 3
    for target in targets:
        target.close()
    assert len(endpoint.arrived) == 3

    made = {action(call) for call in recorded.calls} - NEEDS_NO_PERMISSION
    once_a_day = {"s3:DeleteObject", "s3:ListBucket"}  # what is older than journal_days is deleted
    assert granted(COLLECTOR) == made | once_a_day
    asked = {name for call in recorded.calls if call.service == "ssm" for name in call.json["Names"]}
    assert f"{PLACE.prefix}_destination_soc_auth" in asked
    (patterns,) = (
        s["Resource"] for s in COLLECTOR["Statement"] if "ssm:GetParameters" in listed(s["Action"])
    )
    ours = [arn.replace("duo_prod_app", "collector_app").rpartition("/")[2] for arn in patterns]
    assert not [name for name in asked if not any(fnmatch(name, pattern) for pattern in ours)]


ROLES = next(statement for statement in DEPLOYER["Statement"] if statement["Sid"] == "Roles")
WIDENING = {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}


def test_the_bounded_variant_grants_the_same_and_widens_only_what_is_bounded() -> None:
    assert {action for statement in BOUNDED for action in listed(statement["Action"])} == {*ROLES["Action"]}
    boundary = SETTING["sa_apps"]["role_boundary"]
    for statement in BOUNDED:
        condition = statement.get("Condition", {}).get("StringEquals", {}).get("iam:PermissionsBoundary")
        assert condition == boundary or not WIDENING & set(listed(statement["Action"]))
        assert statement["Resource"] == ROLES["Resource"]


def test_no_policy_takes_a_boundary_away_or_changes_one() -> None:
    every = granted(DEPLOYER) | {action for statement in BOUNDED for action in listed(statement["Action"])}
    assert not every & {
        "iam:DeleteRolePermissionsBoundary",
        "iam:CreatePolicyVersion",
        "iam:AttachRolePolicy",
    }


def test_the_boundary_allows_what_apps_do_and_no_more() -> None:
    vpc = {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}
    policies = [role.policy(app(), PLACE), role.policy(app(vpc_config=vpc), PLACE)]
    assert granted(BOUNDARY) == set.union(*map(granted, policies))

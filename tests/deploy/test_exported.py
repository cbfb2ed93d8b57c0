"""What is exported is what `deploy` would make: read back, it leaves nothing to change."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.api import lint

from streamalert_apps.deploy import bucket, cloudformation, dashboard, resources, terraform
from streamalert_apps.deploy.exported import export, file_of
from streamalert_apps.deploy.job import Wanted
from streamalert_apps.deploy.plan import Resource
from streamalert_apps.deploy.resources import target
from streamalert_apps.errors import UsageError
from streamalert_apps.runtime.outlets import Definition
from tests.deploy.cloud import CODE, OTHER_CODE, PLACE, app

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
LAKE = Definition(
    "lake", {"type": "s3", "bucket": "acme-lake", "prefix": "saas/", "only": "note == '${x}%{if}'"}
)
APPS = (
    (app(), CODE),
    (
        app(
            name="other",
            vpc_config={"subnet_ids": ["subnet-00000001"], "security_group_ids": ["sg-00000001"]},
            concurrency_limit=None,
            metric_alarms={"throttles": {"threshold": 3}, "behind": {"enabled": False}},
            sinks=(LAKE,),
            extra={"log_format": "json", "journal_days": 3},
            schedule_expression="rate(1 hour)",
            memory=512,
        ),
        OTHER_CODE,
    ),
)
PLACES = {
    "plain": PLACE,
    "with all that conf/ can say": replace(
        PLACE,
        named_key=KEY,
        role_boundary="arn:aws:iam::123456789012:policy/boundary",
        tags=(("team", "sec ops"),),
    ),
}


def wanted(place: Any) -> list[Resource]:
    """Return what a deploy makes."""
    made = [bucket.desired(place), dashboard.desired(place, [one for one, _ in APPS])]
    for one, package in APPS:
        made += [
            part for kind in resources.KINDS.values() for part in kind.desired(Wanted(one, place, package))
        ]
    return made


def said(resource: Resource) -> dict[str, Any]:
    """Return what a resource says, but for what has no place in a file: what shall not be there."""
    without = {"doubles", "layers", "left_over", "version", "weights"}
    return {key: plain(value) for key, value in resource.attributes.items() if key not in without}


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


@cache
def template(place: Any) -> Any:
    return plain(cloudformation.template(export(place, APPS, shared=True)))


@cache
def configuration(place: Any) -> Any:
    return plain(terraform.configuration(export(place, APPS, shared=True)))


# CloudFormation


def of_type(made: Any, kind: str) -> list[Any]:
    return [one["Properties"] for one in made["Resources"].values() if one["Type"] == f"AWS::{kind}"]


def by_key(listed: Any) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in listed}


def code_in(properties: Any) -> str:
    return re.fullmatch(r"\$\{CodePrefix\}(\w+)\.zip", properties["Code"]["S3Key"]["Fn::Sub"])[1]  # type: ignore[index]


def function_in_cloudformation(one: Any) -> dict[str, Any]:
    vpc = one.get("VpcConfig", {})
    told = {
        "runtime": one["Runtime"],
        "architecture": one["Architectures"][0],
        "handler": one["Handler"],
        "role": one["Role"],
        "memory": one["MemorySize"],
        "timeout": one["Timeout"],
        "environment": one["Environment"]["Variables"],
        "subnets": vpc.get("SubnetIds", []),
        "security_groups": vpc.get("SecurityGroupIds", []),
        "tracing": one["TracingConfig"]["Mode"],
        "log_format": one["LoggingConfig"]["LogFormat"],
        "code": code_in(one),
    }
    return told | ({"kms_key": one["KmsKeyArn"]} if "KmsKeyArn" in one else {})


def alarm_in_cloudformation(one: Any) -> dict[str, Any]:
    told = {
        "metric": f"{one['Namespace']} {one['MetricName']} {one['Statistic']}",
        "dimensions": {dimension["Name"]: dimension["Value"] for dimension in one["Dimensions"]},
        "comparison": one["ComparisonOperator"],
        "threshold": one["Threshold"],
        "period": one["Period"],
        "evaluation_periods": one["EvaluationPeriods"],
        "missing": one["TreatMissingData"],
        "actions": one["AlarmActions"],
        "description": one["AlarmDescription"],
        "tags": by_key(one["Tags"]),
    }
    undecided = one.get("InsufficientDataActions")
    return told | ({"undecided": undecided} if undecided else {})


def read_cloudformation(made: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what a template says, as a plan does."""
    told: dict[tuple[str, str], dict[str, Any]] = {}
    (one,), (policy,) = of_type(made, "S3::Bucket"), of_type(made, "S3::BucketPolicy")
    (rule,) = one["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    told["bucket", one["BucketName"]] = {
        "public_access_blocked": all(one["PublicAccessBlockConfiguration"].values()),
        "tls_only": statement,
        "kms_key": rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID", ""),
        "bucket_key": rule.get("BucketKeyEnabled", False),
        "versioning": "VersioningConfiguration" in one,
        "tags": by_key(one["Tags"]),
    }
    (board,) = of_type(made, "CloudWatch::Dashboard")
    told["dashboard", board["DashboardName"]] = {"body": json.loads(board["DashboardBody"])}
    for one in of_type(made, "IAM::Role"):
        boundary = one.get("PermissionsBoundary")
        (inline,) = one["Policies"]
        told["role", one["RoleName"]] = {
            "path": one["Path"],
            "trust": {"Statement": one["AssumeRolePolicyDocument"]["Statement"]},
            "policy": inline["PolicyDocument"],
            "tags": by_key(one["Tags"]),
        } | ({"boundary": boundary} if boundary else {})
    for one in of_type(made, "Logs::LogGroup"):
        told["log group", one["LogGroupName"]] = {
            "retention": one["RetentionInDays"],
            "tags": by_key(one["Tags"]),
        }
    retries = {one["FunctionName"]["Ref"]: one for one in of_type(made, "Lambda::EventInvokeConfig")}
    names = {}
    for id_, resource in made["Resources"].items():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        one = resource["Properties"]
        names[id_] = one["FunctionName"]
        versioned = function_in_cloudformation(one)
        told["function", one["FunctionName"]] = versioned | {
            "concurrency": one.get("ReservedConcurrentExecutions"),
            "tags": by_key(one["Tags"]),
        }
        told["alias", f"{one['FunctionName']}:production"] = versioned | {
            "retries": retries[id_]["MaximumRetryAttempts"]
        }
    aliases = {
        id_: names[one["Properties"]["FunctionName"]["Ref"]]
        for id_, one in made["Resources"].items()
        if one["Type"] == "AWS::Lambda::Alias"
    }
    for one in of_type(made, "Lambda::Permission"):
        function = aliases[one["FunctionName"]["Ref"]]
        told["permission", f"AllowExecutionFromCloudWatch_{function}"] = {
            "action": one["Action"],
            "principal": one["Principal"],
            "source": one["SourceArn"],
        }
    for one in of_type(made, "Events::Rule"):
        (aimed,) = one["Targets"]
        assert (one["State"], aimed["Id"]) == ("ENABLED", target.ID)
        told["rule", one["Name"]] = {"schedule": one["ScheduleExpression"], "tags": by_key(one["Tags"])}
        told["target", one["Name"]] = {"arn": aimed["Arn"], "input": json.loads(aimed["Input"])}
    told |= {
        ("alarm", one["AlarmName"]): alarm_in_cloudformation(one)
        for one in of_type(made, "CloudWatch::Alarm")
    }
    return told


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_template_says_what_a_deploy_makes_and_nothing_else(place: Any) -> None:
    assert read_cloudformation(template(place)) == {(one.kind, one.name): said(one) for one in wanted(place)}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_template_is_one(place: Any) -> None:
    found = lint(json.dumps(template(place)))
    assert [f"{one.rule.id} {one.message} {one.path}" for one in found] == []


def test_another_version_has_another_id_and_the_same_one_keeps_it() -> None:
    def versions(memory: int) -> set[str]:
        exported = export(PLACE, [(app(memory=memory), CODE)], shared=False)
        made = cloudformation.template(exported)["Resources"]
        return {id_ for id_, one in made.items() if one["Type"] == "AWS::Lambda::Version"}

    assert versions(128) == versions(128)
    assert not versions(128) & versions(256)


def test_what_was_collected_outlives_its_stack() -> None:
    made = template(PLACE)["Resources"]
    assert (made["Bucket"]["DeletionPolicy"], made["BucketPolicy"]["DeletionPolicy"]) == ("Retain", "Retain")


def test_names_that_differ_in_a_sign_alone_have_ids_of_their_own() -> None:
    assert cloudformation.logical_id("a_b", "role") != cloudformation.logical_id("a-b", "role")


def test_more_than_a_stack_holds_is_told() -> None:
    many = [(app(name=f"app{number}"), CODE) for number in range(60)]
    with pytest.raises(UsageError, match="A stack holds 500 resources"):
        cloudformation.template(export(PLACE, many, shared=True))


# Terraform


def given(text: str) -> str:
    """Return what a literal of Terraform's means; a template in it is a mistake."""
    assert not re.search(r"(?<!\$)\$\{|(?<!%)%\{", text), text
    return text.replace("$${", "${").replace("%%{", "%{")


def every(value: Any) -> Any:
    """Return a value whose literals are as they are meant."""
    if isinstance(value, str):
        return given(value)
    if isinstance(value, dict):
        return {given(key): every(part) for key, part in value.items()}
    return [every(part) for part in value] if isinstance(value, list) else value


def document(text: str) -> Any:
    return json.loads(given(text))


def function_in_terraform(one: Any, roles: Any) -> dict[str, Any]:
    vpc = one.get("vpc_config", {})
    role = re.fullmatch(r"\$\{aws_iam_role\.([\w-]+)\.arn\}", one["role"])
    file = re.fullmatch(r"\$\{var\.packages\}/(\w+)\.zip", one["filename"])
    assert role
    assert file
    assert one["source_code_hash"] == f'${{filebase64sha256("{one["filename"]}")}}'
    made = roles[role[1]]
    told = {
        "runtime": one["runtime"],
        "architecture": one["architectures"][0],
        "handler": one["handler"],
        "role": f"arn:aws:iam::123456789012:role{made['path']}{made['name']}",
        "memory": one["memory_size"],
        "timeout": one["timeout"],
        "environment": every(one["environment"]["variables"]),
        "subnets": vpc.get("subnet_ids", []),
        "security_groups": vpc.get("security_group_ids", []),
        "tracing": one["tracing_config"]["mode"],
        "log_format": one["logging_config"]["log_format"],
        "code": file[1],
    }
    return told | ({"kms_key": one["kms_key_arn"]} if "kms_key_arn" in one else {})


def alarm_in_terraform(one: Any) -> dict[str, Any]:
    told = {
        "metric": f"{one['namespace']} {one['metric_name']} {one['statistic']}",
        "dimensions": one["dimensions"],
        "comparison": one["comparison_operator"],
        "threshold": one["threshold"],
        "period": one["period"],
        "evaluation_periods": one["evaluation_periods"],
        "missing": one["treat_missing_data"],
        "actions": one["alarm_actions"],
        "description": one["alarm_description"],
        "tags": every(one["tags"]),
    }
    undecided = one.get("insufficient_data_actions")
    return told | ({"undecided": undecided} if undecided else {})


def read_terraform(made: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what a configuration says, as a plan does."""
    of = made["resource"]
    told: dict[tuple[str, str], dict[str, Any]] = {}
    one = of["aws_s3_bucket"]["sa_apps"]
    rule = of["aws_s3_bucket_server_side_encryption_configuration"]["sa_apps"]["rule"]
    blocked = of["aws_s3_bucket_public_access_block"]["sa_apps"]
    (statement,) = document(of["aws_s3_bucket_policy"]["sa_apps"]["policy"])["Statement"]
    told["bucket", one["bucket"]] = {
        "public_access_blocked": all(blocked.values()) and len(blocked) == 5,
        "tls_only": statement,
        "kms_key": rule["apply_server_side_encryption_by_default"].get("kms_master_key_id", ""),
        "bucket_key": rule.get("bucket_key_enabled", False),
        "versioning": "aws_s3_bucket_versioning" in of,
        "tags": every(one["tags"]),
    }
    board = of["aws_cloudwatch_dashboard"]["sa_apps"]
    told["dashboard", board["dashboard_name"]] = {"body": document(board["dashboard_body"])}
    for label, one in of["aws_iam_role"].items():
        boundary = one.get("permissions_boundary")
        inline = of["aws_iam_role_policy"][label]
        assert inline["role"] == f"${{aws_iam_role.{label}.id}}"
        told["role", one["name"]] = {
            "path": one["path"],
            "trust": {"Statement": document(one["assume_role_policy"])["Statement"]},
            "policy": document(inline["policy"]),
            "tags": every(one["tags"]),
        } | ({"boundary": boundary} if boundary else {})
    for one in of["aws_cloudwatch_log_group"].values():
        told["log group", one["name"]] = {"retention": one["retention_in_days"], "tags": every(one["tags"])}
    for label, one in of["aws_lambda_function"].items():
        name = one["function_name"]
        versioned = function_in_terraform(one, of["aws_iam_role"])
        told["function", name] = versioned | {
            "concurrency": one.get("reserved_concurrent_executions"),
            "tags": every(one["tags"]),
        }
        alias, retries = of["aws_lambda_alias"][label], of["aws_lambda_function_event_invoke_config"][label]
        assert (one["publish"], alias["name"]) == (True, "production")
        assert alias["function_version"] == f"${{aws_lambda_function.{label}.version}}"
        told["alias", f"{name}:production"] = versioned | {"retries": retries["maximum_retry_attempts"]}
        permission = of["aws_lambda_permission"][label]
        assert permission["qualifier"] == f"${{aws_lambda_alias.{label}.name}}"
        told["permission", permission["statement_id"]] = {
            "action": permission["action"],
            "principal": permission["principal"],
            "source": permission["source_arn"],
        }
        rule, aimed = of["aws_cloudwatch_event_rule"][label], of["aws_cloudwatch_event_target"][label]
        told["rule", rule["name"]] = {"schedule": rule["schedule_expression"], "tags": every(rule["tags"])}
        assert (aimed["arn"], aimed["target_id"]) == (f"${{aws_lambda_alias.{label}.arn}}", target.ID)
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}:production"
        told["target", rule["name"]] = {"arn": arn, "input": document(aimed["input"])}
    alarms = of["aws_cloudwatch_metric_alarm"].values()
    return told | {("alarm", one["alarm_name"]): alarm_in_terraform(one) for one in alarms}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_configuration_says_what_a_deploy_makes_and_nothing_else(place: Any) -> None:
    assert read_terraform(configuration(place)) == {(one.kind, one.name): said(one) for one in wanted(place)}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_what_a_configuration_refers_to_is_in_it(place: Any) -> None:
    made = configuration(place)
    for kind, label in re.findall(r"(?<!\$)\$\{(aws_\w+)\.([\w-]+)\.\w+\}", json.dumps(made)):
        assert label in made["resource"][kind]
    for kind, label in re.findall(r'"(aws_\w+)\.([\w-]+)"', json.dumps(made)):
        assert label in made["resource"][kind]
    assert set(made) == {"terraform", "provider", "variable", "resource"}


# What the provider's documentation lists, without the blocks that no project needs:
# https://registry.terraform.io/providers/hashicorp/aws/latest/docs
ARGUMENTS = json.loads((Path(__file__).parent / "terraform_arguments.json").read_text())
KINDS_OF_VALUE: dict[str, Any] = {
    "string": str,
    "number": (int, float),
    "bool": bool,
    "list": list,
    "map": dict,
}
META = {"depends_on", "lifecycle"}


def faults(given: dict[str, Any], wanted: dict[str, Any], place: str) -> Iterator[str]:
    """Yield what the provider would refuse: what is missing, unknown, or of another type."""
    known = wanted["required"] | wanted["optional"]
    yield from (f"{place} lacks {name}" for name in wanted["required"].keys() - given.keys())
    for name, value in given.items():
        kind = known.get(name)
        if kind is None:
            yield f"{place} has no {name}"
        elif isinstance(kind, dict):
            yield from faults(value, kind, f"{place}.{name}")
        elif not isinstance(value, KINDS_OF_VALUE[kind]) or isinstance(value, bool) != (kind == "bool"):
            yield f"{place}.{name} is no {kind}"


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_configuration_has_the_arguments_that_the_provider_documents(place: Any) -> None:
    found = [
        fault
        for kind, labelled in configuration(place)["resource"].items()
        for label, given in labelled.items()
        for fault in faults(
            {name: value for name, value in given.items() if name not in META},
            ARGUMENTS[kind],
            f"{kind}.{label}",
        )
    ]
    assert found == []


def test_an_argument_that_is_missing_unknown_or_of_another_type_is_noticed() -> None:
    alias = {"name": 5, "function_name": "f", "weights": {}}
    assert sorted(faults(alias, ARGUMENTS["aws_lambda_alias"], "alias")) == [
        "alias has no weights",
        "alias lacks function_version",
        "alias.name is no string",
    ]


def test_a_name_that_begins_with_a_digit_is_a_name_in_terraform_too() -> None:
    assert (terraform.label("9acme_app"), terraform.label("acme_app")) == ("_9acme_app", "acme_app")


def test_apps_that_share_a_package_have_one_file() -> None:
    exported = export(PLACE, [(app(), CODE), (app(name="other"), CODE)], shared=False)
    assert list(exported.packages) == [file_of(CODE)]


def test_what_all_apps_share_can_be_left_out() -> None:
    alone = export(PLACE, APPS[:1], shared=False)
    assert (alone.bucket, alone.dashboard) == (None, None)
    assert "aws_s3_bucket" not in terraform.configuration(alone)["resource"]


def test_a_bucket_of_ones_own_is_not_made() -> None:
    own = export(replace(PLACE, named_bucket="ours"), APPS, shared=True)
    assert "Bucket" not in cloudformation.template(own)["Resources"]

"""A project as a CloudFormation template: what `deploy` would make, resource by resource.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-template-resource-type-ref.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from streamalert_apps.deploy import tags
from streamalert_apps.deploy.exported import AppParts, Exported, alarm_of, file_of
from streamalert_apps.deploy.plan import Resource
from streamalert_apps.deploy.resources import role, rule, target
from streamalert_apps.errors import UsageError
from streamalert_apps.runtime import names

MOST_RESOURCES: Final = 500  # of one stack
CODE_BUCKET: Final = "CodeBucket"
CODE_PREFIX: Final = "CodePrefix"

Named = tuple[str, dict[str, Any]]


def template(exported: Exported) -> dict[str, Any]:
    """Return the template; raise UsageError for more than one stack can hold."""
    made = dict([*_shared(exported), *(part for app in exported.apps for part in _app(app))])
    if len(made) > MOST_RESOURCES:
        raise UsageError(
            f"A stack holds {MOST_RESOURCES} resources, and these apps need {len(made)}.",
            hint="Export the apps in parts: --cluster, or names.",
        )
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The apps of {exported.place.prefix}, as sa-apps deploy makes them.",
        "Parameters": {
            CODE_BUCKET: {"Type": "String", "Description": "The bucket that holds the packages."},
            CODE_PREFIX: {
                "Type": "String",
                "Default": "sa-apps/",
                "Description": "What the keys of the packages begin with.",
            },
        },
        "Resources": made,
    }


def logical_id(*words: str) -> str:
    """Return an id that these words have alone; CloudFormation takes letters and digits."""
    shown = "".join(part.capitalize() for word in words for part in re.findall(r"[A-Za-z0-9]+", word))
    return f"{shown[:200]}{hashlib.sha256(' '.join(words).encode()).hexdigest()[:6]}"


def _shared(exported: Exported) -> Iterator[Named]:
    if there := exported.bucket:
        yield "Bucket", _bucket(there)
        yield (
            "BucketPolicy",
            {
                "Type": "AWS::S3::BucketPolicy",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": {
                    "Bucket": {"Ref": "Bucket"},
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [there.attributes["tls_only"]]},
                },
            },
        )
    if board := exported.dashboard:
        body = json.dumps(board.attributes["body"], separators=(",", ":"))
        properties = {"DashboardName": board.name, "DashboardBody": body}
        yield "Dashboard", {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}


def _bucket(there: Resource) -> dict[str, Any]:
    key = there.attributes["kms_key"]
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
    encryption: dict[str, Any] = {"ServerSideEncryptionByDefault": by_default}
    if there.attributes["bucket_key"]:
        encryption["BucketKeyEnabled"] = True
    return {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "Retain",  # it holds what was collected
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "BucketName": there.name,
            "PublicAccessBlockConfiguration": dict.fromkeys(
                ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
            ),
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
            "Tags": tags.as_list(there.attributes["tags"]),
        },
    }


def _app(app: AppParts) -> Iterator[Named]:
    function = app.app.function
    ids = {kind: logical_id(function, kind) for kind in ("role", "logs", "function", "alias", "rule")}
    yield ids["role"], _role(app.of("role"), function)
    yield ids["logs"], _log_group(app.of("log group"))
    yield ids["function"], _function(app, [ids["role"], ids["logs"]])
    version, made = _version(app, ids["function"])
    yield version, made
    alias = {"FunctionName": {"Ref": ids["function"]}, "Name": names.ALIAS}
    number = {"FunctionVersion": {"Fn::GetAtt": [version, "Version"]}}
    yield ids["alias"], {"Type": "AWS::Lambda::Alias", "Properties": alias | number}
    yield (
        logical_id(function, "retries"),
        {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "DependsOn": [ids["alias"]],
            "Properties": {
                "FunctionName": {"Ref": ids["function"]},
                "Qualifier": names.ALIAS,
                "MaximumRetryAttempts": app.of("alias").attributes["retries"],
            },
        },
    )
    yield logical_id(function, "permission"), _permission(app.of("permission"), ids["alias"])
    yield ids["rule"], _rule(app, ids["alias"])
    for part in app.all_of("alarm"):
        yield logical_id(part.name), _alarm(part)


def _role(part: Resource, function: str) -> dict[str, Any]:
    wanted = part.attributes
    properties = {
        "RoleName": part.name,
        "Path": wanted["path"],
        "Description": f"What {function} may do.",
        "AssumeRolePolicyDocument": role.TRUST,
        "Policies": [{"PolicyName": role.POLICY, "PolicyDocument": wanted["policy"]}],
        "Tags": tags.as_list(wanted["tags"]),
    }
    if "boundary" in wanted:
        properties["PermissionsBoundary"] = wanted["boundary"]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _log_group(part: Resource) -> dict[str, Any]:
    properties = {
        "LogGroupName": part.name,
        "RetentionInDays": part.attributes["retention"],
        "Tags": tags.as_list(part.attributes["tags"]),
    }
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": properties,
    }


def _function(app: AppParts, needed: list[str]) -> dict[str, Any]:
    part = app.of("function")
    wanted = part.attributes
    properties = {
        "FunctionName": part.name,
        "Runtime": wanted["runtime"],
        "Architectures": [wanted["architecture"]],
        "Handler": wanted["handler"],
        "Role": wanted["role"],
        "MemorySize": wanted["memory"],
        "Timeout": wanted["timeout"],
        "Environment": {"Variables": wanted["environment"]},
        "TracingConfig": {"Mode": wanted["tracing"]},
        "LoggingConfig": {"LogFormat": wanted["log_format"]},
        "Code": {
            "S3Bucket": {"Ref": CODE_BUCKET},
            "S3Key": {"Fn::Sub": f"${{{CODE_PREFIX}}}{file_of(app.package)}"},
        },
        "Tags": tags.as_list(wanted["tags"]),
    }
    if wanted["subnets"]:
        groups = list(wanted["security_groups"])
        properties["VpcConfig"] = {"SubnetIds": list(wanted["subnets"]), "SecurityGroupIds": groups}
    if wanted["concurrency"] is not None:
        properties["ReservedConcurrentExecutions"] = wanted["concurrency"]
    if "kms_key" in wanted:
        properties["KmsKeyArn"] = wanted["kms_key"]
    return {"Type": "AWS::Lambda::Function", "DependsOn": needed, "Properties": properties}


def _version(app: AppParts, function: str) -> Named:
    """Return a version: another one, with another id, wherever what it is made of is another."""
    made_of = json.dumps(app.of("alias").attributes, sort_keys=True, default=list)
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    return logical_id(app.app.function, "version", digest), {
        "Type": "AWS::Lambda::Version",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {"FunctionName": {"Ref": function}},
    }


def _permission(part: Resource, alias: str) -> dict[str, Any]:
    properties = {
        "FunctionName": {"Ref": alias},
        "Action": part.attributes["action"],
        "Principal": part.attributes["principal"],
        "SourceArn": part.attributes["source"],
    }
    return {"Type": "AWS::Lambda::Permission", "Properties": properties}


def _rule(app: AppParts, alias: str) -> dict[str, Any]:
    part, aimed = app.of(rule.KIND), app.of(target.KIND)
    schedule = part.attributes["schedule"]
    properties = {
        "Name": part.name,
        "ScheduleExpression": schedule,
        "Description": f"Invokes {app.app.function} at {schedule}",
        "State": "ENABLED",
        "Targets": [
            {
                "Id": target.ID,
                "Arn": aimed.attributes["arn"],
                "Input": json.dumps(aimed.attributes["input"]),
            }
        ],
        "Tags": tags.as_list(part.attributes["tags"]),
    }
    return {"Type": "AWS::Events::Rule", "DependsOn": [alias], "Properties": properties}


def _alarm(part: Resource) -> dict[str, Any]:
    wanted, metric = part.attributes, alarm_of(part)
    properties = {
        "AlarmName": part.name,
        "AlarmDescription": wanted["description"],
        "Namespace": metric["namespace"],
        "MetricName": metric["metric"],
        "Statistic": metric["statistic"],
        "Dimensions": [{"Name": name, "Value": value} for name, value in wanted["dimensions"].items()],
        "ComparisonOperator": wanted["comparison"],
        "Threshold": wanted["threshold"],
        "Period": wanted["period"],
        "EvaluationPeriods": wanted["evaluation_periods"],
        "TreatMissingData": wanted["missing"],
        "AlarmActions": list(wanted["actions"]),
        "Tags": tags.as_list(wanted["tags"]),
    }
    if "undecided" in wanted:
        properties["InsufficientDataActions"] = list(wanted["undecided"])
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}

"""A project as Terraform's JSON: what `deploy` would make, resource by resource.

https://developer.hashicorp.com/terraform/language/syntax/json
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Final

from streamalert_apps.deploy.exported import AppParts, Exported, alarm_of, file_of
from streamalert_apps.deploy.plan import Resource
from streamalert_apps.deploy.resources import role, target
from streamalert_apps.runtime import names

PROVIDER: Final = ">= 5.83"
_PACKAGES: Final = "${var.packages}"


def configuration(exported: Exported) -> dict[str, Any]:
    """Return the configuration."""
    made: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    _shared(exported, made)
    for app in exported.apps:
        _app(app, made)
    return {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": PROVIDER}}},
        "provider": {
            "aws": {"region": exported.place.region, "allowed_account_ids": [exported.place.account]}
        },
        "variable": {
            "packages": {
                "type": "string",
                "default": "packages",
                "description": "The folder that holds the packages.",
            }
        },
        "resource": dict(made),
    }


def label(name: str) -> str:
    """Return the name of a resource in Terraform; it begins with no digit."""
    return f"_{name}" if name[0].isdigit() else name


def literal(value: Any) -> Any:
    """Return a value in which nothing is a template of Terraform."""
    if isinstance(value, str):
        return value.replace("${", "$${").replace("%{", "%%{")
    if isinstance(value, dict):
        return {literal(key): literal(part) for key, part in value.items()}
    return [literal(part) for part in value] if isinstance(value, list | tuple) else value


def _document(value: Any) -> str:
    return str(literal(json.dumps(value)))


def _shared(exported: Exported, made: defaultdict[str, dict[str, Any]]) -> None:
    if there := exported.bucket:
        _bucket(there, made)
    if board := exported.dashboard:
        made["aws_cloudwatch_dashboard"]["sa_apps"] = {
            "dashboard_name": board.name,
            "dashboard_body": _document(board.attributes["body"]),
        }


def _bucket(there: Resource, made: defaultdict[str, dict[str, Any]]) -> None:
    made["aws_s3_bucket"]["sa_apps"] = {
        "bucket": there.name,
        "tags": literal(there.attributes["tags"]),
        "lifecycle": {"prevent_destroy": True},  # it holds what was collected
    }
    own = {"bucket": "${aws_s3_bucket.sa_apps.id}"}
    made["aws_s3_bucket_public_access_block"]["sa_apps"] = own | dict.fromkeys(
        ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"), True
    )
    policy = {"Version": "2012-10-17", "Statement": [there.attributes["tls_only"]]}
    made["aws_s3_bucket_policy"]["sa_apps"] = own | {"policy": _document(policy)}
    key = there.attributes["kms_key"]
    by_default = (
        {"sse_algorithm": "aws:kms", "kms_master_key_id": key} if key else {"sse_algorithm": "AES256"}
    )
    encryption: dict[str, Any] = {"apply_server_side_encryption_by_default": by_default}
    if there.attributes["bucket_key"]:
        encryption["bucket_key_enabled"] = True
    made["aws_s3_bucket_server_side_encryption_configuration"]["sa_apps"] = own | {"rule": encryption}


def _app(app: AppParts, made: defaultdict[str, dict[str, Any]]) -> None:
    name = label(app.app.function)
    _role(app, name, made)
    logs = app.of("log group")
    made["aws_cloudwatch_log_group"][name] = {
        "name": logs.name,
        "retention_in_days": logs.attributes["retention"],
        "tags": literal(logs.attributes["tags"]),
    }
    made["aws_lambda_function"][name] = _function(app, name)
    own = {"function_name": f"${{aws_lambda_function.{name}.function_name}}"}
    made["aws_lambda_alias"][name] = own | {
        "name": names.ALIAS,
        "function_version": f"${{aws_lambda_function.{name}.version}}",
    }
    on_alias = own | {"qualifier": f"${{aws_lambda_alias.{name}.name}}"}
    made["aws_lambda_function_event_invoke_config"][name] = on_alias | {
        "maximum_retry_attempts": app.of("alias").attributes["retries"]
    }
    permission = app.of("permission")
    made["aws_lambda_permission"][name] = on_alias | {
        "statement_id": permission.name,
        "action": permission.attributes["action"],
        "principal": permission.attributes["principal"],
        "source_arn": permission.attributes["source"],
    }
    _schedule(app, name, made)
    for part in app.all_of("alarm"):
        made["aws_cloudwatch_metric_alarm"][label(part.name)] = _alarm(part)


def _role(app: AppParts, name: str, made: defaultdict[str, dict[str, Any]]) -> None:
    part = app.of("role")
    wanted = part.attributes
    boundary = {"permissions_boundary": wanted["boundary"]} if "boundary" in wanted else {}
    made["aws_iam_role"][name] = boundary | {
        "name": part.name,
        "path": wanted["path"],
        "description": f"What {app.app.function} may do.",
        "assume_role_policy": _document(role.TRUST),
        "tags": literal(wanted["tags"]),
    }
    made["aws_iam_role_policy"][name] = {
        "name": role.POLICY,
        "role": f"${{aws_iam_role.{name}.id}}",
        "policy": _document(wanted["policy"]),
    }


def _function(app: AppParts, name: str) -> dict[str, Any]:
    part = app.of("function")
    wanted = part.attributes
    file = f"{_PACKAGES}/{file_of(app.package)}"
    function = {
        "function_name": part.name,
        "runtime": wanted["runtime"],
        "architectures": [wanted["architecture"]],
        "handler": wanted["handler"],
        "role": f"${{aws_iam_role.{name}.arn}}",
        "memory_size": wanted["memory"],
        "timeout": wanted["timeout"],
        "environment": {"variables": literal(wanted["environment"])},
        "tracing_config": {"mode": wanted["tracing"]},
        "logging_config": {"log_format": wanted["log_format"]},
        "filename": file,
        "source_code_hash": f'${{filebase64sha256("{file}")}}',
        "publish": True,
        "tags": literal(wanted["tags"]),
        "depends_on": [f"aws_cloudwatch_log_group.{name}", f"aws_iam_role_policy.{name}"],
    }
    if wanted["subnets"]:
        groups = list(wanted["security_groups"])
        function["vpc_config"] = {"subnet_ids": list(wanted["subnets"]), "security_group_ids": groups}
    if wanted["concurrency"] is not None:
        function["reserved_concurrent_executions"] = wanted["concurrency"]
    if "kms_key" in wanted:
        function["kms_key_arn"] = wanted["kms_key"]
    return function


def _schedule(app: AppParts, name: str, made: defaultdict[str, dict[str, Any]]) -> None:
    part, aimed = app.of("rule"), app.of("target")
    schedule = part.attributes["schedule"]
    made["aws_cloudwatch_event_rule"][name] = {
        "name": part.name,
        "schedule_expression": schedule,
        "description": f"Invokes {app.app.function} at {schedule}",
        "tags": literal(part.attributes["tags"]),
    }
    made["aws_cloudwatch_event_target"][name] = {
        "rule": f"${{aws_cloudwatch_event_rule.{name}.name}}",
        "target_id": target.ID,
        "arn": f"${{aws_lambda_alias.{name}.arn}}",
        "input": _document(aimed.attributes["input"]),
    }


def _alarm(part: Resource) -> dict[str, Any]:
    wanted, metric = part.attributes, alarm_of(part)
    alarm = {
        "alarm_name": part.name,
        "alarm_description": wanted["description"],
        "namespace": metric["namespace"],
        "metric_name": metric["metric"],
        "statistic": metric["statistic"],
        "dimensions": wanted["dimensions"],
        "comparison_operator": wanted["comparison"],
        "threshold": wanted["threshold"],
        "period": wanted["period"],
        "evaluation_periods": wanted["evaluation_periods"],
        "treat_missing_data": wanted["missing"],
        "alarm_actions": list(wanted["actions"]),
        "tags": literal(wanted["tags"]),
    }
    if "undecided" in wanted:
        alarm["insufficient_data_actions"] = list(wanted["undecided"])
    return alarm

"""An installation of StreamAlert 3.5 with one app: its checkout, and what its Terraform made in AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.deploy.cloud import OTHER_CODE, app, client

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

APP = app()
FUNCTION = APP.function
ARN = f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}"
STREAMALERT = {"Name": "StreamAlert"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "",
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
SETTINGS = {
    "app_name": "collector",
    "concurrency_limit": 2,
    "log_level": "info",
    "log_retention_days": 14,
    "memory": 128,
    "metric_alarms": {"errors": {"enabled": True, "evaluation_periods": 1, "period_secs": 120}},
    "schedule_expression": "rate(2 hours)",
    "timeout": 80,
    "type": "duo_auth",
}
CONF = {
    "global.json": {"account": {"aws_account_id": "123456789012", "prefix": "acme", "region": "us-east-1"}},
    "clusters/prod.json": {
        "id": "prod",
        "data_sources": {"streamalert_app": {FUNCTION: ["duo"]}},
        "modules": {"streamalert_apps": {FUNCTION: SETTINGS}},
    },
    "schemas/duo.json": {"duo:authentication": {"parser": "json", "schema": {"username": "string"}}},
}
GENERATE = """def generate_cluster(config, cluster_name):
    cluster_dict = infinitedict()
    generate_apps(cluster_name, cluster_dict, config)

    return cluster_dict
"""
MANAGE = """# `generate`, as far as apps are concerned: two modules for each of conf/, if it is asked for.
import json, pathlib
generate = pathlib.Path("streamalert_cli/terraform/generate.py").read_text()
apps = json.loads(pathlib.Path("conf/clusters/prod.json").read_text())["modules"]["streamalert_apps"]
names = [app["app_name"] for app in apps.values()] if "    generate_apps(" in generate else []
modules = {f"app_{name}_prod_{part}": {} for name in names for part in ("iam", "lambda")}
pathlib.Path("build").mkdir(exist_ok=True)
pathlib.Path("build/prod.tf.json").write_text(json.dumps({"module": modules}, indent=2))
"""
STATE = """module.app_collector_prod_iam.aws_iam_role_policy.parameter_store
module.app_collector_prod_lambda.aws_iam_role.role
module.app_collector_prod_lambda.aws_lambda_function.function
module.classifier_prod_lambda.aws_lambda_function.function
"""
TERRAFORM = """
terraform() {
  case "$1 ${2-}" in
    "init ") ;;
    "state list" | "state pull") cat ../state ;;
    "state push") cp "$4" ../state ;;
    "state rm")
      for module in "${@:3}"; do
        grep "^$module\\." ../state | sed 's/^/Removed /'
        grep -v "^$module\\." ../state > ../left
        mv ../left ../state
      done
      echo "Successfully removed 3 resource instance(s)." ;;
    *) return 1 ;;
  esac
}
"""


def installation(folder: Path, credentials: Mapping[str, Any]) -> str:
    """Make it all; return a shell's stand-in for terraform, which keeps its state in a file of the folder.

    The app was cut off in the middle of a run, half an hour ago.
    """
    terraform()
    last = int((datetime.now(UTC) - timedelta(minutes=40)).timestamp())
    state = {"current_state": "running", "last_timestamp": last, "context": {}}
    for name, value in {"auth": dict(credentials), "state": state}.items():
        client("ssm").put_parameter(Name=f"{FUNCTION}_{name}", Type="SecureString", Value=json.dumps(value))
    texts = {f"conf/{name}": json.dumps(content, indent=2) for name, content in CONF.items()}
    texts |= {"manage.py": MANAGE, "streamalert_cli/terraform/generate.py": GENERATE, "state": STATE}
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return TERRAFORM


def terraform() -> None:
    """Make an app as StreamAlert 3.5 does."""
    iam, functions = client("iam"), client("lambda")
    role = iam.create_role(
        Path="/streamalert/",
        RoleName=f"{FUNCTION}_role",
        AssumeRolePolicyDocument=json.dumps(TRUST),
        Tags=listed(STREAMALERT),
    )["Role"]["Arn"]
    basic = iam.create_policy(
        PolicyName="AWSLambdaBasicExecutionRole", PolicyDocument=json.dumps(allow("logs:*"))
    )
    iam.attach_role_policy(RoleName=f"{FUNCTION}_role", PolicyArn=basic["Policy"]["Arn"])
    for policy in ("InvokeDestinationFunction", "GetAndPutSSMParams", "LambdaInvokeSelf"):
        iam.put_role_policy(
            RoleName=f"{FUNCTION}_role", PolicyName=policy, PolicyDocument=json.dumps(allow("ssm:*"))
        )
    functions.create_function(
        FunctionName=FUNCTION,
        Role=role,
        Runtime="python3.7",
        Handler="streamalert.apps.main.handler",
        Description="Acme Prod Duo Auth Collector App",
        Code={"ZipFile": OTHER_CODE.archive},
        MemorySize=128,
        Timeout=80,
        Environment={"Variables": {"ENABLE_METRICS": "0", "LOGGER_LEVEL": "info"}},
        Tags=STREAMALERT,
        Publish=True,
    )
    functions.put_function_concurrency(FunctionName=FUNCTION, ReservedConcurrentExecutions=2)
    functions.create_alias(FunctionName=FUNCTION, Name="production", FunctionVersion="1")
    schedule()
    client("logs").create_log_group(logGroupName=f"/aws/lambda/{FUNCTION}", tags=STREAMALERT)
    for name, metric in (("invocation_errors", "Errors"), ("throttles", "Throttles")):
        client("cloudwatch").put_metric_alarm(
            AlarmName=f"{FUNCTION}_{name}",
            Namespace="AWS/Lambda",
            MetricName=metric,
            Statistic="Sum",
            ComparisonOperator="GreaterThanThreshold",
            Threshold=0,
            Period=120,
            EvaluationPeriods=1,
            AlarmActions=["arn:aws:sns:us-east-1:123456789012:acme_streamalert_monitoring"],
            Dimensions=[
                {"Name": "FunctionName", "Value": FUNCTION},
                {"Name": "Resource", "Value": f"{FUNCTION}:production"},
            ],
            Tags=listed(STREAMALERT),
        )


def schedule() -> None:
    events = client("events")
    rule = events.put_rule(
        Name=f"{FUNCTION}_schedule", ScheduleExpression="rate(2 hours)", Tags=listed(STREAMALERT)
    )["RuleArn"]
    event = {
        "app_type": "duo_auth",
        "destination_function_name": "acme_prod_streamalert_classifier",
        "schedule_expression": "rate(2 hours)",
    }
    events.put_targets(
        Rule=f"{FUNCTION}_schedule",
        Targets=[{"Id": "terraform-1", "Arn": f"{ARN}:production", "Input": json.dumps(event)}],
    )
    client("lambda").add_permission(
        FunctionName=FUNCTION,
        Qualifier="production",
        StatementId=f"AllowExecutionFromCloudWatch_{FUNCTION}",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )


def allow(action: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
    }


def listed(tags: dict[str, str]) -> list[Any]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]

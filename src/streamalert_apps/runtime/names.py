"""Every name that an app has in AWS and on disk, from (prefix, cluster, type, app name); the only place.

StreamAlert uses the same names, so what its Terraform made is found again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

ALIAS: Final = "production"
CLASSIFIER: Final = "classifier"
"""The destination that is always there and has no settings: StreamAlert's."""
ROLE_PATH: Final = "/streamalert/"
_PARTITIONS: Final = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "eusc-": "aws-eusc",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "eu-isoe-": "aws-iso-e",
}
FUNCTION_NAME_LIMIT: Final = 55  # "<function>_schedule" is a rule's name, and those end at 64


def function_name(prefix: str, cluster: str, app_type: str, app_name: str) -> str:
    """Return the name of an app's function."""
    return f"{prefix}_{cluster}_{app_type}_{app_name}_app"


def classifier(prefix: str, cluster: str) -> str:
    """Return the name of the cluster's classifier function."""
    return f"{prefix}_{cluster}_streamalert_classifier"


def auth_parameter(function: str) -> str:
    """Return the name of the parameter that holds the app's credentials."""
    return f"{function}_auth"


def destination_parameter(prefix: str, destination: str) -> str:
    """Return the name of the parameter that holds a destination's credentials."""
    return f"{prefix}_destination_{destination}_auth"


def local_destination(root: Path, destination: str) -> Path:
    """Return the file that holds a destination's credentials in a project that lives without AWS."""
    return root / ".sa-apps" / "destinations" / f"{destination}.json"


def state_parameter(function: str) -> str:
    """Return the name of the parameter that holds the app's state."""
    return f"{function}_state"


def role(function: str) -> str:
    """Return the name of the function's role."""
    return f"{function}_role"


def rule(function: str) -> str:
    """Return the name of the rule that invokes the function on schedule."""
    return f"{function}_schedule"


def deleting_rule(function: str) -> str:
    """Return the name of the rule that lets the function delete while its schedule is off."""
    return f"{function}_deleting"


def deleting_statement(function: str) -> str:
    """Return the id of the statement that lets that rule invoke the alias."""
    return f"AllowDeleting_{function}"


def permission_statement(function: str) -> str:
    """Return the id of the statement that lets the rule invoke the alias."""
    return f"AllowExecutionFromCloudWatch_{function}"


def log_group(function: str) -> str:
    """Return the name of the function's log group."""
    return f"/aws/lambda/{function}"


def errors_alarm(function: str) -> str:
    """Return the name of the alarm on failed invocations."""
    return f"{function}_invocation_errors"


def throttles_alarm(function: str) -> str:
    """Return the name of the alarm on throttled invocations."""
    return f"{function}_throttles"


def cursor_age_alarm(function: str) -> str:
    """Return the name of the alarm on an app that is far behind."""
    return f"{function}_cursor_age"


def behind_alarm(function: str) -> str:
    """Return the name of the alarm on an app whose collection or destinations are behind."""
    return f"{function}_behind"


def problems_alarm(function: str) -> str:
    """Return the name of the alarm on what needs somebody: dead letters, credentials, what was found late."""
    return f"{function}_problems"


def dashboard(prefix: str) -> str:
    """Return the name of the dashboard of a prefix's apps."""
    return f"{prefix}-sa-apps"


def alarm_topic(prefix: str) -> str:
    """Return the name of the SNS topic that alarms go to unless global.json names another."""
    return f"{prefix}_streamalert_monitoring"


def local_folder(root: Path, function: str) -> Path:
    """Return the folder that holds credentials and state of a local app."""
    return root / ".sa-apps" / function


def bucket(prefix: str, account: str, region: str) -> str:
    """Return the name of the bucket that holds the records of a prefix's apps, unless conf/ names another."""
    return f"{prefix}-sa-apps-{account}-{region}".replace("_", "-").lower()


def function_arn(region: str, account: str, function: str) -> str:
    """Return the function's ARN: its name for the whole of AWS."""
    return f"arn:{partition(region)}:lambda:{region}:{account}:function:{function}"


def partition(region: str) -> str:
    """Return the part of AWS that a region is in."""
    for start, name in _PARTITIONS.items():
        if region.startswith(start):
            return name
    return "aws"

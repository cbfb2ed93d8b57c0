"""Whether this AWS user may look at what the commands look at, by calls that only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.runtime import names

CHECK: Final = "permissions"
AT_ONCE: Final = 8


def look(subject: Subject) -> Iterator[Finding]:
    """Yield what is refused; that something is not there is as good an answer as any."""
    calls = _calls(subject)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        refusals = pool.map(_refusal, calls.values())
    for error in refusals:
        if error:
            yield Finding(
                CHECK,
                error.message,
                "Commands that need it fail, some of them midway.",
                f"{error.hint} The policy in docs/security.md has all that sa-apps needs.".strip(),
            )


def _refusal(call: Callable[[], Any]) -> AppError | None:
    try:
        call()
    except CredentialsError as error:
        return error
    except (AppError, ClientError, BotoCoreError):
        return None  # it is not there, or AWS can't be asked just now: other checks tell
    return None


def _calls(subject: Subject) -> Mapping[str, Callable[[], Any]]:
    """Return calls by the permission that they show, about an app of the project or a name like one."""
    any_app = names.function_name(subject.place.prefix, "any", "any", "any")
    function = next((app.function for app in subject.apps), any_app)
    rule, role = names.rule(function), names.role(function)
    functions, events = subject.client("lambda"), subject.client("events")
    return {
        "cloudwatch:DescribeAlarms": lambda: subject.client("cloudwatch").describe_alarms(MaxRecords=1),
        "events:ListRules": lambda: events.list_rules(NamePrefix=function, Limit=1),
        "events:DescribeRule": lambda: events.describe_rule(Name=rule),
        "events:ListTargetsByRule": lambda: events.list_targets_by_rule(Rule=rule),
        "iam:GetRole": lambda: subject.client("iam").get_role(RoleName=role),
        "lambda:GetAccountSettings": functions.get_account_settings,
        "lambda:GetFunction": lambda: functions.get_function(FunctionName=function),
        "logs:DescribeLogGroups": lambda: subject.client("logs").describe_log_groups(
            logGroupNamePrefix=names.log_group(function)
        ),
        "ssm:GetParameters": lambda: subject.client("ssm").get_parameters(
            Names=[names.auth_parameter(function)]
        ),
    }

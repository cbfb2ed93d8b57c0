"""The rule of a paused app: once a day the function deletes what is past its time, and collects nothing.

It is there while the app's schedule is off, so no plan knows it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from botocore.exceptions import ClientError

from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.resources import target
from streamalert_apps.deploy.resources.function import environment
from streamalert_apps.deploy.view import Glance, Lists, found, targets
from streamalert_apps.errors import ConfigError
from streamalert_apps.runtime import names
from streamalert_apps.runtime.event import DELETING, Event

DAILY: Final = "rate(1 day)"


def begin(job: Job, rule: Mapping[str, Any]) -> bool:
    """Let the function delete once a day; return whether that is new. `rule`: the one of its schedule.

    A version before 0.2.0 keeps no record, and would collect.
    """
    events, name = job.aws.events, names.deleting_rule(job.function)
    view = Glance(job, Lists({rule["Name"]: rule}, {}, {}))
    if not view.invoking or not _keeps_a_record(view.live):
        return False
    if targets(job.aws, name):
        return False
    order = _order(view.invoking[0], rule["Name"])
    events.put_rule(
        Name=name,
        ScheduleExpression=DAILY,
        Description=f"Lets {job.function} delete what is past its time while it is paused",
    )
    _permit(job)
    target.put(job, name, job.place.alias(job.function), replace(order, invocation_type=DELETING).to_json())
    return True


def end(job: Job) -> bool:
    """Take the rule away; return whether there was one."""
    events, name = job.aws.events, names.deleting_rule(job.function)
    if not found(lambda: events.describe_rule(Name=name)):
        return False
    target.clear(job, name)
    events.delete_rule(Name=name)
    statement = names.deleting_statement(job.function)
    remove = job.aws.functions.remove_permission
    found(lambda: remove(FunctionName=job.function, Qualifier=names.ALIAS, StatementId=statement))
    return True


def _order(target: Mapping[str, Any], rule: str) -> Event:
    try:
        return Event.parse(json.loads(target.get("Input", "")))
    except (ValueError, TypeError, ConfigError):
        raise ConfigError(
            f"What the rule {rule} sends is no event of ours.", hint="`sa-apps deploy` puts it right."
        ) from None


def _permit(job: Job) -> None:
    try:
        job.aws.functions.add_permission(
            FunctionName=job.function,
            Qualifier=names.ALIAS,
            StatementId=names.deleting_statement(job.function),
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=job.place.deleting_rule(job.function),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceConflictException":  # it is there
            raise


def _keeps_a_record(live: Mapping[str, Any] | None) -> bool:
    variables = environment(live) if live else {}
    return variables is None or "SA_APPS_BUCKET" in variables

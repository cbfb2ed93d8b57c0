"""What AWS would refuse of settings that are right one by one, said before anything is written.

Half of it would only fail midway. What a single setting may be is in the schema of conf/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy.resources.alarm import (
    BEHIND,
    CURSOR_AGE,
    LONGEST_INTERVAL,
    can_be_watched,
    periods,
)
from streamalert_apps.deploy.resources.function import stated_destinations
from streamalert_apps.errors import AppError, ConfigError
from streamalert_apps.runtime import kinds, names
from streamalert_apps.runtime.schedule import interval

_MOST_STATED: Final = 3_000  # of the 4 KB that Lambda allows for all of a function's environment


def check(app: AppConf) -> None:
    """Raise ConfigError that names each setting of an app that can't be deployed."""
    faults = [
        *_name(app),
        *_schedule(app),
        *_auth(app),
        *_destinations(app),
        *_ages(app),
        *_vpc(app.vpc_config or {}),
    ]
    if faults:
        raise ConfigError(
            " ".join(faults), hint=f"Fix it in conf/clusters/{app.cluster}.json, {app.function}."
        )


def _name(app: AppConf) -> list[str]:
    over = len(app.function) - names.FUNCTION_NAME_LIMIT
    return [f"The function's name is {over} characters too long."] if over > 0 else []


def _schedule(app: AppConf) -> list[str]:
    if "second" not in app.schedule_expression:
        return []
    return [
        f"'{app.schedule_expression}' is for `sa-apps serve`: EventBridge takes 'rate(1 minute)' at least."
    ]


def _auth(app: AppConf) -> list[str]:
    return [f"auth ({app.auth_from}) is for `sa-apps serve`."] if app.auth_from else []


def _destinations(app: AppConf) -> list[str]:
    faults = []
    for sink in app.sinks:
        if not sink.is_classifier:
            faults += _judged(lambda definition: definition.settings(kinds.find(definition.kind)), sink)
            if sink.kind in kinds.names() and not kinds.find(sink.kind).in_lambda:
                faults.append(f"The destination {sink.name} ({sink.kind}) is for runs on this machine.")
            if "credentials" in sink.given:
                faults.append(f"credentials of the destination {sink.name} is for `sa-apps serve`.")
    size = len(stated_destinations(app)) if app.sinks else 0
    if size > _MOST_STATED:
        faults.append(f"The settings of its destinations take {size:,} bytes; {_MOST_STATED:,} fit.")
    return faults


def _judged(rule: Callable[[Any], object], value: Any) -> list[str]:
    try:
        rule(value)
    except AppError as error:
        return [f"{error.message} {error.hint}"]
    return []


def _ages(app: AppConf) -> list[str]:
    """Return what is wrong with the alarms on an age, where conf/ speaks of them."""
    faults = []
    cursor_age = app.metric_alarms.get(CURSOR_AGE)
    if cursor_age is not None and cursor_age.get("enabled", True):
        key = f"metric_alarms.{CURSOR_AGE}"
        if app.extra.get("enable_custom_metrics") is not True:
            faults.append(f"{key} needs enable_custom_metrics to be true: the age is a custom metric.")
        if "threshold" not in cursor_age:
            faults.append(f"{key}.threshold must be the number of seconds from which it fires.")
    for kind in (CURSOR_AGE, BEHIND):
        settings = app.metric_alarms.get(kind)
        if settings and settings.get("enabled", kind == CURSOR_AGE or can_be_watched(app)):
            faults += _watched(app, f"metric_alarms.{kind}", settings)
    return faults


def _watched(app: AppConf, key: str, settings: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the periods of an alarm on an age."""
    every, judged = interval(app.schedule_expression), {**periods(app), **settings}
    if not can_be_watched(app):
        return [f"{key} can't watch an app that runs less than once in {LONGEST_INTERVAL.days} days."]
    if timedelta(seconds=judged["period_secs"] * judged["evaluation_periods"]) < every:
        least = (
            f"{every.total_seconds():.0f} at least, the schedule's interval, or it fires between two runs."
        )
        return [f"{key}: period_secs times evaluation_periods has to be {least}"]
    return []


def _vpc(vpc: Mapping[str, Any]) -> list[str]:
    subnets, groups = bool(vpc.get("subnet_ids")), bool(vpc.get("security_group_ids"))
    return [] if subnets == groups else ["vpc_config needs subnet_ids and security_group_ids, or neither."]

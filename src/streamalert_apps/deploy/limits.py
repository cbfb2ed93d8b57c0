"""What AWS would refuse, said before anything is written: half of it would only fail midway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from streamalert_apps.config import rules
from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy.package import ARCHITECTURES, RUNTIMES
from streamalert_apps.deploy.resources.alarm import CURSOR_AGE, periods
from streamalert_apps.deploy.resources.function import LOG_FORMATS, stated_destinations
from streamalert_apps.errors import AppError, ConfigError
from streamalert_apps.runtime import kinds, names
from streamalert_apps.runtime.schedule import interval

RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
LOG_LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_SHORT_PERIODS: Final = (10, 20, 30)
_MINUTE: Final = 60
_MOST_STATED: Final = 3_000  # of the 4 KB that Lambda allows for all of a function's environment
_LONGEST_INTERVAL: Final = timedelta(days=3)  # CloudWatch judges seven days at most, and two runs have to fit


def check(app: AppConf) -> None:
    """Raise ConfigError that names each setting of an app that can't be deployed."""
    faults = [
        *_settings(app),
        *_destinations(app),
        *_alarms(app),
        *_cursor_age(app),
        *_vpc(app.vpc_config or {}),
    ]
    if faults:
        raise ConfigError(
            " ".join(faults), hint=f"Mend it in conf/clusters/{app.cluster}.json, {app.function}."
        )


def _settings(app: AppConf) -> list[str]:
    over = len(app.function) - names.FUNCTION_NAME_LIMIT
    faults = [f"The function's name is {over} characters too long."] if over > 0 else []
    faults += _judged(interval, app.schedule_expression)
    faults += _judged(rules.timeout, app.timeout) + _judged(rules.memory, app.memory)
    faults += _chosen("log_retention_days", app.log_retention_days, RETENTION_DAYS)
    faults += _chosen("log_level", app.log_level.lower(), LOG_LEVELS)
    for key, choices in (
        ("runtime", RUNTIMES),
        ("architecture", ARCHITECTURES),
        ("log_format", tuple(LOG_FORMATS)),
    ):
        faults += _chosen(key, app.extra.get(key, choices[0]), choices)
    if app.concurrency_limit is not None and app.concurrency_limit < -1:
        faults.append("concurrency_limit has to be a number of runs at a time.")
    if type(app.extra.get("enable_custom_metrics", False)) is not bool:
        faults.append("enable_custom_metrics has to be true or false.")
    return faults + _positive(app.extra, "batch_bytes")


def _destinations(app: AppConf) -> list[str]:
    faults = []
    for sink in app.sinks:
        if not sink.is_classifier:
            faults += _judged(lambda definition: definition.settings(kinds.find(definition.kind)), sink)
            if sink.kind in kinds.names() and not kinds.find(sink.kind).in_lambda:
                faults.append(f"The destination {sink.name} ({sink.kind}) is for runs on this machine.")
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


def _chosen(key: str, value: Any, choices: tuple[Any, ...]) -> list[str]:
    return [] if value in choices else [f"{key} is {value!r}, and has to be one of {_listed(choices)}."]


def _listed(choices: tuple[Any, ...]) -> str:
    return ", ".join(map(str, choices))


def _positive(settings: Mapping[str, Any], key: str) -> list[str]:
    value = settings.get(key, 1)
    return [] if type(value) is int and value > 0 else [f"{key} has to be a whole number above 0."]


def _alarms(app: AppConf) -> list[str]:
    faults = []
    for kind, settings in app.metric_alarms.items():
        if not isinstance(settings, Mapping):
            faults.append(f"metric_alarms.{kind} has to be an object.")
            continue
        faults += [f"metric_alarms.{kind}.{fault}" for fault in _positive(settings, "evaluation_periods")]
        period = settings.get("period_secs", _MINUTE)
        if period not in _SHORT_PERIODS and (type(period) is not int or period < _MINUTE or period % _MINUTE):
            faults.append(f"metric_alarms.{kind}.period_secs has to be 10, 20, 30 or a multiple of 60.")
        if not isinstance(settings.get("threshold", 0), int | float):
            faults.append(f"metric_alarms.{kind}.threshold has to be a number.")
    return faults


def _cursor_age(app: AppConf) -> list[str]:
    """Return what is wrong with the alarm on the age of the cursor, where the app has one."""
    settings = app.metric_alarms.get(CURSOR_AGE)
    if not isinstance(settings, Mapping) or not settings.get("enabled", True):
        return []
    key, faults = f"metric_alarms.{CURSOR_AGE}", []
    if app.extra.get("enable_custom_metrics") is not True:
        faults.append(f"{key} needs enable_custom_metrics to be true: the age is a custom metric.")
    if "threshold" not in settings:
        faults.append(f"{key}.threshold has to say from how many seconds on it rings.")
    try:
        every, judged = interval(app.schedule_expression), {**periods(app), **settings}
    except AppError:
        return faults  # the schedule's own fault is told
    if every > _LONGEST_INTERVAL:
        faults.append(f"{key} can't watch an app that runs less than once in {_LONGEST_INTERVAL.days} days.")
    elif not _covers(judged, every):
        faults.append(
            f"{key}: period_secs times evaluation_periods has to be {every.total_seconds():.0f} at least, "
            "the schedule's interval, or it rings between two runs."
        )
    return faults


def _covers(judged: Mapping[str, Any], every: timedelta) -> bool:
    """Tell whether a run falls into the time that is judged; what is no number is told elsewhere."""
    period, count = judged["period_secs"], judged["evaluation_periods"]
    if type(period) is not int or type(count) is not int:
        return True
    return timedelta(seconds=period * count) >= every


def _vpc(vpc: Mapping[str, Any]) -> list[str]:
    subnets, groups = bool(vpc.get("subnet_ids")), bool(vpc.get("security_group_ids"))
    return [] if subnets == groups else ["vpc_config needs subnet_ids and security_group_ids, or neither."]

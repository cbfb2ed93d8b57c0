"""The alarms on failed runs, on an app that is behind and on what needs somebody; others as conf/ has them.

Throttles are an alarm only where conf/ says so: an app that runs one at a time is throttled whenever a tick
meets a run. Alarms that conf/ does not speak of and that are none by default are left alone, but for that
on the age of the cursor, which only we make.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy import tags
from streamalert_apps.deploy.job import Job, Wanted
from streamalert_apps.deploy.plan import Change, Resource
from streamalert_apps.deploy.view import View
from streamalert_apps.runtime import metrics, names
from streamalert_apps.runtime.schedule import interval

KIND: Final = "alarm"

CURSOR_AGE: Final = "cursor_age"
BEHIND: Final = "behind"
PROBLEMS: Final = "problems"
BY_DEFAULT: Final = ("errors", BEHIND, PROBLEMS)

_NAMES: Final = {
    "errors": names.errors_alarm,
    BEHIND: names.behind_alarm,
    PROBLEMS: names.problems_alarm,
    "throttles": names.throttles_alarm,
    CURSOR_AGE: names.cursor_age_alarm,
}
_METRICS: Final = {
    "errors": "AWS/Lambda Errors Sum",
    BEHIND: f"{metrics.NAMESPACE} {metrics.BEHIND} Minimum",
    PROBLEMS: f"{metrics.NAMESPACE} {metrics.PROBLEMS} Maximum",
    "throttles": "AWS/Lambda Throttles Sum",
    # the best of a period: a backlog that was worked off within it is no trouble
    CURSOR_AGE: f"{metrics.NAMESPACE} {metrics.CURSOR_AGE} Minimum",
}
_WORDS: Final = {
    "errors": "StreamAlert Lambda Invocation Errors",
    BEHIND: "StreamAlert App Behind",
    PROBLEMS: "StreamAlert App Problems",
    "throttles": "StreamAlert Lambda Throttles",
    CURSOR_AGE: "StreamAlert App Cursor Age",
}
_DEFAULTS: Final = {"enabled": True, "evaluation_periods": 1, "period_secs": 120, "threshold": 0}
# What is right where no run has ended. Of an age, no run is as bad as a late one; an app that is new, and
# has none yet, is only undecided.
_MISSING: Final = {CURSOR_AGE: "breaching", PROBLEMS: "notBreaching"}
_MINUTE: Final = timedelta(minutes=1)
LEAST_BEHIND: Final = timedelta(hours=1)
LONGEST_INTERVAL: Final = timedelta(days=3)  # CloudWatch judges seven days at most, and two runs have to fit
LONGEST_PERIOD: Final = timedelta(days=1)  # CloudWatch's


def desired(wanted: Wanted) -> tuple[Resource, ...]:
    """Return the alarms that the app shall have."""
    app = wanted.app
    settings = {kind: {**_defaults(app, kind), **given} for kind, given in _spoken_of(app).items()}
    return tuple(_alarm(wanted, kind, s) for kind, s in settings.items() if s["enabled"])


def periods(app: AppConf) -> dict[str, int]:
    """Return how the cursor's age is judged where conf/ does not say: over two intervals of the schedule."""
    two = 2 * interval(app.schedule_expression)
    count = -(-two // LONGEST_PERIOD)
    minutes = max(1, -(-two // (count * _MINUTE)))
    return {"evaluation_periods": count, "period_secs": 60 * minutes}


def _defaults(app: AppConf, kind: str) -> dict[str, Any]:
    if kind not in {BEHIND, PROBLEMS, CURSOR_AGE}:
        return _DEFAULTS
    judged = periods(app)
    if kind == PROBLEMS:
        judged["evaluation_periods"] = 1  # one period that is bad is enough
    if kind == BEHIND:
        most = max(LEAST_BEHIND, 3 * interval(app.schedule_expression))
        return _DEFAULTS | judged | {"threshold": most.total_seconds(), "enabled": can_be_watched(app)}
    return _DEFAULTS | judged


def can_be_watched(app: AppConf) -> bool:
    """Tell whether an app runs often enough for an alarm that notices that it does not."""
    return interval(app.schedule_expression) <= LONGEST_INTERVAL


def needs_metrics(app: AppConf) -> bool:
    """Tell whether the app has an alarm that goes by its own metrics."""
    spoken = _spoken_of(app)
    return any({**_defaults(app, kind), **spoken[kind]}["enabled"] for kind in (BEHIND, PROBLEMS))


def count(app: AppConf) -> int:
    """Return how many alarms an app has."""
    return sum({**_defaults(app, kind), **given}["enabled"] for kind, given in _spoken_of(app).items())


def _spoken_of(app: AppConf) -> dict[str, Mapping[str, Any]]:
    spoken = (*BY_DEFAULT, *app.metric_alarms)
    return {kind: app.metric_alarms.get(kind, {}) for kind in _NAMES if kind in spoken}


def _alarm(wanted: Wanted, kind: str, settings: Mapping[str, Any]) -> Resource:
    app, place = wanted.app, wanted.place
    dimensions = {metrics.DIMENSION: app.function}
    if _METRICS[kind].startswith("AWS/Lambda "):
        dimensions["Resource"] = f"{app.function}:{names.ALIAS}"
    attributes = {
        "metric": _METRICS[kind],
        "dimensions": dimensions,
        "comparison": "GreaterThanThreshold",
        "threshold": float(settings["threshold"]),
        "period": settings["period_secs"],
        "evaluation_periods": settings["evaluation_periods"],
        "missing": _MISSING.get(kind, "missing"),
        "actions": (place.topic(),),
        **({"undecided": (place.topic(),)} if kind == BEHIND else {}),  # it ran, and does not any more
        "description": f"{_WORDS[kind]}: {app.function}",
        "tags": tags.tags_of(app, place),
    }
    return Resource(KIND, _NAMES[kind](app.function), attributes)


def observe(view: View) -> tuple[Resource, ...]:
    """Return those alarms that are there and that conf/ speaks of; all of an app that shall be gone."""
    kinds = {**_spoken_of(view.job.app), CURSOR_AGE: {}} if view.job.app else _NAMES
    wanted = (_NAMES[kind](view.job.function) for kind in kinds)
    return tuple(_observed(view, view.known.alarms[name]) for name in wanted if name in view.known.alarms)


def _observed(view: View, alarm: Mapping[str, Any]) -> Resource:
    attributes = {
        "metric": f"{alarm.get('Namespace')} {alarm.get('MetricName')} {alarm.get('Statistic')}",
        "dimensions": {d["Name"]: d["Value"] for d in alarm.get("Dimensions", ())},
        "comparison": alarm["ComparisonOperator"],
        "threshold": alarm.get("Threshold"),
        "period": alarm.get("Period"),
        "evaluation_periods": alarm["EvaluationPeriods"],
        "missing": alarm.get("TreatMissingData", "missing"),
        "actions": tuple(alarm.get("AlarmActions", ())),
        "undecided": tuple(alarm.get("InsufficientDataActions", ())),
        "description": alarm.get("AlarmDescription", ""),
    }
    if view.strange:
        listed = view.job.aws.alarms.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
        attributes["tags"] = tags.judged(tags.of_list(listed), view.job.place)
    foreign = attributes["dimensions"].get(metrics.DIMENSION) != view.job.function
    return Resource(KIND, alarm["AlarmName"], attributes, foreign=foreign)


def create(job: Job, resource: Resource) -> None:
    """Make the alarm."""
    _put(job, resource, Tags=tags.as_list(resource.attributes["tags"]))


def update(job: Job, change: Change) -> None:
    """Change the alarm; tag what Terraform made."""
    resource = change.subject
    if change.differing.keys() - {"tags"}:
        _put(job, resource)
    if "tags" in change.differing:
        wanted = tags.as_list(resource.attributes["tags"])
        job.aws.alarms.tag_resource(ResourceARN=job.place.alarm(resource.name), Tags=wanted)


def delete(job: Job, resource: Resource) -> None:
    """Delete the alarm."""
    job.aws.alarms.delete_alarms(AlarmNames=[resource.name])


def _put(job: Job, resource: Resource, **other: Any) -> None:
    wanted = resource.attributes
    namespace, metric, statistic = wanted["metric"].split()
    job.aws.alarms.put_metric_alarm(
        AlarmName=resource.name,
        AlarmDescription=wanted["description"],
        Namespace=namespace,
        MetricName=metric,
        Statistic=statistic,
        Dimensions=[{"Name": name, "Value": value} for name, value in wanted["dimensions"].items()],
        ComparisonOperator=wanted["comparison"],
        Threshold=wanted["threshold"],
        Period=wanted["period"],
        EvaluationPeriods=wanted["evaluation_periods"],
        TreatMissingData=wanted["missing"],
        AlarmActions=list(wanted["actions"]),
        InsufficientDataActions=list(wanted.get("undecided", ())),
        **other,
    )

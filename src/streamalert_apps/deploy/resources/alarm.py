"""The alarms on failed and on throttled runs, on an app far behind, on events found late, as conf/ has them.

A failed run is an error by default. Throttles are one only where conf/ says so: an app that runs one at
a time is throttled whenever a tick meets a run. An alarm that conf/ does not speak of is left alone,
but for those on metrics of ours, which only we make.
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
FOUND_LATE: Final = "found_late"
OURS: Final = (CURSOR_AGE, FOUND_LATE)
"""Those on metrics that the runs write."""

_NAMES: Final = {
    "errors": names.errors_alarm,
    "throttles": names.throttles_alarm,
    CURSOR_AGE: names.cursor_age_alarm,
    FOUND_LATE: names.found_late_alarm,
}
_METRICS: Final = {
    "errors": "AWS/Lambda Errors Sum",
    "throttles": "AWS/Lambda Throttles Sum",
    # the best of a period: a backlog that was worked off within it is no trouble
    CURSOR_AGE: f"{metrics.NAMESPACE} {metrics.CURSOR_AGE} Minimum",
    FOUND_LATE: f"{metrics.NAMESPACE} {metrics.FOUND_LATE} Sum",
}
_WORDS: Final = {
    "errors": "StreamAlert Lambda Invocation Errors",
    "throttles": "StreamAlert Lambda Throttles",
    CURSOR_AGE: "StreamAlert App Cursor Age",
    FOUND_LATE: "StreamAlert App Events Later Than the Lag",
}
_DEFAULTS: Final = {"enabled": True, "evaluation_periods": 1, "period_secs": 120, "threshold": 0}
_DAILY: Final = {**_DEFAULTS, "period_secs": 86_400}
_MINUTE: Final = timedelta(minutes=1)
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
    if kind == FOUND_LATE:
        return _DAILY
    return _DEFAULTS | periods(app) if kind == CURSOR_AGE else _DEFAULTS


def _spoken_of(app: AppConf) -> dict[str, Mapping[str, Any]]:
    return {"errors": {}} | {kind: app.metric_alarms[kind] for kind in _NAMES if kind in app.metric_alarms}


def _alarm(wanted: Wanted, kind: str, settings: Mapping[str, Any]) -> Resource:
    app, place = wanted.app, wanted.place
    dimensions = {metrics.DIMENSION: app.function}
    if kind not in OURS:
        dimensions["Resource"] = f"{app.function}:{names.ALIAS}"
    attributes = {
        "metric": _METRICS[kind],
        "dimensions": dimensions,
        "comparison": "GreaterThanThreshold",
        "threshold": float(settings["threshold"]),
        "period": settings["period_secs"],
        "evaluation_periods": settings["evaluation_periods"],
        "missing": "breaching" if kind == CURSOR_AGE else "missing",  # no run, no age: that rings, too
        "actions": (place.topic(),),
        "description": f"{_WORDS[kind]}: {app.function}",
        "tags": tags.tags_of(app, place),
    }
    return Resource(KIND, _NAMES[kind](app.function), attributes)


def observe(view: View) -> tuple[Resource, ...]:
    """Return those alarms that are there and that conf/ speaks of; all of an app that shall be gone."""
    kinds = {**_spoken_of(view.job.app), **{kind: {} for kind in OURS}} if view.job.app else _NAMES
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
        **other,
    )

"""The rule that runs the app on schedule. It is never made anew: `rate()` would start from the beginning.

Whether it is enabled is not conf's to say: `sa-apps disable` stays in force when something is deployed.
"""

from __future__ import annotations

from typing import Any, Final

from streamalert_apps.deploy import tags
from streamalert_apps.deploy.job import Job, Wanted
from streamalert_apps.deploy.plan import Change, Resource
from streamalert_apps.deploy.resources import deleting
from streamalert_apps.deploy.view import View
from streamalert_apps.runtime import names

KIND: Final = "rule"


def desired(wanted: Wanted) -> tuple[Resource, ...]:
    """Return the rule that the app shall have."""
    app = wanted.app
    attributes = {"schedule": app.schedule_expression, "tags": tags.tags_of(app, wanted.place)}
    return (Resource(KIND, names.rule(app.function), attributes),)


def observe(view: View) -> tuple[Resource, ...]:
    """Return the rule that is there."""
    if not view.rule:
        return ()
    attributes: dict[str, Any] = {
        "schedule": view.rule.get("ScheduleExpression"),
        "state": view.rule.get("State", "ENABLED"),
    }
    foreign = False
    if view.strange:
        listed = view.job.aws.events.list_tags_for_resource(ResourceARN=view.rule["Arn"])["Tags"]
        attributes["tags"] = tags.judged(tags.of_list(listed), view.job.place)
        foreign = not tags.ours(attributes["tags"]) and bool(view.targets) and not view.invoking
    return (Resource(KIND, view.rule["Name"], attributes, foreign=foreign),)


def create(job: Job, resource: Resource) -> None:
    """Make the rule."""
    _put(job, resource, State="ENABLED", Tags=tags.as_list(resource.attributes["tags"]))


def update(job: Job, change: Change) -> None:
    """Change the schedule; tag what Terraform made."""
    resource = change.subject
    if "schedule" in change.differing:
        assert change.before is not None  # noqa: S101 (an update has both sides)
        _put(job, resource, State=change.before.attributes["state"])
    if "tags" in change.differing:
        wanted = tags.as_list(resource.attributes["tags"])
        job.aws.events.tag_resource(ResourceARN=job.place.rule(job.function), Tags=wanted)


def delete(job: Job, resource: Resource) -> None:
    """Delete the rule, and that of a paused app, which goes with it."""
    deleting.end(job)
    job.aws.events.delete_rule(Name=resource.name)


def _put(job: Job, resource: Resource, **other: Any) -> None:
    schedule = resource.attributes["schedule"]
    job.aws.events.put_rule(
        Name=resource.name,
        ScheduleExpression=schedule,
        Description=f"Invokes {job.function} at {schedule}",
        **other,
    )

"""The log group, made before the function: Lambda would make it without an end of retention."""

from __future__ import annotations

from typing import Final

from streamalert_apps.deploy import tags
from streamalert_apps.deploy.job import Job, Wanted
from streamalert_apps.deploy.plan import Change, Resource
from streamalert_apps.deploy.view import View
from streamalert_apps.runtime import names

KIND: Final = "log group"


def desired(wanted: Wanted) -> tuple[Resource, ...]:
    """Return the log group that the app shall have."""
    app = wanted.app
    attributes = {"retention": app.log_retention_days, "tags": tags.tags_of(app, wanted.place)}
    return (Resource(KIND, names.log_group(app.function), attributes),)


def observe(view: View) -> tuple[Resource, ...]:
    """Return the log group that is there."""
    name = names.log_group(view.job.function)
    group = view.known.log_groups.get(name)
    if group is None:
        return ()
    attributes = {"retention": group.get("retentionInDays")}
    if view.strange:
        arn = view.job.place.log_group(view.job.function)
        listed = view.job.aws.logs.list_tags_for_resource(resourceArn=arn)["tags"]
        attributes["tags"] = tags.judged(listed, view.job.place)
    return (Resource(KIND, name, attributes),)


def create(job: Job, resource: Resource) -> None:
    """Make the log group."""
    job.aws.logs.create_log_group(logGroupName=resource.name, tags=resource.attributes["tags"])
    _retain(job, resource)


def update(job: Job, change: Change) -> None:
    """Set how long lines are kept; tag what Lambda or Terraform made."""
    if "retention" in change.differing:
        _retain(job, change.subject)
    if "tags" in change.differing:
        arn = job.place.log_group(job.function)
        job.aws.logs.tag_resource(resourceArn=arn, tags=change.subject.attributes["tags"])


def delete(job: Job, resource: Resource) -> None:
    """Delete the log group with all its lines."""
    job.aws.logs.delete_log_group(logGroupName=resource.name)


def _retain(job: Job, resource: Resource) -> None:
    job.aws.logs.put_retention_policy(
        logGroupName=resource.name, retentionInDays=resource.attributes["retention"]
    )

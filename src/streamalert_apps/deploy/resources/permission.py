"""The permission by which the rule may invoke the alias. The alias has its own; it stays when it moves."""

from __future__ import annotations

from typing import Any, Final

from streamalert_apps.aws.answer import statements
from streamalert_apps.deploy.job import Job, Wanted
from streamalert_apps.deploy.plan import Change, Resource
from streamalert_apps.deploy.view import View, found
from streamalert_apps.runtime import names

KIND: Final = "permission"


def desired(wanted: Wanted) -> tuple[Resource, ...]:
    """Return the permission that the app shall have."""
    attributes = {
        "action": "lambda:InvokeFunction",
        "principal": "events.amazonaws.com",
        "source": wanted.place.rule(wanted.app.function),
    }
    return (Resource(KIND, names.permission_statement(wanted.app.function), attributes),)


def observe(view: View) -> tuple[Resource, ...]:
    """Return the permission that is there."""
    if not view.live:
        return ()
    call = view.job.aws.functions.get_policy
    answer = found(lambda: call(FunctionName=view.job.function, Qualifier=names.ALIAS))
    name = names.permission_statement(view.job.function)
    there = statements(answer) if answer else []
    return tuple(Resource(KIND, name, _normal(s)) for s in there if s.get("Sid") == name)[:1]


def _normal(statement: dict[str, Any]) -> dict[str, Any]:
    condition = statement.get("Condition", {})
    principal = statement.get("Principal")
    return {
        "action": statement.get("Action"),
        "principal": principal.get("Service") if isinstance(principal, dict) else principal,
        "source": condition.get("ArnLike", {}).get("AWS:SourceArn"),
    }


def create(job: Job, resource: Resource) -> None:
    """Let the rule invoke the alias."""
    job.aws.functions.add_permission(
        FunctionName=job.function,
        Qualifier=names.ALIAS,
        StatementId=resource.name,
        Action=resource.attributes["action"],
        Principal=resource.attributes["principal"],
        SourceArn=resource.attributes["source"],
    )


def update(job: Job, change: Change) -> None:
    """Put the right permission in place of one that says something else; none can be changed."""
    delete(job, change.subject)
    create(job, change.subject)


def delete(job: Job, resource: Resource) -> None:
    """Take the permission away."""
    job.aws.functions.remove_permission(
        FunctionName=job.function, Qualifier=names.ALIAS, StatementId=resource.name
    )

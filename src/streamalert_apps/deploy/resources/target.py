"""The rule's target: the alias, with the event that says what to collect."""

from __future__ import annotations

import json
from typing import Any, Final

from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy.job import Job, Wanted
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.plan import Change, Resource
from streamalert_apps.deploy.view import View, targets
from streamalert_apps.errors import AppError, Unavailable
from streamalert_apps.runtime import names
from streamalert_apps.runtime.event import Event

KIND: Final = "target"
_PASSING: Final = {"ConcurrentModificationException", "InternalException", "ThrottlingException"}
ID: Final = "sa-apps"


def desired(wanted: Wanted) -> tuple[Resource, ...]:
    """Return the target that the app's rule shall have."""
    app, place = wanted.app, wanted.place
    attributes = {"arn": place.alias(app.function), "input": json.loads(event(app, place)), "doubles": ()}
    return (Resource(KIND, names.rule(app.function), attributes),)


def event(app: AppConf, place: Place) -> str:
    """Return what the function is invoked with."""
    classifier = names.classifier(place.prefix, app.cluster)
    return Event(app.type, classifier, app.schedule_expression).to_json()


def observe(view: View) -> tuple[Resource, ...]:
    """Return the target that is there, under whatever id, and others that invoke the function as well."""
    if not view.invoking:
        return ()
    alias = view.job.place.alias(view.job.function)
    first, *others = sorted(view.invoking, key=lambda target: target["Arn"] != alias)
    attributes = {
        "arn": first["Arn"],
        "input": _parsed(first.get("Input", "")),
        "doubles": tuple(target["Id"] for target in others),
        "id": first["Id"],
    }
    return (Resource(KIND, names.rule(view.job.function), attributes),)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def create(job: Job, resource: Resource) -> None:
    """Let the rule invoke the alias with the app's event."""
    _put(job, resource, ID)


def update(job: Job, change: Change) -> None:
    """Put the right target in the place of what is there; a second one would collect twice."""
    assert change.before is not None  # noqa: S101 (an update has both sides)
    if "arn" in change.differing or "input" in change.differing:
        _put(job, change.subject, change.before.attributes["id"])
    if doubles := change.before.attributes["doubles"]:
        _check(job.aws.events.remove_targets(Rule=change.subject.name, Ids=list(doubles)))


def delete(job: Job, resource: Resource) -> None:
    """Take all targets from the rule, so that it can be deleted."""
    clear(job, resource.name)


def clear(job: Job, rule: str) -> None:
    """Take all targets from a rule."""
    if listed := targets(job.aws, rule):
        _check(job.aws.events.remove_targets(Rule=rule, Ids=[target["Id"] for target in listed]))


def put(job: Job, rule: str, arn: str, event: str, target_id: str = ID) -> None:
    """Let a rule invoke `arn` with an event."""
    target = {"Id": target_id, "Arn": arn, "Input": event}
    _check(job.aws.events.put_targets(Rule=rule, Targets=[target]))


def _put(job: Job, resource: Resource, target_id: str) -> None:
    attributes = resource.attributes
    put(job, resource.name, attributes["arn"], json.dumps(attributes["input"]), target_id)


def _check(answer: dict[str, Any]) -> None:
    """Raise what EventBridge did not take: it answers 200 all the same."""
    entries = answer.get("FailedEntries") or ([{}] if answer.get("FailedEntryCount") else [])
    for entry in entries:
        code, message = entry.get("ErrorCode", "?"), entry.get("ErrorMessage", "no reason given")
        kind = Unavailable if code in _PASSING else AppError
        raise kind(f"EventBridge refused the target: {code}: {message}")

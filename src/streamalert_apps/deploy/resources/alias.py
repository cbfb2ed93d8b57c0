"""The alias `production` and the published version behind it: what runs. It moves once all else is right.

A run that failed is not repeated by Lambda: the next one goes on, and a failed sign-in soon locks an account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from streamalert_apps.deploy import versions
from streamalert_apps.deploy.job import Job, Wanted
from streamalert_apps.deploy.plan import Change, Resource
from streamalert_apps.deploy.resources import function
from streamalert_apps.deploy.view import View, describe
from streamalert_apps.errors import TransientError
from streamalert_apps.runtime import names

KIND: Final = "alias"

_OF_THE_ALIAS: Final = {"weights", "retries"}


def desired(wanted: Wanted) -> tuple[Resource, ...]:
    """Return what the version behind the alias shall be made of."""
    attributes = function.versioned(wanted) | {"weights": {}, "retries": 0}
    return (Resource(KIND, name_of(wanted.app.function), attributes),)


def name_of(name: str) -> str:
    """Return how the alias of a function is called."""
    return f"{name}:{names.ALIAS}"


def observe(view: View) -> tuple[Resource, ...]:
    """Return what the version behind the alias is made of, and which versions run besides."""
    if not view.live:
        return ()
    attributes = function.normal(view.live, view.code_of(view.live)) | {
        "version": view.live["Version"],
        "weights": weights(view.alias or {}),
    }
    if not _is_settled(view, attributes["code"]):
        attributes["retries"] = view.retries
    return (Resource(KIND, name_of(view.job.function), attributes),)


def _is_settled(view: View, code: str) -> bool:
    """Tell whether this code was made to run by us, wholly: then it was told to repeat nothing.

    To ask would cost a call of those of which Lambda takes 15 a second for a whole account.
    """
    package = view.job.package
    return bool(package and package.digest == code and view.invoking and not view.strange)


def weights(alias: Mapping[str, Any]) -> dict[str, float]:
    """Return the versions that an alias gives a part of its invocations to, and how large a part."""
    return dict((alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {})


def create(job: Job, resource: Resource) -> None:
    """Publish what is desired and make the alias."""
    version = job.published or _publish(job, resource.attributes)
    job.aws.functions.create_alias(FunctionName=job.function, Name=names.ALIAS, FunctionVersion=version)
    _repeat_nothing(job)


def update(job: Job, change: Change) -> None:
    """Publish what is desired and move the alias there; then forget versions that nobody will go back to."""
    assert change.before is not None  # noqa: S101 (an update has both sides)
    differing = change.differing.keys()
    if "retries" in differing:
        _repeat_nothing(job)
    is_new = bool(differing - _OF_THE_ALIAS)
    version = _publish(job, change.subject.attributes) if is_new else change.before.attributes["version"]
    if is_new or "weights" in differing:
        job.aws.functions.update_alias(
            FunctionName=job.function,
            Name=names.ALIAS,
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": {}},
        )
    if is_new:
        versions.forget_old(job, int(version))


def delete(job: Job, resource: Resource) -> None:  # noqa: ARG001 (one shape for all)
    """Delete the alias."""
    job.aws.functions.delete_alias(FunctionName=job.function, Name=names.ALIAS)


def _repeat_nothing(job: Job) -> None:
    job.aws.functions.put_function_event_invoke_config(
        FunctionName=job.function, Qualifier=names.ALIAS, MaximumRetryAttempts=0
    )


def _publish(job: Job, wanted: Mapping[str, Any]) -> str:
    """Publish the function if it is what was planned, and not what somebody else has made of it since."""
    configuration = function.settled(job)
    seen = function.normal(configuration, wanted["code"])
    changed = [key for key, value in wanted.items() if key in seen and seen[key] != value]
    if changed or configuration["CodeSha256"] != job.code_sha:
        raise TransientError("Somebody else changed the function at the same time.")
    revision = {"RevisionId": configuration["RevisionId"]} if "RevisionId" in configuration else {}
    published = job.aws.functions.publish_version(
        FunctionName=job.function,
        CodeSha256=job.code_sha,
        Description=describe(wanted["code"], job.code_sha),
        **revision,
    )
    return str(published["Version"])

"""The function as its next version will be. What runs is the version behind the alias."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy import tags
from streamalert_apps.deploy.job import Job, Wanted
from streamalert_apps.deploy.package import HANDLER
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.plan import Change, Resource
from streamalert_apps.deploy.resources import alarm
from streamalert_apps.deploy.view import View, describe
from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.runtime.names import CLASSIFIER

KIND: Final = "function"
STREAMALERT: Final = "streamalert.apps.main.handler"
LOG_FORMATS: Final = {"text": "Text", "json": "JSON"}

CODE: Final = {"code", "architecture"}
_NOT_OF_A_VERSION: Final = {"concurrency", "tags", "layers"}
_POLLS: Final = (0.2, 0.5, 1.0)
_PATIENCE: Final = timedelta(minutes=5)  # an interface in a VPC can take minutes
_UPLOADS: Final = threading.Semaphore(2)  # each holds the zip several times over


def desired(wanted: Wanted) -> tuple[Resource, ...]:
    """Return the function that the app shall have."""
    app, reserved = wanted.app, wanted.app.concurrency_limit
    attributes = versioned(wanted) | {
        "layers": (),
        "concurrency": None if reserved == -1 else reserved,  # Terraform's way to say none
        "tags": tags.tags_of(app, wanted.place),
    }
    return (Resource(KIND, app.function, attributes),)


def versioned(wanted: Wanted) -> dict[str, Any]:
    """Return what a version of the app's function is made of."""
    app, package = wanted.app, wanted.package
    vpc = app.vpc_config or {}
    key = {"kms_key": wanted.place.kms_key} if wanted.place.kms_key else {}
    return key | {
        "runtime": package.runtime,
        "architecture": package.architecture,
        "handler": HANDLER,
        "role": wanted.place.role(app.function),
        "memory": app.memory,
        "timeout": app.timeout,
        "environment": _variables(app, wanted.place),
        "subnets": tuple(sorted(vpc.get("subnet_ids", ()))),
        "security_groups": tuple(sorted(vpc.get("security_group_ids", ()))),
        "tracing": "PassThrough",  # Lambda's word for off
        "log_format": LOG_FORMATS[app.extra.get("log_format", "text")],
        "code": package.digest,
    }


def _variables(app: AppConf, place: Place) -> dict[str, str]:
    """Return what the handler reads; what conf/ does not state is left to its defaults."""
    variables = {
        "SA_APPS_TYPE": app.type,
        "SA_APPS_LOG_LEVEL": app.log_level,
        "SA_APPS_BUCKET": place.bucket,
    }
    if "journal_days" in app.extra:
        variables["SA_APPS_JOURNAL_DAYS"] = f"{app.journal_days:g}"
    if app.lag:
        variables["SA_APPS_LAG"] = f"{app.lag.total_seconds():.0f}"
    if "batch_bytes" in app.extra:
        variables["SA_APPS_BATCH_BYTES"] = str(app.extra["batch_bytes"])
    if app.extra.get("enable_custom_metrics"):
        variables["SA_APPS_METRICS"] = "on"
    elif not alarm.needs_metrics(app):
        variables["SA_APPS_METRICS"] = "off"
    if until := app.credentials_expire:
        variables["SA_APPS_CREDENTIALS_UNTIL"] = f"{until.timestamp():.0f}"
    if app.sinks:
        variables["SA_APPS_DESTINATIONS"] = stated_destinations(app)
        variables["SA_APPS_NAME"] = app.name
        variables["SA_APPS_PREFIX"] = place.prefix
    return variables


def stated_destinations(app: AppConf) -> str:
    """Return what the function is told of the app's destinations; there is no secret in it."""
    return json.dumps({sink.name: dict(sink.given) for sink in app.sinks}, separators=(",", ":"))


def named_destinations(variables: Mapping[str, str]) -> set[str]:
    """Return the names of the destinations that a function was told of; without any it has the classifier."""
    try:
        return {*json.loads(variables["SA_APPS_DESTINATIONS"])}
    except (KeyError, TypeError, ValueError):
        return {CLASSIFIER}


def normal(configuration: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """Return the same of a version that is there; without the environment where that can't be read."""
    vpc = configuration.get("VpcConfig") or {}
    variables = environment(configuration)
    readable = {} if variables is None else {"environment": variables}
    return readable | {
        "kms_key": configuration.get("KMSKeyArn") or "",
        "runtime": configuration.get("Runtime"),
        "architecture": configuration.get("Architectures", ["x86_64"])[0],
        "handler": configuration.get("Handler"),
        "role": configuration["Role"],
        "memory": configuration["MemorySize"],
        "timeout": configuration["Timeout"],
        "subnets": tuple(sorted(vpc.get("SubnetIds", ()))),
        "security_groups": tuple(sorted(vpc.get("SecurityGroupIds", ()))),
        "tracing": configuration.get("TracingConfig", {}).get("Mode", "PassThrough"),
        "log_format": configuration.get("LoggingConfig", {}).get("LogFormat", "Text"),
        "code": digest,
    }


def environment(configuration: Mapping[str, Any]) -> dict[str, str] | None:
    """Return a version's environment; None where it is encrypted by a key that the caller may not use."""
    told = configuration.get("Environment") or {}
    return None if told.get("Error") else told.get("Variables") or {}


def observe(view: View) -> tuple[Resource, ...]:
    """Return the function that is there; raise CredentialsError where it can't be told whose it is."""
    if not view.latest:
        return ()
    configuration = view.latest["Configuration"]
    view.job.code_sha = configuration["CodeSha256"]
    attributes = normal(configuration, view.code_of(configuration)) | {
        "concurrency": view.latest.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
    }
    if view.tags is None:
        if attributes["handler"] != HANDLER:
            raise _without_tags(view)
        return (Resource(KIND, view.job.function, attributes),)
    attributes["tags"] = tags.judged(view.tags, view.job.place)
    own = tags.ours(view.tags)
    if not own:
        attributes["layers"] = tuple(layer["Arn"] for layer in configuration.get("Layers") or ())
    foreign = not own and attributes["handler"] not in {HANDLER, STREAMALERT}
    return (Resource(KIND, view.job.function, attributes, foreign=foreign),)


def _without_tags(view: View) -> AppError:
    arn = view.job.place.function(view.job.function)
    return CredentialsError(
        f"Whose the function {view.job.function} is can't be told: its tags can't be read.",
        hint=f'It needs {{"Effect": "Allow", "Action": "lambda:ListTags", "Resource": "{arn}"}}.',
    )


def create(job: Job, resource: Resource) -> None:
    """Make the function and its first version."""
    wanted = resource.attributes
    assert job.package is not None  # noqa: S101 (only an app that shall be there is made)
    with _UPLOADS:
        made = job.aws.uploads.create_function(
            FunctionName=job.function,
            Code={"ZipFile": job.package.archive},
            Architectures=[wanted["architecture"]],
            Tags=wanted["tags"],
            Description=describe(wanted["code"], job.package.sha256_base64),
            Publish=True,
            **_configuration(wanted),
        )
    job.published, job.code_sha = made["Version"], made["CodeSha256"]
    if made.get("State") != "Active":
        settled(job)
    if wanted["concurrency"] is not None:
        _reserve(job, wanted["concurrency"])


def update(job: Job, change: Change) -> None:
    """Bring the function to what is desired: settings, code, concurrency, tags."""
    functions, name, wanted = job.aws.functions, job.function, change.subject.attributes
    differing = change.differing.keys()
    if differing - CODE - _NOT_OF_A_VERSION or "layers" in differing:
        layers = {"Layers": list(wanted["layers"])} if "layers" in differing else {}
        _settle(
            job,
            functions.update_function_configuration(FunctionName=name, **_configuration(wanted), **layers),
        )
    if differing & CODE:
        assert job.package is not None  # noqa: S101 (only an app that shall be there is updated)
        with _UPLOADS:
            answer = job.aws.uploads.update_function_code(
                FunctionName=name, ZipFile=job.package.archive, Architectures=[wanted["architecture"]]
            )
        job.code_sha, job.published = answer["CodeSha256"], ""
        _settle(job, answer)
    if "concurrency" in differing:
        _reserve(job, wanted["concurrency"])
    if "tags" in differing:
        functions.tag_resource(Resource=job.place.function(name), Tags=wanted["tags"])


def delete(job: Job, resource: Resource) -> None:
    """Delete the function with its versions, its alias and who may invoke them."""
    job.aws.functions.delete_function(FunctionName=resource.name)


def settled(job: Job) -> dict[str, Any]:
    """Return the function's configuration once Lambda has carried out what it was told."""
    give_up = job.clock.now() + _PATIENCE
    polls = iter(_POLLS)
    while True:
        answer = job.aws.functions.get_function(FunctionName=job.function)
        configuration: dict[str, Any] = answer["Configuration"]
        states = {configuration.get("State"), configuration.get("LastUpdateStatus")}
        if "Failed" in states:
            reasons = (configuration.get(key) for key in ("StateReason", "LastUpdateStatusReason"))
            raise AppError(f"Lambda could not make the function ready: {' '.join(filter(None, reasons))}")
        if not states & {"Pending", "InProgress"}:
            return configuration
        if job.clock.now() > give_up:
            raise AppError(
                f"The function was not ready after {_PATIENCE.seconds} seconds.",
                hint="Deploy again: it continues where this one ended.",
            )
        job.clock.sleep(next(polls, _POLLS[-1]))


def _settle(job: Job, answer: Mapping[str, Any]) -> None:
    """Wait for an update, unless its answer says that it is done."""
    if answer.get("LastUpdateStatus") != "Successful" or answer.get("State") != "Active":
        settled(job)


def _reserve(job: Job, concurrency: int | None) -> None:
    if concurrency is None:
        job.aws.functions.delete_function_concurrency(FunctionName=job.function)
        return
    job.aws.functions.put_function_concurrency(
        FunctionName=job.function, ReservedConcurrentExecutions=concurrency
    )


def _configuration(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Runtime": wanted["runtime"],
        "Handler": wanted["handler"],
        "Role": wanted["role"],
        "MemorySize": wanted["memory"],
        "Timeout": wanted["timeout"],
        "Environment": {"Variables": wanted["environment"]},
        "VpcConfig": {
            "SubnetIds": list(wanted["subnets"]),
            "SecurityGroupIds": list(wanted["security_groups"]),
        },
        "TracingConfig": {"Mode": wanted["tracing"]},
        "LoggingConfig": {"LogFormat": wanted["log_format"]},
        **({"KMSKeyArn": wanted["kms_key"]} if "kms_key" in wanted else {}),
    }

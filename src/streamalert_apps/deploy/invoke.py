"""Runs a deployed app now, as its schedule would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from streamalert_apps.aws.trouble import IN_BETWEEN
from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy.patience import explained
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.resources.target import event
from streamalert_apps.errors import AlreadyRunning, AppError, ConfigError, Unavailable
from streamalert_apps.runtime import names


@dataclass(frozen=True, slots=True)
class Run:
    """How an invocation that was waited for ended: the function's summary, or what it raised."""

    summary: dict[str, Any]
    error: AppError | None = None


def invoke(functions: Any, app: AppConf, place: Place, *, wait: bool) -> Run:
    """Invoke the alias. `functions` must not try again by itself: that would be a second run."""
    try:
        answer = functions.invoke(
            FunctionName=app.function,
            Qualifier=names.ALIAS,
            InvocationType="RequestResponse" if wait else "Event",
            Payload=event(app, place),
        )
    except ClientError as error:
        raise _refusal(error, app) from error
    summary = _summary(answer["Payload"].read())
    if "FunctionError" in answer:
        words = f"{summary.get('errorType', 'Error')}: {summary.get('errorMessage', 'no message')}"
        return Run({}, AppError(f"The run failed. {words}", hint=f"`sa-apps logs {app.name}` shows more."))
    return Run(summary)


def _summary(told: bytes) -> dict[str, Any]:
    """Return the object that was answered; nothing where there is none, as without a wait."""
    try:
        payload = json.loads(told) if told else {}
    except (ValueError, RecursionError):
        raise Unavailable(
            "What answered the invocation was not AWS: whether the app runs is not known.", hint=IN_BETWEEN
        ) from None
    return payload if isinstance(payload, dict) else {}


def _refusal(error: ClientError, app: AppConf) -> AppError:
    told = error.response["Error"]
    if told["Code"] == "ResourceNotFoundException":
        return ConfigError(f"{app.function} is not deployed.", hint="`sa-apps deploy` does it.")
    if told["Code"] == "TooManyRequestsException" and "Concurren" in str(error.response):
        return AlreadyRunning(
            f"{app.name} runs already, and no more runs than conf/ reserves fit beside it.",
            hint="Without --wait AWS keeps the invocation until there is room.",
        )
    return explained(error)

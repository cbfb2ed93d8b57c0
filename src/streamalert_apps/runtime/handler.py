"""The Lambda function: event in, one run, the next invocation where a backlog is left.

What is slow to make (clients, the TLS context) is made at import: in the init phase CPU is free.
Environment: SA_APPS_TYPE (the app type, loaded at import), SA_APPS_BUCKET (where the record is kept),
SA_APPS_JOURNAL_DAYS, SA_APPS_LAG (seconds, where conf/ states another than the type), SA_APPS_LOG_LEVEL,
SA_APPS_METRICS (`on`: all; `off`: none; else those that alarms go by), SA_APPS_CREDENTIALS_UNTIL (seconds
since 1970, where conf/ states when they end), SA_APPS_BATCH_BYTES, SA_APPS_SIMULATOR (a loopback URL that
takes the service's place). Where conf/ states destinations: SA_APPS_DESTINATIONS (their settings by name, in
JSON, without secrets), SA_APPS_NAME (the app's), SA_APPS_PREFIX (of the names of their parameters).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any, Final, Protocol

import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from streamalert_apps import services
from streamalert_apps.errors import AlreadyRunning, ConfigError
from streamalert_apps.runtime import kinds, legacy, log, metrics, names, outlets, paused
from streamalert_apps.runtime.collect import Terms, collect
from streamalert_apps.runtime.credentials import GIVEN_BY
from streamalert_apps.runtime.delivery import BATCH_BYTES, Outlet
from streamalert_apps.runtime.destinations.classifier import ClassifierLambda
from streamalert_apps.runtime.event import DELETING, Event
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.names import CLASSIFIER
from streamalert_apps.runtime.outlets import Definition
from streamalert_apps.runtime.schedule import interval
from streamalert_apps.runtime.sink import Setup, Source
from streamalert_apps.runtime.ssm import Parameter, ParameterCredentials
from streamalert_apps.runtime.store.s3 import S3Store
from streamalert_apps.sdk.app import App, complete, with_lag
from streamalert_apps.sdk.clock import Clock, Deadline, SystemClock
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace

LOGGER = logging.getLogger(__name__)

CLOSING_SECONDS: Final = 3.0  # for the last delivery, the head and the next invocation


class Context(Protocol):
    """What Lambda tells an invocation of itself."""

    function_name: str
    invoked_function_arn: str
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the process."""


@cache
def _session() -> Session:
    """Return a session of botocore: boto3 loads a tenth more, which nobody here uses."""
    return Session()


@cache
def _client(service: str, region: str = "") -> Any:
    """Return a client whose calls end soon; trying again is done here, within the time left."""
    limits = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 1, "mode": "standard"})
    return _session().create_client(service, region_name=region or None, config=limits)


def _aws_credentials() -> Any:
    return _session().get_credentials()


@cache
def _transport() -> httpx.HTTPTransport:
    return httpx.HTTPTransport()


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    log.configure(os.environ.get("SA_APPS_LOG_LEVEL", "info"))
    _client("ssm")
    _client("s3")
    _client("lambda")
    _transport()
    if "SA_APPS_TYPE" in os.environ:
        services.find(os.environ["SA_APPS_TYPE"])


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Collect once. Returns a summary; raises what made the run fail, so that Lambda counts an error."""
    order = Event.parse(event)
    clock = SystemClock()
    whole = context.get_remaining_time_in_millis() / 1000
    closing = min(CLOSING_SECONDS, whole / 4)
    deadline = Deadline(lambda: context.get_remaining_time_in_millis() / 1000 - closing)
    function = context.function_name
    arn = ":".join(context.invoked_function_arn.split(":")[:7])
    identity = Identity(owner=arn, holder=context.aws_request_id)
    store = S3Store(
        _client("s3"),
        _bucket(),
        function,
        arn.split(":")[4],
        clock=clock,
        deadline=Deadline(lambda: deadline.left() + closing / 2),
    )
    journal_days = _number("SA_APPS_JOURNAL_DAYS", 7)
    log.begin(app=function, app_type=order.app_type, run=context.aws_request_id)
    if order.invocation_type == DELETING:
        return _delete(store, identity, journal_days, clock, deadline)
    parameter = Parameter(_client("ssm"), names.state_parameter(function), clock, deadline)
    old = legacy.OldState.of_parameter(parameter, clock)
    terms = Terms(
        identity,
        clock,
        deadline,
        first_look=interval(order.schedule_expression),
        adopt=old.adopt,
        bury=old.bury,
        journal_days=journal_days,
        audits=True,
    )
    try:
        outcome = collect(
            lambda: _app(order.app_type, function, clock, deadline),
            store,
            _outlets(order, function, clock, deadline),
            terms,
        )
    except AlreadyRunning as error:
        LOGGER.warning("%s", error.message)
        return {"status": error.code}
    summary = outcome.summary()
    level = logging.ERROR if outcome.status == "failed" else logging.INFO
    LOGGER.log(level, "run ended", extra={"fields": summary})
    outcome.credentials_until = _number("SA_APPS_CREDENTIALS_UNTIL", 0) or outcome.credentials_until
    if (wanted := os.environ.get("SA_APPS_METRICS")) != "off":
        metrics.write(outcome, function, clock.now(), whole=wanted == "on")
    if outcome.error and outcome.status == "failed":
        raise outcome.error
    if outcome.calls_for_another(whole):
        _invoke_successor(order, context)
    return summary


def _delete(
    store: S3Store, identity: Identity, journal_days: float, clock: Clock, deadline: Deadline
) -> dict[str, Any]:
    """Delete what is past its time; during a run, which does so itself, there is nothing to do."""
    try:
        paused.delete(store, identity, journal_days, clock, deadline)
    except AlreadyRunning as error:
        LOGGER.warning("%s", error.message)
        return {"status": error.code}
    return {"status": "succeeded"}


def _app(app_type: str, function: str, clock: Clock, deadline: Deadline) -> App:
    kind = with_lag(services.find(app_type), timedelta(seconds=_number("SA_APPS_LAG", 0)))
    credentials = ParameterCredentials(_client("ssm"), names.auth_parameter(function), clock, deadline).load()
    api = Api(
        clock=clock,
        deadline=deadline,
        pace=Pace(kind.rate, clock),
        simulator=os.environ.get("SA_APPS_SIMULATOR", ""),
        transport=_transport(),
    )
    hint = f"Store them anew with `{GIVEN_BY}`."
    return kind(complete(credentials, kind.auth, "The credentials", hint), api)


def _outlets(order: Event, function: str, clock: Clock, deadline: Deadline) -> dict[str, Outlet]:
    """Return where events go: where conf/ says, or to the classifier."""
    stated = os.environ.get("SA_APPS_DESTINATIONS")
    definitions = outlets.parse(stated) if stated else [Definition(CLASSIFIER)]

    def setup(definition: Definition, settings: dict[str, Any]) -> Setup:
        parameter = names.destination_parameter(os.environ.get("SA_APPS_PREFIX", ""), definition.name)
        return Setup(
            definition.name,
            settings,
            cache(
                ParameterCredentials(
                    _client("ssm"), parameter, clock, deadline, given_by=outlets.given_by(definition.name)
                ).load
            ),
            Source(os.environ.get("SA_APPS_NAME", function), order.app_type, function),
            clock,
            deadline,
            _client,
            lambda: Api(clock=clock, deadline=deadline, transport=_transport(), loopback=True),
            _aws_credentials,
        )

    return {
        definition.name: Outlet(_classifier(order, function))
        if definition.is_classifier
        else outlets.outlet(definition, kinds.find, setup)
        for definition in definitions
    }


def _classifier(order: Event, function: str) -> ClassifierLambda:
    size = int(_number("SA_APPS_BATCH_BYTES", BATCH_BYTES))
    return ClassifierLambda(_client("lambda"), order.destination_function_name, function, size)


def _bucket() -> str:
    bucket = os.environ.get("SA_APPS_BUCKET", "")
    if not bucket:
        raise ConfigError("SA_APPS_BUCKET is not set.", hint="Deploy the app with `sa-apps deploy`.")
    return bucket


def _number(name: str, default: float) -> float:
    value = os.environ.get(name, str(default))
    try:
        return float(value)
    except ValueError:
        raise ConfigError(f"{name} has to be a number, not '{value}'.") from None


def _invoke_successor(order: Event, context: Context) -> None:
    """Invoke this function again for the rest of a backlog. Where that fails, the next tick continues."""
    successor = order.successor()
    if successor is None:
        LOGGER.info("the backlog continues with the next tick")
        return
    qualifier = context.invoked_function_arn.split(":")[7:]
    try:
        _client("lambda").invoke(
            FunctionName=context.function_name,
            InvocationType="Event",
            Payload=successor.to_json(),
            Qualifier=qualifier[0] if qualifier else names.ALIAS,
        )
    except (ClientError, BotoCoreError) as error:
        LOGGER.warning("the successive invocation failed (%s); the next tick continues", type(error).__name__)

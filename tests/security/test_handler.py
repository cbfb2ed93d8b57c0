"""The Lambda function shows no secret either: at log level debug, however a run ends."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import boto3
import httpx
import pytest

from streamalert_apps.runtime import handler, log, names
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.sdk.http import Api
from streamalert_apps.services import twins
from streamalert_apps.simulator.faults import Fault, Status
from streamalert_apps.simulator.server import serve
from tests.destinations.http import TOKEN, Endpoint
from tests.lambda_rig import ACCOUNT, REGION, publish
from tests.security.canary import Canary
from tests.security.world import APPS, SECRETS

CLASSIFIER = names.classifier("acme", "prod")
BUCKET = names.bucket("acme", ACCOUNT, REGION)


class Context:
    """What Lambda tells an invocation."""

    aws_request_id = "0000-1111"

    def __init__(self, function: str) -> None:
        self.function_name = function
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function}:production"

    def get_remaining_time_in_millis(self) -> int:
        return 8_000


class Lines(logging.Handler):
    """Keeps each line as the log group would get it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(log.JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    kept, product, root = Lines(), logging.getLogger("streamalert_apps"), logging.getLogger()
    level = product.level
    product.setLevel(logging.DEBUG)
    root.addHandler(kept)
    yield kept.lines
    root.removeHandler(kept)
    product.setLevel(level)


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what Lambda keeps for the next invocation."""
    apis: list[Api] = []

    def api(**options: Any) -> Api:
        apis.append(Api(**options))
        return apis[-1]

    monkeypatch.setattr(handler, "Api", api)
    handler._client.cache_clear()
    yield
    for made in apis:
        made.close()
    for service in ("ssm", "s3", "lambda"):
        handler._client(service).close()
    handler._client.cache_clear()


def _crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an error show all that a request carries."""

    def send(_: httpx.Client, request: httpx.Request, **__: Any) -> None:
        raise RuntimeError(f"{dict(request.headers)} {request.url} {request.content!r}")

    monkeypatch.setattr(httpx.Client, "send", send)


@dataclass(frozen=True)
class Trouble:
    """What is stored as credentials, and what goes wrong."""

    stored: Callable[[Any], Any] = field(default=lambda twin: twin.credentials)
    faults: tuple[Fault, ...] = ()
    crash: bool = False
    classifier: bool = True


TROUBLES = {
    "nothing": Trouble(),
    "no classifier": Trouble(classifier=False),
    "refused": Trouble(lambda twin: twin.wrong_credentials),
    "no credentials": Trouble(lambda _: None),
    "broken credentials": Trouble(lambda twin: [twin.credentials]),
    "incomplete credentials": Trouble(lambda _: {}),
    "a limit": Trouble(faults=(Fault(Status(429, retry_after=900)),)),
    "a fault": Trouble(faults=(Fault(Status(500)),)),
    "a crash": Trouble(crash=True),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("service", APPS)
def test_no_outcome_shows_a_secret(
    aws_env: str, monkeypatch: pytest.MonkeyPatch, lines: list[str], service: str, trouble: Trouble
) -> None:
    canary = Canary()
    clock = SystemClock()
    twin: Any = twins.twin(service, clock=clock, rate=None)
    now = clock.now()
    twin.seed(APPS[service], events=5, start=now - timedelta(minutes=50), end=now - timedelta(minutes=30))
    for credentials in (twin.credentials, twin.wrong_credentials):
        canary.guard(service, credentials[SECRETS[service]])
    function = names.function_name("acme", "prod", APPS[service], "collector")
    monkeypatch.setenv("SA_APPS_BUCKET", BUCKET)
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    if (values := trouble.stored(twin)) is not None:
        boto3.client("ssm").put_parameter(
            Name=names.auth_parameter(function), Value=json.dumps(values), Type="SecureString"
        )
    if trouble.classifier:
        publish(CLASSIFIER)
    if trouble.crash:
        _crash(monkeypatch)
    event = {
        "app_type": APPS[service],
        "destination_function_name": CLASSIFIER,
        "schedule_expression": "rate(1 hour)",
    }
    shown = ""
    with ExitStack() as stack:
        monkeypatch.setenv("SA_APPS_SIMULATOR", stack.enter_context(serve(twin, faults=trouble.faults)).url)
        try:
            shown = json.dumps(handler.handler(event, Context(function)))
        except Exception as error:  # noqa: BLE001 (what Lambda shows of it is what counts)
            shown = "".join(traceback.format_exception(error)) + repr(error)
    assert shown
    assert lines
    s3 = boto3.client("s3")
    kept = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    bodies = [s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read().decode() for item in kept]
    assert any("runs" in body for body in bodies)
    assert not canary.seen(shown)
    assert not canary.seen("\n".join(lines))
    assert not canary.seen("\n".join(bodies))


def _works(_: Endpoint) -> str:
    return TOKEN


def _is_expired(endpoint: Endpoint) -> str:
    endpoint.expired = True
    return TOKEN


def _is_set_up_wrongly(endpoint: Endpoint) -> str:
    endpoint.is_wrong = True
    return TOKEN


def _has_a_broken_token(_: Endpoint) -> str:
    return f"{TOKEN} \u00e9"


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize("trouble", [_works, _is_expired, _is_set_up_wrongly, _has_a_broken_token])
@pytest.mark.parametrize("auth", ["bearer", "hmac"])
def test_nor_does_it_show_a_destinations(
    aws_env: str,
    monkeypatch: pytest.MonkeyPatch,
    lines: list[str],
    auth: str,
    trouble: Callable[[Endpoint], str],
    *,
    crash: bool,
) -> None:
    canary, clock = Canary(), SystemClock()
    canary.guard("the sink's token", TOKEN)
    twin: Any = twins.twin("duo", clock=clock, rate=None)
    now = clock.now()
    twin.seed("duo_auth", events=5, start=now - timedelta(minutes=50), end=now - timedelta(minutes=30))
    function = names.function_name("acme", "prod", "duo_auth", "collector")
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    endpoint = Endpoint(clock)
    token = trouble(endpoint)
    stored = {
        names.auth_parameter(function): twin.credentials,
        names.destination_parameter("acme", "soc"): {"token": token, "secret": token},
    }
    for name, value in stored.items():
        boto3.client("ssm").put_parameter(Name=name, Value=json.dumps(value), Type="SecureString")
    with ExitStack() as stack:
        sink = stack.enter_context(serve(endpoint))  # type: ignore[arg-type] # it is asked for no more
        service = stack.enter_context(serve(twin))
        settings = {"soc": {"type": "http", "url": f"{sink.url}/in", "auth": auth}}
        for key, value in {
            "SA_APPS_BUCKET": BUCKET,
            "SA_APPS_SIMULATOR": service.url,
            "SA_APPS_DESTINATIONS": json.dumps(settings),
            "SA_APPS_PREFIX": "acme",
        }.items():
            monkeypatch.setenv(key, value)
        if crash:
            _crash_at(monkeypatch, sink.url)
        event = {
            "app_type": "duo_auth",
            "destination_function_name": CLASSIFIER,
            "schedule_expression": "rate(1 hour)",
        }
        try:
            shown = json.dumps(handler.handler(event, Context(function)))
        except Exception as error:  # noqa: BLE001 (what Lambda shows of it is what counts)
            shown = "".join(traceback.format_exception(error)) + repr(error)
    s3 = boto3.client("s3")
    kept = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    bodies = [s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read().decode() for item in kept]
    assert any('"soc"' in body for body in bodies)
    assert (len(endpoint.arrived) == 5) is (trouble is _works and auth == "bearer" and not crash)
    assert not canary.seen("\n".join([shown, *lines, *bodies]))


def _crash_at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Let an error show all that a request to a place carries."""
    send = httpx.Client.send

    def crashing(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        if str(request.url).startswith(url):
            raise RuntimeError(f"{dict(request.headers)} {request.url} {request.content!r}")
        return send(self, request, **options)

    monkeypatch.setattr(httpx.Client, "send", crashing)

"""What a service's refusals mean: a limit, a fault that passes, or something that somebody has to mend."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps import services
from streamalert_apps.errors import (
    AppError,
    BadResponse,
    CredentialsError,
    RateLimited,
    RequestRefused,
    Unavailable,
)
from streamalert_apps.sdk.app import service_of
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import Api
from streamalert_apps.services import twins
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

MADE: dict[str, Any] = {}


class Spoilt(httpx.BaseTransport):
    """Answers requests to a path in one way, and others as the twin does."""

    def __init__(self, service: str, path: str, answer: httpx.Response) -> None:
        if service not in MADE:  # a key of RSA takes its time
            MADE[service] = twins.twin(service, clock=StillClock())
        self.twin = MADE[service]
        self._wire = transport(self.twin)
        self._path = path
        self._answer = answer
        self.urls: list[httpx.URL] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(request.url)
        if not self._path or request.url.path.startswith(self._path):
            return self._answer
        return self._wire.handle_request(request)


def refused(
    app_type: str,
    path: str,
    status: int,
    body: Any,
    headers: dict[str, str] | None = None,
    **credentials: Any,
) -> tuple[AppError | None, list[httpx.URL]]:
    """Return what is told of an answer, and what was asked for."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    wire = Spoilt(service_of(app_type), path, httpx.Response(status, content=content, headers=headers))
    api = Api(clock=StillClock(), deadline=Deadline(lambda: 0.2 + 1), transport=wire)
    given = dict(wire.twin.credentials) | credentials
    try:
        services.find(app_type)(given, api).check()
    except AppError as error:
        return error, wire.urls
    return None, wire.urls


def google(reason: str, status: str = "PERMISSION_DENIED") -> dict[str, Any]:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    return {"error": {"code": 403, "status": status, "errors": [{"reason": reason}], "details": details}}


def salesforce(code: str, message: str) -> list[dict[str, str]]:
    return [{"errorCode": code, "message": message}]


TOTAL = "TotalRequests Limit exceeded."
CONCURRENT = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
GOOGLE, FORCE = "/admin/reports", "/services/data"


@pytest.mark.parametrize(
    ("app_type", "path", "status", "body", "kind", "said"),
    [
        ("gsuite_login", GOOGLE, 403, google("rateLimitExceeded"), RateLimited, "too many requests"),
        ("gsuite_login", GOOGLE, 403, google("userRateLimitExceeded"), RateLimited, "too many requests"),
        ("gsuite_login", GOOGLE, 403, google("concurrentLimitExceeded"), RateLimited, "too many requests"),
        ("gsuite_login", GOOGLE, 403, google("RATE_LIMIT_EXCEEDED"), RateLimited, "too many requests"),
        ("gsuite_login", GOOGLE, 403, google("x", "RESOURCE_EXHAUSTED"), RateLimited, "too many requests"),
        ("gsuite_login", GOOGLE, 403, google("quotaExceeded"), RateLimited, "too many requests"),
        ("gsuite_login", GOOGLE, 403, google("dailyLimitExceeded"), RateLimited, "requests are used up"),
        ("gsuite_login", GOOGLE, 429, google("dailyLimitExceeded"), RateLimited, "requests are used up"),
        ("gsuite_login", GOOGLE, 403, google("accessNotConfigured"), CredentialsError, "refused access"),
        ("gsuite_login", GOOGLE, 403, google("dailyLimitExceededUnreg"), CredentialsError, "refused access"),
        ("gsuite_login", "/token", 400, {"error": "internal_failure"}, Unavailable, "just now"),
        ("gsuite_login", "/token", 400, {"error": "invalid_grant"}, CredentialsError, "key"),
        ("gsuite_login", "/token", 400, {"error": "odd"}, CredentialsError, "to sign the service account in"),
        ("gsuite_login", "/token", 400, b"<html>", RequestRefused, "answered 400"),
        (
            "salesforce_login",
            FORCE,
            403,
            salesforce("REQUEST_LIMIT_EXCEEDED", TOTAL),
            RateLimited,
            "24 hours",
        ),
        (
            "salesforce_login",
            FORCE,
            403,
            salesforce("REQUEST_LIMIT_EXCEEDED", CONCURRENT),
            RateLimited,
            "at once",
        ),
        (
            "salesforce_login",
            FORCE,
            400,
            salesforce("QUERY_TIMEOUT", "Your query"),
            Unavailable,
            "a server error",
        ),
        ("salesforce_login", "/services/oauth2", 400, {"error": "unknown_error"}, Unavailable, "just now"),
        (
            "salesforce_login",
            "/services/oauth2",
            400,
            {"error": "invalid_grant", "error_description": "login rate exceeded"},
            RateLimited,
            "sign-ins",
        ),
        (
            "salesforce_login",
            "/services/oauth2",
            400,
            {"error": "invalid_grant", "error_description": "authentication failure"},
            CredentialsError,
            "refused to sign",
        ),
        ("salesforce_login", FORCE, 200, {"done": False, "records": []}, BadResponse, "no link"),
        (
            "salesforce_login",
            FORCE,
            200,
            {"done": False, "records": [], "nextRecordsUrl": ""},
            BadResponse,
            "link",
        ),
        ("box_admin_events", "/oauth2", 400, {"error": "temporarily_unavailable"}, Unavailable, "just now"),
        ("box_admin_events", "/oauth2", 400, {"error": "odd"}, CredentialsError, "to sign the app in"),
        ("box_admin_events", "/oauth2", 400, {"error": "invalid_grant"}, CredentialsError, "key"),
        ("onelogin_events", "/auth", 400, {"error": "server_error"}, Unavailable, "just now"),
        (
            "onelogin_events",
            "/auth",
            400,
            {"status": {"error": True, "message": "rate_limit_exceeded"}},
            RateLimited,
            "for this hour",
        ),
        (
            "intercom_admin_activity_logs",
            "",
            400,
            {"type": "error.list", "errors": [{"code": "intercom_version_invalid", "message": "x"}]},
            RequestRefused,
            "does not know version 2.14",
        ),
        ("aliyun_actiontrail", "", 400, {"Code": "ServiceUnavailable"}, Unavailable, "a server error"),
        ("slack_audit", "", 200, {"ok": False, "error": "ratelimited"}, RateLimited, "too many requests"),
    ],
)
def test_a_refusal_means(  # noqa: PLR0917
    app_type: str, path: str, status: int, body: Any, kind: type[AppError], said: str
) -> None:
    error, _ = refused(app_type, path, status, body)

    assert type(error) is kind
    assert said in error.message
    if kind in {RateLimited, Unavailable}:
        assert "key" not in error.hint


@pytest.mark.parametrize(
    ("app_type", "path", "status", "body", "headers", "seconds"),
    [
        ("onelogin_events", "/api", 429, {}, {"X-RateLimit-Reset": "1799"}, 1799),
        ("intercom_admin_activity_logs", "", 429, {}, {"X-RateLimit-Reset": "{now+8}"}, 8),
        ("aliyun_actiontrail", "", 400, {"Code": "Throttling.User"}, {"x-acs-retry-after": "2500"}, 2.5),
        ("slack_audit", "", 429, {}, {"Retry-After": "30.5"}, 30.5),
        ("box_admin_events", "/2.0", 429, {}, {"retry-after": "7"}, 7),
        ("box_admin_events", "/2.0", 403, {}, {"Retry-After": "7"}, 7),
        ("intercom_admin_activity_logs", "", 403, {}, {"Retry-After": "7"}, 7),
        ("duo_auth", "", 429, {}, {"Retry-After": "9"}, 9),
        ("gsuite_login", GOOGLE, 503, {}, {"Retry-After": "9"}, 9),
    ],
)
def test_a_wait_is_read_where_the_service_writes_it(  # noqa: PLR0917
    app_type: str, path: str, status: int, body: Any, headers: dict[str, str], seconds: float
) -> None:
    at = str(int((NOW + timedelta(seconds=8)).timestamp()))
    told = {name: value.replace("{now+8}", at) for name, value in headers.items()}

    error, _ = refused(app_type, path, status, body, told)

    assert isinstance(error, RateLimited)
    assert error.retry_after == pytest.approx(seconds)


HOSTS: list[tuple[str, dict[str, str], str]] = [
    ("aliyun_actiontrail", {"region_id": "eu-central-1"}, "actiontrail.eu-central-1.aliyuncs.com"),
    ("aliyun_actiontrail", {"region_id": "cn-hangzhou-finance"}, "actiontrail.aliyuncs.com"),
    ("aliyun_actiontrail", {"region_id": "cn-zhengzhou-nebula-1"}, "actiontrail.aliyuncs.com"),
    ("aliyun_actiontrail", {"region_id": "rus-west-1-pop"}, "actiontrail.ap-northeast-1.aliyuncs.com"),
    ("slack_audit", {}, "api.slack.com"),
    ("slack_audit", {"domain": "slack-gov.com"}, "api.slack-gov.com"),
    ("slack_access", {"domain": "slack-gov.com"}, "slack-gov.com"),
    ("salesforce_login", {"domain": "acme.my.salesforce.mil"}, "acme.my.salesforce.mil"),
]


@pytest.mark.parametrize(("app_type", "credentials", "host"), HOSTS)
def test_each_cloud_has_its_host(app_type: str, credentials: dict[str, str], host: str) -> None:
    _, urls = refused(app_type, "", 500, {}, None, **credentials)

    assert {url.host for url in urls} == {host}


@pytest.mark.parametrize(
    "instance",
    [
        "https://acme.my.salesforce.mil",
        "https://acme.my.cloudforce.com/",
        "https://ACME.my.crmforce.mil",
        "https://acme.my.sfcrmproducts.cn:443",
        "https://acme.my.salesforce.com:443/",
    ],
)
def test_an_instance_of_each_cloud_is_asked(instance: str) -> None:
    granted = {"access_token": "t", "instance_url": instance, "token_type": "Bearer"}

    _, urls = refused("salesforce_login", "/services/oauth2", 200, granted)

    assert urls[-1].path.startswith("/services/data")
    assert urls[-1].host == httpx.URL(instance).host


@pytest.mark.parametrize(
    "instance",
    [
        "https://evil.test",
        "https://salesforce.com.evil.test",
        "https://evilsalesforce.com",
        "http://acme.my.salesforce.com",
        "https://acme.my.salesforce.com@evil.test",
        "https://acme.my.salesforce.com:8443",
        "https://evil.test/.salesforce.com",
    ],
)
def test_an_instance_elsewhere_is_not_asked(instance: str) -> None:
    granted = {"access_token": "t", "instance_url": instance, "token_type": "Bearer"}

    error, urls = refused("salesforce_login", "/services/oauth2", 200, granted)

    assert isinstance(error, BadResponse)
    assert {url.path for url in urls} == {"/services/oauth2/token"}

"""Wiz's lists against a twin: no order, with or without an upper bound, errors with status 200."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import (
    AppError,
    CredentialsError,
    RateLimited,
    RequestRefused,
    Unavailable,
    UsageError,
)
from streamalert_apps.services.wiz.twin import Wiz
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

AUDIT, ISSUES = "wiz_audit", "wiz_issues"
START = NOW - timedelta(hours=3)
SETTLED = NOW - timedelta(hours=1)
LAG = timedelta(minutes=15)

every = pytest.mark.parametrize("app_type", [AUDIT, ISSUES])
undocumented = pytest.mark.parametrize("reading", [{}, {"shuffled": True}, {"bounded": False}], ids=str)


def collector(app_type: str, **options: Any) -> Collector:
    return Collector(Wiz(StillClock(), **({"rate": None} | options)), app_type, START)


@every
@undocumented
def test_what_came_late_and_what_came_at_once_arrives_once(app_type: str, reading: dict[str, Any]) -> None:
    app = collector(app_type, **reading)
    app.twin.seed(
        app_type, events=600, burst=250, late=40, start=START, end=NOW, lateness=timedelta(minutes=12)
    )

    app.cut_short(runs=10)
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600


@every
def test_its_logs_match_its_schema(app_type: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=200, start=START, end=SETTLED)
    app.finish()
    (name,) = services.find(app_type).schemas

    assert len(app.logs) == 200
    assert [log for log in app.logs if not accepts(services.schemas("wiz")[name], log)] == []


def test_each_state_of_an_issue_is_one_log() -> None:
    app = collector(ISSUES)
    for minutes, state in ((90, "OPEN"), (80, "IN_PROGRESS"), (70, "RESOLVED")):
        app.twin.put(ISSUES, at=NOW - timedelta(minutes=minutes), id="one", status=state)

    app.finish()

    assert sorted(log["status"] for log in app.logs) == ["IN_PROGRESS", "OPEN", "RESOLVED"]
    assert {log["id"] for log in app.logs} == {"one"}


@pytest.mark.parametrize(
    ("host", "login"),
    [
        ("api.eu1.app.wiz.io", "auth.app.wiz.io"),
        ("api.us1.app.wiz.us", "auth.app.wiz.us"),
        ("api.us41.gov.wiz.io", "auth.gov.wiz.io"),
    ],
)
def test_each_cloud_signs_in_at_a_host_of_its_own(host: str, login: str) -> None:
    app = collector(AUDIT, host=host, login=login)
    app.twin.put(AUDIT, at=SETTLED)

    app.app().check()
    app.finish()

    assert app.tally().arrived == 1


def test_a_sign_in_elsewhere_may_be_named() -> None:
    app = collector(AUDIT, login="auth.test.wiz.io")
    app.credentials = {**app.twin.credentials, "auth_host": "auth.test.wiz.io"}

    app.app().check()

    assert {asked.status for asked in app.requests} == {200}


def test_a_scope_that_is_missing_is_told() -> None:
    with pytest.raises(CredentialsError) as told:
        collector(AUDIT, permitted=False).app().check()

    assert "scope" in told.value.hint


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("UNAUTHENTICATED", "", CredentialsError),
        ("", "access denied", CredentialsError),
        ("RATE_LIMIT_EXCEEDED", "", RateLimited),
        ("INTERNAL_SERVER_ERROR", "", Unavailable),
        ("BAD_USER_INPUT", "Invalid cursor", RequestRefused),
    ],
)
def test_an_error_with_status_200_means(code: str, message: str, kind: type[AppError]) -> None:
    body = {"errors": [{"message": message, "extensions": {"code": code}}], "data": None}

    error, _ = refused(AUDIT, "/graphql", 200, body)

    assert type(error) is kind


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("client_id", ["a1b2c" * 10 + "xyz"], ["A1B2C" * 10, "wiz"]),
        ("client_secret", ["aB3d" * 16], ["a1b2c" * 10 + "xyz", "aB3d"]),
        ("host", ["api.us17.app.wiz.io", "api.us1.app.wiz.us"], ["app.wiz.io", "api.wiz.io.evil.test"]),
        ("auth_host", ["auth.gov.wiz.io"], ["auth.example.com", "wiz.io"]),
    ],
)
def test_what_wiz_issues_is_taken_and_a_slip_is_not(name: str, right: list[str], wrong: list[str]) -> None:
    (field,) = (one for one in services.find(AUDIT).auth if one.name == name)

    assert [field.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            field.parse(text)

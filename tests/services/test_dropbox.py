"""Dropbox's events of a team, against their twin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, CredentialsError, RateLimited, RequestRefused
from streamalert_apps.services.dropbox.twin import Dropbox
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

APP = "dropbox_team"
HOUR = timedelta(hours=1)
START = NOW - 3 * HOUR
SAME: dict[str, Any] = {
    "event_category": {".tag": "logins"},
    "event_type": {".tag": "login_fail", "description": "Failed to sign in"},
    "details": {".tag": "login_fail_details"},
    "actor": None,
    "origin": None,
    "context": None,
    "assets": None,
    "participants": None,
    "involve_non_team_member": None,
}


def collector(**options: Any) -> Collector:
    return Collector(Dropbox(StillClock(), **({"rate": None} | options)), APP, START)


@pytest.mark.parametrize("pkce", [True, False])
def test_a_backlog_arrives_whole_and_matches_its_schema(*, pkce: bool) -> None:
    app = collector(pkce=pkce, page_size=50)
    app.twin.seed(APP, events=600, burst=250, late=40, start=START, end=NOW)

    app.cut_short(runs=30)
    app.come_to_rest(lag=timedelta(minutes=5))

    schema = services.schemas("dropbox")["dropbox:team"]
    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600
    assert [log for log in app.logs if not accepts(schema, log)] == []


def test_events_that_are_equal_in_all_are_each_sent_whenever_they_come() -> None:
    app = collector()
    for minutes in (60, 60, 30, 10, 10):
        app.twin.put(APP, at=NOW - HOUR, visible=NOW - timedelta(minutes=minutes), **SAME)
    app.twin.clock.sleep(-45 * 60)

    for _ in range(10):
        app.finish()
        app.twin.clock.sleep(5 * 60)

    assert len(app.logs) == 5


def test_a_cursor_that_is_no_longer_known_costs_and_repeats_nothing() -> None:
    app = collector()
    for minutes in (60, 60, 10):
        app.twin.put(APP, at=NOW - HOUR, visible=NOW - timedelta(minutes=minutes), **SAME)
    app.twin.seed(APP, events=100, late=10, start=START, end=NOW)
    app.twin.clock.sleep(-30 * 60)
    app.finish()

    app.twin.clock.sleep(30 * 60 + 6 * 86400)
    app.finish()

    assert 409 in {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"refresh_token": "x" * 64}, "get a new one"),
        ({}, {"app_secret": "x" * 15}, "app secret"),
        ({"scoped": False}, {}, "events.read"),
    ],
)
def test_credentials_that_are_refused_are_explained(
    options: dict[str, Any], changed: dict[str, str], hint: str
) -> None:
    app = collector(**options)
    app.credentials = dict(app.twin.credentials) | changed

    with pytest.raises(CredentialsError) as caught:
        app.app().check()

    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (400, b"Error in call to API function", RequestRefused, "answered 400"),
        (
            401,
            {"error_summary": "expired_access_token/"},
            CredentialsError,
            "refused the token",
        ),
        (403, {"error_summary": "invalid_account_type/"}, CredentialsError, "refused access"),
        (409, {"error_summary": "invalid_time_range/"}, RequestRefused, "answered 409"),
        (429, b"slow down", RateLimited, "too many requests"),
    ],
)
def test_an_answer_means(status: int, body: Any, kind: type[AppError], said: str) -> None:
    error, _ = refused(APP, "/2", status, body)

    assert type(error) is kind
    assert said in error.message


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "7"}])
def test_the_wait_is_read_where_dropbox_writes_it(headers: dict[str, str]) -> None:
    body = {"error_summary": "too_many_requests/", "error": {"reason": {}, "retry_after": 7}}

    error, _ = refused(APP, "/2", 429, {} if headers else body, headers)

    assert isinstance(error, RateLimited)
    assert error.retry_after == 7

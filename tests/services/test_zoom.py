"""Zoom's reports, against their twin; whatever Zoom does not document is tried both ways."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, BadResponse, CredentialsError, RateLimited, RequestRefused
from streamalert_apps.services.zoom.twin import Zoom
from tests.services import running
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

APP = "zoom_activities"
DAY = timedelta(days=1)
START = NOW - 3 * DAY
COUNTED_BYTES = 50_000


def collector(*, app_type: str = APP, **options: Any) -> Collector:
    return Collector(Zoom(StillClock(), **({"rate": None} | options)), app_type, START)


@pytest.fixture(autouse=True)
def _counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows without an id are counted, and the counts of a list that was begun take room."""
    monkeypatch.setattr(running, "CHECKPOINT_BYTES", COUNTED_BYTES)


@pytest.mark.parametrize(("zone", "newest_first"), [(-11, True), (0, True), (13, False)])
def test_a_backlog_arrives_whole_whatever_its_order_and_the_zone_of_its_days(
    zone: int, *, newest_first: bool
) -> None:
    app = collector(zone=zone, newest_first=newest_first, page_size=100)
    app.twin.seed(APP, events=400, burst=150, late=40, start=START, end=NOW)

    app.cut_short(runs=20)
    app.come_to_rest(lag=DAY)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 400


@pytest.mark.parametrize("app_type", ["zoom_activities", "zoom_operations"])
def test_its_logs_match_its_schema(app_type: str) -> None:
    app = collector(app_type=app_type)
    app.twin.seed(app_type, events=300, start=START, end=NOW - DAY)
    app.finish()
    (name,) = services.find(app_type).schemas

    assert len(app.logs) == 300
    assert [log for log in app.logs if not accepts(services.schemas("zoom")[name], log)] == []


def test_rows_that_are_equal_in_all_are_each_sent() -> None:
    app = collector()
    row: dict[str, Any] = {
        "email": "dana@example.com",
        "type": "Sign in",
        "ip_address": "203.0.113.1",
        "client_type": "mac",
    }
    for _ in range(3):
        app.twin.put(APP, at=NOW - DAY, version="-", **row)

    app.finish()
    app.finish()

    assert len(app.logs) == 3


def test_half_a_year_is_asked_for_in_months_and_no_more() -> None:
    app = Collector(Zoom(StillClock(), rate=None), APP, NOW - timedelta(days=400))
    app.twin.seed(APP, events=300, start=NOW - timedelta(days=170), end=NOW - DAY)

    app.finish()

    assert {asked.status for asked in app.requests} == {200}
    assert nothing_lost_or_repeated(app.tally())


def test_a_token_that_has_ended_between_two_runs_loses_nothing() -> None:
    app = collector(page_size=50)
    app.twin.seed(APP, events=400, start=START, end=NOW - DAY)

    app.run(pages=2)
    app.twin.clock.sleep(1200)
    app.come_to_rest(lag=DAY)

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("domain", ["zoom.us", "zoomgov.com"])
@pytest.mark.parametrize("cluster", ["api", "", "api-eu"])
def test_the_host_is_the_one_that_the_sign_in_names(domain: str, cluster: str) -> None:
    app = collector(domain=domain, cluster=cluster)
    app.twin.put(APP, at=NOW - DAY)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    "named", ["https://evil.test", "https://api.zoom.us.evil.test", "http://api.zoom.us", "https://zoom.us"]
)
def test_an_api_elsewhere_is_not_asked(named: str) -> None:
    granted = {"access_token": "t", "token_type": "bearer", "expires_in": 3599, "api_url": named}

    error, urls = refused(APP, "/oauth", 200, granted)

    assert isinstance(error, BadResponse)
    assert {url.path for url in urls} == {"/oauth/token"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (300, {"code": 300, "message": "Only provide report in recent 6 months."}, RequestRefused, "days"),
        (400, {"code": 4711, "message": "does not contain scopes"}, CredentialsError, "4711"),
        (400, {"code": 200, "message": "Only available for Paid account."}, CredentialsError, "this account"),
        (401, {"code": 124, "message": "Invalid access token."}, CredentialsError, "access token"),
        (429, {"code": 429, "message": "You have reached the maximum"}, RateLimited, "too many requests"),
    ],
)
def test_a_code_means(status: int, body: dict[str, Any], kind: type[AppError], said: str) -> None:
    error, _ = refused(APP, "/v2", status, body)

    assert type(error) is kind
    assert said in error.message


def test_the_end_of_a_day_whose_requests_are_used_up_is_read_as_a_date() -> None:
    headers = {"Retry-After": f"{NOW + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"}

    error, _ = refused(APP, "/v2", 429, {"code": 429, "message": "daily rate limit"}, headers)

    assert isinstance(error, RateLimited)
    assert error.retry_after == pytest.approx(7200)


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"client_secret": "x" * 32}, "client_secret"),
        ({}, {"account_id": "x" * 22}, "account_id"),
        ({"scoped": 400}, {}, "scopes"),
        ({"scoped": 401}, {}, "scopes"),
        ({"scoped": 403}, {}, "scopes"),
        ({"paid": False}, {}, "paid plan"),
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

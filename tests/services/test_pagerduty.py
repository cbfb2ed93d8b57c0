"""PagerDuty's audit records, against their twin."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, CredentialsError, RateLimited
from streamalert_apps.services.pagerduty.twin import Pagerduty
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

APP = "pagerduty_audit"
START = NOW - timedelta(hours=3)


def collector(**options: Any) -> Collector:
    return Collector(Pagerduty(StillClock(), **({"rate": None} | options)), APP, START)


@pytest.mark.parametrize(("region", "sign_in", "inclusive"), [("us", "key", True), ("eu", "app", False)])
def test_a_backlog_arrives_whole_in_each_region_whatever_bounds_mean(
    region: str, sign_in: str, *, inclusive: bool
) -> None:
    app = collector(region=region, sign_in=sign_in, inclusive=inclusive)
    app.twin.seed(APP, events=600, burst=250, late=40, start=START, end=NOW)

    app.cut_short(runs=20)
    app.come_to_rest(lag=timedelta(minutes=5))

    schema = services.schemas("pagerduty")["pagerduty:audit"]
    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600
    assert [log for log in app.logs if not accepts(schema, log)] == []


def test_no_more_than_31_days_are_asked_for_at_once() -> None:
    app = collector()
    app.since = NOW - timedelta(days=200)
    app.twin.seed(APP, events=60, late=0, start=app.since, end=NOW - timedelta(hours=1))

    app.finish()

    asked = [dict(one.params) for one in app.requests]
    spans = [datetime.fromisoformat(one["until"]) - datetime.fromisoformat(one["since"]) for one in asked]
    assert timedelta(days=20) < max(spans) <= timedelta(days=31)
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (401, CredentialsError, "refused the credentials"),
        (402, CredentialsError, "no audit trail"),
        (403, CredentialsError, "refused access"),
        (429, RateLimited, "too many requests"),
    ],
)
def test_an_answer_means(status: int, kind: type[AppError], said: str) -> None:
    error, _ = refused(APP, "", status, {"error": {"code": 2000, "message": "x", "errors": []}})

    assert type(error) is kind
    assert said in error.message


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"api_key": "0" * 20}, "region"),
        ({"permitted": False}, {}, "administrator"),
        ({"sign_in": "app"}, {"client_secret": "0" * 43}, "client secret"),
        ({"sign_in": "app"}, {"subdomain": "another"}, "subdomain"),
        ({"sign_in": "app"}, {"api_key": "0" * 20}, "one of the two"),
        ({"sign_in": "app"}, {"subdomain": ""}, "one of the two"),
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


def test_the_wait_is_read_where_pagerduty_writes_it() -> None:
    error, _ = refused(APP, "", 429, {}, {"ratelimit-reset": "40"})

    assert isinstance(error, RateLimited)
    assert error.retry_after == 40


@pytest.mark.parametrize("key", ["short", "Token token=y_NbAkKc66ryYTWUXYEu", "y_NbAkKc66ry TWUXYEu!"])
def test_a_key_of_another_form_is_not_taken(key: str) -> None:
    with pytest.raises(AppError):
        services.find(APP).auth[0].parse(key)

"""CrowdStrike's alerts against a twin: tokens that end soon, errors with status 200, and six clouds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, CredentialsError, RateLimited, Unavailable, UsageError
from streamalert_apps.services.crowdstrike.app import CrowdstrikeAlerts
from streamalert_apps.services.crowdstrike.twin import HOSTS, Crowdstrike
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

ALERTS = "crowdstrike_alerts"
START = NOW - timedelta(hours=3)
SETTLED = NOW - timedelta(hours=1)
LAG = CrowdstrikeAlerts.lag


def collector(**options: Any) -> Collector:
    return Collector(Crowdstrike(StillClock(), **({"rate": None} | options)), ALERTS, START)


def test_what_came_late_and_what_came_at_once_arrives_once() -> None:
    app = collector(page_size=100)
    app.twin.seed(ALERTS, events=600, burst=250, late=40, start=START, end=NOW, lateness=timedelta(minutes=9))

    app.cut_short(runs=10)
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600


def test_a_token_that_ended_which_is_told_with_status_200_loses_nothing() -> None:
    app = collector(page_size=50)
    app.twin.seed(ALERTS, events=300, start=START, end=SETTLED)

    app.finish(pages=1, every=timedelta(minutes=3))
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())


def test_its_logs_match_its_schema() -> None:
    app = collector()
    app.twin.seed(ALERTS, events=50, start=START, end=SETTLED)
    app.finish()
    schema = services.schemas("crowdstrike")["crowdstrike:alerts"]

    assert len(app.logs) == 50
    assert [log for log in app.logs if not accepts(schema, log)] == []


@pytest.mark.parametrize("cloud", HOSTS)
def test_each_cloud_has_its_host(cloud: str) -> None:
    app = collector(cloud=cloud)
    app.twin.put(ALERTS, at=SETTLED)

    app.app().check()
    app.finish()

    assert app.tally().arrived == 1


def test_a_client_of_another_cloud_is_told_which_one() -> None:
    app = collector(region="eu-1")

    with pytest.raises(CredentialsError) as told:
        app.app().check()

    assert "eu-1" in told.value.message


def test_a_child_tenant_is_asked_for_at_the_sign_in() -> None:
    app = collector()
    app.credentials = {**app.twin.credentials, "member_cid": "0" * 32}

    app.app().check()

    assert {asked.status for asked in app.requests} == {200, 201}


def test_a_scope_that_is_missing_is_told() -> None:
    app = collector(permitted=False)

    with pytest.raises(CredentialsError) as told:
        app.app().check()

    assert "Alerts: Read" in told.value.hint


@pytest.mark.parametrize(
    ("path", "status", "message", "kind", "said"),
    [
        ("/oauth2", 403, "access denied, authorization failed", CredentialsError, "address"),
        ("/oauth2", 403, "access denied, invalid client", CredentialsError, "refused the API client"),
        ("/oauth2", 400, "bad", CredentialsError, "refused the API client"),
        ("/alerts", 200, "timeout", Unavailable, "a fault"),
        ("/alerts", 429, "", RateLimited, "too many"),
        ("/oauth2", 429, "", RateLimited, "too many"),
    ],
)
def test_a_refusal_means(path: str, status: int, message: str, kind: type[AppError], said: str) -> None:
    body = {"meta": {}, "errors": [{"code": status or 500, "message": message}], "resources": []}

    error, _ = refused(ALERTS, path, status, body)

    assert type(error) is kind
    assert said in error.message


def test_a_wait_is_read_from_crowdstrikes_own_header() -> None:
    at = str(int(NOW.timestamp()) + 40)

    error, _ = refused(ALERTS, "/alerts", 429, {}, {"X-RateLimit-RetryAfter": at})

    assert isinstance(error, RateLimited)
    assert error.retry_after == pytest.approx(40)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("client_id", ["1f2e3d4c5b6a79880011223344556677"], ["1F2E3D4C5B6A79880011223344556677", "acme"]),
        ("client_secret", ["aB3d" * 10], ["1f2e3d4c5b6a79880011223344556677", "aB3d"]),
        ("cloud", ["us-1", "us-gov-2"], ["us1", "api.crowdstrike.com"]),
        ("member_cid", ["0A1B2C3D4E5F60718293A4B5C6D7E8F9"], ["0A1B2C3D4E5F60718293A4B5C6D7E8F9-AB"]),
    ],
)
def test_what_crowdstrike_issues_is_taken_and_a_slip_is_not(
    name: str, right: list[str], wrong: list[str]
) -> None:
    (field,) = (one for one in services.find(ALERTS).auth if one.name == name)

    assert [field.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            field.parse(text)

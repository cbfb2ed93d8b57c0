"""Microsoft 365's content, against its twin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps import services
from streamalert_apps.errors import (
    AppError,
    BadResponse,
    CredentialsError,
    PageTokenExpired,
    RateLimited,
    RequestRefused,
    Unavailable,
)
from streamalert_apps.sdk.http import Api
from streamalert_apps.services.m365.twin import M365
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import Spoilt, refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

APP = "m365_exchange"
START = NOW - timedelta(hours=6)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FEED = "/api/v1.0"


def collector(app_type: str = APP, *, since: timedelta = DAY, **options: Any) -> Collector:
    return Collector(M365(StillClock(), **({"rate": None} | options)), app_type, NOW - since)


def paths(app: Collector) -> list[str]:
    return [f"{asked.method} {asked.path.rpartition('/activity/feed/')[2]}" for asked in app.requests]


@pytest.mark.parametrize("app_type", sorted(services.apps("m365")))
def test_a_backlog_arrives_whole_and_matches_its_schema(app_type: str) -> None:
    app = collector(app_type, page_size=10)
    app.twin.seed(app_type, events=600, burst=200, late=30, start=START, end=NOW)

    app.cut_short(runs=20)
    app.come_to_rest(lag=HOUR)

    (schema,) = services.schemas("m365").values()
    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600
    assert all(accepts(schema, log) for log in app.logs)


def test_the_last_week_is_asked_for_a_day_at_a_time() -> None:
    app = collector(since=timedelta(days=30))
    app.twin.seed(APP, events=200, start=NOW - timedelta(days=6), end=NOW - HOUR)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert {asked.status for asked in app.requests} == {200}
    assert paths(app).count("GET subscriptions/content") >= 7


def test_each_request_names_its_publisher() -> None:
    app = collector(page_size=2)
    app.twin.seed(APP, events=50, start=START, end=NOW - HOUR)

    app.finish()

    asked = [dict(one.params) for one in app.requests if "/activity/feed/" in one.path]
    assert {one["PublisherIdentifier"] for one in asked} == {app.twin.credentials["tenant_id"]}
    assert any("nextPage" in one for one in asked)


def test_a_content_type_is_subscribed_to_once_and_what_comes_after_that_arrives() -> None:
    app = collector(subscribed=False)
    app.run()
    app.run()
    app.twin.clock.sleep(13 * 3600)
    name = app.twin.put(APP, at=app.twin.clock.now())
    app.twin.clock.sleep(3600)

    app.finish()

    assert [log["Id"] for log in app.logs] == [name]
    assert paths(app).count("POST subscriptions/start") == 1


def test_the_check_of_credentials_subscribes() -> None:
    app = collector(subscribed=False)

    app.app().check()

    assert paths(app)[-1] == "POST subscriptions/start"


def test_that_another_one_has_subscribed_meanwhile_does_not_matter() -> None:
    no = {"error": {"code": "AF20022", "message": "No subscription found."}}
    already = {"error": {"code": "AF20024", "message": "The subscription is already enabled."}}
    wire = Spoilt("m365", f"{FEED}/x", httpx.Response(400))

    class Racing(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/content"):
                return httpx.Response(400, json=no)
            if request.url.path.endswith("/start"):
                return httpx.Response(400, json=already)
            return wire.handle_request(request)

    api = Api(clock=StillClock(), transport=Racing())

    services.find(APP)(wire.twin.credentials, api).check()


def test_a_blob_that_has_expired_holds_nothing_up() -> None:
    error = {"error": {"code": "AF20051", "message": "Content older than 7 days cannot be retrieved."}}
    wire = Spoilt("m365", f"{FEED}/x", httpx.Response(400, json=error))
    app: Any = services.find(APP)(wire.twin.credentials, Api(clock=StillClock(), transport=wire))

    assert [*app.open(b'{"contentUri": "https://manage.office.com/api/v1.0/x/blob"}')] == []


@pytest.mark.parametrize(
    "link",
    ["https://evil.test/blob", "http://manage.office.com/blob", "https://manage.office.com@evil.test/"],
)
def test_a_blob_at_another_place_is_not_asked_for(link: str) -> None:
    wire = Spoilt("m365", "/nowhere", httpx.Response(500))
    app: Any = services.find(APP)(wire.twin.credentials, Api(clock=StillClock(), transport=wire))

    with pytest.raises(BadResponse):
        app.open(f'{{"contentUri": "{link}"}}'.encode())

    assert wire.urls == []


def test_a_page_at_another_place_is_not_asked_for() -> None:
    error, urls = refused(APP, FEED, 200, [], {"NextPageUri": "https://evil.test/page"})

    assert isinstance(error, BadResponse)
    assert "evil.test" not in {url.host for url in urls}


@pytest.mark.parametrize("status", [403, 429])
def test_too_many_requests_are_waited_for_whatever_the_status(status: int) -> None:
    app = collector(rate=8, throttled=status)
    app.twin.seed(APP, events=100, start=START, end=NOW - HOUR)

    for _ in range(40):
        try:
            app.finish()
        except RateLimited:
            app.twin.clock.sleep(60)
    app.come_to_rest(lag=HOUR)

    assert status in {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("cloud", ["global", "gcc", "gcchigh", "dod"])
def test_each_cloud_has_hosts_of_its_own(cloud: str) -> None:
    app = collector(cloud=cloud)
    app.twin.seed(APP, events=20, start=START, end=NOW - HOUR)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("AF429", RateLimited, "too many requests"),
        ("AF50000", Unavailable, "a server error"),
        ("AF10001", CredentialsError, "read activities"),
        ("AF20010", CredentialsError, "know the tenant"),
        ("AF20012", CredentialsError, "know the tenant"),
        ("AF20023", CredentialsError, "disabled the subscription"),
        ("AF20031", PageTokenExpired, "rest of the list"),
        ("AF20030", RequestRefused, "answered 400"),
    ],
)
def test_a_code_means(code: str, kind: type[AppError], said: str) -> None:
    error, _ = refused(APP, FEED, 400, {"error": {"code": code, "message": "x"}})

    assert type(error) is kind
    assert said in error.message


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"client_secret": "x" * 40}, "the value of a secret, not its ID"),
        ({"permitted": False}, {}, "ActivityFeed.Read"),
        ({"disabled": True}, {}, "enabled again"),
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

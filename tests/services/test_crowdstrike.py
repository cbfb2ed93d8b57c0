"""CrowdStrike's lists against a twin: tokens that end soon, errors with status 200, labels, six clouds."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
    Unavailable,
    UsageError,
)
from streamalert_apps.sdk.http import Api
from streamalert_apps.services.crowdstrike import app as crowdstrike
from streamalert_apps.services.crowdstrike.app import CrowdstrikeAlerts
from streamalert_apps.services.crowdstrike.twin import HOSTS, Crowdstrike
from streamalert_apps.simulator.faults import CutBody, Fault
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import Spoilt, refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

ALERTS, EVENTS = "crowdstrike_alerts", "crowdstrike_events"
START = NOW - timedelta(hours=3)
SETTLED = NOW - timedelta(hours=1)
LAG = CrowdstrikeAlerts.lag


def collector(app_type: str = ALERTS, **options: Any) -> Collector:
    return Collector(Crowdstrike(StillClock(), **({"rate": None} | options)), app_type, START)


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


@pytest.mark.parametrize("app_type", [ALERTS, EVENTS])
@pytest.mark.parametrize("cloud", HOSTS)
def test_each_cloud_has_its_hosts(app_type: str, cloud: str) -> None:
    app = collector(app_type, cloud=cloud)
    app.twin.put(app_type, at=SETTLED)

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


@pytest.mark.parametrize(("app_type", "scope"), [(ALERTS, "Alerts: Read"), (EVENTS, "Event streams: Read")])
def test_a_scope_that_is_missing_is_told(app_type: str, scope: str) -> None:
    with pytest.raises(CredentialsError) as told:
        collector(app_type, permitted=False).app().check()

    assert scope in told.value.hint


@pytest.mark.parametrize(
    ("path", "status", "message", "kind", "said"),
    [
        ("/oauth2", 403, "access denied, authorization failed", CredentialsError, "address"),
        ("/oauth2", 403, "access denied, invalid client", CredentialsError, "refused the API client"),
        ("/oauth2", 400, "bad", CredentialsError, "refused the API client"),
        ("/alerts", 200, "timeout", Unavailable, "a server error"),
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


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("partitions", [1, 3])
def test_each_partition_is_read_to_its_end_whatever_a_number_means(
    partitions: int, *, inclusive: bool
) -> None:
    app = collector(EVENTS, partitions=partitions, inclusive=inclusive, page_size=50)
    app.twin.seed(EVENTS, events=600, burst=250, late=40, start=START, end=NOW, lateness=timedelta(minutes=9))

    app.cut_short(runs=10)
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600


def test_more_events_than_are_read_at_once_arrive_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowdstrike, "MOST", 30)
    app = collector(EVENTS)
    app.twin.seed(EVENTS, events=400, start=START, end=SETTLED)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 400


def test_another_label_is_taken_where_one_is_not_free() -> None:
    app = collector(EVENTS, busy=60)
    app.twin.put(EVENTS, at=SETTLED)

    for _ in range(3):
        app.run()

    assert nothing_lost_or_repeated(app.tally())
    labels = [dict(asked.params)["appId"] for asked in app.requests if asked.path.endswith("/v2")]
    assert labels[-3:] == ["streamalert1", "streamalert2", "streamalert3"]
    with pytest.raises(RateLimited, match="no free stream"):
        app.run()


def test_an_event_without_a_number_arrives_once_one_follows_it() -> None:
    app = collector(EVENTS, partitions=1)
    app.twin.seed(EVENTS, events=6, start=START, end=SETTLED)
    wire = app.wire

    class Odd(httpx.BaseTransport):
        requests = property(lambda _: wire.requests)

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = wire.handle_request(request)
            if "/datafeed/v1/" not in request.url.path:
                return response
            lines = [*filter(None, response.read().split(b"\n"))]
            odd = [b'{"metadata": null, "n": 1}', b"no event", b'{"n": 2}'] if len(lines) > 3 else []
            body = b"\n".join([*lines[:3], *odd, *lines[3:], b'{"n": 3}', b""])
            return httpx.Response(200, content=body)

    app.wire = Odd()  # type: ignore[assignment]

    app.finish()
    app.finish()

    assert sorted(log["n"] for log in app.logs if "n" in log) == [1, 2]
    assert sum("event" in log for log in app.logs) == 6


def test_a_line_that_breaks_off_is_read_again() -> None:
    app = collector(EVENTS, partitions=1)
    app.faults = (Fault(CutBody(0.6), nth=range(1, 4), path="/sensors/entities/datafeed/v1/*"),)
    app.__post_init__()
    app.twin.seed(EVENTS, events=100, start=START, end=SETTLED)

    app.finish()
    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 100


def test_events_match_their_schema() -> None:
    app = collector(EVENTS)
    app.twin.seed(EVENTS, events=50, start=START, end=SETTLED)
    app.finish()
    schema = services.schemas("crowdstrike")["crowdstrike:events"]

    assert [log for log in app.logs if not accepts(schema, log)] == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/sensors/entities/datafeed/v1/0",
        "http://firehose.crowdstrike.com/sensors/entities/datafeed/v1/0",
        "https://crowdstrike.com.evil.test/v1/0",
        "https://firehose.crowdstrike.com@evil.test/v1/0",
    ],
)
def test_a_feed_elsewhere_is_not_read(url: str) -> None:
    found = {"resources": [{"dataFeedURL": url, "sessionToken": {"token": "t"}}]}
    wire = Spoilt("crowdstrike", "/sensors", httpx.Response(200, json=found))
    reader = services.find(EVENTS)(wire.twin.credentials, Api(clock=StillClock(), transport=wire))

    with pytest.raises(BadResponse):
        reader.fetch("")  # type: ignore[attr-defined]

    assert {asked.host for asked in wire.urls} == {"api.crowdstrike.com"}


def test_a_feed_that_falls_silent_has_been_read() -> None:
    class Silent(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b'{"metadata":{"offset":7,"eventCreationTime":1700557945271}}\n\n{"metad'
            raise httpx.ReadTimeout("nothing comes")

    wire = Spoilt("crowdstrike", "/sensors/entities/datafeed/v1/0", httpx.Response(200, stream=Silent()))
    reader = services.find(EVENTS)(wire.twin.credentials, Api(clock=StillClock(), transport=wire))

    fetched = reader.fetch('{"1": 5}')  # type: ignore[attr-defined]

    assert len(fetched.rows) == 1
    assert json.loads(fetched.next) == {"0": 7, "1": 5}

"""Duo's authentication log: how a request is signed, how pages follow, what a refusal says."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, BadResponse, CredentialsError, RateLimited, RequestRefused
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace
from streamalert_apps.simulator.faults import CutBody, Dropped, Fault, HtmlPage, Status
from tests.services.running import Collector, Remembered, nothing_lost_or_repeated
from tests.simulator.world import AUTHENTICATION, NOW, StillClock, tenant

APP = "duo_auth"
START = NOW - timedelta(hours=1)
ALL_VISIBLE = timedelta(minutes=10)

KEYS = {
    "api_hostname": "api-deadbeef.duosecurity.com",
    "integration_key": "DIABCDEFGHIJKLMNOPQR",
    "secret_key": "0123456789abcdefghijklmnopqrstuvwxyzABCD",
}


def collector(**options: Any) -> Collector:
    return Collector(tenant(**options), APP, START)


def app(answer: Any, *, now: datetime = NOW, left: float = float("inf"), pace: Pace | None = None) -> Any:
    """Return the app with an API of one answer, whatever is asked."""
    transport = httpx.MockTransport(answer if callable(answer) else lambda _: answer)
    api = Api(clock=StillClock(now), deadline=Deadline(lambda: left), pace=pace, transport=transport)
    return services.find(APP)(KEYS, api)


def page(next_offset: Any = None, rows: Any = ()) -> httpx.Response:
    response = {"authlogs": list(rows), "metadata": {"next_offset": next_offset, "total_objects": 0}}
    return httpx.Response(200, json={"stat": "OK", "response": response})


# Requests


class Unzoned(StillClock):
    """Tells the time without a zone, so that the date is written with the -0000 of the vector."""

    def now(self) -> datetime:
        return self.time.replace(tzinfo=None)


def test_a_request_is_signed_as_the_official_client_signs_it() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return page()

    api = Api(clock=Unzoned(datetime(2023, 11, 21, 10, tzinfo=UTC)), transport=httpx.MockTransport(answer))
    services.find(APP)(KEYS, api).fetch(  # type: ignore[attr-defined]
        datetime.fromtimestamp(1700500000, UTC),
        datetime.fromtimestamp(1700560680, UTC),
        "1700512345000,7c9d2b14-6a35-4e0f-8f61-2d4b9a7e5c30",
    )

    (request,) = requests
    kind, _, signed = request.headers["Authorization"].partition(" ")
    key, _, digest = b64decode(signed).decode().partition(":")
    assert request.headers["Date"] == "Tue, 21 Nov 2023 10:00:00 -0000"
    assert request.url.query == (
        b"limit=1000&maxtime=1700560680000&mintime=1700500000000"
        b"&next_offset=1700512345000%2C7c9d2b14-6a35-4e0f-8f61-2d4b9a7e5c30&sort=ts%3Aasc"
    )
    assert (kind, key) == ("Basic", "DIABCDEFGHIJKLMNOPQR")
    assert digest == (
        "4c59f79ee6db0f73698f205c3d7627d8d157e91a3261f6c82eeca61ed018b39e"
        "bcfa7988cf1b7392cc776358e3246e87e680cf831b93725861fd7241526da230"
    )


def test_each_attempt_is_signed_with_its_own_date() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(429) if len(requests) < 3 else page()

    app(answer, pace=Pace(services.find(APP).rate, StillClock(NOW - timedelta(days=1)))).check()

    dates = [request.headers["Date"] for request in requests]
    assert len(set(dates)) == 3
    for request, date in zip(requests, dates, strict=True):
        query = request.url.query.decode()
        text = f"{date}\nGET\n{KEYS['api_hostname']}\n{AUTHENTICATION}\n{query}"
        digest = hmac.new(KEYS["secret_key"].encode(), text.encode(), hashlib.sha512).hexdigest()
        assert b64decode(request.headers["Authorization"].split()[1]).decode().endswith(digest)


def test_duos_limit_is_two_requests_a_minute_and_a_minute_after_a_429() -> None:
    rate = services.find(APP).rate

    assert rate
    assert (rate.requests, rate.seconds, rate.after_429) == (2, 60, 60)


@pytest.mark.parametrize("host", ["api-deadbeef.duosecurity.com", "api-0123abcd.duofederal.com"])
@pytest.mark.parametrize("given", ["{}", "https://{}/", " {}\n"], ids=["alone", "URL", "with space around"])
@pytest.mark.parametrize("case", [str, str.upper])
def test_a_tenants_own_host_is_taken_and_nothing_else_of_what_was_given(
    host: str, given: str, case: Callable[[str], str]
) -> None:
    assert services.find(APP).auth[0].parse(case(given.format(host))) == host


@pytest.mark.parametrize(
    "host",
    [
        "api-deadbeef.duosecurity.com.evil.test",
        "evil.test/api-deadbeef.duosecurity.com",
        "api-deadbeef.duosecurity.com\nevil.test",
        "api-deadbeef.duosecurity.com\n/",
        "api-deadbeef.duosecurity.com:8443",
        "user@api-deadbeef.duosecurity.com",
        "http://api-deadbeef.duosecurity.com",
        "api-deadbee.duosecurity.com",
    ],
)
def test_no_other_host_is(host: str) -> None:
    with pytest.raises(AppError):
        services.find(APP).auth[0].parse(host)


# Pages


def test_the_next_page_is_asked_for_by_the_two_parts_of_its_offset() -> None:
    fetched = app(page(["1700557945271", "c83f1d7e"])).fetch(START, NOW, None)

    assert fetched.next == "1700557945271,c83f1d7e"


@pytest.mark.parametrize("metadata", [{"next_offset": None}, {"total_objects": 3}])
def test_without_an_offset_it_is_the_last_page(metadata: dict[str, Any]) -> None:
    body = {"stat": "OK", "response": {"authlogs": [], "metadata": metadata}}

    assert app(httpx.Response(200, json=body)).fetch(START, NOW, None).next is None


def test_an_empty_page_with_an_offset_is_not_the_last_one() -> None:
    row = {"txid": "t", "isotimestamp": NOW.isoformat()}

    def answer(request: httpx.Request) -> httpx.Response:
        return page(None, [row]) if "next_offset" in request.url.params else page(["1700557945271", "x"])

    duo, memory, logs = app(answer), Remembered(), []
    for one in duo.walk(duo.start(START), memory):
        logs += one.logs
        memory.ids.update(one.ids)

    assert [json.loads(bytes(log)) for log in logs] == [row]


@pytest.mark.parametrize(
    ("events", "page_size"), [(0, 1000), (999, 1000), (1000, 1000), (1001, 1000), (250, 100)]
)
def test_a_backlog_arrives_whole_and_once(events: int, page_size: int) -> None:
    duo = collector(page_size=page_size)
    duo.twin.seed(APP, events=events, start=START, end=NOW - ALL_VISIBLE)

    duo.finish()

    assert nothing_lost_or_repeated(duo.tally())
    assert duo.tally().arrived == events


@pytest.mark.parametrize("pages", [1, 2, None])
def test_a_burst_in_one_second_arrives_whole_and_once(pages: int | None) -> None:
    duo = collector(page_size=400)
    duo.twin.seed(APP, events=3000, burst=2500, start=START, end=NOW)

    duo.finish(pages=pages, every=timedelta(minutes=1))
    duo.twin.clock.sleep(ALL_VISIBLE.total_seconds())
    duo.finish(pages=pages, every=timedelta(minutes=1))

    assert nothing_lost_or_repeated(duo.tally())


def test_events_that_show_up_late_arrive_once() -> None:
    duo = collector()
    duo.twin.seed(APP, events=400, late=80, start=START, end=NOW, lateness=timedelta(minutes=2))

    for _ in range(12):
        duo.finish()
        duo.twin.clock.sleep(60)

    assert nothing_lost_or_repeated(duo.tally())


def test_a_log_that_grows_while_it_is_read_arrives_whole() -> None:
    duo = collector(page_size=50)
    duo.twin.seed(APP, events=600, start=START, end=NOW + timedelta(minutes=20))

    for _ in range(30):
        duo.run(pages=3)
        duo.twin.clock.sleep(60)
    duo.twin.clock.sleep(ALL_VISIBLE.total_seconds())
    duo.finish()

    assert nothing_lost_or_repeated(duo.tally())


def test_the_vendors_own_bytes_arrive() -> None:
    duo = collector()
    duo.twin.put(APP, at=NOW - ALL_VISIBLE, alias="é😀", ood_software=12345678901234567890)

    duo.finish()

    (log,) = duo.logs
    assert (log["alias"], log["ood_software"]) == ("é😀", 12345678901234567890)


def test_after_half_a_year_a_run_starts_where_duos_memory_does() -> None:
    duo = Collector(tenant(), APP, NOW - timedelta(days=400))
    duo.twin.put(APP, at=NOW - timedelta(days=179))

    duo.finish()

    assert len(duo.logs) == 1


# Faults


@pytest.mark.parametrize(
    "effect",
    [
        Status(429),
        Status(429, retry_after=5),
        Status(429, retry_after=5, as_date=True),
        Status(500),
        Dropped(),
        CutBody(),
    ],
    ids=["429", "429 in seconds", "429 as date", "500", "dropped", "cut"],
)
def test_a_passing_fault_costs_no_event(effect: Any) -> None:
    duo = Collector(tenant(page_size=100), APP, START, [Fault(effect, every=2)])
    duo.twin.seed(APP, events=500, burst=200, start=START, end=NOW - ALL_VISIBLE)

    duo.finish()

    assert nothing_lost_or_repeated(duo.tally())


def test_a_page_for_people_is_told() -> None:
    duo = Collector(tenant(), APP, START, [Fault(HtmlPage())])

    with pytest.raises(BadResponse, match="is not JSON"):
        duo.run()


def failure(status: int, code: int, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"stat": "FAIL", "code": code, "message": "s3cr3t", **more})


@pytest.mark.parametrize(
    ("answer", "error", "hint"),
    [
        (failure(401, 40101), CredentialsError, "integration key and the secret key"),
        (failure(401, 40102), CredentialsError, "integration key and the secret key"),
        (failure(401, 40103), CredentialsError, "integration key and the secret key"),
        (failure(401, 40105), CredentialsError, "clock"),
        (failure(403, 40301), CredentialsError, "Grant read log"),
        (failure(400, 40002, message_detail="mintime"), RequestRefused, ""),
        (failure(404, 40401), RequestRefused, ""),
        (httpx.Response(401, text="<html>"), CredentialsError, ""),
        (httpx.Response(403, json=[]), CredentialsError, ""),
    ],
)
def test_a_refusal_says_what_to_do_and_nothing_of_the_answer(
    answer: httpx.Response, error: type[AppError], hint: str
) -> None:
    with pytest.raises(error) as raised:
        app(answer).check()

    assert hint in raised.value.hint
    assert "s3cr3t" not in raised.value.message + raised.value.hint
    assert KEYS["secret_key"] not in raised.value.message + raised.value.hint


def test_a_limit_that_the_time_left_does_not_cover_tells_when_to_come_back() -> None:
    pace = Pace(services.find(APP).rate, StillClock())

    with pytest.raises(RateLimited) as raised:
        app(httpx.Response(429), left=30, pace=pace).check()

    assert raised.value.retry_after == 60


def test_wrong_keys_are_refused_by_a_tenant() -> None:
    duo = collector()
    duo.credentials = dict(duo.twin.wrong_credentials)

    with pytest.raises(CredentialsError, match="40103"):
        duo.app().check()


def test_the_right_keys_are_accepted_with_one_request() -> None:
    duo = collector()

    duo.app().check()

    assert len(duo.requests) == 1

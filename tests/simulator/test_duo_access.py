"""Duo's signature and what is refused, each by its own code."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta

import pytest

from streamalert_apps.services.duo.twin import Duo
from streamalert_apps.services.duo.twin.access import canonical
from streamalert_apps.simulator.contract import Request, Response
from tests.simulator.world import ADMINISTRATOR, AUTHENTICATION, NOW, Client, StillClock, span, tenant

# A request as documented, with the signatures that Duo's own client makes of it.
KEY = "DIABCDEFGHIJKLMNOPQR"
CREDENTIALS = {
    "api_hostname": "api-deadbeef.duosecurity.com",
    "integration_key": KEY,
    "secret_key": "0123456789abcdefghijklmnopqrstuvwxyzABCD",
}
QUERY = (
    "limit=1000&maxtime=1700560680000&mintime=1700500000000"
    "&next_offset=1700512345000%2C7c9d2b14-6a35-4e0f-8f61-2d4b9a7e5c30&sort=ts%3Aasc"
)
V2_SHA1 = "fa6d8bad84f870a11b57e58c364a8a869f6464e0"
V2_SHA512 = (
    "4c59f79ee6db0f73698f205c3d7627d8d157e91a3261f6c82eeca61ed018b39e"
    "bcfa7988cf1b7392cc776358e3246e87e680cf831b93725861fd7241526da230"
)
V5 = (
    "a05ff906e60735fc706a27ab8712b8f02f99f18737af4866fef5501ce6607e23"
    "bd804c7d4967369e065d00d62547434730fddaa2039ad2a9002cf984bb5a3286"
)
SIGNED_RIGHT = b"next_offset"  # the twin holds no such event, and says so only to who may ask


def ask(signature: str, query: str = QUERY, **headers: str) -> Response:
    basic = b64encode(f"{KEY}:{signature}".encode()).decode()
    sent = {
        "host": "api-deadbeef.duosecurity.com",
        "date": "Tue, 21 Nov 2023 10:00:00 -0000",
        "authorization": f"Basic {basic}",
    }
    twin = Duo(StillClock(), credentials=CREDENTIALS)
    return twin.handle(Request("GET", f"{AUTHENTICATION}?{query}", sent | headers))


@pytest.mark.parametrize("signature", [V2_SHA1, V2_SHA512, V5])
def test_every_current_signature_of_the_documented_request_is_accepted(signature: str) -> None:
    answer = ask(signature)

    assert answer.status == 400
    assert SIGNED_RIGHT in answer.body


def test_the_authorization_header_of_the_documented_request_is_accepted_as_it_stands() -> None:
    header = "Basic RElBQkNERUZHSElKS0xNTk9QUVI6ZmE2ZDhiYWQ4NGY4NzBhMTFiNTdlNThjMzY0YThhODY5ZjY0NjRlMA=="

    assert SIGNED_RIGHT in ask("", authorization=header).body


def test_order_and_escaping_on_the_wire_do_not_matter_to_the_signature() -> None:
    query = (
        "sort=ts:asc&mintime=1700500000000&maxtime=1700560680000&limit=1000"
        "&next_offset=1700512345000,7c9d2b14-6a35-4e0f-8f61-2d4b9a7e5c30"
    )

    assert SIGNED_RIGHT in ask(V2_SHA1, query).body


def test_parameters_are_canonical_as_documented() -> None:
    request = Request("GET", "/?username=root&list=b&realname=First+Last&list=a&a*b=x/y~z", {})

    assert canonical(request) == "a%2Ab=x%2Fy~z&list=a&list=b&realname=First%20Last&username=root"


def test_the_fifth_signature_covers_the_headers_of_duo() -> None:
    assert b"40103" in ask(V5, **{"x-duo-extra": "1"}).body


@pytest.mark.parametrize(
    ("signature", "query", "headers"),
    [
        (V2_SHA1[::-1], QUERY, {}),
        ("", QUERY, {}),
        (V2_SHA1, QUERY.replace("limit=1000", "limit=100"), {}),
        (V2_SHA1, QUERY, {"date": "Tue, 21 Nov 2023 10:00:01 -0000"}),
        (V2_SHA1, QUERY, {"date": "Tue, 21 Nov 2023 10:00:00 GMT"}),
    ],
)
def test_a_signature_over_anything_else_is_40103(signature: str, query: str, headers: dict[str, str]) -> None:
    answer = ask(signature, query, **headers)

    assert (answer.status, b'"code":40103' in answer.body) == (401, True)


@pytest.mark.parametrize("header", ["", "Basic", "Basic %%%", "Basic YWJj", "Bearer YTpi", "Basic w7w6YQ=="])
def test_credentials_that_cannot_be_read_are_40101(header: str) -> None:
    answer = ask("", authorization=header)

    assert (answer.status, b'"code":40101' in answer.body) == (401, True)


def refusal(client: Client, path: str = AUTHENTICATION, **params: object) -> tuple[int, int]:
    answer = client.get(path, **(span() | params))
    assert answer.json()["stat"] == "FAIL"
    return answer.status_code, answer.json()["code"]


def test_another_integration_key_is_40102() -> None:
    client = Client(tenant())
    client.key = "DI" + "0" * 18

    assert refusal(client) == (401, 40102)


def test_another_host_is_40102_and_the_log_of_requests_says_why() -> None:
    twin = tenant()
    client = Client(twin)
    client.host = "api-00000000.duosecurity.com"

    answer = twin.handle(Request("GET", "/", {"host": "127.0.0.1:80", "authorization": "Basic YTpi"}))

    assert refusal(client) == (401, 40102)
    assert "127.0.0.1:80" in answer.note
    assert b"127.0.0.1" not in answer.body


def test_another_secret_is_40103() -> None:
    client = Client(tenant())
    client.secret = "0" * 40

    assert refusal(client) == (401, 40103)


@pytest.mark.parametrize("minutes", [-5.1, 5.1])
def test_a_clock_that_is_more_than_five_minutes_off_is_40105(minutes: float) -> None:
    twin = tenant()
    client = Client(tenant())
    client.http = Client(twin).http
    client.twin.clock.sleep(minutes * 60)

    assert refusal(client) == (401, 40105)


def test_a_clock_that_is_almost_five_minutes_off_is_good_enough() -> None:
    client = Client(tenant())
    client.http = Client(tenant()).http
    client.twin.clock.sleep(299)

    assert client.get(AUTHENTICATION, **span()).status_code == 200


@pytest.mark.parametrize("date", ["", "now"])
def test_a_date_that_cannot_be_read_is_40105(date: str) -> None:
    assert b"40105" in ask(V2_SHA1, date=date).body


def test_an_application_without_the_permission_is_40301() -> None:
    assert refusal(Client(tenant(read_log=False))) == (403, 40301)


def test_an_unknown_path_is_40401() -> None:
    assert refusal(Client(tenant()), "/admin/v3/logs/authentication") == (404, 40401)


def test_another_method_is_40501() -> None:
    answer = Client(tenant()).get(AUTHENTICATION, method="POST", **span())

    assert (answer.status_code, answer.json()["code"]) == (405, 40501)


NONE = "\0"  # stands for a parameter that is left out
DAY = 86_400_000


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("mintime", {"mintime": NONE}),
        ("maxtime", {"maxtime": NONE}),
        ("mintime", {"mintime": "yesterday"}),
        ("mintime", {"mintime": "1700500000000.5"}),
        ("mintime", {"mintime": "-1"}),
        ("mintime", {"mintime": "²"}),
        ("maxtime", {"maxtime": "9" * 30}),
        ("mintime", {"mintime": 1700560680000, "maxtime": 1700560680000}),
        ("mintime", {"mintime": 1700500000, "maxtime": 1700560680000}),
        ("mintime", {"mintime": 1700560680000 - 180 * DAY - 1, "maxtime": 1700560680000}),
        ("limit", {"limit": 0}),
        ("limit", {"limit": 1001}),
        ("limit", {"limit": "all"}),
        ("sort", {"sort": "asc"}),
        ("next_offset", {"next_offset": "1700512345000,7c9d2b14-6a35-4e0f-8f61-2d4b9a7e5c30"}),
        ("next_offset", {"next_offset": ""}),
        ("page", {"page": 2}),
    ],
)
def test_a_wrong_parameter_is_40002_and_named(name: str, params: dict[str, object]) -> None:
    sent = {key: value for key, value in (span() | params).items() if value != NONE}

    answer = Client(tenant()).get(AUTHENTICATION, **sent)

    assert answer.status_code == 400
    assert answer.json() == {
        "code": 40002,
        "message": "Invalid request parameters",
        "message_detail": name,
        "stat": "FAIL",
    }


@pytest.mark.parametrize("params", [[("mintime", "1.5")], [("mintime", 1), ("mintime", 2)], [("limit", 10)]])
def test_a_wrong_parameter_of_a_v1_log_is_40002_too(params: list[tuple[str, object]]) -> None:
    answer = Client(tenant()).get(ADMINISTRATOR, *params)

    assert (answer.status_code, answer.json()["message_detail"]) == (400, params[0][0])


def test_a_span_of_exactly_180_days_is_answered() -> None:
    assert Client(tenant()).get(AUTHENTICATION, **span(NOW - timedelta(days=180))).status_code == 200


def test_the_third_request_within_a_minute_is_429_without_a_word_on_when_to_come_back() -> None:
    client = Client(tenant(rate=2))

    statuses = [client.get(AUTHENTICATION, **span()).status_code for _ in range(2)]
    answer = client.get(AUTHENTICATION, **span())

    assert statuses == [200, 200]
    assert answer.status_code == 429
    assert answer.json() == {"code": 42901, "message": "Too Many Requests", "stat": "FAIL"}
    assert "retry-after" not in answer.headers


def test_each_path_has_its_own_limit() -> None:
    client = Client(tenant(rate=1))

    assert client.get(AUTHENTICATION, **span()).status_code == 200
    assert client.get(ADMINISTRATOR, mintime=0).status_code == 200


def test_the_window_of_the_limit_slides() -> None:
    client = Client(tenant(rate=2))
    clock = client.twin.clock
    client.get(AUTHENTICATION, **span())
    clock.sleep(40)
    client.get(AUTHENTICATION, **span())

    clock.sleep(19)
    early = client.get(AUTHENTICATION, **span()).status_code
    clock.sleep(1)
    in_time = client.get(AUTHENTICATION, **span()).status_code
    again = client.get(AUTHENTICATION, **span()).status_code

    assert (early, in_time, again) == (429, 200, 429)


def test_requests_that_were_not_let_in_do_not_count() -> None:
    client = Client(tenant(rate=1))
    secret, client.secret = client.secret, "0" * 40
    client.get(AUTHENTICATION, **span())
    client.secret = secret

    assert client.get(AUTHENTICATION, **span()).status_code == 200

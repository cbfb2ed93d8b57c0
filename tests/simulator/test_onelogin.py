"""OneLogin's twin: tokens, the limit of an hour, and how events are listed."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from streamalert_apps.services.onelogin.twin import Onelogin
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

APP = "onelogin_events"
EVENTS = "/api/1/events"
START = NOW - timedelta(hours=1)


class Client:
    """Asks as documented, at the subdomain or at the old host."""

    def __init__(self, host: str = "acme.onelogin.com", **options: Any) -> None:
        self.twin = Onelogin(StillClock(), **options)
        self.host = host
        self.http = httpx.Client(transport=transport(self.twin), base_url=f"https://{host}")
        self.key, self.secret = self.twin.credentials["client_id"], self.twin.credentials["client_secret"]

    def grant(self) -> dict[str, Any]:
        basic = b64encode(f"{self.key}:{self.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        answer: dict[str, Any] = self.post({"grant_type": "client_credentials"}, headers).json()
        return answer

    def post(self, body: dict[str, str], headers: dict[str, str]) -> httpx.Response:
        return self.http.post("/auth/oauth2/v2/token", json=body, headers=headers)

    def get(
        self, path: str = EVENTS, *, token: str = "", scheme: str = "bearer:", **params: Any
    ) -> httpx.Response:
        token = token or self.grant()["access_token"]
        return self.http.get(path, params=params, headers={"Authorization": f"{scheme}{token}"})

    def events(self, **params: Any) -> list[int]:
        """Follow next_link to the end and return the numbers."""
        answer = self.get(**params)
        numbers: list[int] = []
        while True:
            assert answer.status_code == 200, answer.text
            numbers += [event["id"] for event in answer.json()["data"]]
            link = answer.json()["pagination"]["next_link"]
            if link is None:
                return numbers
            assert urlsplit(link).netloc == self.host
            answer = self.get(**dict(parse_qsl(urlsplit(link).query)))


def refusal(answer: httpx.Response) -> tuple[int, str]:
    status = answer.json()["status"]
    assert (status["error"], status["code"]) == (True, answer.status_code)
    return answer.status_code, status["message"]


def test_a_token_is_given_for_each_of_the_three_forms_and_is_the_same_until_it_ends() -> None:
    asking = Client(token_seconds=36000)
    grant = {"grant_type": "client_credentials"}
    pair = {"client_id": asking.key, "client_secret": asking.secret}
    shown = {"Authorization": f"client_id: {asking.key}, client_secret: {asking.secret}"}

    by_basic = asking.grant()
    by_header = asking.post(grant, shown).json()
    by_form = asking.http.post("/auth/oauth2/v2/token", data=grant | pair).json()

    assert by_basic == by_header == by_form
    assert (by_basic["expires_in"], by_basic["created_at"]) == (36000, "2023-11-21T10:00:00.000Z")
    asking.twin.clock.sleep(36000)
    assert asking.grant()["access_token"] != by_basic["access_token"]


@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        ({}, {}, (400, "grant_type is incorrect/absent")),
        ({"grant_type": "password"}, {}, (400, "grant_type is incorrect/absent")),
        ({"grant_type": "client_credentials"}, {}, (401, "Authentication Failure")),
        (
            {"grant_type": "client_credentials"},
            {"Authorization": "Basic %%"},
            (401, "Authentication Failure"),
        ),
    ],
)
def test_credentials_that_are_not_right_get_no_token(
    body: dict[str, str], headers: dict[str, str], said: tuple[int, str]
) -> None:
    assert refusal(Client().post(body, headers)) == said


@pytest.mark.parametrize("scheme", ["bearer:", "Bearer "])
def test_a_token_may_be_shown_in_two_ways(scheme: str) -> None:
    assert Client().get(scheme=scheme).status_code == 200


def test_a_token_that_ended_or_was_revoked_is_refused() -> None:
    asking = Client(token_seconds=60)
    token = asking.grant()["access_token"]
    asking.twin.clock.sleep(60)
    ended = asking.get(token=token)
    another = asking.grant()["access_token"]
    asking.twin.revoke_tokens()

    assert refusal(ended) == (401, "Authentication Failure")
    assert refusal(asking.get(token=another)) == (401, "Authentication Failure")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("acme.onelogin.com", 200),
        ("api.us.onelogin.com", 200),
        ("api.eu.onelogin.com", 404),
        ("umbrella.onelogin.com", 404),
    ],
)
def test_the_account_is_at_its_subdomain_and_at_its_regions_host(host: str, status: int) -> None:
    asking = Client()
    token = asking.grant()["access_token"]
    other = httpx.Client(transport=transport(asking.twin), base_url=f"https://{host}")

    assert other.get(EVENTS, headers={"Authorization": f"bearer:{token}"}).status_code == status


def test_a_credential_without_the_scope_is_refused() -> None:
    assert Client(permitted=False).get().status_code == 403


@pytest.mark.parametrize(
    "params",
    [
        {"page": 2},
        {"limit": 0},
        {"limit": "all"},
        {"sort": "id"},
        {"since": "yesterday"},
        {"until": "2023-11-21"},
        {"after_cursor": "bm90aGluZw=="},
    ],
)
def test_a_wrong_parameter_is_refused(params: dict[str, Any]) -> None:
    assert refusal(Client().get(**params))[0] == 400


@pytest.mark.parametrize("status", [400, 429])
def test_calls_beyond_the_hours_limit_are_refused_until_the_hour_is_over(status: int) -> None:
    asking = Client(rate=2, limited=status)
    asking.twin.clock.sleep(600)
    answers = [asking.get() for _ in range(3)]

    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert refusal(answers[2]) == (status, "rate_limit_exceeded")
    assert answers[2].headers["X-RateLimit-Reset"] == "3000"
    assert asking.get("/auth/rate_limit").json()["data"]["X-RateLimit-Reset"] == 3000
    asking.twin.clock.sleep(3000)
    assert asking.get().status_code == 200


def test_a_page_has_fifty_events_whatever_is_asked_for() -> None:
    asking = Client()
    asking.twin.seed(APP, events=120, start=START, end=NOW)

    assert len(asking.get(limit=1000).json()["data"]) == 50
    assert len(asking.get(limit=7).json()["data"]) == 7


@pytest.mark.parametrize(
    ("order", "params", "descending"),
    [
        ("oldest", {}, False),
        ("newest", {}, True),
        ("newest", {"sort": "+id"}, False),
        ("oldest", {"sort": "-id"}, True),
    ],
)
def test_events_are_listed_by_number(order: str, params: dict[str, str], *, descending: bool) -> None:
    asking = Client(order=order)
    asking.twin.seed(APP, events=180, start=START, end=NOW)

    numbers = asking.events(**params)

    assert len(numbers) == 180
    assert numbers == sorted(numbers, reverse=descending)
    assert numbers[0] > 1 << 32


@pytest.mark.parametrize("cursor", [True, False])
@pytest.mark.parametrize(("empty", "pages"), [(True, 3), (False, 2)])
def test_what_looks_like_more_may_be_an_empty_page_that_may_have_a_cursor(
    *, empty: bool, pages: int, cursor: bool
) -> None:
    asking = Client(empty_last_page=empty, last_cursor=cursor)
    asking.twin.seed(APP, events=100, start=START, end=NOW)
    seen = [asking.get().json()]
    while (link := seen[-1]["pagination"]["next_link"]) is not None:
        seen.append(asking.get(**dict(parse_qsl(urlsplit(link).query))).json())

    assert len(seen) == pages
    assert (seen[-1]["pagination"]["after_cursor"] is not None) is cursor
    assert (seen[-1]["data"] == []) is empty


@pytest.mark.parametrize(("inclusive", "found"), [(True, 3), (False, 1)])
def test_the_bounds_belong_to_a_query_or_not(*, inclusive: bool, found: int) -> None:
    asking = Client(inclusive=inclusive)
    for milliseconds in range(3):
        asking.twin.put(APP, at=START + timedelta(milliseconds=milliseconds))

    numbers = asking.events(since="2023-11-21T09:00:00.000Z", until="2023-11-21T09:00:00.002Z")

    assert len(numbers) == found


@pytest.mark.parametrize("on_arrival", [True, False])
def test_numbers_rise_in_the_order_in_which_events_happen_or_show_up(*, on_arrival: bool) -> None:
    asking = Client(numbered_on_arrival=on_arrival)
    asking.twin.seed(APP, events=300, late=100, start=START, end=NOW)
    asking.twin.clock.sleep(60)
    times = {event.id: event.at for event in asking.twin.feed(APP).all()}

    listed = [times[str(number)] for number in asking.events()]

    assert len(listed) == 300
    assert (listed == sorted(listed)) is not on_arrival


def test_a_cursor_may_end() -> None:
    asking = Client(cursor_seconds=60)
    asking.twin.seed(APP, events=100, start=START, end=NOW)
    cursor = asking.get().json()["pagination"]["after_cursor"]
    asking.twin.clock.sleep(61)

    assert refusal(asking.get(after_cursor=cursor)) == (400, "Invalid cursor")

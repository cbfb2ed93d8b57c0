"""A twin of a plain list API says what differs; what is alike is checked here, once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from streamalert_apps.errors import UsageError
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.listapi import ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Number, Offset, Page, Size, Sort
from streamalert_apps.simulator.single import ID, TIME
from streamalert_apps.simulator.store import by_arrival
from streamalert_apps.simulator.times import EPOCH_MILLISECONDS, ISO_MILLISECONDS
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

if TYPE_CHECKING:
    from random import Random

START = NOW - timedelta(hours=1)
NOTHING: dict[str, Any] = {"from": None}
EVENTS = Listing(
    app_type="acme_audit",
    path="/v1/audit",
    row=lambda random: {"id": ID, "at": TIME, "who": random.choice("ab"), "description": ""},
    times=ISO_MILLISECONDS,
    since=Bound("from"),
    until=Bound("to", inclusive=False),
    size=Size("limit", usual=10, most=50),
    turn=Cursor("cursor", life=timedelta(minutes=5)),
    newest_first=True,
)
CHANGES = replace(EVENTS, app_type="acme_changes", path="/v1/changes", turn=Number("page"))


class Acme(ListApi):
    """A vendor with two logs and a token that never ends."""

    logs = (EVENTS, CHANGES)
    hosts = ("api.acme.example",)
    limit = 60

    def sign_up(self, random: Random) -> dict[str, str]:
        return {"token": f"{random.getrandbits(128):032x}"}

    def failure(self, status: int, message: str = "") -> Response:
        error = {"error": {"code": status, "message": message}}
        return Response(status, json.dumps(error).encode(), note=message)

    def shown(self, page: Page) -> Response:
        return Response(200, page.json("entries", next=page.token or None, total=page.total))


class Linked(Acme):
    """A vendor with a bare array, a link to the next page, and OAuth."""

    shown = ListApi.shown
    token_path = "/oauth/token"
    token_seconds = 60

    def sign_up(self, random: Random) -> dict[str, str]:
        return {"client_id": "me", "client_secret": f"{random.getrandbits(128):032x}"}


class Client:
    def __init__(self, kind: type[ListApi] = Acme, **options: Any) -> None:
        self.twin = kind(StillClock(), **options)
        self.http = httpx.Client(transport=transport(self.twin), base_url="https://api.acme.example")
        self.token = self.twin.credentials.get("token", "")

    def get(self, path: str = EVENTS.path, **params: Any) -> httpx.Response:
        span = {"from": START.isoformat(), "to": NOW.isoformat()}
        given = {name: value for name, value in (span | params).items() if value is not None}
        return self.http.get(path, params=given, headers={"authorization": f"Bearer {self.token}"})

    def pages(self, **params: Any) -> list[dict[str, Any]]:
        name = {"/v1/audit": "cursor"}.get(params.get("path", "/v1/audit"), "page")
        pages = [self.get(**params).json()]
        while (token := pages[-1]["next"]) is not None:
            pages.append(self.get(**params | {name: token}).json())
        return pages


def seeded(client: Client, app_type: str = "acme_audit", events: int = 23) -> Client:
    client.twin.seed(app_type, events=events, start=START, end=NOW - timedelta(seconds=1))
    return client


@pytest.mark.parametrize(("listing", "path"), [("acme_audit", "/v1/audit"), ("acme_changes", "/v1/changes")])
def test_the_pages_of_a_log_hold_each_event_once_in_its_order(listing: str, path: str) -> None:
    client = seeded(Client(), listing)

    pages = client.pages(path=path)
    events = [event for page in pages for event in page["entries"]]

    assert [len(page["entries"]) for page in pages] == [10, 10, 3]
    assert [event["at"] for event in events] == sorted((event["at"] for event in events), reverse=True)
    assert {event["id"] for event in events} == set(client.twin.held(listing))


def test_an_offset_counts_events() -> None:
    client = seeded(Client(logs=(replace(EVENTS, turn=Offset("skip")),)))

    first, rest = client.get().json(), client.get(skip=20).json()

    assert (first["next"], first["total"]) == ("10", 23)
    assert (len(rest["entries"]), rest["next"]) == (3, None)


def test_a_counted_page_moves_when_an_event_comes_in_at_the_top() -> None:
    client = seeded(Client(), "acme_changes")
    before = client.get("/v1/changes").json()["entries"]
    client.twin.put("acme_changes", at=NOW - timedelta(milliseconds=1))

    assert client.get("/v1/changes", page=2).json()["entries"][0] == before[-1]


def test_a_cursor_stands_still_when_an_event_comes_in_at_the_top() -> None:
    client = seeded(Client())
    token = client.get().json()["next"]
    second = client.get(cursor=token).json()["entries"]
    client.twin.put("acme_audit", at=NOW - timedelta(milliseconds=1))

    assert client.get(cursor=token).json()["entries"] == second


def test_an_order_may_be_asked_for() -> None:
    client = seeded(Client(logs=(replace(EVENTS, sort=Sort("sort")),)))
    newest, oldest = (client.get(sort=sort).json()["entries"] for sort in ("desc", "asc"))

    assert newest == client.get().json()["entries"]
    assert [event["at"] for event in oldest] == sorted(event["at"] for event in oldest)
    assert client.get(sort="up").status_code == 400


def test_a_bound_belongs_to_a_query_or_not() -> None:
    client = Client()
    first = client.twin.put("acme_audit", at=START)
    client.twin.put("acme_audit", at=NOW)

    assert [event["id"] for event in client.get().json()["entries"]] == [first]


@pytest.mark.parametrize(
    "params",
    [
        {"sort": "asc"},
        {"from": "yesterday"},
        {"from": "2023-11-21T10:00:00"},
        {"limit": "0"},
        {"limit": "51"},
        {"limit": "ten"},
        {"cursor": "made-up"},
    ],
)
def test_what_is_wrong_is_refused_by_its_name(params: dict[str, str]) -> None:
    answer = Client().get(**params)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == f"Invalid parameter: {next(iter(params))}"


@pytest.mark.parametrize("page", ["0", "-1", "x"])
def test_a_page_that_can_t_be_is_refused(page: str) -> None:
    assert Client().get("/v1/changes", page=page).status_code == 400


def test_a_size_beyond_the_most_may_be_cut_and_a_bound_be_required() -> None:
    cut = replace(EVENTS, size=replace(EVENTS.size, cut=True), since=Bound("from", required=True))
    client = seeded(Client(logs=(cut,)), events=60)

    assert len(client.get(limit=1000).json()["entries"]) == 50
    assert client.get(**NOTHING).status_code == 400


def test_a_span_may_be_too_long_and_bounds_be_written_in_another_way() -> None:
    client = Client(logs=(replace(EVENTS, bounds=EPOCH_MILLISECONDS, longest=timedelta(days=7)),))
    week: dict[str, Any] = {"from": 1_700_000_000_000, "to": 1_700_000_000_000 + 7 * 86_400_000}

    assert client.get(**week).status_code == 200
    assert client.get(**week | {"from": week["from"] - 1}).status_code == 400


def test_a_token_is_good_for_its_own_query_alone_and_for_its_time() -> None:
    client = seeded(Client())
    token = client.get().json()["next"]

    assert client.get(cursor=token, to=START.isoformat()).status_code == 400
    assert client.get(cursor=token, to=None, **NOTHING).status_code == 200
    client.twin.clock.sleep(301)
    assert client.get(cursor=token).status_code == 400


def test_a_forgotten_token_is_refused() -> None:
    client = seeded(Client())
    token = client.get().json()["next"]
    client.twin.forget_cursors()

    assert client.get(cursor=token).status_code == 400


def test_a_place_to_go_on_from_is_given_on_the_last_page_too() -> None:
    stream = replace(
        EVENTS, turn=Cursor("cursor", always=True), newest_first=False, order=by_arrival, until=None
    )
    client = seeded(Client(logs=(stream,)), events=5)

    token = client.get(to=None).json()["next"]
    late = client.twin.put("acme_audit", at=START, visible=NOW)
    answer = client.get(cursor=token, to=None).json()

    assert [event["id"] for event in answer["entries"]] == [late]
    assert client.get(cursor=answer["next"], to=None).json()["entries"] == []


def test_a_request_that_is_not_signed_in_or_to_another_place_is_refused() -> None:
    client = Client()
    client.token = client.twin.wrong_credentials["token"]

    assert client.get().status_code == 401
    assert client.get("/v1/nothing").status_code == 404
    assert client.twin.handle(Request("GET", EVENTS.path, {"host": "example.com"})).status == 404


def test_one_request_too_many_is_told_when_to_come_again() -> None:
    client = Client(rate=2)
    for _ in range(2):
        assert client.get().status_code == 200
        client.twin.clock.sleep(20)

    refused = client.get()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "20")
    client.twin.clock.sleep(20)
    assert client.get().status_code == 200


def test_a_link_leads_to_the_next_page() -> None:
    client = seeded(Client(Linked))
    client.token = client.twin.tokens.issue()

    first = client.get()
    second = client.http.get(first.links["next"]["url"], headers={"authorization": f"Bearer {client.token}"})

    assert len(first.json()) == len(second.json()) == 10
    assert not {event["id"] for event in first.json()} & {event["id"] for event in second.json()}


@pytest.mark.parametrize("how", ["form", "json", "basic"])
def test_a_client_gets_a_token_that_ends(how: str) -> None:
    client = Client(Linked)
    grant, pair = {"grant_type": "client_credentials"}, dict(client.twin.credentials)
    ways: dict[str, dict[str, Any]] = {
        "form": {"data": grant | pair},
        "json": {"json": grant | pair},
        "basic": {"data": grant, "auth": tuple(pair.values())},
    }

    client.token = client.http.post("/oauth/token", **ways[how]).json()["access_token"]

    assert client.get().status_code == 200
    client.twin.clock.sleep(61)
    assert client.get().status_code == 401


def test_a_client_with_another_secret_gets_no_token() -> None:
    client = Client(Linked)
    wrong = dict(client.twin.wrong_credentials)

    answers = [
        client.http.post("/oauth/token", data={"grant_type": grant} | wrong)
        for grant in ("client_credentials", "password")
    ]

    assert [answer.status_code for answer in answers] == [401, 400]


def test_a_log_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match=r"Acme's simulator has no 'acme_other'\."):
        Client().twin.facts("acme_other")

"""Intercom's twin: tokens, versions, limits, and how activity logs are paged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from streamalert_apps.services.intercom.twin import Intercom
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

APP = "intercom_admin_activity_logs"
PATH = "/admins/activity_logs"
START = NOW - timedelta(hours=1)
SPAN = {"created_at_after": int(START.timestamp()), "created_at_before": int(NOW.timestamp())}


class Client:
    """Asks as documented."""

    def __init__(self, host: str = "api.intercom.io", **options: Any) -> None:
        self.twin = Intercom(StillClock(), **options)
        self.http = httpx.Client(transport=transport(self.twin), base_url=f"https://{host}")

    def get(self, params: Mapping[str, Any] = SPAN, path: str = PATH, **headers: str) -> httpx.Response:
        usual = {"authorization": f"Bearer {self.twin.credentials['token']}", "accept": "application/json"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.get(path, params=params, headers=usual | {"intercom-version": "2.16"} | given)

    def pages(self, **params: Any) -> list[dict[str, Any]]:
        """Follow the links to the end."""
        pages = [self.get(SPAN | params).json()]
        while (link := pages[-1]["pages"]["next"]) is not None:
            pages.append(self.get(dict(parse_qsl(urlsplit(link).query))).json())
        return pages


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.json()["type"] == "error.list"
    (error,) = answer.json()["errors"]
    return answer.status_code, error["code"]


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"authorization": "Bearer dG9rOm5vYm9keQ=="}, (401, "unauthorized")),
        ({"authorization": ""}, (401, "unauthorized")),
        ({"accept": "text/html"}, (406, "not_acceptable")),
        ({"intercom_version": "2.99"}, (400, "intercom_version_invalid")),
    ],
)
def test_a_request_that_is_not_right_is_refused(headers: dict[str, str], refused: tuple[int, str]) -> None:
    assert refusal(Client().get(SPAN, **headers)) == refused


@pytest.mark.parametrize(
    ("params", "refused"),
    [
        (SPAN | {"sort": "asc"}, (400, "parameter_invalid")),
        (SPAN | {"created_at_after": "yesterday"}, (400, "parameter_invalid")),
        (SPAN | {"page": 0}, (400, "parameter_invalid")),
        (SPAN | {"per_page": 251}, (400, "parameter_invalid")),
        (SPAN | {"per_page": 0}, (400, "parameter_invalid")),
    ],
)
def test_a_wrong_parameter_is_refused(params: dict[str, Any], refused: tuple[int, str]) -> None:
    assert refusal(Client().get(params)) == refused


@pytest.mark.parametrize(("version", "status"), [("2.16", 200), ("2.15", 404), ("1.2", 404)])
def test_the_lower_bound_may_be_left_out_since_the_latest_version(version: str, status: int) -> None:
    answer = Client().get({}, intercom_version=version)

    assert answer.status_code == status
    if status == 404:
        assert refusal(answer) == (404, "parameter_not_found")


def test_without_a_version_that_of_the_workspaces_app_counts() -> None:
    authorization = {"authorization": f"Bearer {Client().twin.credentials['token']}"}
    old, new = (
        Client(version=version).http.get(PATH, headers=authorization | {"accept": "application/json"})
        for version in ("1.0", "2.16")
    )

    assert (old.status_code, new.status_code) == (404, 200)


def test_a_workspace_is_at_its_regions_host_and_reached_through_the_first_one() -> None:
    statuses = {
        host: Client(f"api.{host}intercom.io", region="eu").get().status_code for host in ("", "eu.", "au.")
    }

    assert statuses == {"": 200, "eu.": 200, "au.": 401}


def test_a_plan_without_activity_logs_is_refused() -> None:
    assert refusal(Client(plan=False).get()) == (403, "api_plan_restricted")


def test_another_path_is_not_found() -> None:
    assert refusal(Client().get(path="/admins/activity_logs/search")) == (404, "not_found")


def test_requests_beyond_the_limit_are_refused_until_the_ten_seconds_are_over() -> None:
    asking = Client(rate=2)
    asking.get()
    asking.twin.clock.sleep(4)
    asking.get()
    refused = asking.get()

    assert refusal(refused) == (429, "rate_limit_exceeded")
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert int(refused.headers["X-RateLimit-Reset"]) == int(NOW.timestamp()) + 10
    asking.twin.clock.sleep(6)
    assert asking.get().status_code == 200


def test_a_span_that_is_too_long_ends_in_a_fault() -> None:
    asking = Client(longest=timedelta(days=5))

    assert asking.get({"created_at_after": SPAN["created_at_before"] - 5 * 86400}).status_code == 200
    assert asking.get({"created_at_after": SPAN["created_at_before"] - 6 * 86400}).status_code == 500


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_are_counted_and_linked_in_one_order(order: str) -> None:
    asking = Client(order=order)
    asking.twin.seed(APP, events=230, start=START, end=NOW)

    pages = asking.pages(per_page=100)
    times = [log["created_at"] for page in pages for log in page["activity_logs"]]

    assert [page["pages"]["page"] for page in pages] == [1, 2, 3]
    assert {page["pages"]["total_pages"] for page in pages} == {3}
    assert times == sorted(times, reverse=order == "newest")
    assert len({log["id"] for page in pages for log in page["activity_logs"]}) == 230


def test_a_page_has_twenty_logs_unless_more_are_asked_for() -> None:
    asking = Client()
    asking.twin.seed(APP, events=300, start=START, end=NOW)

    assert len(asking.get().json()["activity_logs"]) == 20
    assert len(asking.get(SPAN | {"per_page": 250}).json()["activity_logs"]) == 250


def test_per_page_may_be_ignored() -> None:
    asking = Client(per_page=False)
    asking.twin.seed(APP, events=30, start=START, end=NOW)

    assert [len(page["activity_logs"]) for page in asking.pages(per_page=250)] == [20, 10]


def test_the_next_page_may_be_told_as_an_object() -> None:
    asking = Client(linked=False)
    asking.twin.seed(APP, events=30, start=START, end=NOW)

    assert asking.get().json()["pages"]["next"] == {"page": "2", "per_page": "20"}


def test_a_page_beyond_the_last_one_is_empty() -> None:
    answer = Client().get(SPAN | {"page": 9}).json()

    assert (answer["activity_logs"], answer["pages"]["next"]) == ([], None)


@pytest.mark.parametrize(("inclusive", "found"), [(True, 3), (False, 1)])
def test_the_bounds_belong_to_a_query_or_not(*, inclusive: bool, found: int) -> None:
    asking = Client(inclusive=inclusive)
    for seconds in range(3):
        asking.twin.put(APP, at=START + timedelta(seconds=seconds))
    span = SPAN | {"created_at_before": SPAN["created_at_after"] + 2}

    assert len(asking.get(span).json()["activity_logs"]) == found

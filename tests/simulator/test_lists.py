"""Twins of list APIs: what each vendor documents of its list that others do in another way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps.sdk.clock import iso
from streamalert_apps.services.airtable.twin import Airtable
from streamalert_apps.services.anthropic.twin import Anthropic
from streamalert_apps.services.datadog.twin import Datadog
from streamalert_apps.services.dropbox.twin import Dropbox
from streamalert_apps.services.figma.twin import Figma
from streamalert_apps.services.gitlab.twin import Gitlab
from streamalert_apps.services.jumpcloud.twin import Jumpcloud
from streamalert_apps.services.pagerduty.twin import Pagerduty
from streamalert_apps.services.zendesk.twin import Zendesk
from streamalert_apps.simulator.listapi import ListApi
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
KEYSET = {"pagination": "keyset", "order_by": "id", "sort": "desc"}
BEGIN, END = iso(NOW - 2 * HOUR), iso(NOW)


def headers(twin: ListApi) -> dict[str, str]:
    """Return what a request signs in with, as the vendor documents it."""
    given = twin.credentials
    match twin:
        case Gitlab():
            return {"PRIVATE-TOKEN": given["token"]}
        case Pagerduty():
            accept = "application/vnd.pagerduty+json;version=2"
            return {"Authorization": f"Token token={given['api_key']}", "Accept": accept}
        case Jumpcloud():
            return {"x-api-key": given["api_key"]}
        case Datadog():
            return {"DD-API-KEY": given["api_key"], "DD-APPLICATION-KEY": given["application_key"]}
        case Anthropic():
            return {"x-api-key": given["api_key"], "anthropic-version": "2023-06-01"}
        case Figma():
            return {"X-Figma-Token": given["token"]}
        case Airtable():
            return {"Authorization": f"Bearer {given['token']}"}
        case _:
            return {"Authorization": f"Bearer {twin.tokens.issue()}"}


@dataclass
class Client:
    """Asks a twin as its vendor documents it."""

    twin: ListApi
    path: str
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        (host,) = self.twin.hosts
        self.http = httpx.Client(transport=transport(self.twin), base_url=f"https://{host}")

    def get(self, *params: tuple[str, Any], **more: Any) -> httpx.Response:
        asked = [*params, *more.items()]
        return self.http.get(self.path, params=asked, headers=headers(self.twin))

    def post(self, body: dict[str, Any], path: str = "") -> httpx.Response:
        return self.http.post(self.path + path, json=body, headers=headers(self.twin))


def zendesk(**options: Any) -> Client:
    return Client(Zendesk(StillClock(), **options), "/api/v2/audit_logs.json")


def dropbox() -> Client:
    return Client(Dropbox(StillClock()), "/2/team_log/get_events")


def jumpcloud() -> Client:
    return Client(Jumpcloud(StillClock()), "/insights/directory/v1/events")


@pytest.mark.parametrize(("count", "status"), [(0, 200), (1, 400), (2, 200), (3, 400)])
def test_a_span_of_zendesk_is_two_values_of_one_parameter(count: int, status: int) -> None:
    span = [("filter[created_at][]", END)] * count

    assert zendesk().get(*span).status_code == status


def test_zendesk_lists_the_newest_first_unless_it_is_asked_for_another_order() -> None:
    client = zendesk()
    client.twin.seed("zendesk_audit", events=50, start=NOW - 2 * HOUR, end=NOW - HOUR)

    listed = [
        [row["created_at"] for row in client.get(*sort).json()["audit_logs"]]
        for sort in ([], [("sort", "created_at")])
    ]

    assert listed[0] == sorted(listed[0], reverse=True)
    assert listed[1] == sorted(listed[1])


@pytest.mark.parametrize(
    ("params", "days", "status"),
    [(KEYSET, 29, 200), (KEYSET, 31, 400), ({}, 1, 405), (KEYSET | {"sort": "asc"}, 1, 405)],
)
def test_gitlab_has_one_order_and_of_an_instance_no_more_than_thirty_days(
    params: dict[str, str], days: int, status: int
) -> None:
    client = Client(Gitlab(StillClock()), "/api/v4/audit_events")

    assert client.get(created_after=iso(NOW - days * DAY), created_before=END, **params).status_code == status


def test_the_last_page_of_gitlab_is_empty_and_has_no_link() -> None:
    client = Client(Gitlab(StillClock()), "/api/v4/audit_events")
    client.twin.seed("gitlab_instance", events=20, start=NOW - 2 * HOUR, end=NOW - HOUR)

    first = client.get(created_after=BEGIN, created_before=END, **KEYSET)
    last = client.http.get(first.links["next"]["url"], headers=headers(client.twin))

    assert (len(first.json()), last.json(), last.links) == (20, [], {})


@pytest.mark.parametrize(("days", "status"), [(31, 200), (32, 400)])
def test_pagerduty_lists_no_more_than_31_days(days: int, status: int) -> None:
    client = Client(Pagerduty(StillClock()), "/audit/records")

    assert client.get(since=iso(NOW - days * DAY), until=END).status_code == status


def test_pagerduty_lists_the_last_day_where_no_time_is_given() -> None:
    client = Client(Pagerduty(StillClock()), "/audit/records")
    names = [client.twin.put("pagerduty_audit", at=NOW - days * DAY / 2) for days in (1, 3)]

    assert [record["id"] for record in client.get().json()["records"]] == names[:1]


def test_dropbox_tells_when_a_cursor_ended_and_goes_on_from_one_for_ever() -> None:
    client = dropbox()
    first = client.post({"time": {"start_time": BEGIN}}).json()
    name = client.twin.put("dropbox_team", at=NOW - HOUR)

    gone = client.post({"cursor": "another"}, "/continue")
    more = client.post({"cursor": first["cursor"]}, "/continue").json()

    assert (first["events"], first["has_more"]) == ([], False)
    assert (gone.status_code, gone.json()["error"][".tag"]) == (409, "reset")
    assert [client.twin.identify("dropbox_team", event) for event in more["events"]] == [name]


def test_a_page_of_dropbox_may_be_empty_though_more_follows() -> None:
    client = dropbox()
    client.twin.seed("dropbox_team", events=40, start=NOW - 2 * HOUR, end=NOW - HOUR)
    page = client.post({"limit": 2, "time": {"start_time": BEGIN}}).json()
    sizes = []
    while page["has_more"]:
        page = client.post({"cursor": page["cursor"]}, "/continue").json()
        sizes.append(len(page["events"]))

    assert 0 in sizes
    assert sum(sizes) == 38


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"service": ["all"], "start_time": BEGIN, "limit": "many", "sort": "sideways"}, 200),
        ({"service": ["all"], "start_time": BEGIN, "end_time": iso(NOW - 3 * HOUR)}, 400),
        ({"service": ["all"], "start_time": iso(NOW + HOUR)}, 400),
        ({"service": ["all"]}, 400),
        ({"service": ["nothing"], "start_time": BEGIN}, 400),
    ],
)
def test_jumpcloud_refuses_a_span_that_makes_no_sense_but_no_limit(body: dict[str, Any], status: int) -> None:
    assert jumpcloud().post(body).status_code == status


def test_jumpcloud_tells_in_headers_where_to_go_on_even_on_the_last_page() -> None:
    client = jumpcloud()
    client.twin.seed("jumpcloud_sso", events=50, start=NOW - 2 * HOUR, end=NOW - HOUR)
    asked: dict[str, Any] = {"service": ["sso"], "start_time": BEGIN, "limit": 30}

    first = client.post(asked)
    last = client.post(asked | {"search_after": first.headers["X-Search_after"]})

    assert [page.headers["X-Result-Count"] for page in (first, last)] == ["30", "20"]
    assert last.headers["X-Limit"] == "30"
    assert last.headers["X-Search_after"] != first.headers["X-Search_after"]


def test_a_cursor_of_datadog_is_good_for_its_query_alone() -> None:
    client = Client(Datadog(StillClock()), "/api/v2/audit/events")
    client.twin.seed("datadog_audit", events=50, start=NOW - 2 * HOUR, end=NOW - HOUR)
    span = [("filter[from]", BEGIN), ("filter[to]", END)]

    first = client.get(*span).json()
    cursor = ("page[cursor]", first["meta"]["page"]["after"])

    assert len(first["data"]) == 10
    assert client.get(*span, cursor).status_code == 200
    assert client.get(("filter[from]", BEGIN), ("filter[to]", BEGIN), cursor).status_code == 400


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"created_at.gte": BEGIN, "created_at.lt": END, "limit": 5000}, 200),
        ({"created_at[gte]": BEGIN}, 400),
        ({"created_at.gte": "yesterday"}, 400),
        ({"limit": 5001}, 400),
        ({"after_id": "activity_no"}, 400),
    ],
)
def test_anthropic_writes_bounds_with_a_dot(params: dict[str, Any], status: int) -> None:
    client = Client(Anthropic(StillClock()), "/v1/compliance/activities")

    assert client.get(**params).status_code == status


def test_figma_has_a_cursor_on_the_last_page_and_lists_the_oldest_first() -> None:
    client = Client(Figma(StillClock()), "/v1/activity_logs")
    client.twin.seed("figma_activity", events=30, start=NOW - 2 * HOUR, end=NOW - HOUR)

    meta = client.get(limit=1000).json()["meta"]

    times = [event["timestamp"] for event in meta["activity_logs"]]
    assert (len(times), meta["next_page"]) == (30, False)
    assert meta["cursor"]
    assert times == sorted(times)
    assert client.get(limit=1001).status_code == 400


def test_airtable_goes_on_for_ever_where_no_end_is_given() -> None:
    twin = Airtable(StillClock())
    client = Client(
        twin, f"/v0/meta/enterpriseAccounts/{twin.credentials['enterprise_account_id']}/auditLogEvents"
    )
    twin.put("airtable_audit", at=NOW - HOUR)

    assert client.get(startTime=BEGIN).json()["pagination"]["next"]
    assert client.get(startTime=BEGIN, endTime=END).json()["pagination"]["next"] is None
    assert client.get(startTime=BEGIN, endTime=iso(NOW - HOUR)).json()["events"] == []
    assert client.get(pageSize=1001).status_code == 422

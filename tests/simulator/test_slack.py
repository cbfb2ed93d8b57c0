"""Slack's twin: who may ask, how it refuses, and how its lists are paged and ordered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps.errors import UsageError
from streamalert_apps.services.slack.twin import Slack
from streamalert_apps.services.slack.twin.access import Tenant
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

ACCESS, INTEGRATION, AUDIT = "slack_access", "slack_integration", "slack_audit"
START = NOW - timedelta(hours=1)
ACCESS_LOGS = "https://slack.com/api/team.accessLogs"
INTEGRATION_LOGS = "https://slack.com/api/team.integrationLogs"
AUDIT_LOGS = "https://api.slack.com/audit/v1/logs"


class Client:
    def __init__(self, **options: Any) -> None:
        self.twin = Slack(StillClock(), **({"rate": None} | options))
        self.http = httpx.Client(transport=transport(self.twin))
        self.token = self.twin.credentials["auth_token"]

    def get(self, url: str, **params: Any) -> httpx.Response:
        return self.http.get(url, params=params, headers={"Authorization": f"Bearer {self.token}"})

    def list(self, url: str = ACCESS_LOGS, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.get(url, **params).json()
        assert answer["ok"], answer
        return answer


def error(answer: httpx.Response) -> tuple[int, str]:
    assert answer.json()["ok"] is False
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize("url", [ACCESS_LOGS, INTEGRATION_LOGS])
def test_the_web_api_refuses_with_status_200_and_a_word(url: str) -> None:
    client = Client()

    assert error(client.http.get(url)) == (200, "not_authed")
    client.token = "xoxb-1-2-3"
    assert error(client.get(url)) == (200, "not_allowed_token_type")
    client.token = "xoxp-1-2-3"
    assert error(client.get(url)) == (200, "invalid_auth")


def test_the_audit_logs_api_refuses_with_a_status() -> None:
    client = Client()

    assert error(client.http.get(AUDIT_LOGS)) == (401, "missing_authentication")
    client.token = "xoxp-1-2-3"
    assert error(client.get(AUDIT_LOGS)) == (401, "invalid_authentication")
    assert error(client.get(f"{AUDIT_LOGS}/more")) == (404, "unknown_path")


@pytest.mark.parametrize(
    ("tenant", "url", "refusal"),
    [
        (Tenant(plan="free"), ACCESS_LOGS, (200, "paid_only")),
        (Tenant(plan="paid"), AUDIT_LOGS, (403, "feature_not_enabled")),
        (Tenant(scopes=frozenset()), INTEGRATION_LOGS, (200, "missing_scope")),
        (Tenant(scopes=frozenset({"admin"})), AUDIT_LOGS, (403, "missing_scope")),
        (Tenant(organisation=True), ACCESS_LOGS, (200, "missing_argument")),
    ],
)
def test_plan_scope_and_workspace_decide(tenant: Tenant, url: str, refusal: tuple[int, str]) -> None:
    assert error(Client(tenant=tenant).get(url)) == refusal


def test_a_token_of_an_organization_reads_the_workspace_that_is_named() -> None:
    client = Client(tenant=Tenant(organisation=True))

    assert client.list(team_id=client.twin.credentials["team_id"])["logins"] == []
    assert error(client.get(ACCESS_LOGS, team_id="T0000000000")) == (200, "invalid_auth")


@pytest.mark.parametrize(
    ("url", "params", "refusal"),
    [
        (ACCESS_LOGS, {"after": 1}, (200, "invalid_arg_name")),
        (INTEGRATION_LOGS, {"before": 1}, (200, "invalid_arg_name")),
        (ACCESS_LOGS, {"count": "all"}, (200, "invalid_arguments")),
        (ACCESS_LOGS, {"count": 1001}, (200, "over_pagination_limit")),
        (ACCESS_LOGS, {"page": 101}, (200, "over_pagination_limit")),
        (INTEGRATION_LOGS, {"page": 101}, (200, "over_pagination_limit")),
        (ACCESS_LOGS, {"limit": 1000}, (200, "invalid_limit")),
        (ACCESS_LOGS, {"limit": 10, "cursor": "bmV4dA=="}, (200, "invalid_cursor")),
        (AUDIT_LOGS, {"page": 1}, (400, "invalid_arguments")),
        (AUDIT_LOGS, {"limit": 10000}, (400, "invalid_limit")),
        (AUDIT_LOGS, {"cursor": "bmV4dA=="}, (400, "invalid_cursor")),
        ("https://slack.com/api/team.logs", {}, (200, "unknown_method")),
    ],
)
def test_a_wrong_argument_is_refused(url: str, params: dict[str, Any], refusal: tuple[int, str]) -> None:
    assert error(Client().get(url, **params)) == refusal


def test_arguments_may_come_in_a_form() -> None:
    client = Client()
    client.twin.seed(ACCESS, events=20, start=START)

    headers = {"Authorization": f"Bearer {client.token}"}
    answer = client.http.post(ACCESS_LOGS, data={"count": "7", "page": "3"}, headers=headers).json()

    assert len(answer["logins"]) == 6
    assert answer["paging"] == {"count": 7, "total": 20, "page": 3, "pages": 3}


def test_the_limit_of_a_minute_is_a_real_429_that_says_how_long_to_wait() -> None:
    client = Client(rate=2)
    client.list()
    client.twin.clock.sleep(20)
    client.list()

    answer = client.get(ACCESS_LOGS)

    assert (error(answer), answer.headers["Retry-After"]) == ((429, "ratelimited"), "40")
    assert client.list(INTEGRATION_LOGS)["logs"] == []  # each method has a limit of its own
    client.twin.clock.sleep(40)
    assert client.list()["ok"]


def test_access_rows_are_sorted_by_when_they_began_whatever_happened_last() -> None:
    client = Client()
    client.twin.seed(ACCESS, events=300, start=START)
    rows = client.list(count=1000)["logins"]

    firsts = [row["date_first"] for row in rows]
    assert firsts == sorted(firsts, reverse=True)
    assert [row["date_last"] for row in rows] != sorted((row["date_last"] for row in rows), reverse=True)


def test_before_counts_its_second_in_and_is_about_when_rows_began() -> None:
    client = Client()
    client.twin.seed(ACCESS, events=100, start=START)
    firsts = [row["date_first"] for row in client.list(count=1000)["logins"]]

    before = client.list(count=1000, before=firsts[40])["logins"]

    assert [row["date_first"] for row in before] == [first for first in firsts if first <= firsts[40]]


def test_a_new_row_pushes_the_others_down_and_a_changed_one_stays() -> None:
    client = Client()
    old = client.twin.put(ACCESS, at=START)
    client.twin.put(ACCESS, at=START + timedelta(minutes=1))
    first, second = client.list()["logins"]

    client.twin.access_again(old, at=NOW)
    client.twin.put(ACCESS, at=NOW)
    rows = client.list()["logins"]

    assert rows[1] == first
    assert rows[2] == second | {"date_last": int(NOW.timestamp()), "count": second["count"] + 1}


def test_cursors_go_through_the_list_in_place_of_page_numbers() -> None:
    client = Client()
    client.twin.seed(ACCESS, events=25, start=START)
    whole = client.list(count=1000)["logins"]

    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = client.list(limit=10, **({"cursor": cursor} if cursor else {}))
        rows += page["logins"]
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break

    assert rows == whole
    assert "paging" not in page


def test_dates_of_integration_rows_are_text() -> None:
    client = Client()
    client.twin.seed(INTEGRATION, events=200, start=START)

    rows = client.list(INTEGRATION_LOGS, count=1000)["logs"]

    assert {type(row["date"]) for row in rows} == {str}
    assert {type(row["service_id"]) for row in rows if "service_id" in row} == {str, int}
    assert [row["date"] for row in rows] == sorted((row["date"] for row in rows), reverse=True)


@pytest.mark.parametrize("newest_first", [True, False])
def test_integration_rows_may_come_in_either_order(*, newest_first: bool) -> None:
    client = Client(newest_first=newest_first)
    client.twin.seed(INTEGRATION, events=50, start=START)

    dates = [row["date"] for row in client.list(INTEGRATION_LOGS)["logs"]]

    assert dates == sorted(dates, reverse=newest_first)


def test_audit_logs_come_newest_first_between_two_seconds_that_count_in() -> None:
    client = Client()
    client.twin.seed(AUDIT, events=50, burst=5, start=START)
    oldest, latest = int(START.timestamp()) + 600, int(START.timestamp()) + 1200

    entries: list[dict[str, Any]] = []
    cursor = ""
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = client.get(AUDIT_LOGS, oldest=oldest, latest=latest, limit=3, **more).json()
        entries += page["entries"]
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break

    times = [entry["date_create"] for entry in entries]
    assert times == sorted(times, reverse=True)
    held = client.twin.held(
        AUDIT, since=START + timedelta(minutes=10), until=START + timedelta(minutes=20, microseconds=999_999)
    )
    assert {entry["id"] for entry in entries} == held.keys()
    assert "ok" not in page


def test_an_event_that_is_late_cannot_be_seen_before() -> None:
    client = Client()
    client.twin.put(ACCESS, at=NOW, visible=NOW + timedelta(seconds=30))

    assert client.list()["logins"] == []
    assert client.twin.complete(ACCESS) == NOW + timedelta(seconds=30)
    client.twin.clock.sleep(30)
    assert len(client.list()["logins"]) == 1


@pytest.mark.parametrize(("app_type", "url"), [(ACCESS, ACCESS_LOGS), (AUDIT, AUDIT_LOGS)])
def test_a_large_event_is_as_large_as_asked(app_type: str, url: str) -> None:
    client = Client()
    client.twin.put(app_type, at=NOW, size=200_000)

    assert len(client.get(url).content) > 200_000


def test_the_same_seed_makes_the_same_events_and_another_one_others() -> None:
    twins = [Slack(StillClock(), seed=seed) for seed in (1, 1, 2)]
    for twin in twins:
        for app_type in (ACCESS, INTEGRATION, AUDIT):
            twin.seed(app_type, events=50, start=START)

    for app_type in (ACCESS, INTEGRATION, AUDIT):
        first, same, other = (twin.held(app_type) for twin in twins)
        assert first == same
        assert not first & other
    assert twins[0].credentials == twins[1].credentials != twins[2].credentials


def test_another_log_is_a_slip_that_is_named() -> None:
    with pytest.raises(UsageError, match="slack_files"):
        Slack(StillClock()).seed("slack_files")

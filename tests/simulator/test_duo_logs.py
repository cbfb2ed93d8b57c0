"""What Duo's log endpoints return."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from streamalert_apps.errors import UsageError
from streamalert_apps.services.duo.twin import Duo
from tests.simulator.world import ADMINISTRATOR, AUTHENTICATION, NOW, Client, milliseconds, span, tenant

ACTIVITY = "/admin/v2/logs/activity"
TELEPHONY = "/admin/v2/logs/telephony"
V2 = [
    ("duo_auth", AUTHENTICATION, "authlogs"),
    ("duo_activity", ACTIVITY, "items"),
    ("duo_telephony", TELEPHONY, "items"),
]
v2 = pytest.mark.parametrize(("app_type", "path", "key"), V2)


def walk(twin: Duo, app_type: str, path: str, key: str, **params: Any) -> list[str]:
    """Return the ids of all pages."""
    pages = Client(twin).pages(path, **({"sort": "ts:asc", "limit": 1000} | params))
    return [twin.identify(app_type, log) for page in pages for log in page[key]]


@v2
def test_following_next_offset_gives_each_visible_event_once(app_type: str, path: str, key: str) -> None:
    twin = tenant(page_size=70)
    twin.seed(app_type, events=500, burst=200, end=NOW - timedelta(minutes=2))

    arrived = walk(twin, app_type, path, key)

    assert Counter(arrived) == twin.held(app_type)


@v2
@pytest.mark.parametrize("size", [1, 7])
def test_pages_end_inside_one_millisecond_and_lose_nothing(
    app_type: str, path: str, key: str, size: int
) -> None:
    twin = tenant()
    at = NOW - timedelta(minutes=10)
    ids = [twin.put(app_type, at=at) for _ in range(15)]

    assert sorted(walk(twin, app_type, path, key, limit=size)) == sorted(ids)


def test_more_than_a_page_in_one_second_can_be_paged_through() -> None:
    twin = tenant()
    twin.seed("duo_auth", events=2600, burst=2600)

    pages = Client(twin).pages(sort="ts:asc", limit=1000)

    assert [len(page["authlogs"]) for page in pages] == [1000, 1000, 600]
    assert len({log["timestamp"] for page in pages for log in page["authlogs"]}) == 1
    assert Counter(log["txid"] for page in pages for log in page["authlogs"]) == twin.held("duo_auth")


@pytest.mark.parametrize(("order", "reverse"), [("ts:asc", False), ("ts:desc", True)])
def test_sort_is_by_time(order: str, reverse: bool) -> None:
    twin = tenant(page_size=20)
    twin.seed("duo_auth", events=50, end=NOW - timedelta(minutes=5))

    times = [log["isotimestamp"] for page in Client(twin).pages(sort=order) for log in page["authlogs"]]

    assert len(times) == 50
    assert times == sorted(times, reverse=reverse)


def test_without_sort_and_limit_the_newest_100_come() -> None:
    twin = tenant()
    twin.seed("duo_auth", events=150, end=NOW - timedelta(minutes=5))

    page = Client(twin).page()

    times = [log["isotimestamp"] for log in page["authlogs"]]
    assert len(times) == 100
    assert times == sorted(times, reverse=True)
    assert page["metadata"]["total_objects"] == 150


def test_both_bounds_are_inclusive_to_the_millisecond() -> None:
    twin = tenant()
    whole = NOW - timedelta(minutes=10)
    twin.put("duo_auth", at=whole + timedelta(microseconds=776))
    client, ms = Client(twin), milliseconds(whole)

    def found(mintime: int, maxtime: int) -> int:
        return len(client.page(mintime=mintime, maxtime=maxtime)["authlogs"])

    assert [found(ms, ms + 1), found(ms - 1, ms)] == [1, 1]
    assert [found(ms + 1, ms + 2), found(ms - 2, ms - 1)] == [0, 0]


def test_the_last_two_minutes_are_hidden() -> None:
    twin = tenant()
    twin.put("duo_auth", at=NOW - timedelta(seconds=119))
    client = Client(twin)

    before = client.page()["authlogs"]
    twin.clock.sleep(1)
    after = client.page()["authlogs"]

    assert (len(before), len(after)) == (0, 1)


def test_a_late_event_shows_up_after_others_of_its_time() -> None:
    twin = tenant()
    at = NOW - timedelta(minutes=3)
    late = twin.put("duo_auth", at=at, visible=NOW + timedelta(seconds=30))
    prompt = twin.put("duo_auth", at=at)
    client = Client(twin)

    first = [log["txid"] for log in client.page()["authlogs"]]
    twin.clock.sleep(30)
    second = {log["txid"] for log in client.page()["authlogs"]}

    assert first == [prompt]
    assert second == {prompt, late}


def test_a_feed_grows_while_it_is_paged_through() -> None:
    twin = tenant(page_size=1)
    for minutes in (5, 4, 1):
        twin.put("duo_auth", at=NOW - timedelta(minutes=minutes))
    client = Client(twin)
    first = client.page(sort="ts:asc")

    twin.clock.sleep(60)
    token = ",".join(first["metadata"]["next_offset"])
    second = client.page(sort="ts:asc", next_offset=token)

    assert first["metadata"]["total_objects"] == 2
    assert second["metadata"]["total_objects"] == 3
    assert second["metadata"]["next_offset"] is not None


def test_events_older_than_180_days_are_gone() -> None:
    twin = tenant()
    old, kept = NOW - timedelta(days=180, seconds=1), NOW - timedelta(days=180, seconds=-1)
    twin.put("duo_auth", at=old)
    twin.put("duo_auth", at=kept)

    page = Client(twin).page(mintime=milliseconds(old) - 1, maxtime=milliseconds(kept) + 1)

    assert [log["timestamp"] for log in page["authlogs"]] == [kept.timestamp()]


def test_next_offset_has_the_form_of_its_log() -> None:
    at = NOW - timedelta(minutes=10)
    offsets: dict[str, Any] = {}
    for app_type, path, _ in V2:
        twin = tenant(page_size=1)
        names = sorted(twin.put(app_type, at=at) for _ in range(2))
        first, last = Client(twin).pages(path, sort="ts:asc")
        offsets[app_type] = names[0], first["metadata"], last["metadata"]

    name, first, last = offsets["duo_auth"]
    assert first == {"next_offset": [str(milliseconds(at)), name], "total_objects": 2}
    assert last == {"next_offset": None, "total_objects": 2}
    name, first, last = offsets["duo_activity"]
    assert first == {
        "next_offset": f"{milliseconds(at)},{name}",
        "total_objects": {"relation": "eq", "value": 2},
    }
    assert last["next_offset"] is None
    name, first, last = offsets["duo_telephony"]
    assert first == {"next_offset": f"{milliseconds(at)},{name}", "total_objects": 2}
    assert last == {"total_objects": 2}


def test_next_offset_may_come_as_two_values() -> None:
    twin = tenant(page_size=1)
    for _ in range(2):
        twin.put("duo_auth", at=NOW - timedelta(minutes=10))
    client = Client(twin)
    first = client.page(sort="ts:asc")
    ms, name = first["metadata"]["next_offset"]

    params = span() | {"sort": "ts:asc"}
    answer = client.get(AUTHENTICATION, ("next_offset", ms), ("next_offset", name), **params)

    (log,) = answer.json()["response"]["authlogs"]
    assert log["txid"] != first["authlogs"][0]["txid"]


def test_next_offset_must_be_exactly_what_was_given() -> None:
    twin = tenant()
    name = twin.put("duo_auth", at=NOW - timedelta(minutes=10))

    answer = Client(twin).get(AUTHENTICATION, **span(), next_offset=f"{milliseconds(NOW)},{name}")

    assert answer.json()["message_detail"] == "next_offset"


def administrator(twin: Duo, since: datetime) -> list[dict[str, Any]]:
    answer = Client(twin).get(ADMINISTRATOR, mintime=int(since.timestamp()))
    rows: list[dict[str, Any]] = answer.json()["response"]
    return rows


def test_the_administrator_log_gives_the_earliest_1000_from_mintime_on() -> None:
    twin = tenant()
    twin.seed("duo_admin", events=1500)

    rows = administrator(twin, NOW - timedelta(hours=1))

    times = [row["timestamp"] for row in rows]
    assert len(rows) == 1000
    assert times == sorted(times)
    assert times[-1] < (NOW - timedelta(minutes=15)).timestamp()


def test_the_administrator_log_counts_mintime_in() -> None:
    twin = tenant()
    at = NOW - timedelta(minutes=1)
    twin.put("duo_admin", at=at)

    assert len(administrator(twin, at)) == 1
    assert len(administrator(twin, at + timedelta(seconds=1))) == 0


def test_the_administrator_log_shows_an_action_at_once_and_the_future_never() -> None:
    twin = tenant()
    twin.put("duo_admin", at=NOW)
    twin.put("duo_admin", at=NOW + timedelta(seconds=1))

    assert len(administrator(twin, NOW - timedelta(minutes=1))) == 1


def test_the_administrator_log_without_mintime_starts_at_the_beginning() -> None:
    twin = tenant()
    twin.put("duo_admin", at=NOW - timedelta(days=400))

    assert len(Client(twin).get(ADMINISTRATOR).json()["response"]) == 1


def test_mintime_in_milliseconds_finds_nothing_in_the_administrator_log() -> None:
    twin = tenant()
    twin.put("duo_admin", at=NOW)

    answer = Client(twin).get(ADMINISTRATOR, mintime=milliseconds(NOW) - 60_000)

    assert answer.json() == {"response": [], "stat": "OK"}


def test_equal_administrator_rows_are_held_as_often_as_they_happened() -> None:
    twin = tenant()
    row: dict[str, Any] = {"action": "user_update", "description": None, "object": "dana", "username": "API"}
    first, second = (twin.put("duo_admin", at=NOW, **row) for _ in range(2))

    rows = administrator(twin, NOW)

    assert first == second
    assert rows[0] == rows[1]
    assert Counter(twin.identify("duo_admin", row) for row in rows) == twin.held("duo_admin") == {first: 2}


def test_a_seeded_administrator_log_has_a_few_equal_rows() -> None:
    twin = tenant()
    twin.seed("duo_admin", events=900, burst=900)

    counts = twin.held("duo_admin").values()

    assert sum(counts) == 900
    assert 0 < sum(count > 1 for count in counts) < 45


def test_the_old_authentication_log_has_the_same_events_in_the_old_shape() -> None:
    twin = tenant()
    twin.put("duo_auth", at=NOW - timedelta(minutes=10), result="denied", reason="no_response")
    (new,) = Client(twin).page()["authlogs"]

    (old,) = Client(twin).get("/admin/v1/logs/authentication", mintime=0).json()["response"]

    assert set(old) == {
        *("access_device", "alias", "device", "factor", "integration", "ip", "isotimestamp", "location"),
        *("new_enrollment", "reason", "result", "timestamp", "username"),
    }
    assert (old["timestamp"], old["username"]) == (new["timestamp"], new["user"]["name"])
    assert (old["result"], old["reason"]) == ("FAILURE", "No response")


def test_the_same_seed_gives_the_same_tenant() -> None:
    def made(seed: int) -> tuple[object, ...]:
        twin = tenant(seed=seed)
        twin.seed("duo_auth", events=20)
        twin.seed("duo_auth", events=20)
        return twin.credentials, twin.held("duo_auth"), Client(twin).page()

    assert made(5) == made(5)
    assert made(5) != made(6)


def test_a_tenant_can_be_seeded_in_parts() -> None:
    twin = tenant()
    for _ in range(2):
        twin.seed("duo_auth", events=20)

    assert twin.held("duo_auth").total() == 40


def test_what_is_held_can_be_asked_for_by_time() -> None:
    twin = tenant()
    first = twin.put("duo_auth", at=NOW)
    second = twin.put("duo_auth", at=NOW + timedelta(seconds=1))

    assert set(twin.held("duo_auth", until=NOW)) == {first}
    assert set(twin.held("duo_auth", since=NOW + timedelta(seconds=1))) == {second}
    assert set(twin.held("duo_auth", since=NOW, until=NOW + timedelta(seconds=1))) == {first, second}


def test_a_tenant_knows_when_everything_is_visible() -> None:
    twin = tenant()
    twin.put("duo_auth", at=NOW)

    assert twin.complete("duo_auth") == NOW + timedelta(minutes=2)


def test_fields_of_a_single_event_can_be_chosen() -> None:
    twin = tenant()
    twin.put("duo_auth", at=NOW - timedelta(minutes=3), factor="phone_call", alias="100% <ünïcode>\n")

    (log,) = Client(twin).page()["authlogs"]

    assert (log["factor"], log["alias"]) == ("phone_call", "100% <ünïcode>\n")


def seeded_rows(app_type: str, path: str, key: str) -> list[dict[str, Any]]:
    twin = tenant()
    twin.seed(app_type, events=900, end=NOW - timedelta(minutes=5))
    return [log for page in Client(twin).pages(path, limit=1000) for log in page[key]]


def test_authentications_are_as_varied_as_real_ones() -> None:
    logs = seeded_rows(*V2[0])

    agents = {type(log["access_device"]["security_agents"]).__name__ for log in logs}
    flags = {json.dumps(log["access_device"]["is_firewall_enabled"]) for log in logs}
    assert agents == {"NoneType", "str", "list"}
    assert flags == {"true", "false", '"unknown"'}
    assert None in {log["factor"] for log in logs}
    assert {"authentication", "enrollment"} == {log["event_type"] for log in logs}
    assert any(not log["user"]["name"].isascii() for log in logs)
    assert {True, False} == {"adaptive_trust_assessments" in log for log in logs}
    assert 800 < sum(len(json.dumps(log)) for log in logs) / len(logs) < 1300


def test_times_of_an_event_agree() -> None:
    for log in seeded_rows(*V2[0]):
        assert datetime.fromisoformat(log["isotimestamp"]).timestamp() // 1 == log["timestamp"]


@v2
def test_every_event_has_an_id_of_its_own(app_type: str, path: str, key: str) -> None:
    ids = {Duo().identify(app_type, log) for log in seeded_rows(app_type, path, key)}

    assert len(ids) == 900


@pytest.mark.parametrize("act", ["seed", "held", "complete"])
def test_a_log_that_duo_does_not_have_is_refused(act: str) -> None:
    with pytest.raises(UsageError, match="duo_trust"):
        getattr(tenant(), act)("duo_trust")


def test_the_credentials_have_the_form_of_real_ones() -> None:
    credentials = Duo().credentials

    assert credentials == Duo().credentials
    assert credentials["api_hostname"].startswith("api-")
    assert len(credentials["integration_key"]) == 20
    assert len(credentials["secret_key"]) == 40

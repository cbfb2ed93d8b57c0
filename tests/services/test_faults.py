"""What vendors have been seen to do, and what comes of it: each event on record, once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps import services
from streamalert_apps.services import twins
from streamalert_apps.services.duo.app import DuoAuth
from tests.services.altered import Change, Recorded, altered
from tests.services.running import nothing_lost_or_repeated
from tests.simulator.world import NOW, StillClock, tenant

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def fault(_: Any = None) -> httpx.Response:
    return httpx.Response(500, content=b"{}")


def test_a_report_with_an_event_in_three_seconds_does_not_wait_for_its_lag() -> None:
    app = Recorded(twins.twin("gsuite", clock=StillClock()), "gsuite_login", NOW)
    app.twin.seed("gsuite_login", events=400, late=0, start=NOW, end=NOW + 20 * MINUTE)

    app.every(MINUTE, 21)

    listed = app.twin.held("gsuite_login", until=app.twin.clock.now() - 5 * MINUTE).total()
    assert len(app.logs) >= 0.95 * listed > 224  # as many ids as 0.1.0 could remember


def test_a_pause_that_is_longer_than_the_retention_ends_and_repeats_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Recorded(twins.twin("aliyun", clock=StillClock(), rate=None), "aliyun_actiontrail", NOW - HOUR)
    app.twin.seed("aliyun_actiontrail", events=20, late=0, start=NOW - HOUR, end=NOW - HOUR / 2)
    app.run()
    app.twin.seed("aliyun_actiontrail", events=900, late=0, start=NOW, end=NOW + 92 * DAY)
    app.twin.clock.sleep((92 * DAY).total_seconds())

    statuses = {outcome.status for outcome in app.every(10 * MINUTE, 5)}

    found = app.tally(since=app.twin.clock.now() - 89 * DAY)
    assert statuses == {"succeeded"}
    assert (found.lost, found.repeated) == ((), ())
    assert caplog.text.count("can't be collected any more") == 1


def test_a_page_token_to_which_the_reports_api_answers_500_for_ever_is_let_go() -> None:
    dead: list[str] = []

    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        token = request.url.params.get("pageToken")
        if token and (not dead or token in dead):
            dead.append(token)
            return fault()
        return response

    app = Recorded(
        twins.twin("gsuite", clock=StillClock(), page_size=10), "gsuite_login", NOW - 5 * HOUR, change
    )
    app.twin.seed("gsuite_login", events=200, late=0, start=NOW - 5 * HOUR, end=NOW - 3 * HOUR)

    app.every(20 * MINUTE, 20)

    assert dead
    assert nothing_lost_or_repeated(app.tally())


def test_a_position_to_which_box_answers_500_for_ever_is_let_go() -> None:
    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return fault() if request.url.params.get("stream_position") in dead else response

    dead: set[str] = set()
    app = Recorded(
        twins.twin("box", clock=StillClock(), page_size=10), "box_admin_events", NOW - HOUR, change
    )
    app.twin.seed("box_admin_events", events=40, late=0, start=NOW - HOUR, end=NOW - HOUR / 2)
    app.run()
    dead.add(json.loads(app.store.read("head.json").body)["checkpoint"]["position"])
    app.twin.seed("box_admin_events", events=40, late=0, start=NOW, end=NOW + HOUR)
    app.twin.clock.sleep(7200)

    outcomes = app.every(HOUR, 8)

    assert outcomes[0].status == "failed"
    assert outcomes[-1].status == "succeeded"
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("what", ["404", "500", "html", "null"])
def test_a_log_file_that_cannot_be_read_holds_up_no_other(what: str) -> None:
    broken: list[str] = []

    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if what == "null" and request.url.path.endswith("/query"):
            listed = response.json()
            for record in listed["records"]:
                if record["Id"] in broken:
                    record["LogFile"] = None
            return altered(response, json.dumps(listed).encode())
        if not request.url.path.endswith("/LogFile") or request.url.path.split("/")[-2] not in broken:
            return response
        if what == "html":
            return altered(response, b"<!DOCTYPE html><html>back soon</html>")
        return httpx.Response(int(what), content=b"[]")

    app = Recorded(twins.twin("salesforce", clock=StillClock()), "salesforce_login", NOW - 3 * DAY, change)
    app.twin.seed("salesforce_login", events=300, late=0, start=NOW - 3 * DAY, end=NOW - DAY)
    whole = Recorded(app.twin, "salesforce_login", NOW - 3 * DAY)
    files: list[str] = []

    def watch(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.url.path.endswith("/LogFile"):
            files.append(request.url.path.split("/")[-2])
        return response

    whole.change = watch
    whole.run()
    broken.append(files[len(files) // 2])

    outcome = app.run()
    others = len(app.logs)
    broken.clear()
    app.twin.clock.sleep(3600)
    mended = app.run()

    assert len(files) > 2
    assert outcome.status == "failed"
    assert 0 < others < 300
    assert mended.status == "succeeded"
    assert nothing_lost_or_repeated(app.tally())


class Unsorted(DuoAuth):
    """Duo, where it ignores the order that is asked for."""

    def _get(self, **params: object) -> Any:
        return super()._get(**(params | {"sort": "ts:desc"}))


def test_duo_may_ignore_the_order_that_is_asked_for() -> None:
    app = Recorded(tenant(rate=None, page_size=100), "duo_auth", NOW - 3 * HOUR, kind=Unsorted)
    app.twin.seed("duo_auth", events=1350, late=0, start=NOW - 3 * HOUR, end=NOW - HOUR)

    app.every(2 * MINUTE, 5)

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("cap", [300, 500, 999])
def test_the_administrator_log_may_hold_fewer_events_a_page_than_documented(cap: int) -> None:
    asked = 0

    def change(_: httpx.Request, response: httpx.Response) -> httpx.Response:
        nonlocal asked
        asked += 1
        rows = response.json()
        if "response" in rows:
            rows["response"] = rows["response"][: cap - asked % 3]  # and not the same number each time
        return altered(response, json.dumps(rows).encode())

    app = Recorded(tenant(rate=None), "duo_admin", NOW - 3 * HOUR, change)
    app.twin.seed("duo_admin", events=2500, late=0, burst=200, start=NOW - 3 * HOUR, end=NOW - HOUR)

    app.every(2 * MINUTE, 5)

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("what", ["Age: 0", "no Date"])
def test_a_clock_that_is_ahead_loses_no_late_event(what: str) -> None:
    def change(_: httpx.Request, response: httpx.Response) -> httpx.Response:
        if what == "no Date":
            del response.headers["Date"]
        else:
            response.headers["Age"] = "0"
        return response

    app = Recorded(
        twins.twin("intercom", clock=StillClock(), rate=None),
        "intercom_admin_activity_logs",
        NOW - HOUR,
        change,
        ahead=10 * MINUTE,
    )
    app.twin.seed(app.app_type, events=600, late=200, lateness=9 * MINUTE, start=NOW - HOUR, end=NOW + HOUR)

    app.every(MINUTE, 150)

    assert nothing_lost_or_repeated(app.tally())


def test_one_empty_answer_makes_no_event_come_twice() -> None:
    empty = False

    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not empty or "/events" not in request.url.path:
            return response
        return altered(response, b'{"status":{},"pagination":{"after_cursor":null},"data":[]}')

    app = Recorded(
        twins.twin("onelogin", clock=StillClock(), rate=None), "onelogin_events", NOW - HOUR, change
    )
    app.twin.seed("onelogin_events", events=30, late=0, start=NOW - 2 * MINUTE, end=NOW)
    app.run()
    empty = True
    app.every(MINUTE, 1)
    empty = False
    app.every(MINUTE, 30)

    assert nothing_lost_or_repeated(app.tally())


SERVICES = {
    "airtable": "airtable_audit",
    "aliyun": "aliyun_actiontrail",
    "anthropic": "anthropic_activities",
    "atlassian": "atlassian_org_events",
    "auth0": "auth0_logs",
    "box": "box_admin_events",
    "cloudflare": "cloudflare_audit",
    "datadog": "datadog_audit",
    "dropbox": "dropbox_team",
    "crowdstrike": "crowdstrike_alerts",
    "cursor": "cursor_audit",
    "defender": "defender_alerts",
    "duo": "duo_auth",
    "entra": "entra_risks",
    "figma": "figma_activity",
    "github": "github_audit",
    "gitlab": "gitlab_instance",
    "gsuite": "gsuite_login",
    "intercom": "intercom_admin_activity_logs",
    "intune": "intune_audit",
    "jumpcloud": "jumpcloud_all",
    "m365": "m365_exchange",
    "okta": "okta_system_log",
    "onelogin": "onelogin_events",
    "onepassword": "onepassword_audit",
    "openai": "openai_audit",
    "pagerduty": "pagerduty_audit",
    "salesforce": "salesforce_login",
    "sentinelone": "sentinelone_activities",
    "slack": "slack_audit",
    "snowflake": "snowflake_logins",
    "stripe": "stripe_events",
    "tailscale": "tailscale_configuration",
    "zendesk": "zendesk_audit",
    "twilio": "twilio_events",
    "wiz": "wiz_audit",
    "zoom": "zoom_activities",
}
BARE = {
    "github_audit",
    "gitlab_instance",
    "jumpcloud_all",
    "okta_system_log",
}  # answers are arrays
MORE = ["atlassian_jira", "atlassian_confluence", "duo_admin", "slack_access", "slack_integration"]


def places(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return where the fields of an answer are; those of events are left as they are."""
    if not isinstance(value, dict):
        return []
    return [
        place for name, inner in value.items() for place in [(*path, name), *places(inner, (*path, name))]
    ]


def without(answer: Any, place: tuple[str, ...], *, null: bool) -> bytes:
    whole = json.loads(answer)
    inner = whole
    for name in place[:-1]:
        inner = inner[name]
    if null:
        inner[place[-1]] = None
    else:
        del inner[place[-1]]
    return json.dumps(whole).encode()


@pytest.mark.parametrize("app_type", [*SERVICES.values(), *MORE])
def test_null_is_as_if_it_were_absent_in_every_field_of_every_answer(app_type: str) -> None:
    answers: dict[str, bytes] = {}

    def record(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if response.content[:1] == b"{":
            answers.setdefault(request.url.path, response.content)
        return response

    def made() -> Recorded:
        twin = twins.twin(app_type.partition("_")[0], clock=StillClock(), page_size=5)
        twin.seed(app_type, events=12, late=0, start=NOW - 2 * DAY, end=NOW - DAY)
        return Recorded(twin, app_type, NOW - 3 * DAY, record)

    made().run(seconds=600)
    assert answers or app_type in BARE
    for path, body in answers.items():
        for place in places(json.loads(body)):
            told = [_played(made(), path, place, null=null) for null in (True, False)]
            assert told[0] == told[1], (path, place)


def _played(app: Recorded, path: str, place: tuple[str, ...], *, null: bool) -> tuple[Any, ...]:
    done = False

    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        nonlocal done
        if done or request.url.path != path or not response.is_success:
            return response
        done = True
        return altered(response, without(response.content, place, null=null))

    app.change = change
    outcome = app.run(seconds=600)
    return outcome.status, outcome.error and outcome.error.code, len(app.logs)


ODD = ("https://[", 2**70, [None])


@pytest.mark.parametrize("app_type", [*SERVICES.values(), *MORE])
def test_a_value_of_another_kind_breaks_no_app_in_any_field_of_any_answer(app_type: str) -> None:
    answers: dict[str, tuple[str, bytes]] = {}

    def record(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if response.content[:1] in {b"{", b"["}:
            whole = json.loads(response.content)
            shape = repr(places(whole)) if isinstance(whole, dict) else "[]"
            answers.setdefault(shape, (request.url.path, response.content))
        return response

    def made(change: Change) -> Recorded:
        twin = twins.twin(app_type.partition("_")[0], clock=StillClock(), page_size=5)
        twin.seed(app_type, events=8, late=0, start=NOW - 2 * DAY, end=NOW - DAY)
        return Recorded(twin, app_type, NOW - 3 * DAY, change)

    made(record).run(seconds=600)
    assert answers
    for path, body in answers.values():
        for place in [(), *places(json.loads(body))]:
            for odd in ODD:
                outcome = made(with_odd(path, place, odd)).run(seconds=600)
                told = outcome.error.message if outcome.error else ""
                assert "broke" not in told, (path, place, odd)
                assert "\n" not in told


def with_odd(path: str, place: tuple[str, ...], odd: Any) -> Change:
    """Put something odd into the first answer of a path."""
    done = False

    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        nonlocal done
        if done or request.url.path != path or not response.is_success:
            return response
        whole = {"": json.loads(response.content)}
        inner: Any = whole
        for name in ("", *place)[:-1]:
            inner = inner.get(name, {})
        inner[("", *place)[-1]] = odd
        done = True
        return altered(response, json.dumps(whole[""]).encode())

    return change


@pytest.mark.parametrize(
    ("app_type", "place"),
    [
        ("anthropic_activities", "last_id"),
        ("figma_activity", "meta cursor"),
        ("onelogin_events", "pagination after_cursor"),
        ("openai_audit", "last_id"),
        ("salesforce_loginhistory", "nextRecordsUrl"),
        ("snowflake_logins", "resultSetMetaData"),
        ("stripe_events", "data"),
        ("wiz_audit", "data list pageInfo endCursor"),
        ("zendesk_audit", "meta after_cursor"),
    ],
)
def test_a_list_that_has_more_and_does_not_say_where_has_not_ended(app_type: str, place: str) -> None:
    names, spoilt = place.split(), 0

    def change(_: httpx.Request, response: httpx.Response) -> httpx.Response:
        nonlocal spoilt
        whole = response.json() if response.content[:1] == b"{" else {}
        inner = whole
        for name in names[:-1]:
            inner = inner.get(name, {}) or {}
        ends = whole.get("has_more") is False or inner.get("hasNextPage") is False
        if spoilt > 1 or ends or not inner.get(names[-1]):
            return response
        spoilt += 1
        inner[names[-1]] = type(inner[names[-1]])()
        return altered(response, json.dumps(whole).encode())

    twin = twins.twin(app_type.partition("_")[0], clock=StillClock(), page_size=5)
    twin.seed(app_type, events=40, late=0, start=NOW - 9 * HOUR, end=NOW - 5 * HOUR)
    app = Recorded(twin, app_type, NOW - 10 * HOUR, change)

    outcome = app.run()

    assert spoilt
    assert (outcome.status, outcome.error and outcome.error.code) == ("failed", "bad_response")
    app.every(HOUR, 4)
    assert nothing_lost_or_repeated(app.tally())


def test_every_service_is_held_to_that() -> None:
    assert set(SERVICES) == set(services.services())

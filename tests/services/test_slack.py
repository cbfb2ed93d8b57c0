"""Slack's logs, against its twin."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import (
    AppError,
    BadResponse,
    CredentialsError,
    RateLimited,
    RequestRefused,
    Unavailable,
    UsageError,
)
from streamalert_apps.sdk.http import ToSimulator
from streamalert_apps.services.slack.app import SlackAccess
from streamalert_apps.services.slack.twin import Slack
from streamalert_apps.services.slack.twin.access import Tenant
from streamalert_apps.simulator.faults import CutBody, Dropped, Fault, HtmlPage, Status
from streamalert_apps.simulator.server import serve
from tests.services import running
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

ACCESS, INTEGRATION, AUDIT = "slack_access", "slack_integration", "slack_audit"
TYPES = (ACCESS, INTEGRATION, AUDIT)
LISTS = (ACCESS, INTEGRATION)
START = NOW - timedelta(hours=3)
LAG = SlackAccess.lag
TOKEN, TEAM, *_ = SlackAccess.auth


COUNTED_BYTES = 75_000


@pytest.fixture(autouse=True)
def _counts_of_rows_without_id_fit_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Integration rows have no id: while a listing is under way its checkpoint holds counts of them."""
    monkeypatch.setattr(running, "CHECKPOINT_BYTES", COUNTED_BYTES)


def collector(app_type: str, *, faults: tuple[Fault, ...] = (), **options: Any) -> Collector:
    twin = Slack(StillClock(), **({"rate": None} | options))
    return Collector(twin, app_type, START - timedelta(hours=1), faults)


def until_settled(app: Collector) -> None:
    """Run every twenty minutes until nothing can come any more."""
    for _ in range(5):
        app.finish()
        app.twin.clock.sleep(1200)


def cut_short(app: Collector, *, pages: int, runs: int, every: int = 60) -> None:
    """Run so many times, each cut short after so many pages; then until nothing can come any more."""
    for _ in range(runs):
        app.run(pages=pages)
        app.twin.clock.sleep(every)
    until_settled(app)


def slack(app: Collector) -> Slack:
    assert isinstance(app.twin, Slack)
    return app.twin


@pytest.mark.parametrize(
    ("app_type", "method"), [(ACCESS, "team.accessLogs"), (INTEGRATION, "team.integrationLogs")]
)
def test_a_list_is_asked_for_a_thousand_rows_a_page_and_without_bounds(app_type: str, method: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=2500, start=START, end=NOW - LAG)

    app.finish()

    assert {asked.path for asked in app.requests} == {f"/api/{method}"}
    assert [dict(asked.params) for asked in app.requests] == [
        {"count": "1000", "page": page}
        for page in ("1", "2", "3") * 2  # for the look, and for the sweep
    ]


def test_audit_logs_are_asked_for_between_two_seconds() -> None:
    app = collector(AUDIT)
    app.finish()

    lag, since, now = 300, int(app.since.timestamp()), int(NOW.timestamp())
    look, sweep = (dict(asked.params) for asked in app.requests)
    assert look == {"oldest": f"{now - lag}", "latest": f"{now + 1}", "limit": "1000"}
    assert sweep == {"oldest": f"{since - 1}", "latest": f"{now + 1}", "limit": "1000"}


@pytest.mark.parametrize("app_type", TYPES)
def test_a_backlog_with_a_busy_second_arrives_whole(app_type: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=5000, burst=2300, late=50, start=START, end=NOW)

    until_settled(app)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 5000


@pytest.mark.parametrize("app_type", TYPES)
@pytest.mark.parametrize("pages", [1, 3])
def test_a_log_that_is_read_by_many_runs_arrives_whole(app_type: str, pages: int) -> None:
    app = collector(app_type, page_size=50)
    app.twin.seed(app_type, events=1000, burst=400, late=30, start=START, end=NOW)

    cut_short(app, pages=pages, runs=40)

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("app_type", TYPES)
def test_events_that_show_up_late_arrive_once(app_type: str) -> None:
    app = collector(app_type)
    late = timedelta(minutes=4) if app_type == AUDIT else LAG - timedelta(minutes=10)
    app.twin.seed(app_type, events=400, late=150, start=START, end=NOW, lateness=late)

    until_settled(app)
    until_settled(app)

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("app_type", LISTS)
@pytest.mark.parametrize("pages", [1, 4, 60])
def test_rows_that_new_ones_push_to_the_next_page_arrive_once(app_type: str, pages: int) -> None:
    app = collector(app_type, page_size=20)
    app.twin.seed(app_type, events=300, start=START, end=NOW - LAG)
    app.twin.seed(app_type, events=400, burst=150, start=NOW, end=NOW + timedelta(minutes=20))

    cut_short(app, pages=pages, runs=25)

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("newest_first", [True, False])
def test_integration_rows_that_are_equal_arrive_as_often_as_there_are(*, newest_first: bool) -> None:
    app = collector(INTEGRATION, page_size=10, newest_first=newest_first)
    for second in range(12):
        name = app.twin.put(INTEGRATION, at=NOW - LAG - timedelta(seconds=second))
        for _ in range(second % 4):
            slack(app).same_again(name)

    cut_short(app, pages=1, runs=8)

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("options", [{"by_last": True}, {"newest_first": False}])
@pytest.mark.parametrize("app_type", LISTS)
def test_lists_in_another_order_than_expected_arrive_whole(app_type: str, options: dict[str, Any]) -> None:
    app = collector(app_type, page_size=20, **options)
    app.twin.seed(app_type, events=700, burst=200, start=START, end=NOW + timedelta(minutes=10))

    cut_short(app, pages=5, runs=12)

    assert nothing_lost_or_repeated(app.tally())


def test_a_row_is_forwarded_again_when_its_user_has_come_back() -> None:
    app = collector(ACCESS)
    first = app.twin.put(ACCESS, at=NOW - timedelta(minutes=90))
    app.finish()

    app.twin.clock.sleep(3600)
    second = slack(app).access_again(first, at=app.twin.clock.now())
    app.finish()
    app.finish()

    assert [app.twin.identify(ACCESS, log) for log in app.logs] == [first, second]
    assert app.logs[1]["count"] == app.logs[0]["count"] + 1
    assert app.logs[1]["date_first"] == app.logs[0]["date_first"]


def test_of_two_changes_between_two_runs_the_later_one_is_seen() -> None:
    app = collector(ACCESS)
    first = app.twin.put(ACCESS, at=NOW - timedelta(minutes=90))
    app.finish()

    second = slack(app).access_again(first, at=NOW + timedelta(minutes=1))
    third = slack(app).access_again(second, at=NOW + timedelta(minutes=2))
    app.twin.clock.sleep(3600)
    app.finish()

    assert [app.twin.identify(ACCESS, log) for log in app.logs] == [first, third]


def test_a_row_of_years_ago_deep_in_the_list_is_seen_by_the_next_sweep_when_it_changes() -> None:
    app = collector(ACCESS, page_size=10)
    old = NOW - timedelta(days=700)
    ancient = app.twin.put(ACCESS, at=old, date_first=int(old.timestamp()))
    app.twin.seed(ACCESS, events=95, start=START, end=NOW - LAG)
    app.finish()

    changed = slack(app).access_again(ancient, at=NOW)
    app.twin.clock.sleep(LAG.total_seconds() / 4)
    app.finish()

    assert app.twin.identify(ACCESS, app.logs[-1]) == changed


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("pages", [None, 1, 3])
def test_whatever_changes_while_pages_are_read_the_last_state_of_each_row_arrives_once(
    seed: int, pages: int | None
) -> None:
    random, app = Random(seed), collector(ACCESS, page_size=20, seed=seed)
    app.twin.seed(ACCESS, events=200, burst=60, start=START, end=NOW)
    rows = {name: name for name in app.twin.held(ACCESS)}  # of each row, the first state and the last one
    states = set(rows)
    for _ in range(40):
        now = app.twin.clock.now()
        for name in random.sample(sorted(rows), random.randrange(8)):
            seen = now + timedelta(seconds=random.randrange(300))
            rows[name] = slack(app).access_again(rows[name], at=now, visible=seen)
            states.add(rows[name])
        if random.randrange(3) == 0:
            app.twin.seed(ACCESS, events=5, start=now, end=now + timedelta(seconds=30))
        app.run(pages=pages)
        app.twin.clock.sleep(random.choice([10, 60, 300, 1200]))
    for _ in range(2):
        until_settled(app)

    arrived = Counter(app.twin.identify(ACCESS, log) for log in app.logs)
    held = app.twin.held(ACCESS)
    assert held.keys() <= arrived.keys() <= states | held.keys()
    assert set(arrived.values()) == {1}


def test_of_users_who_are_all_active_those_who_came_last_are_forwarded_first_and_all_of_them_once() -> None:
    app = collector(ACCESS)
    for minute in range(400):  # all were active a minute ago; they came one after the other
        began = int((NOW - timedelta(minutes=2 + minute)).timestamp())
        app.twin.put(ACCESS, at=NOW - timedelta(minutes=1), date_first=began)

    until_settled(app)

    firsts = [log["date_first"] for log in app.logs]
    assert firsts == sorted(firsts, reverse=True)
    assert firsts[0] == int((NOW - timedelta(minutes=2)).timestamp())
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("by_last", [False, True])
def test_rows_beyond_a_hundred_pages_are_listed_before_the_last_of_them(*, by_last: bool) -> None:
    app = collector(ACCESS, page_size=3, by_last=by_last)
    app.twin.seed(ACCESS, events=800, burst=2, start=START, end=NOW - LAG)

    app.finish()

    assert {int(dict(asked.params)["page"]) for asked in app.requests} == set(range(1, 101))
    assert any("before" in dict(asked.params) for asked in app.requests)
    assert nothing_lost_or_repeated(app.tally())


def test_more_rows_in_a_second_than_a_hundred_pages_show_do_not_hold_up_the_rest() -> None:
    app = collector(ACCESS, page_size=2)
    busy = NOW - LAG - timedelta(minutes=5)
    for _ in range(230):
        app.twin.put(ACCESS, at=busy, date_first=int(busy.timestamp()))
    older = app.twin.put(ACCESS, at=busy - timedelta(seconds=1))

    app.finish()

    assert app.twin.identify(ACCESS, app.logs[-1]) == older


def test_integration_rows_beyond_the_pages_that_are_shown_are_given_up_aloud(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = collector(INTEGRATION, page_size=2)
    app.twin.seed(INTEGRATION, events=210, start=START, end=NOW - LAG)

    app.finish()

    assert len(app.logs) == 200
    assert "shows no page 101" in caplog.text


def test_cursors_that_end_between_two_runs_cost_nothing() -> None:
    app = collector(AUDIT, page_size=100)
    app.twin.seed(AUDIT, events=1500, burst=150, start=START, end=NOW - timedelta(minutes=10))

    for _ in range(40):
        app.run(pages=3)  # one of the look, and two of the sweep: the busy second has two
        slack(app).forget_cursors()
        app.twin.clock.sleep(10)

    assert 400 in {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("app_type", TYPES)
def test_a_limit_is_waited_out(app_type: str) -> None:
    app = collector(app_type, rate=4, page_size=50)
    app.twin.seed(app_type, events=1000, start=START, end=NOW - LAG)

    app.finish()

    refused = [asked for asked in app.requests if asked.status == 429]
    assert refused
    assert len(refused) < len(app.requests) / 2
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("app_type", TYPES)
def test_faults_on_the_way_cost_nothing(app_type: str) -> None:
    faults = (
        Fault(Status(200), nth=2),  # an error of Slack's own
        Fault(Status(503), nth=3),
        Fault(Dropped(), nth=4),
        Fault(CutBody(), nth=6),
        Fault(Status(429, retry_after=30), nth=7),
    )
    app = collector(app_type, faults=faults, page_size=100)
    app.twin.seed(app_type, events=800, start=START, end=NOW - LAG)

    app.finish()

    assert len({asked.fault for asked in app.requests} - {""}) == 3
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("app_type", "options", "error", "hint"),
    [
        (ACCESS, {"tenant": Tenant(scopes=frozenset({"users:read"}))}, CredentialsError, "'admin'"),
        (AUDIT, {"tenant": Tenant(scopes=frozenset({"admin"}))}, CredentialsError, "'auditlogs:read'"),
        (INTEGRATION, {"tenant": Tenant(plan="free")}, RequestRefused, "plan"),
        (AUDIT, {"tenant": Tenant(plan="paid")}, RequestRefused, "plan"),
        (ACCESS, {"credentials": {"auth_token": "xoxb-1-2-abc"}}, CredentialsError, "administrator"),
    ],
)
def test_a_refusal_is_explained(
    app_type: str, options: dict[str, Any], error: type[AppError], hint: str
) -> None:
    with pytest.raises(error) as refused:
        collector(app_type, **options).app().check()

    assert hint in refused.value.hint


@pytest.mark.parametrize("app_type", TYPES)
def test_a_wrong_token_is_told_although_the_status_is_200(app_type: str) -> None:
    app = collector(app_type)
    app.credentials = dict(app.twin.wrong_credentials)

    with pytest.raises(CredentialsError) as refused:
        app.finish()

    assert "token" in refused.value.hint
    assert app.credentials["auth_token"] not in f"{refused.value}{refused.value.hint}"
    assert app.checkpoint
    assert app.checkpoint["floor"] == app.app().start(app.since)["floor"]


def test_a_token_of_an_organization_needs_the_workspace() -> None:
    app = collector(ACCESS, tenant=Tenant(organisation=True))
    app.twin.seed(ACCESS, events=10, start=START, end=NOW - LAG)
    app.finish()

    app.credentials = {"auth_token": app.twin.credentials["auth_token"]}
    with pytest.raises(RequestRefused, match="missing_argument"):
        app.app().check()

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("app_type", TYPES)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(HtmlPage()), BadResponse),
        (Fault(Status(500)), Unavailable),
        (Fault(Status(429, retry_after=60)), RateLimited),
    ],
)
def test_an_answer_that_is_none_is_an_error(app_type: str, fault: Fault, error: type[AppError]) -> None:
    with pytest.raises(error):
        collector(app_type, faults=(fault,)).finish()


@pytest.mark.parametrize("app_type", TYPES)
def test_a_run_over_a_real_connection_brings_the_same(app_type: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=1500, start=START, end=NOW - LAG)

    with serve(app.twin) as server, ToSimulator(server.url) as app.wire:  # type: ignore[assignment]
        app.finish()

    assert {asked.status for asked in server.requests} == {200}
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("app_type", "schema"),
    [(ACCESS, "slack:access"), (INTEGRATION, "slack:integration_v2"), (AUDIT, "slack:audit")],
)
def test_its_logs_match_its_schema_and_no_other(app_type: str, schema: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=1000, start=START, end=NOW - LAG)
    app.finish()
    schemas = services.schemas("slack")

    matched = {name for log in app.logs for name in schemas if accepts(schemas[name], log)}

    assert services.find(app_type).schemas == (schema,)
    assert len(app.logs) == 1000
    assert all(accepts(schemas[schema], log) for log in app.logs)
    assert matched == {schema}


@pytest.mark.parametrize("token", ["xoxp-123-456-789-0abcdef", "xoxe.xoxp-1-Mi0yLTEyMzQ1"])
def test_tokens_of_users_are_taken(token: str) -> None:
    assert TOKEN.parse(token) == token


@pytest.mark.parametrize("token", ["xoxb-123-456", "xoxe-1-abc", "xapp-1-A1", "xoxp-", "Bearer xoxp-1", ""])
def test_other_tokens_are_not(token: str) -> None:
    with pytest.raises(UsageError):
        TOKEN.parse(token)


def test_the_workspace_may_be_left_out() -> None:
    assert TEAM.parse("") is None
    assert TEAM.parse("T01ABCDEFGH") == "T01ABCDEFGH"
    with pytest.raises(UsageError):
        TEAM.parse("acme")

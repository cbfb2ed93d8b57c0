"""Atlassian's three logs against a twin: a stream by cursor, and lists whose order is not documented."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import CredentialsError, UsageError
from streamalert_apps.services.atlassian.app import AtlassianJira
from streamalert_apps.services.atlassian.twin import Atlassian
from tests.services import running
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.simulator.world import NOW, StillClock

STREAM, JIRA, CONFLUENCE = "atlassian_org_events", "atlassian_jira", "atlassian_confluence"
START = NOW - timedelta(hours=2)
LAG = AtlassianJira.lag

COUNTED_BYTES = 75_000

every = pytest.mark.parametrize("app_type", [STREAM, JIRA, CONFLUENCE])
undocumented = pytest.mark.parametrize(
    "reading",
    [{}, {"newest_first": False}, {"capped": True}, {"capped": True, "newest_first": False}],
    ids=str,
)


@pytest.fixture(autouse=True)
def _counts_of_rows_without_id_fit_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Confluence's records have no id: while a listing is under way its checkpoint holds counts of them."""
    monkeypatch.setattr(running, "CHECKPOINT_BYTES", COUNTED_BYTES)


def collector(app_type: str, **options: Any) -> Collector:
    return Collector(Atlassian(StillClock(), **({"rate": None} | options)), app_type, START)


@every
def test_a_backlog_arrives_whole(app_type: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=1500, burst=300, start=START, end=NOW - timedelta(hours=1))

    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 1500


@undocumented
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
def test_jiras_records_arrive_whole_however_it_lists_them(reading: dict[str, Any], *, cut: bool) -> None:
    app = collector(JIRA, page_size=20, **reading)
    app.twin.seed(JIRA, events=400, burst=30, late=20, start=START, end=NOW)

    if cut:
        app.cut_short(runs=20)
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 400


@pytest.mark.parametrize("newest_first", [True, False])
def test_confluences_records_arrive_whole_and_once_while_others_come_in(*, newest_first: bool) -> None:
    app = collector(CONFLUENCE, page_size=20, newest_first=newest_first)
    app.twin.seed(CONFLUENCE, events=300, burst=30, late=60, start=START, end=NOW + timedelta(minutes=5))
    app.slow_down(2)

    app.cut_short(runs=20)
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())


def test_two_equal_records_of_confluence_are_two() -> None:
    app = collector(CONFLUENCE)
    for _ in range(2):
        app.twin.put(
            CONFLUENCE,
            at=NOW - timedelta(hours=1),
            author={},
            remoteAddress="",
            summary="x",
            description="",
            category="",
            superAdmin=False,
            changedValues=[],
            associatedObjects=[],
        )

    app.finish()

    assert app.tally().arrived == 2
    assert set(app.twin.held(CONFLUENCE).values()) == {2}


def test_more_records_in_one_millisecond_than_jira_shows_are_told(caplog: pytest.LogCaptureFixture) -> None:
    app = collector(JIRA, page_size=5, capped=True)
    for _ in range(7):
        app.twin.put(JIRA, at=NOW - timedelta(hours=1))

    app.finish()

    assert len(app.logs) == 5
    assert "shows only 5 of the records in one millisecond" in caplog.text


@pytest.mark.parametrize("last_cursor", [True, False])
def test_the_stream_goes_on_where_it_ended(*, last_cursor: bool) -> None:
    app = collector(STREAM, last_cursor=last_cursor, page_size=20)
    app.twin.seed(STREAM, events=90, start=START, end=NOW)
    app.finish()
    app.twin.put(STREAM, at=NOW - timedelta(hours=1), visible=NOW + timedelta(minutes=5))
    app.twin.clock.sleep(600)
    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert sum("from" in dict(asked.params) for asked in app.requests) == 1


def test_a_cursor_that_is_not_known_any_more_costs_no_event() -> None:
    app = collector(STREAM)
    app.twin.seed(STREAM, events=50, start=START, end=NOW)
    app.finish()
    assert isinstance(app.twin, Atlassian)
    app.twin.forget_cursors()
    app.twin.clock.sleep(3600)
    app.twin.put(STREAM, at=app.twin.clock.now() - timedelta(minutes=50))

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(("app_type", "limit"), [(STREAM, "rate"), (JIRA, "site_rate")])
def test_a_limit_is_waited_out(app_type: str, limit: str) -> None:
    app = collector(app_type, page_size=20, **{limit: 3})
    app.twin.seed(app_type, events=100, start=START, end=NOW - timedelta(hours=1))

    app.finish()

    assert 429 in {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


@every
@pytest.mark.parametrize("domain", ["atlassian", "atlassian-us-gov-mod", "atlassian-us-gov"])
@pytest.mark.parametrize("scoped", [False, True])
def test_each_cloud_has_its_hosts(app_type: str, domain: str, *, scoped: bool) -> None:
    app = collector(app_type, domain=domain, scoped=scoped)
    cloud = domain.removeprefix("atlassian").removeprefix("-us-")
    app.credentials = dict(app.twin.credentials) | ({"cloud": cloud} if cloud else {})
    app.twin.put(app_type, at=NOW - timedelta(hours=1))

    app.app().check()
    app.finish()

    assert app.tally().arrived == 1


@pytest.mark.parametrize(
    ("app_type", "options", "changed", "hint"),
    [
        (STREAM, {}, {"api_key": "x" * 40}, "a year at most"),
        (STREAM, {}, {"org_id": "12345678"}, "org_id"),
        (STREAM, {"permitted": False}, {}, "read:events:admin"),
        (JIRA, {}, {"token": "x" * 40}, "email and token"),
        (JIRA, {"scoped": True}, {"cloud_id": None}, "cloud_id"),
        (CONFLUENCE, {"permitted": False}, {}, "paid plan"),
        (CONFLUENCE, {}, {"site": "other.atlassian.net"}, "site and cloud_id"),
    ],
)
def test_credentials_that_are_refused_are_explained(
    app_type: str, options: dict[str, Any], changed: dict[str, Any], hint: str
) -> None:
    app = collector(app_type, **options)
    app.credentials = dict(app.twin.credentials) | changed

    with pytest.raises(CredentialsError) as refused:
        app.app().check()

    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("app_type", "name", "right", "wrong"),
    [
        (
            JIRA,
            "site",
            ["acme.atlassian.net", "acme.jira.com", "acme.atlassian-us-gov-mod.net"],
            [
                "atlassian.net",
                "acme.atlassian.com",
                "acme.atlassian.net.evil.test",
                "acme.evil-atlassian.net",
            ],
        ),
        (JIRA, "cloud_id", ["436f9f3c-1d2e-4f50-8b6a-0123456789ab"], ["acme"]),
        (STREAM, "cloud", ["gov", "gov-mod"], ["us", "gov-mod.evil"]),
        (STREAM, "api_key", ["ATCTT3xFfGN0abc-_=1234567890"], ["ATATT3xFfGN0abc-_=1234567890"]),
    ],
)
def test_what_atlassian_issues_is_taken_and_a_slip_is_not(
    app_type: str, name: str, right: list[str], wrong: list[str]
) -> None:
    (field,) = (one for one in services.find(app_type).auth if one.name == name)

    assert [field.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            field.parse(text)

"""OneLogin, against its twin; whatever OneLogin does not document is tried both ways."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps.errors import CredentialsError, RateLimited
from streamalert_apps.services.onelogin.app import OneLoginEvents
from streamalert_apps.services.onelogin.twin import Onelogin
from streamalert_apps.simulator.faults import Fault
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.simulator.world import NOW, StillClock

APP = "onelogin_events"
START = NOW - timedelta(hours=2)
LAG = OneLoginEvents.lag

undocumented = pytest.mark.parametrize(
    "reading",
    [
        {},
        {"order": "newest"},
        {"inclusive": False},
        {"numbered_on_arrival": True},
        {"order": "newest", "inclusive": False, "numbered_on_arrival": True, "empty_last_page": False},
    ],
    ids=lambda reading: "-".join(reading) or "documented",
)


def collector(*, faults: tuple[Fault, ...] = (), **options: Any) -> Collector:
    return Collector(Onelogin(StillClock(), **({"rate": None} | options)), APP, START, faults)


@undocumented
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
def test_a_backlog_with_a_busy_second_arrives_whole(reading: dict[str, Any], *, cut: bool) -> None:
    app = collector(**reading)
    app.twin.seed(APP, events=1200, burst=800, late=40, start=START, end=NOW)

    if cut:
        app.cut_short()
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 1200


@undocumented
def test_events_that_show_up_late_arrive_once(reading: dict[str, Any]) -> None:
    app = collector(**reading)
    app.twin.seed(APP, events=300, late=120, start=START, end=NOW, lateness=timedelta(minutes=7))

    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())


@undocumented
def test_a_log_that_grows_while_it_is_read_arrives_whole(reading: dict[str, Any]) -> None:
    app = collector(**reading)
    app.twin.seed(APP, events=600, late=20, start=START, end=NOW + timedelta(minutes=10))

    app.cut_short()
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())


def test_the_region_of_old_credentials_leads_to_the_old_host() -> None:
    app = collector(region="eu")
    app.twin.put(APP, at=NOW - LAG)
    app.credentials = {key: app.twin.credentials[key] for key in ("client_id", "client_secret")}
    app.credentials["region"] = "eu"

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("both", [{}, {"region": "us", "subdomain": "acme"}])
def test_a_subdomain_and_a_region_exclude_each_other(both: dict[str, str]) -> None:
    app = collector()
    app.credentials = {key: app.twin.credentials[key] for key in ("client_id", "client_secret")} | both

    with pytest.raises(CredentialsError, match="either a subdomain or a region"):
        app.app().check()


def test_a_token_serves_a_whole_run_and_is_renewed_when_it_is_refused() -> None:
    app = collector()
    app.twin.seed(APP, events=500, start=START, end=NOW - LAG)
    app.run(pages=2)
    polling = app.app().poll(app.checkpoint or {})
    first = next(polling)
    app.twin.revoke_tokens()

    pages = [first, *polling]

    grants = [asked for asked in app.requests if asked.path == "/auth/oauth2/v2/token"]
    collected = app.memory.ids.union(*(page.ids for page in pages))
    assert len(collected) == 500
    assert len(grants) == 3  # one a run, one after the revocation
    assert [asked.status for asked in app.requests].count(401) == 1


def test_a_token_is_renewed_before_it_ends() -> None:
    app = collector(token_seconds=600)
    app.twin.seed(APP, events=500, start=START, end=NOW - LAG)

    collected: set[bytes] = set()
    for page in app.app().poll({"floor": START.isoformat()}):
        app.twin.clock.sleep(120)
        collected.update(page.ids)

    assert len(collected) == 500
    assert [asked.path for asked in app.requests].count("/auth/oauth2/v2/token") > 1
    assert {asked.status for asked in app.requests} == {200}


@pytest.mark.parametrize("status", [400, 429])
def test_the_end_of_the_hours_limit_is_waited_for_whatever_its_status(status: int) -> None:
    app = collector(rate=4, limited=status)
    app.twin.seed(APP, events=400, start=START, end=NOW - LAG)

    app.finish()

    assert [asked.status for asked in app.requests].count(status) == 2
    assert app.twin.clock.now() - NOW == timedelta(hours=2)
    assert nothing_lost_or_repeated(app.tally())


def test_a_wait_for_which_there_is_no_time_is_told() -> None:
    app = collector(rate=0)
    app.seconds = 60

    with pytest.raises(RateLimited) as limited:
        app.finish()

    assert limited.value.retry_after == 3600


def test_a_cursor_that_ended_between_two_runs_loses_nothing() -> None:
    app = collector(cursor_seconds=60)
    app.twin.seed(APP, events=300, start=START, end=NOW - LAG)
    app.run(pages=2)
    app.twin.clock.sleep(120)

    app.finish()

    assert app.tally().lost == ()


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"client_secret": "0" * 64}, "API credential"),
        ({}, {"subdomain": "umbrella"}, "subdomain"),
        ({"permitted": False}, {}, "Read All"),
    ],
)
def test_credentials_that_are_refused_are_explained(
    options: dict[str, Any], changed: dict[str, str], hint: str
) -> None:
    app = collector(**options)
    app.credentials = dict(app.twin.credentials) | changed

    with pytest.raises(CredentialsError) as refused:
        app.app().check()

    assert hint in refused.value.hint


def test_the_state_is_one_that_streamalert_goes_on_from_and_the_other_way_round() -> None:
    app = collector().app()
    checkpoint = app.adopt("2023-11-21T08:00:00Z", {})

    assert app.last_timestamp(checkpoint) == "2023-11-21T08:00:00Z"

"""The three feeds of 1Password against a twin: cursor by cursor, over empty pages, in each region."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import CredentialsError, UsageError
from streamalert_apps.services.onepassword.twin import Onepassword
from streamalert_apps.services.onepassword.twin.api import HOSTS
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.simulator.world import NOW, StillClock

AUDIT = "onepassword_audit"
START = NOW - timedelta(hours=2)

every = pytest.mark.parametrize("app_type", sorted(services.apps("onepassword")))


def collector(app_type: str = AUDIT, **options: Any) -> Collector:
    return Collector(Onepassword(StillClock(), **({"rate": None} | options)), app_type, START)


@every
def test_a_backlog_arrives_whole(app_type: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=2500, burst=1200, start=START, end=NOW)

    app.cut_short(runs=4)
    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 2500


def test_an_empty_page_with_more_behind_it_ends_no_run() -> None:
    app = collector(page_size=10)
    app.twin.seed(AUDIT, events=200, start=START, end=NOW)

    app.run()

    assert 0 in app.pages
    assert app.tally().arrived == 200


def test_a_run_with_nothing_new_is_one_request() -> None:
    app = collector(page_size=10)
    app.twin.seed(AUDIT, events=25, start=START, end=NOW)
    app.finish()
    before = len(app.requests)

    app.run()

    assert len(app.requests) == before + 1


def test_an_event_that_comes_days_late_arrives_once() -> None:
    app = collector()
    app.twin.seed(AUDIT, events=100, start=START, end=NOW)
    app.twin.put(AUDIT, at=NOW - timedelta(minutes=5), visible=NOW + timedelta(days=3))

    app.come_to_rest(lag=timedelta(days=3))

    assert nothing_lost_or_repeated(app.tally())


def test_a_cursor_that_is_not_known_any_more_costs_no_event() -> None:
    app = collector()
    app.twin.seed(AUDIT, events=50, start=START, end=NOW)
    app.finish()
    assert isinstance(app.twin, Onepassword)
    app.twin.forget_cursors()
    app.twin.clock.sleep(3600)
    app.twin.put(AUDIT, at=app.twin.clock.now() - timedelta(minutes=50))

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


def test_a_cursor_of_another_feed_is_not_taken() -> None:
    app, other = collector(), collector("onepassword_signins")
    app.twin.seed(AUDIT, events=5, start=START, end=NOW)
    other.twin = app.twin
    app.finish()
    other.wire = app.wire
    assert app.checkpoint is not None
    other.checkpoint = app.checkpoint

    other.finish()

    assert 400 in {asked.status for asked in other.requests}


@pytest.mark.parametrize("region", HOSTS)
def test_each_region_has_its_host(region: str) -> None:
    app = collector(region=region)
    app.twin.put(AUDIT, at=NOW - timedelta(minutes=1))

    app.app().check()
    app.finish()

    assert app.tally().arrived == 1


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    ("options", "changed", "message"),
    [
        ({}, {"token": "eyJ4.eyJ5.z"}, "refused the token"),
        ({"features": ["itemusages"]}, {}, "not cover auditevents"),
    ],
)
def test_credentials_that_are_refused_are_explained(
    options: dict[str, Any], changed: dict[str, str], message: str, *, plain: bool
) -> None:
    app = collector(plain=plain, **options)
    app.credentials = dict(app.twin.credentials) | changed

    with pytest.raises(CredentialsError, match=message):
        app.app().check()


def test_a_token_that_lost_its_feature_is_refused_in_a_run() -> None:
    app = collector(features=["itemusages"])

    with pytest.raises(CredentialsError, match="refused the token"):
        app.finish()


def test_the_limit_is_waited_out() -> None:
    app = collector(rate=3, page_size=10)
    app.twin.seed(AUDIT, events=60, start=START, end=NOW)

    app.finish()

    assert 429 in {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("region", ["com", "ca", "eu", "ent"], ["us", "COM", "events.1password.com"]),
        (
            "token",
            ["eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOltdfQ.c2ln-_0"],
            ["eyJhbGciOiJFUzI1NiJ9", "Bearer eyJ.eyJ.a"],
        ),
    ],
)
def test_what_1password_issues_is_taken_and_a_slip_is_not(
    name: str, right: list[str], wrong: list[str]
) -> None:
    (field,) = (one for one in services.find(AUDIT).auth if one.name == name)

    assert [field.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            field.parse(text)


def test_the_first_request_says_from_when_on_and_no_other_does() -> None:
    app = collector().app()
    position = json.loads(app.start(START)["position"])

    assert position == {"limit": 1000, "start_time": "2023-11-21T08:00:00.000Z"}

"""Auth0's logs against a twin: from the right place on, id by id, whatever their dates are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import CredentialsError, UsageError
from streamalert_apps.services.auth0.twin import Auth0
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.faults import Delivery, Fault
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.simulator.world import NOW, StillClock

APP = "auth0_logs"
START = NOW - timedelta(hours=2)


def collector(*, faults: tuple[Fault, ...] = (), **options: Any) -> Collector:
    return Collector(Auth0(StillClock(), **({"rate": None} | options)), APP, START, faults)


def test_a_backlog_arrives_whole() -> None:
    app = collector()
    app.twin.seed(APP, events=1500, burst=800, start=START, end=NOW)

    app.cut_short(runs=6)
    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 1500


def test_a_first_run_begins_where_the_wanted_time_is() -> None:
    app = collector()
    app.twin.seed(APP, events=500, start=START - timedelta(days=2), end=START)
    app.twin.seed(
        APP, events=50, late=20, lateness=timedelta(minutes=9), start=START, end=NOW - timedelta(hours=1)
    )

    app.finish()

    assert nothing_lost_or_repeated(app.tally(since=START))
    assert app.tally(since=START).arrived == 50
    assert len(app.requests) < 8


def test_a_log_before_the_wanted_time_that_was_stored_late_hides_none_after_it() -> None:
    app = collector()
    app.twin.seed(APP, events=20, start=START - timedelta(hours=1), end=START - timedelta(minutes=1))
    app.twin.seed(APP, events=50, start=START, end=NOW)
    app.twin.put(APP, at=START - timedelta(seconds=1), visible=NOW)

    app.finish()

    assert app.tally(since=START).lost == ()
    assert len(app.logs) == 50


def test_a_tenant_with_nothing_yet_is_read_once_it_has_something() -> None:
    app = collector()
    app.finish()
    app.twin.put(APP, at=NOW)
    app.twin.put(APP, at=NOW + timedelta(seconds=1))
    app.twin.clock.sleep(60)

    app.finish()

    assert app.tally().arrived == 2


def test_a_log_that_is_stored_hours_late_arrives_once() -> None:
    app = collector()
    app.twin.seed(APP, events=200, late=50, lateness=timedelta(hours=3), start=START, end=NOW)

    app.come_to_rest(lag=timedelta(hours=3))

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("refuses_old", [True, False])
def test_after_a_pause_longer_than_the_plan_keeps_logs_the_rest_arrives(*, refuses_old: bool) -> None:
    app = collector(keeps=timedelta(days=1), refuses_old=refuses_old)
    app.twin.seed(APP, events=20, start=START, end=NOW)
    app.finish()
    app.twin.seed(APP, events=300, start=NOW, end=NOW + timedelta(days=4))
    app.twin.clock.sleep(timedelta(days=4).total_seconds())

    app.finish()

    kept = app.tally(since=NOW + timedelta(days=3))
    assert (kept.lost, app.tally().repeated) == ((), ())


class Unlinked:
    """A fault: the links are missing, as behind some proxies."""

    def deliver(self, twin: Any, request: Request) -> Delivery:
        answer = twin.handle(request)
        headers = tuple(header for header in answer.headers if header[0] != "Link")
        return Delivery(Response(answer.status, answer.body, headers))


def test_without_links_the_last_id_leads_on() -> None:
    app = collector(faults=(Fault(Unlinked()),))
    app.twin.seed(APP, events=450, start=START, end=NOW)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


def test_the_limit_is_waited_out_until_the_moment_that_auth0_names() -> None:
    app = collector(rate=3, page_size=20)
    app.twin.seed(APP, events=100, start=START, end=NOW)

    app.finish()

    assert 429 in {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    "domain", ["acme.auth0.com", "acme.au.auth0.com", "acme.cic-demo-platform.auth0app.com"]
)
def test_a_tenant_of_each_region_is_asked(domain: str) -> None:
    app = collector(domain=domain)
    app.twin.put(APP, at=NOW - timedelta(minutes=1))

    app.app().check()
    app.finish()

    assert app.tally().arrived == 1


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"client_secret": "x" * 64}, "client secret"),
        ({}, {"domain": "other.eu.auth0.com"}, ""),
        ({"permitted": False}, {}, "read:logs"),
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


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        (
            "domain",
            ["acme.eu.auth0.com", "acme.auth0.com"],
            ["auth0.com", "login.acme.example", "acme.auth0.com.evil.test", "evilauth0.com"],
        ),
        ("client_id", ["1HXWWGKk1Zj3JF8GvMrnCSirccDs4qvr"], ["1HXW", "x" * 64]),
        ("client_secret", ["x_-" * 21 + "x"], ["1HXWWGKk1Zj3JF8GvMrnCSirccDs4qvr"]),
    ],
)
def test_what_auth0_issues_is_taken_and_a_slip_is_not(name: str, right: list[str], wrong: list[str]) -> None:
    (field,) = (one for one in services.find(APP).auth if one.name == name)

    assert [field.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            field.parse(text)

"""Intercom, against its twin; whatever Intercom does not document is tried both ways."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps.errors import BadResponse, CredentialsError, RateLimited
from streamalert_apps.services.intercom.app import IntercomAdminActivityLogs
from streamalert_apps.services.intercom.twin import Intercom
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.faults import Delivery, Fault
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.simulator.world import NOW, StillClock

APP = "intercom_admin_activity_logs"
START = NOW - timedelta(hours=2)
LAG = IntercomAdminActivityLogs.lag

undocumented = pytest.mark.parametrize(
    "reading",
    [
        {},
        {"order": "oldest"},
        {"inclusive": False},
        {"per_page": False},
        {"linked": False},
        {"order": "oldest", "inclusive": False, "per_page": False, "linked": False},
    ],
    ids=lambda reading: "-".join(reading) or "documented",
)


def collector(*, faults: tuple[Fault, ...] = (), **options: Any) -> Collector:
    return Collector(Intercom(StillClock(), **({"rate": None} | options)), APP, START, faults)


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
def test_a_log_that_grows_while_it_is_read_arrives_whole_and_once(reading: dict[str, Any]) -> None:
    app = collector(page_size=20, **reading)
    app.twin.seed(APP, events=600, late=60, start=START, end=NOW + timedelta(minutes=10))

    app.cut_short()
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())


@undocumented
def test_a_second_that_fills_a_page_ends_no_walk_at_its_boundary(reading: dict[str, Any]) -> None:
    app = collector(page_size=20, **reading)
    app.since = NOW - timedelta(minutes=30)
    for at in [app.since - timedelta(seconds=1)] * 50 + [app.since] * 50:
        app.twin.put(APP, at=at)

    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally(since=app.since))
    assert app.tally(since=app.since).held == 50


def test_every_page_of_a_walk_is_asked_for_with_the_same_bounds() -> None:
    app = collector(page_size=20)
    app.twin.seed(APP, events=100, start=START, end=NOW - LAG)

    app.finish()

    walk = [dict(asked.params) for asked in app.requests if "page" in dict(asked.params)]
    assert len(walk) >= 4
    assert len({(params["created_at_after"], params["created_at_before"]) for params in walk}) == 1


class Recorded(Intercom):
    """A twin that remembers the versions it was asked for."""

    def __init__(self) -> None:
        super().__init__(StillClock(), rate=None, page_size=20)
        self.versions: list[str | None] = []

    def handle(self, request: Request) -> Response:
        self.versions.append(request.headers.get("intercom-version"))
        return super().handle(request)


def test_each_request_names_the_version() -> None:
    twin = Recorded()
    twin.seed(APP, events=100, start=START, end=NOW - LAG)

    Collector(twin, APP, START).finish()

    assert len(twin.versions) > 5
    assert set(twin.versions) == {"2.14"}


class Elsewhere:
    """A fault: the link to the next page leads to another host, or to the page that has it."""

    def __init__(self, old: bytes, new: bytes) -> None:
        self.old, self.new = old, new

    def deliver(self, twin: Any, request: Request) -> Delivery:
        answer = twin.handle(request)
        return Delivery(Response(answer.status, answer.body.replace(self.old, self.new), answer.headers))


def test_a_link_to_another_place_is_not_followed() -> None:
    foreign = Fault(Elsewhere(b"https://api.intercom.io/admins", b"https://evil.example.com/x"))
    app = collector(page_size=20, faults=(foreign,))
    app.twin.seed(APP, events=100, start=START, end=NOW - LAG)

    app.finish()

    assert {asked.path for asked in app.requests} == {"/admins/activity_logs"}
    assert nothing_lost_or_repeated(app.tally())


def test_a_link_that_leads_nowhere_is_an_error() -> None:
    circle = Fault(Elsewhere(b"&page=3&", b"&page=2&"))
    app = collector(page_size=20, faults=(circle,))
    app.twin.seed(APP, events=100, start=START, end=NOW - LAG)

    with pytest.raises(BadResponse, match="leads to the same page"):
        app.finish()


def test_a_long_absence_is_caught_up_with_in_spans_that_intercom_can_answer() -> None:
    app = collector(longest=timedelta(days=2))
    app.since = NOW - timedelta(days=40)
    app.twin.seed(APP, events=1000, start=app.since, end=NOW - LAG)

    app.finish()

    assert {asked.status for asked in app.requests} == {200}
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("region", ["us", "eu", "au"])
def test_each_region_has_its_host(region: str) -> None:
    app = collector(region=region)
    app.twin.put(APP, at=NOW - LAG)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


def test_old_credentials_without_a_region_go_on_to_work() -> None:
    app = collector()
    app.twin.put(APP, at=NOW - LAG)
    app.credentials = {"token": app.twin.credentials["token"]}

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


def test_the_limit_is_waited_out_as_long_as_intercom_says() -> None:
    app = collector(rate=3, page_size=20)
    app.twin.seed(APP, events=200, start=START, end=NOW - LAG)

    app.finish()

    statuses = [asked.status for asked in app.requests]
    assert statuses[:5] == [200, 200, 200, 429, 200]
    assert nothing_lost_or_repeated(app.tally())


def test_a_wait_for_which_there_is_no_time_is_told() -> None:
    app = collector(rate=0)
    app.seconds = 5

    with pytest.raises(RateLimited) as limited:
        app.finish()

    assert limited.value.retry_after == 10


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"token": "dG9rOm5vYm9keV9ub2JvZHlfbm9ib2R5"}, "Check the token"),
        ({"region": "eu"}, {"region": "au"}, "region"),
        ({"plan": False}, {}, "plan"),
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
    checkpoint = app.adopt(1700553600, {})

    assert app.last_timestamp(checkpoint) == 1700553600

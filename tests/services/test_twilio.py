"""Twilio's events against a twin: pages by their address, keys and accounts, three regions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import BadResponse, CredentialsError, UsageError
from streamalert_apps.services.twilio.app import TwilioEvents
from streamalert_apps.services.twilio.twin import HOSTS, Twilio
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

EVENTS = "twilio_events"
START = NOW - timedelta(hours=3)
SETTLED = NOW - timedelta(hours=1)


def collector(**options: Any) -> Collector:
    return Collector(Twilio(StillClock(), **({"rate": None} | options)), EVENTS, START)


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
def test_what_came_late_and_what_came_at_once_arrives_once(*, cut: bool) -> None:
    app = collector(page_size=100)
    app.twin.seed(EVENTS, events=900, burst=400, late=40, start=START, end=NOW, lateness=timedelta(minutes=8))

    if cut:
        app.cut_short(runs=10)
    app.come_to_rest(lag=TwilioEvents.lag)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 900


def test_its_logs_match_its_schema() -> None:
    app = collector()
    app.twin.seed(EVENTS, events=200, start=START, end=SETTLED)
    app.finish()

    assert len(app.logs) == 200
    assert [log for log in app.logs if not accepts(services.schemas("twilio")["twilio:events"], log)] == []


def test_a_page_that_is_no_longer_known_loses_nothing() -> None:
    twin = Twilio(StillClock(), rate=None, page_size=50)
    twin.seed(EVENTS, events=300, start=START, end=SETTLED)
    app = Collector(twin, EVENTS, START)
    app.run(pages=2)
    twin.forget_cursors()

    app.come_to_rest(lag=TwilioEvents.lag)

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("region", HOSTS)
def test_each_region_has_its_host(region: str) -> None:
    app = collector(region=region, page_size=1)
    for _ in range(3):
        app.twin.put(EVENTS, at=SETTLED)

    app.app().check()
    app.finish()

    assert app.tally().arrived == 3


def test_an_account_signs_in_with_its_own_token() -> None:
    app = collector(by_key=False)

    app.app().check()

    assert {asked.status for asked in app.requests} == {200}


def test_a_next_page_elsewhere_is_not_asked_for() -> None:
    page = {"events": [], "meta": {"next_page_url": "https://evil.test/v1/Events?Page=1"}}

    error, urls = refused(EVENTS, "", 200, page)

    assert isinstance(error, BadResponse)
    assert {url.host for url in urls} == {"monitor.twilio.com"}


@pytest.mark.parametrize(("status", "hint"), [(401, "region"), (403, "Monitor > Events: Read")])
def test_a_refusal_is_explained(status: int, hint: str) -> None:
    error, _ = refused(EVENTS, "", status, {"code": 20003, "status": status})

    assert type(error) is CredentialsError
    assert hint in error.hint


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("sid", [f"SK{'0a' * 16}", f"AC{'0a' * 16}"], [f"US{'0a' * 16}", f"sk{'0a' * 16}", "SK"]),
        ("secret", ["aB3d" * 8], [f"SK{'0a' * 16}", "aB3d"]),
        ("region", ["us1", "ie1", "au1"], ["dublin", "eu1"]),
    ],
)
def test_what_twilio_issues_is_taken_and_a_slip_is_not(name: str, right: list[str], wrong: list[str]) -> None:
    (field,) = (one for one in services.find(EVENTS).auth if one.name == name)

    assert [field.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            field.parse(text)

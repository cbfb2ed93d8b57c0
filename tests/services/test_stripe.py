"""Stripe's events against a twin: on from an event's id, many in one second, and one account for another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, CredentialsError, PageTokenExpired, RequestRefused, UsageError
from streamalert_apps.services.stripe.app import StripeEvents
from streamalert_apps.services.stripe.twin import Stripe
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

EVENTS = "stripe_events"
START = NOW - timedelta(hours=3)
SETTLED = NOW - timedelta(hours=1)


def collector(**options: Any) -> Collector:
    return Collector(Stripe(StillClock(), **({"rate": None} | options)), EVENTS, START)


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
def test_what_came_late_and_what_came_at_once_arrives_once(*, cut: bool) -> None:
    app = collector()
    app.twin.seed(EVENTS, events=900, burst=400, late=40, start=START, end=NOW, lateness=timedelta(minutes=4))

    if cut:
        app.cut_short(runs=10)
    app.come_to_rest(lag=StripeEvents.lag)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 900


def test_its_logs_match_its_schema() -> None:
    app = collector()
    app.twin.seed(EVENTS, events=200, start=START, end=SETTLED)
    app.finish()

    assert len(app.logs) == 200
    assert [log for log in app.logs if not accepts(services.schemas("stripe")["stripe:events"], log)] == []


def test_an_event_that_says_something_else_the_next_time_is_the_same() -> None:
    app = collector()
    app.twin.seed(EVENTS, events=40, start=START, end=SETTLED)

    app.come_to_rest(lag=StripeEvents.lag)

    assert len({log["pending_webhooks"] for log in app.logs}) > 0
    assert nothing_lost_or_repeated(app.tally())


def test_events_of_a_connected_account_are_those_of_that_account() -> None:
    app = collector(account="acct_1Abcdefgh")
    app.twin.put(EVENTS, at=SETTLED)

    app.app().check()
    app.finish()

    assert app.tally().arrived == 1


def test_a_key_that_may_not_read_events_is_told() -> None:
    with pytest.raises(CredentialsError) as told:
        collector(permitted=False).app().check()

    assert "Events: Read" in told.value.hint


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "", CredentialsError),
        (403, "more_permissions_required", CredentialsError),
        (400, "resource_missing", PageTokenExpired),
        (404, "resource_missing", PageTokenExpired),
        (400, "parameter_unknown", RequestRefused),
    ],
)
def test_a_refusal_means(status: int, code: str, kind: type[AppError]) -> None:
    body = {"error": {"type": "invalid_request_error", "code": code, "message": "x"}}

    error, _ = refused(EVENTS, "", status, body)

    assert type(error) is kind


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("key", [f"rk_live_{'aB3' * 10}", f"sk_test_{'aB3' * 10}"], [f"pk_live_{'aB3' * 10}", "whsec_1"]),
        ("account", ["acct_1032D82eZvKYlo2C"], ["cus_1032D82eZvKYlo2C", "acct_"]),
    ],
)
def test_what_stripe_issues_is_taken_and_a_slip_is_not(name: str, right: list[str], wrong: list[str]) -> None:
    (field,) = (one for one in services.find(EVENTS).auth if one.name == name)

    assert [field.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            field.parse(text)

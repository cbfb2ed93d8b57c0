"""Anthropic's activity feed, against its twin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, BadResponse, CredentialsError, RateLimited
from streamalert_apps.services.anthropic.twin import Anthropic
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.simulator.world import NOW, StillClock

APP = "anthropic_activities"
START = NOW - timedelta(hours=3)


def collector(**options: Any) -> Collector:
    return Collector(Anthropic(StillClock(), **({"rate": None} | options)), APP, START)


def test_a_backlog_arrives_whole() -> None:
    app = collector(page_size=100)
    app.twin.seed(APP, events=600, burst=250, late=40, start=START, end=NOW)

    app.cut_short(runs=20)
    app.come_to_rest(lag=timedelta(minutes=5))

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600


def test_that_the_feed_was_read_is_collected_and_does_not_keep_a_run_from_its_end() -> None:
    app = collector(watched=True)

    for _ in range(10):
        app.finish()
        app.twin.clock.sleep(300)

    until = app.twin.clock.now() - timedelta(minutes=6)
    assert {log["type"] for log in app.logs} == {"compliance_api_accessed"}
    assert nothing_lost_or_repeated(app.tally(until=until))
    assert len(app.requests) < 40


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, {"error": {"type": "authentication_error"}}, CredentialsError, "refused the key"),
        (403, {"error": {"type": "permission_error"}}, CredentialsError, "refused access"),
        (429, {"error": {"type": "rate_limit_error"}}, RateLimited, "too many requests"),
        (200, {"data": [], "has_more": True, "last_id": None}, BadResponse, "the last"),
    ],
)
def test_an_answer_means(status: int, body: dict[str, Any], kind: type[AppError], said: str) -> None:
    error, _ = refused(APP, "", status, body)

    assert type(error) is kind
    assert said in error.message


@pytest.mark.parametrize("kind", ["api03", "oat01", "sid01"])
def test_a_key_of_another_kind_is_not_taken(kind: str) -> None:
    (field,) = services.find(APP).auth

    for right in ("api01", "admin01"):
        assert field.parse(f"sk-ant-{right}-{'a1B2' * 20}")
    with pytest.raises(AppError):
        field.parse(f"sk-ant-{kind}-{'a1B2' * 20}")

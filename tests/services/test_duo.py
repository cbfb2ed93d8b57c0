"""Duo's activity and telephony logs; what holds for every app type is tested once for all of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.services import twins
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, tenant

START = NOW - timedelta(hours=1)
ALL_VISIBLE = timedelta(minutes=10)

logs = pytest.mark.parametrize("app_type", ["duo_activity", "duo_telephony"])


def collector(app_type: str, **options: Any) -> Collector:
    return Collector(tenant(**options), app_type, START)


@logs
def test_a_backlog_arrives_whatever_page_the_runs_end_on(app_type: str) -> None:
    duo = collector(app_type, page_size=100)
    duo.twin.seed(app_type, events=1500, burst=1000, start=START, end=NOW)

    duo.finish(pages=1, every=timedelta(minutes=1))
    duo.twin.clock.sleep(ALL_VISIBLE.total_seconds())
    duo.finish(pages=1, every=timedelta(minutes=1))

    assert nothing_lost_or_repeated(duo.tally())
    assert duo.tally().arrived == 1500


@logs
def test_events_that_show_up_late_arrive_once(app_type: str) -> None:
    duo = collector(app_type)
    duo.twin.seed(app_type, events=200, late=60, start=START, end=NOW, lateness=timedelta(minutes=2))

    for _ in range(10):
        duo.finish()
        duo.twin.clock.sleep(60)

    assert nothing_lost_or_repeated(duo.tally())
    assert duo.tally().arrived == 200


@logs
def test_its_logs_match_its_schema_and_no_other_of_duo(app_type: str) -> None:
    duo = collector(app_type)
    duo.twin.seed(app_type, events=300, start=START, end=NOW - ALL_VISIBLE)
    duo.finish()

    matching = {
        name
        for name, schema in services.schemas("duo").items()
        if any(accepts(schema, log) for log in duo.logs)
    }

    assert len(duo.logs) == 300
    assert matching == set(services.find(app_type).schemas)
    assert all(accepts(services.schemas("duo")[name], log) for name in matching for log in duo.logs)


@pytest.mark.parametrize("action", ["user_update", {"details": None, "name": "user_update"}])
def test_an_action_may_be_a_word_or_an_object(action: Any) -> None:
    duo = collector("duo_activity")
    duo.twin.put("duo_activity", at=NOW - ALL_VISIBLE, action=action)

    duo.finish()

    (log,) = duo.logs
    assert log["action"] == action
    assert accepts(services.schemas("duo")["duo:activity"], log)


def test_each_log_is_asked_for_at_its_own_path() -> None:
    twin = twins.twin("duo", clock=tenant().clock, rate=None)
    paths = []
    for app_type in ("duo_activity", "duo_telephony"):
        duo = Collector(twin, app_type, START)
        duo.finish()
        paths.append({asked.path for asked in duo.requests})

    assert paths == [{"/admin/v2/logs/activity"}, {"/admin/v2/logs/telephony"}]

"""Duo's administrator log has no page tokens and no ids: a full page may end inside a second."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps import services
from streamalert_apps.sdk.http import Api
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.simulator.world import ADMINISTRATOR, NOW, StillClock, tenant

APP = "duo_admin"
START = NOW - timedelta(hours=1)
SECOND = timedelta(seconds=1)
EPOCH = int(START.timestamp())


def collector(**options: Any) -> Collector:
    return Collector(tenant(**options), APP, START)


def put(duo: Collector, count: int, second: int) -> None:
    for n in range(count):
        duo.twin.put(APP, at=START + second * SECOND, description=f"{second}.{n}")


def app(rows: list[Any]) -> Any:
    """Return the app with a Duo that always gives these rows."""
    answer = httpx.Response(200, json={"stat": "OK", "response": rows})
    return services.find(APP)(
        {"api_hostname": "api-deadbeef.duosecurity.com", "integration_key": "DI", "secret_key": "x"},
        Api(clock=StillClock(), transport=httpx.MockTransport(lambda _: answer)),
    )


@pytest.mark.parametrize("events", [0, 1, 999, 1000, 1001, 2500])
def test_a_backlog_arrives_whole_and_once(events: int) -> None:
    duo = collector()
    duo.twin.seed(APP, events=events, start=START, end=NOW - timedelta(minutes=10))

    duo.finish()

    assert nothing_lost_or_repeated(duo.tally())
    assert duo.tally().arrived == events


@pytest.mark.parametrize("before", [0, 1, 500, 999])
@pytest.mark.parametrize("pages", [1, None])
def test_a_full_page_that_ends_inside_a_second_leaves_that_second_to_the_next(
    before: int, pages: int | None
) -> None:
    duo = collector()
    put(duo, before, 10)
    put(duo, 999, 11)
    put(duo, 5, 12)

    duo.finish(pages=pages, every=timedelta(seconds=30))  # a sweep's turn comes with time

    assert nothing_lost_or_repeated(duo.tally())
    assert duo.tally().arrived == before + 1004


def test_the_next_page_begins_with_the_last_second_once_more() -> None:
    duo = collector()
    put(duo, 600, 10)
    put(duo, 600, 11)

    duo.finish()

    asked = [dict(asked.params)["mintime"] for asked in duo.requests]
    assert len(duo.logs) == 1200
    assert str(EPOCH + 11) in asked
    assert {asked.path for asked in duo.requests} == {ADMINISTRATOR}


def test_of_a_thousand_in_one_second_what_duo_shows_arrives_and_the_rest_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    duo = collector()
    put(duo, 1200, 10)
    put(duo, 3, 11)

    duo.finish()

    tally = duo.tally()
    assert (len(tally.lost), tally.repeated, tally.arrived) == (200, (), 1003)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "the service shows only 1000 of the events" in caplog.text


def test_equal_actions_in_one_second_all_arrive() -> None:
    duo = collector()
    fields: dict[str, Any] = {
        "action": "admin_login",
        "description": "{}",
        "object": None,
        "username": "Avery",
    }
    for _ in range(7):
        duo.twin.put(APP, at=NOW - SECOND, **fields)

    duo.finish()
    duo.finish()
    duo.twin.clock.sleep(900)
    duo.finish()

    assert len(duo.logs) == 7


def test_actions_that_show_up_late_arrive_once() -> None:
    duo = collector()
    duo.twin.seed(APP, events=300, late=60, start=START, end=NOW)

    for _ in range(8):
        duo.finish()
        duo.twin.clock.sleep(60)

    assert nothing_lost_or_repeated(duo.tally())


def test_a_log_that_grows_while_it_is_read_arrives_whole() -> None:
    duo = collector()
    duo.twin.seed(APP, events=4000, start=START, end=NOW + timedelta(minutes=10))

    for _ in range(20):
        duo.run(pages=1)
        duo.twin.clock.sleep(60)
    duo.finish()

    assert nothing_lost_or_repeated(duo.tally())


@pytest.mark.parametrize("odd", [{"action": "x"}, {"timestamp": None}, {"timestamp": "soon"}, "odd"], ids=str)
@pytest.mark.parametrize("place", [0, 500, 999])
def test_an_event_without_a_time_on_a_full_page_stops_nothing(odd: Any, place: int) -> None:
    rows: list[Any] = [{"timestamp": EPOCH + n // 100, "n": n} for n in range(1000)]
    rows[place] = odd

    fetched = app(rows).fetch(START, NOW, None)

    assert [json.loads(bytes(row)) for row in fetched.rows] == rows
    assert fetched.next == EPOCH + 9


def test_a_full_page_of_events_without_a_time_is_moved_past() -> None:
    fetched = app([{"n": n} for n in range(1000)]).fetch(START, NOW, EPOCH)

    assert (len(fetched.rows), fetched.next) == (1000, EPOCH + 1)

"""A feed by position: whole and once, in whatever order it comes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import msgspec

from streamalert_apps.errors import RequestRefused
from streamalert_apps.runtime.head import parse
from streamalert_apps.sdk.events import Fetched
from streamalert_apps.sdk.ids import hashing
from streamalert_apps.sdk.stream import Stream
from tests.sdk.feed.world import DAY, HOUR, MINUTE, NOW, SECOND, Runs, Service, exactly_once


class Arriving(Runs):
    """Runs of a stream whose positions count the rows in the order in which they became visible."""

    forgotten = -1
    again = 0  # how many rows before a position come with those after it
    asked_from = ""
    mute: range = range(0)  # requests that get no position after the rows

    def _kind(self, strike: Any) -> Any:
        def fetch(app: Stream, position: str) -> Fetched:
            strike()
            app.api.dated = True
            self.service.asked.append(None)  # type: ignore[arg-type]
            begin = int(position)
            self.asked_from = self.asked_from or position
            if 0 < begin <= self.forgotten:
                raise RequestRefused("The position is not known.")
            now = self.service.clock.now()
            listed = sorted(
                (event for event in self.service.events if event.visible <= now),
                key=lambda event: event.visible,
            )
            rows = listed[begin : begin + self.service.page]
            told = [*listed[max(0, begin - self.again) : begin], *rows] if rows else []
            after = "" if len(self.service.asked) in self.mute else str(begin + len(rows))
            return Fetched([msgspec.Raw(event.body) for event in told], after)

        says = {
            "type": "memory_stream",
            "time_field": "time",
            "id_fields": ("id",) if self.service.ids else (),
            "beginning": "0",
            "lag": self.service.lag,
            "fetch": fetch,
            "check": lambda _: None,
        }
        return type("Streamed", (Stream,), says | self.overridden)


def test_late_events_come_at_the_end_and_arrive_once() -> None:
    service = Service(lag=HOUR)
    runs = Arriving(service)
    for n in range(100):
        service.happen(NOW - HOUR + n * MINUTE, late=(n * 37 % 300) * MINUTE)

    runs.every(10 * MINUTE, 60)

    assert exactly_once(runs)


def test_equal_rows_without_an_id_arrive_though_they_stand_on_two_pages() -> None:
    service = Service(ids=False, page=10)
    runs = Arriving(service)
    service.happen_often(25, NOW - MINUTE)

    runs.every(MINUTE, 3)

    assert exactly_once(runs)


def test_what_was_late_is_known_when_a_lost_position_makes_it_come_again() -> None:
    service = Service(lag=HOUR)
    runs = Arriving(service)
    service.happen_often(20, NOW - 30 * MINUTE, SECOND)
    service.happen(NOW - 30 * MINUTE, late=5 * HOUR)
    runs.every(HOUR, 8)
    runs.forgotten = 21
    runs.overridden["begin"] = lambda _, since: "0" if service.events else ""  # noqa: ARG005
    runs.every(HOUR, 1)
    runs.forgotten = -1

    runs.every(HOUR, 8)

    assert exactly_once(runs)


def test_what_came_late_is_known_where_a_page_gives_the_last_events_again() -> None:
    service = Service(lag=HOUR)
    runs = Arriving(service)
    runs.again = 2
    service.happen_often(36, NOW, HOUR)
    service.happen(NOW - 30 * MINUTE, late=30 * HOUR)

    runs.every(HOUR, 40)

    assert exactly_once(runs)


def test_what_shows_up_late_while_a_position_is_lost_arrives() -> None:
    service = Service(lag=HOUR)
    runs = Arriving(service, overridden={"begin": lambda *_: "0"})
    service.happen_often(20, NOW - 30 * MINUTE, SECOND)
    runs.every(10 * MINUTE, 2)
    service.happen(service.clock.now() - 15 * MINUTE)
    runs.forgotten = 20
    runs.run()
    runs.forgotten = -1

    runs.every(10 * MINUTE, 3)

    assert exactly_once(runs)


def test_the_floor_is_the_moment_of_the_last_end_less_the_lag() -> None:
    service = Service(lag=2 * DAY)
    runs = Arriving(service)
    service.happen(NOW - MINUTE)
    service.clock.sleep(60)

    runs.run()

    checkpoint = json.loads(runs.store.read("head.json").body)["checkpoint"]
    assert datetime.fromisoformat(checkpoint["floor"]) == max(
        runs.since, service.clock.now() - timedelta(days=2)
    )


def test_a_service_may_know_positions_by_time() -> None:
    service = Service(page=10)
    runs = Arriving(service, since=NOW - MINUTE, overridden={"begin": lambda _, since: "50"})  # noqa: ARG005
    service.happen_often(60, NOW - 30 * SECOND)

    runs.run()

    assert runs.asked_from == "50"
    assert runs.record.total() == 10


def test_nobody_can_make_two_events_that_one_id_stands_for() -> None:
    keys = set()
    for _ in range(2):
        service = Service()
        runs = Runs(service)
        service.happen(NOW - MINUTE)
        runs.run()
        head, _ = parse(runs.store.read("head.json").body)
        keys.add(head.key)

    first, second = (hashing(bytes.fromhex(key))("e0") for key in keys)
    assert first != second


def test_rows_without_an_id_come_once_though_the_service_gives_no_position_after_them() -> None:
    service = Service(ids=False, page=10)
    runs = Arriving(service)
    runs.mute = range(2, 5)
    service.happen_often(25, NOW - MINUTE)

    runs.every(MINUTE, 8)

    assert exactly_once(runs)

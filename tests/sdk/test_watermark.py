"""A feed is collected whole and once, whatever the service does and wherever a run ends."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps.sdk.ids import CAPACITY
from streamalert_apps.sdk.watermark import AnyOrder, NewestFirst, OldestFirst
from tests.sdk.feed import MICROSECOND, MILLISECOND, NOW, SECOND, Collector, Service

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ORDERS = [OldestFirst, NewestFirst, AnyOrder]

orders = pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
with_and_without_ids = pytest.mark.parametrize("ids", [True, False], ids=["ids", "no ids"])


def whole_and_once(collector: Collector) -> bool:
    """Tell whether all arrived, each once; what is wrong shows in a failure's message."""
    return (collector.lost, collector.repeated) == ({}, {})


# A backlog


@orders
@with_and_without_ids
@pytest.mark.parametrize("precision", [SECOND, MILLISECOND], ids=["seconds", "milliseconds"])
@pytest.mark.parametrize("inclusive", [True, False], ids=["bounds in", "bounds out"])
@pytest.mark.parametrize("exact", [True, False], ids=["exact", "by unit"])
def test_a_backlog_arrives_whole_and_once(
    *, order: Any, ids: bool, precision: timedelta, inclusive: bool, exact: bool
) -> None:
    service = Service(order, ids, 7, precision, MINUTE, inclusive, exact)
    collector = Collector(service)
    for n in range(60):
        collector.service.happen(NOW - HOUR + n * MINUTE + (n % 3) * 333 * MILLISECOND)

    collector.run()
    collector.finish()

    assert whole_and_once(collector)


def test_a_feed_that_lists_the_oldest_first_arrives_in_order() -> None:
    collector = Collector(Service(page=7))
    collector.service.happen_often(50, NOW - MINUTE, SECOND)

    collector.run()

    assert collector.arrived == [event.body for event in collector.service.events]


@orders
def test_what_happened_before_the_start_is_left_out(order: Any) -> None:
    collector = Collector(Service(order), since=NOW - MINUTE)
    collector.service.happen(NOW - MINUTE - MICROSECOND)
    collector.service.happen(NOW - MINUTE)

    collector.finish()

    assert len(collector.arrived) == 1


@orders
@pytest.mark.parametrize("page", [1, 2, 3, 10, 11, 39, 40, 41])
def test_a_page_of_any_size_will_do(order: Any, page: int) -> None:
    collector = Collector(Service(order, page=page))
    collector.service.happen_often(40, NOW - HOUR, SECOND)

    collector.run()
    collector.finish()

    assert whole_and_once(collector)


# Many events at one time


@orders
@with_and_without_ids
@pytest.mark.parametrize("exact", [True, False], ids=["exact", "by unit"])
def test_a_second_that_fills_several_pages_arrives_whole(order: Any, ids: bool, exact: bool) -> None:
    collector = Collector(Service(order, ids=ids, exact=exact, page=10))
    collector.service.happen_often(15, NOW - HOUR, SECOND)
    collector.service.happen_often(35, NOW - HOUR + 15 * SECOND, timedelta(0) if ids else MILLISECOND)
    collector.service.happen_often(15, NOW - HOUR + 16 * SECOND, SECOND)

    collector.run()

    assert whole_and_once(collector)


@orders
@pytest.mark.parametrize("age", [HOUR, timedelta(0)], ids=["settled", "fresh"])
def test_thousands_in_one_second_arrive_whole(order: Any, age: timedelta) -> None:
    collector = Collector(Service(order, page=1000, lag=MINUTE), since=NOW - 2 * HOUR)
    collector.service.happen_often(3500, NOW - age)

    collector.run()
    collector.finish()

    assert whole_and_once(collector)


# Late events


@orders
@with_and_without_ids
def test_an_event_that_appears_late_is_collected_once(order: Any, ids: bool) -> None:
    collector = Collector(Service(order, ids=ids, lag=5 * MINUTE))
    collector.service.happen_often(20, NOW - MINUTE, SECOND)
    collector.service.happen(NOW - MINUTE + 500 * MILLISECOND, late=4 * MINUTE)

    for _ in range(10):
        collector.run()
        collector.service.clock.sleep(60)

    assert whole_and_once(collector)


@orders
def test_a_late_event_in_the_second_of_the_last_one_seen_is_collected(order: Any) -> None:
    collector = Collector(Service(order, lag=5 * MINUTE))
    collector.service.happen(NOW)
    collector.service.happen(NOW, late=5 * MINUTE)

    collector.run()
    collector.finish()

    assert whole_and_once(collector)


@orders
@pytest.mark.parametrize("late", [10, 59, 60])
def test_an_event_may_appear_at_any_moment_of_the_lag(order: Any, late: int) -> None:
    collector = Collector(Service(order, lag=MINUTE))
    for n in range(120):
        collector.service.happen(NOW + n * SECOND, late=(n * 7 % late) * SECOND)

    for _ in range(30):
        collector.service.clock.sleep(7)
        collector.run()
    collector.finish()

    assert whole_and_once(collector)


def test_an_event_that_appears_after_the_lag_is_not_waited_for() -> None:
    collector = Collector(Service(lag=MINUTE))
    collector.service.happen(NOW, late=2 * MINUTE)

    collector.service.clock.sleep(61)
    collector.run()
    collector.finish()

    assert len(collector.lost) == 1


# Events that happen while they are read


@orders
@pytest.mark.parametrize("by_offset", [False, True], ids=["place", "offset"])
def test_a_feed_that_grows_while_it_is_read_arrives_whole(order: Any, by_offset: bool) -> None:
    collector = Collector(Service(order, page=5, cost=1.0, lag=10 * SECOND, by_offset=by_offset))
    collector.service.happen_often(120, NOW - MINUTE, SECOND)

    for _ in range(5):
        collector.run()
    collector.finish()

    assert whole_and_once(collector)


@orders
def test_a_service_whose_requests_are_slow_does_not_keep_a_run_for_ever(order: Any) -> None:
    collector = Collector(Service(order, page=5, cost=70.0))
    collector.service.happen_often(40, NOW - HOUR, MINUTE)

    assert collector.run() is False
    collector.finish()

    assert whole_and_once(collector)


# A run that ends anywhere


@orders
@with_and_without_ids
@pytest.mark.parametrize("lag", [timedelta(0), 30 * SECOND], ids=["no lag", "lag"])
def test_a_run_may_end_after_any_page(order: Any, ids: bool, lag: timedelta) -> None:
    for pages in range(1, 12):
        collector = Collector(Service(order, ids=ids, page=7, lag=lag, exact=False))
        collector.service.happen_often(30, NOW - MINUTE, 2 * SECOND)
        collector.service.happen_often(15, NOW - 25 * SECOND, timedelta(0) if ids else MILLISECOND)

        collector.run(pages=pages)
        collector.service.clock.sleep(10)
        collector.finish()

        assert whole_and_once(collector), f"cut after {pages} pages"


@orders
def test_runs_of_one_page_each_work_off_a_backlog(order: Any) -> None:
    collector = Collector(Service(order, page=3))
    collector.service.happen_often(40, NOW - HOUR, MINUTE)

    for _ in range(40):
        collector.run(pages=1)
        collector.service.clock.sleep(1)

    assert whole_and_once(collector)


# Page tokens that expire


@orders
@with_and_without_ids
def test_a_page_token_may_expire_at_any_page(order: Any, ids: bool) -> None:
    for page in range(1, 9):
        collector = Collector(Service(order, ids=ids, page=5, exact=False, expired=frozenset({page})))
        collector.service.happen_often(15, NOW - HOUR, SECOND)
        collector.service.happen_often(13, NOW - HOUR + 15 * SECOND, timedelta(0) if ids else MILLISECOND)
        collector.service.happen_often(15, NOW - HOUR + 16 * SECOND, SECOND)

        collector.run()
        collector.finish()

        assert whole_and_once(collector), f"token {page} expired"


@pytest.mark.parametrize("order", [OldestFirst, NewestFirst], ids=["OldestFirst", "NewestFirst"])
@with_and_without_ids
def test_a_page_token_may_expire_between_two_runs(order: Any, ids: bool) -> None:
    for pages in range(1, 9):
        collector = Collector(Service(order, ids=ids, page=5, exact=False, expired=frozenset({pages})))
        collector.service.happen_often(15, NOW - HOUR, SECOND)
        collector.service.happen_often(13, NOW - HOUR + 15 * SECOND, timedelta(0) if ids else MILLISECOND)
        collector.service.happen_often(15, NOW - HOUR + 16 * SECOND, SECOND)

        collector.run(pages=pages)
        collector.service.clock.sleep(1000)
        collector.finish()

        assert whole_and_once(collector), f"expired after {pages} pages"


def test_in_no_order_a_token_that_expired_between_two_runs_costs_repeats_and_no_loss() -> None:
    collector = Collector(Service(AnyOrder, page=5, expired=frozenset({2})))
    collector.service.happen_often(30, NOW - HOUR, SECOND)

    collector.run(pages=3)
    collector.finish()

    assert not collector.lost


@orders
@pytest.mark.parametrize("page", [1, 2, 10])
def test_a_token_that_expires_again_and_again_does_not_stop_a_feed(order: Any, page: int) -> None:
    collector = Collector(Service(order, page=page, expired=frozenset(range(2, 400, 3))))
    collector.service.happen_often(40, NOW - HOUR, SECOND)

    for _ in range(60):
        collector.run()
        collector.service.clock.sleep(1)
    collector.finish()

    assert not collector.lost


@pytest.mark.parametrize("order", [OldestFirst, NewestFirst], ids=["OldestFirst", "NewestFirst"])
def test_a_token_that_expired_among_more_equal_times_than_the_memory_holds_repeats_those_alone(
    order: Any,
) -> None:
    collector = Collector(Service(order, page=100, expired=frozenset({4})))
    collector.service.happen_often(50, NOW - HOUR, SECOND)
    collector.service.happen_often(600, NOW - HOUR + 50 * SECOND)
    collector.service.happen_often(50, NOW - HOUR + 51 * SECOND, SECOND)

    collector.run(pages=5)
    collector.finish()

    busy = f'"time": "{(NOW - HOUR + 50 * SECOND).isoformat()}"'.encode()
    assert not collector.lost
    assert all(busy in body for body in collector.repeated)


def test_an_event_that_appeared_late_before_the_place_of_an_expired_token_is_not_taken_for_read() -> None:
    collector = Collector(Service(page=5, lag=5 * MINUTE, expired=frozenset({1})))
    collector.service.happen_often(10, NOW, SECOND)
    collector.service.happen(NOW + 3 * SECOND + 900 * MILLISECOND, late=30 * SECOND)
    collector.service.clock.sleep(20)

    collector.run(pages=1)
    collector.service.clock.sleep(30)
    collector.finish()

    assert whole_and_once(collector)


def test_a_token_that_expires_in_fresh_time_costs_nothing_but_time() -> None:
    collector = Collector(Service(NewestFirst, page=5, lag=HOUR, expired=frozenset({1})))
    collector.service.happen_often(20, NOW - MINUTE, SECOND)

    collector.run()
    collector.run()

    assert whole_and_once(collector)


# A memory that is full


@orders
@with_and_without_ids
@pytest.mark.parametrize("page", [50, 1000])
def test_more_fresh_events_than_the_memory_holds_arrive_later_but_whole(
    order: Any, ids: bool, page: int
) -> None:
    collector = Collector(Service(order, ids=ids, page=page, lag=10 * MINUTE))
    collector.service.happen_often(900, NOW - 2 * MINUTE, 100 * MILLISECOND)

    for _ in range(25):
        collector.run()
        collector.service.clock.sleep(60)

    assert whole_and_once(collector)


@orders
def test_what_has_settled_is_there_however_busy_the_feed_is(order: Any) -> None:
    collector = Collector(Service(order, page=1000, lag=2 * MINUTE), since=NOW)
    collector.service.happen_often(12_000, NOW, 50 * MILLISECOND)

    for _ in range(10):
        collector.service.clock.sleep(60)
        collector.run()

        settled = collector.service.clock.now() - collector.service.lag - 5 * SECOND
        assert all(json.loads(body)["time"] > settled.isoformat() for body in collector.lost)
        assert not collector.repeated


def test_the_ids_of_events_that_were_withdrawn_do_not_fill_the_memory() -> None:
    service = Service(lag=HOUR, page=1000)
    collector = Collector(service)

    for n in range(5):
        service.happen_often(CAPACITY // 2, service.clock.now())
        collector.run()
        assert len(collector.arrived) == (n + 1) * (CAPACITY // 2)
        service.events = [replace(event, visible=NOW + 1000 * HOUR) for event in service.events]
        service.clock.sleep(60)


# Events that are not as documented

ODD = [
    b'{"id": "odd"}',
    b'{"id": "odd", "time": null}',
    b'{"id": "odd", "time": "soon"}',
    b'{"id": "odd", "time": {"at": 1}}',
    b'{"id": "odd", "time": 1e999}',
    b'["odd"]',
    b'"odd"',
    b"null",
]


@orders
@pytest.mark.parametrize("odd", ODD, ids=bytes.decode)
@pytest.mark.parametrize("age", [HOUR / 2, MINUTE], ids=["settled", "fresh"])
@pytest.mark.parametrize("page", [1, 1000])
def test_an_event_without_a_readable_time_arrives_and_stops_nothing(
    order: Any, odd: bytes, age: timedelta, page: int
) -> None:
    collector = Collector(Service(order, page=page, lag=5 * MINUTE))
    collector.service.happen_often(5, NOW - age - 5 * SECOND, SECOND)
    collector.service.put(NOW - age, odd)
    collector.service.happen_often(5, NOW - age + SECOND, SECOND)

    for _ in range(4):
        collector.run()
        collector.service.clock.sleep(60)
    collector.finish()

    assert whole_and_once(collector)


@orders
def test_an_event_without_a_time_is_told(order: Any, caplog: pytest.LogCaptureFixture) -> None:
    collector = Collector(Service(order))
    collector.service.put(NOW - MINUTE, b'{"id": "odd", "user": "s3cr3t"}')

    collector.run()

    assert "An event of memory_events is not as documented" in caplog.text
    assert "s3cr3t" not in caplog.text


@orders
@pytest.mark.parametrize("pages", [1, 2, 3, None])
def test_an_event_without_a_time_at_the_end_of_a_page_whose_token_expires_loses_nothing(
    order: Any, pages: int | None
) -> None:
    collector = Collector(Service(order, page=3, expired=frozenset({1, 3})))
    collector.service.happen_often(10, NOW - HOUR, SECOND)
    collector.service.put(NOW - HOUR + 2 * SECOND, b'{"id": "odd"}')
    collector.service.put(NOW - HOUR + 6 * SECOND, b'{"id": "odder"}')

    collector.run(pages=pages)
    collector.finish()

    assert not collector.lost


def test_an_event_without_a_time_that_meets_a_full_memory_does_not_skip_what_settled() -> None:
    collector = Collector(Service(page=1000, lag=5 * MINUTE))
    collector.service.put(NOW - 2 * MINUTE, b'{"id": "odd"}')
    collector.service.happen_often(CAPACITY + 100, NOW - MINUTE, MILLISECOND)
    collector.service.happen(NOW - 2 * MINUTE - SECOND, late=4 * MINUTE)

    for _ in range(12):
        collector.run()
        collector.service.clock.sleep(60)

    assert not collector.lost


@orders
def test_events_of_a_service_that_leaves_out_an_id_are_told_apart_by_their_content(order: Any) -> None:
    collector = Collector(Service(order, page=2, lag=5 * MINUTE))
    for n in (1, 2, 3, 3):
        body = {"time": (NOW - MINUTE).isoformat(), "n": n}
        collector.service.put(NOW - MINUTE, json.dumps(body).encode())

    collector.run()
    collector.run()
    collector.finish()

    assert whole_and_once(collector)


# Equal events without an id


@orders
@pytest.mark.parametrize("age", [HOUR / 2, MINUTE], ids=["settled", "fresh"])
@pytest.mark.parametrize("page", [1, 2, 3, 100])
def test_equal_events_without_an_id_all_arrive(order: Any, age: timedelta, page: int) -> None:
    collector = Collector(Service(order, ids=False, page=page, lag=5 * MINUTE))
    for at in (NOW - age - SECOND, NOW - age, NOW - age + SECOND):
        collector.service.happen_often(5, at)

    for _ in range(8):
        collector.run()
        collector.service.clock.sleep(60)
    collector.finish()

    assert whole_and_once(collector)


@pytest.mark.parametrize("order", [OldestFirst, NewestFirst], ids=["OldestFirst", "NewestFirst"])
@pytest.mark.parametrize("lag", [timedelta(0), 5 * MINUTE], ids=["settled", "fresh"])
def test_a_run_may_end_between_two_equal_events(order: Any, lag: timedelta) -> None:
    for pages in range(1, 12):
        collector = Collector(Service(order, ids=False, page=2, lag=lag))
        collector.service.happen_often(5, NOW - MINUTE)
        collector.service.happen_often(5, NOW - MINUTE + SECOND)

        collector.run(pages=pages)
        collector.service.clock.sleep(1)
        collector.run(pages=pages)
        collector.finish()

        assert whole_and_once(collector), f"cut after {pages} pages"


@orders
def test_an_equal_event_that_appears_late_is_collected(order: Any) -> None:
    collector = Collector(Service(order, ids=False, lag=5 * MINUTE))
    collector.service.happen(NOW - MINUTE)
    collector.service.happen(NOW - MINUTE, late=3 * MINUTE)

    collector.run()
    collector.service.clock.sleep(120)
    collector.run()
    collector.finish()

    assert len(collector.arrived) == 2


@orders
def test_an_event_without_an_id_is_the_same_in_any_order_of_its_keys(order: Any) -> None:
    service = Service(order, ids=False, lag=5 * MINUTE)
    collector = Collector(service)
    at = (NOW - MINUTE).isoformat()
    service.put(NOW - MINUTE, f'{{"time": "{at}", "user": {{"a": 1, "b": 2}}}}'.encode())
    collector.run()
    service.events.clear()
    service.put(NOW - MINUTE, f'{{"user":{{"b":2,"a":1}},"time":"{at}"}}'.encode())

    collector.run()

    assert len(collector.arrived) == 1
    assert collector.repeats == 1


@orders
@pytest.mark.parametrize(
    "value",
    [b"1e999", b"1" * 5000, b'"\xff"', b"[" * 990 + b"]" * 990],
    ids=["huge", "long", "bytes", "deep"],
)
def test_an_event_without_an_id_whose_content_can_not_be_read_stops_nothing(order: Any, value: bytes) -> None:
    collector = Collector(Service(order, ids=False, lag=5 * MINUTE))
    at = NOW - MINUTE
    collector.service.put(at, b'{"time": "' + at.isoformat().encode() + b'", "value": ' + value + b"}")
    collector.service.happen_often(3, at, SECOND)

    collector.run()
    collector.run()
    collector.finish()

    assert whole_and_once(collector)


# Times in other forms


@orders
@pytest.mark.parametrize(
    "form",
    [
        lambda at: int(at.timestamp()),
        lambda at: at.timestamp(),
        lambda at: str(int(at.timestamp())),
        lambda at: at.isoformat().replace("+00:00", "Z"),
        lambda at: at.isoformat().removesuffix("+00:00"),
        lambda at: (at + timedelta(hours=9)).isoformat().replace("+00:00", "+09:00"),
    ],
    ids=["seconds", "fraction", "seconds as text", "Z", "no zone", "zone"],
)
def test_a_time_may_be_written_in_many_ways(order: Any, form: Any) -> None:
    collector = Collector(Service(order, lag=10 * SECOND))
    for n in range(30):
        at = NOW - n * SECOND
        body = {"id": n, "time": form(at)}
        collector.service.put(at, json.dumps(body).encode())

    collector.run()
    collector.finish()

    assert whole_and_once(collector)


# Bounds of time


@orders
def test_after_a_long_pause_a_run_starts_where_the_services_memory_does(
    order: Any, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(order, retention=24 * HOUR, lag=MINUTE, page=1000)
    collector = Collector(service, since=NOW - 72 * HOUR)
    service.happen_often(72, NOW - 72 * HOUR, HOUR)

    collector.run()

    assert len(collector.arrived) >= 23
    assert "what is older can't be collected any more" in caplog.text


@orders
def test_a_start_a_little_in_the_future_is_waited_for(order: Any) -> None:
    collector = Collector(Service(order), since=NOW + 30 * SECOND)
    collector.service.happen(NOW + 10 * SECOND)
    collector.service.happen(NOW + MINUTE)

    collector.run()
    assert collector.arrived == []
    collector.finish()

    assert whole_and_once(collector)


@orders
def test_a_start_far_in_the_future_is_taken_for_a_wrong_clock(
    order: Any, caplog: pytest.LogCaptureFixture
) -> None:
    collector = Collector(Service(order), since=NOW + 1000 * HOUR)
    collector.run()
    collector.service.happen(NOW + MINUTE)
    collector.service.clock.sleep(120)

    collector.run()

    assert len(collector.arrived) == 1
    assert "a clock was wrong" in caplog.text


@orders
@pytest.mark.parametrize("back", [30 * SECOND, 30 * MINUTE])
def test_a_clock_that_was_set_back_loses_nothing(order: Any, back: timedelta) -> None:
    collector = Collector(Service(order, lag=MINUTE))
    collector.service.happen_often(10, NOW - 10 * SECOND, SECOND)
    collector.run()
    collector.service.clock.time -= back
    collector.run()
    collector.service.clock.time += back + MINUTE
    collector.service.happen_often(10, NOW, SECOND)

    collector.run()
    collector.finish()

    assert not collector.lost


def test_the_watermark_is_the_time_before_which_all_is_there() -> None:
    service = Service(lag=5 * MINUTE)
    collector = Collector(service)

    collector.run()

    checkpoint = json.loads(collector.checkpoint)
    assert service.app().watermark(checkpoint) == NOW - 5 * MINUTE
    assert service.app().last_timestamp(checkpoint) == int((NOW - 5 * MINUTE).timestamp())


@orders
def test_a_check_is_one_small_request(order: Any) -> None:
    service = Service(order)

    service.app().check()

    assert [(until - since, token) for since, until, token in service.asked] == [(MINUTE, None)]


# The size of a checkpoint


@pytest.mark.parametrize("order", [OldestFirst, NewestFirst], ids=["OldestFirst", "NewestFirst"])
@pytest.mark.parametrize("characters", [0, 150])
def test_a_checkpoint_with_a_full_memory_between_two_pages_fits(order: Any, characters: int) -> None:
    service = Service(order, page=50, lag=5 * MINUTE)
    plain = service.answer

    def answer(since: Any, until: Any, token: Any) -> Any:
        fetched = plain(since, until, token and token.strip("."))
        return type(fetched)(fetched.rows, fetched.next and fetched.next + "." * characters)

    service.answer = answer  # type: ignore[method-assign]
    collector = Collector(service)
    service.happen_often(2000, NOW - 10 * MINUTE, 500 * MILLISECOND)

    for pages in range(1, 60):  # each checkpoint is measured where it is taken
        collector.run(pages=pages)
        service.clock.sleep(20)
    collector.finish()

    assert whole_and_once(collector)

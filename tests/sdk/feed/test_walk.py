"""Each rule of the walk, with the case that it stands against."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from streamalert_apps.errors import PageTokenExpired, RequestRefused, Unavailable
from streamalert_apps.sdk.events import Fetched
from streamalert_apps.sdk.feed import AnyOrder, NewestFirst, OldestFirst, sweep
from streamalert_apps.sdk.pace import Rate
from tests.sdk.feed.world import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    ORDERS,
    SECOND,
    Asked,
    Killed,
    Runs,
    Service,
    exactly_once,
)

orders = pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
with_and_without_ids = pytest.mark.parametrize("ids", [True, False], ids=["ids", "no ids"])


def looks(service: Service, runs: Runs, *, seconds: float = float("inf")) -> list[Asked]:
    """Run once; return what was asked for without a token, the look's request first."""
    before = len(service.asked)
    runs.run(seconds=seconds)
    return [asked for asked in service.asked[before:] if asked.token is None]


def refusing_tokens(asked: Asked) -> None:
    if asked.token is not None:
        raise RequestRefused("The token is not known.")


# What is new


@orders
@with_and_without_ids
def test_an_event_that_is_met_again_is_not_new(*, order: Any, ids: bool) -> None:
    service = Service(order, ids=ids, lag=HOUR)
    runs = Runs(service)
    service.happen_often(30, NOW - 10 * MINUTE, SECOND)

    runs.every(MINUTE, 90)

    assert exactly_once(runs)


def test_an_event_that_is_met_with_a_later_time_is_remembered_until_that_time_is_forgotten() -> None:
    service = Service(lag=MINUTE)
    runs = Runs(service)
    event = service.happen(NOW - 30 * SECOND)
    for minute in range(30):
        service.clock.sleep(60)
        event.at = service.clock.now() - 30 * SECOND  # as a session that goes on
        service.happen(event.at, other=minute)
        runs.run()

    assert runs.record[event.body] == 1


@orders
def test_equal_events_without_an_id_are_counted_over_the_pages_of_a_listing(order: Any) -> None:
    service = Service(order, ids=False, lag=MINUTE)
    runs = Runs(service)
    service.happen_often(25, NOW - 30 * MINUTE)

    runs.every(MINUTE, 5)

    assert exactly_once(runs)


@orders
def test_counts_go_on_where_a_run_ended_in_the_middle_of_a_window(order: Any) -> None:
    service = Service(order, ids=False, lag=MINUTE, cost=1.0)
    runs = Runs(service)
    service.happen_often(45, NOW - 30 * MINUTE)
    service.happen(NOW - MINUTE)  # the floor passes the others

    runs.every(MINUTE, 10, seconds=3)
    runs.finish()

    assert exactly_once(runs)


@orders
def test_a_listing_that_begins_again_counts_anew(order: Any) -> None:
    service = Service(order, ids=False, lag=MINUTE, cost=1.0, token_seconds=20)
    runs = Runs(service)
    service.happen_often(45, NOW - 30 * MINUTE)

    runs.every(MINUTE, 2, seconds=3)  # tokens are dead in the second run
    runs.finish()

    assert exactly_once(runs)


def test_pages_that_overlap_are_counted_one_by_one() -> None:
    service = Service(ids=False, lag=MINUTE)
    runs = Runs(service, overridden={"overlapping": True})
    equal = [msgspec.Raw(service.happen(NOW - 30 * MINUTE).body) for _ in range(3)]
    service.answers = lambda asked: Fetched(equal, None if asked.token else "from the same second on")

    runs.run()

    assert exactly_once(runs)


# Looks


def test_a_run_looks_first_and_a_look_never_moves_the_floor() -> None:
    service = Service(lag=HOUR)
    runs = Runs(service, since=NOW - 5 * HOUR)
    service.happen_often(50, NOW - 4 * HOUR, 5 * MINUTE)

    with suppress(Killed):
        runs.run(killed=2)
    looked = service.asked[0]
    floor = runs.since

    assert looked.since == NOW - HOUR
    runs.run()
    runs.every(MINUTE, 5)
    assert floor < runs.place.floor <= NOW


@orders
def test_after_an_outage_what_happens_now_does_not_wait_for_what_was_missed(order: Any) -> None:
    service = Service(order, lag=4 * HOUR, cost=1.0)
    runs = Runs(service)
    service.happen_often(10, NOW - 10 * MINUTE, MINUTE)
    runs.every(MINUTE, 3, seconds=50)
    service.happen_often(1200, service.clock.now(), 10 * SECOND)
    service.clock.sleep(12000)  # an outage of more than three hours: more than a hundred pages
    runs.every(MINUTE, 2, seconds=30)
    now = service.clock.now()
    fresh = [service.happen(now + n * SECOND) for n in range(5)]
    service.clock.sleep(10)

    runs.every(MINUTE, 2, seconds=30)

    assert all(runs.record[event.body] == 1 for event in fresh)
    assert runs.place.sweep  # which is still busy


def test_a_look_has_half_of_a_run_and_the_sweep_goes_on_beside_it() -> None:
    service = Service(NewestFirst, lag=HOUR, cost=1.0)
    runs = Runs(service, since=NOW - 20 * HOUR)
    service.happen_often(4000, NOW - 20 * HOUR, 15 * SECOND)
    service.happen_often(600, NOW - HOUR, 6 * SECOND)

    runs.run(seconds=20)

    swept = [asked for asked in service.asked if asked.since < NOW - 10 * HOUR]
    assert 8 <= len(swept) <= 12


def test_a_look_whose_token_dies_on_an_unordered_list_begins_again_at_half_its_span() -> None:
    service = Service(AnyOrder, lag=HOUR, answers=refusing_tokens)
    runs = Runs(service)
    service.happen_often(200, NOW - HOUR, 18 * SECOND)

    with suppress(Killed):
        runs.run(killed=3)

    first, dead, again = (*service.asked, None)[:3] if len(service.asked) < 3 else service.asked[:3]
    runs.run()
    starts = [asked.since for asked in service.asked if asked.token is None]
    assert first.since == NOW - HOUR  # type: ignore[union-attr]
    assert dead.token  # type: ignore[union-attr]
    assert NOW - 31 * MINUTE < starts[2] < NOW - 29 * MINUTE
    assert again is None


@orders
def test_a_look_ends_where_every_token_is_refused(order: Any) -> None:
    service = Service(order, lag=HOUR, answers=refusing_tokens)
    runs = Runs(service)
    service.happen_often(30, NOW - MINUTE)  # of one moment: to begin again brings the same

    assert runs.run().events >= 10


def test_a_look_begins_at_the_newest_event_where_our_clock_is_ahead() -> None:
    service = Service(lag=HOUR, dated=False)
    service.ours.ahead = 5 * MINUTE
    runs = Runs(service, alone=True)
    service.happen_often(600, NOW - HOUR, 10 * SECOND)
    service.happen_often(600, NOW, 10 * SECOND)
    runs.every(MINUTE, 2)
    waiting = []
    for _ in range(8):
        service.clock.sleep(60)
        runs.run()
        listed = [event for event in service.events if event.at <= service.clock.now()]
        waiting.append(len(listed) - runs.record.total())

    assert max(waiting) == 0


def test_what_a_look_was_cut_short_of_does_not_wait_for_the_next_sweep_that_is_due() -> None:
    service = Service(NewestFirst, lag=4 * HOUR, cost=1.0)
    runs = Runs(service)
    service.happen(NOW - MINUTE)
    runs.run()
    service.happen_often(300, NOW, 2 * SECOND)
    service.clock.sleep(600)

    runs.run(seconds=8)
    runs.run()

    assert exactly_once(runs)


def test_an_idle_feed_is_not_swept_in_every_run() -> None:
    service = Service(lag=HOUR)
    runs = Runs(service)
    service.happen(NOW - MINUTE)
    runs.every(MINUTE, 90)
    before = len(service.asked)

    runs.every(MINUTE, 60)

    assert len(service.asked) - before <= 60 + 2 * 4  # a look in each, and a sweep in a quarter of an hour


def test_a_look_goes_back_as_far_as_most_late_events_need() -> None:
    service = Service(lag=HOUR, page=1000)
    runs = Runs(service)
    for minute in range(120):
        service.happen(NOW + minute * MINUTE)
        service.happen(NOW + minute * MINUTE, late=10 * MINUTE)
    runs.every(MINUTE, 60)
    before = looks(service, runs)[0]

    assert timedelta(minutes=9) < service.clock.now() - before.since < timedelta(minutes=20)


def test_a_look_reads_at_most_twice_the_pages_of_new_events_and_one() -> None:
    service = Service(lag=HOUR, page=10)
    runs = Runs(service)
    for second in range(0, 3600, 2):
        late = 30 * MINUTE if second % 20 == 0 else timedelta(0)
        service.happen(NOW + second * SECOND, late=late)
    runs.every(MINUTE, 30)
    service.clock.sleep(0.0)
    requests = []
    for _ in range(10):
        before = len(service.asked)
        runs.run()
        requests.append(len(service.asked) - before)
        service.clock.sleep(60)

    assert sorted(requests)[5] <= 2 * 3 + 1


# The floor


def test_one_event_of_a_wrong_clock_does_not_move_the_floor_past_others() -> None:
    service = Service(lag=15 * MINUTE, dated=False)
    service.ours.ahead = 10 * MINUTE
    runs = Runs(service, alone=True)
    for second in range(0, 3600, 20):
        service.happen(NOW + second * SECOND, late=(second % 840) * SECOND)
    service.happen(NOW + 2400 * SECOND, late=-590 * SECOND)

    runs.every(MINUTE, 70)
    runs.finish()

    assert exactly_once(runs)


def test_newest_does_not_follow_events_of_the_future_nor_those_without_a_time() -> None:
    service = Service(lag=MINUTE, bounded=False)
    runs = Runs(service)
    service.happen(NOW - MINUTE)
    service.happen(NOW + 4000 * DAY).visible = NOW
    odd = service.happen(NOW - MINUTE)
    odd.body = b'{"id": "odd", "time": "yesterday"}'

    runs.run()

    assert runs.place.newest == NOW - MINUTE
    assert runs.record.total() == 3


def test_the_ceiling_is_fixed_when_a_sweep_begins() -> None:
    service = Service(lag=10 * MINUTE, cost=1.0)
    runs = Runs(service)
    service.happen_often(400, NOW - HOUR, 9 * SECOND)
    for n in range(600):
        service.happen(NOW + n * 3 * SECOND, late=(n * 7 % 590) * SECOND)

    for _ in range(60):
        runs.run(seconds=5)
        service.clock.sleep(25)
        assert not runs.unread_below_the_floor
    runs.finish()

    assert exactly_once(runs)


def test_the_floor_of_an_idle_feed_follows_to_a_day_behind_the_time_that_the_service_tells() -> None:
    service = Service(lag=HOUR)
    runs = Runs(service)

    runs.every(HOUR, 100)

    assert service.clock.now() - runs.place.floor <= DAY + 3 * HOUR


def test_the_floor_of_an_idle_feed_does_not_follow_our_clock() -> None:
    service = Service(lag=HOUR, dated=False)
    service.ours.ahead = 2 * DAY
    runs = Runs(service, alone=True)
    runs.every(HOUR, 50)
    service.happen_often(100, service.clock.now(), MINUTE)

    runs.every(HOUR, 5)
    runs.finish()

    assert exactly_once(runs)


def test_a_clock_that_is_wrong_in_one_run_makes_no_later_one_miss_events() -> None:
    service = Service(lag=HOUR, dated=False)
    runs = Runs(service, alone=True)
    service.happen_often(60, NOW - HOUR, MINUTE)
    service.ours.ahead = DAY
    runs.run()
    service.ours.ahead = 0 * DAY
    service.happen_often(60, NOW + MINUTE, MINUTE)

    runs.every(HOUR, 2)

    assert exactly_once(runs)


def test_windows_that_are_narrower_than_the_lag_move_the_floor() -> None:
    service = Service(AnyOrder, lag=4 * HOUR, token_seconds=25, cost=1.0)
    runs = Runs(service, since=NOW - 10 * DAY)
    service.happen_often(4000, NOW - 10 * DAY, 216 * SECOND)

    runs.every(MINUTE, 60, seconds=40)

    assert runs.place.width < 4 * 3600 or runs.place.floor > NOW - 9 * DAY
    runs.finish()
    assert exactly_once(runs)


def test_the_floor_follows_each_window_of_a_sweep_that_takes_many_runs() -> None:
    service = Service(AnyOrder, lag=HOUR, token_seconds=25, cost=1.0)
    runs = Runs(service, since=NOW - 10 * DAY)
    service.happen_often(2000, NOW - 10 * DAY, 432 * SECOND)

    runs.every(MINUTE, 5, seconds=40)

    assert runs.place.sweep
    assert runs.place.floor > NOW - 10 * DAY


def test_a_window_grows_where_it_was_easy_and_halves_where_a_token_died() -> None:
    service = Service(AnyOrder, lag=HOUR)
    runs = Runs(service, since=NOW - 40 * DAY)
    runs.run()
    easy = runs.place.width
    service.happen_often(400, NOW, MINUTE)
    service.clock.sleep(DAY.total_seconds())
    service.answers = refusing_tokens
    runs.run()

    assert easy > 86_400
    assert runs.place.width < easy / 2


@orders
@pytest.mark.parametrize("exact", [True, False], ids=["exact", "by unit"])
def test_bounds_that_do_not_count_in_are_asked_for_one_unit_too_wide(order: Any, *, exact: bool) -> None:
    service = Service(order, lag=MINUTE, inclusive=False, exact=exact)
    runs = Runs(service, since=NOW - 3 * DAY)
    service.happen(NOW - 3 * DAY)
    service.happen_often(5, NOW - 2 * DAY, timedelta(hours=12))

    runs.run()
    runs.finish()

    assert exactly_once(runs)


# Tokens


@orders
def test_a_token_that_is_refused_is_dropped(order: Any) -> None:
    service = Service(order, lag=MINUTE, cost=1.0, token_seconds=30)
    runs = Runs(service)
    service.happen_often(300, NOW - HOUR, 10 * SECOND)

    runs.every(MINUTE, 40, seconds=8)
    runs.finish()

    assert exactly_once(runs)


@orders
def test_a_token_with_which_the_service_fails_for_ever_is_dropped(order: Any) -> None:
    service = Service(order, lag=MINUTE)
    runs = Runs(service)
    service.happen_often(200, NOW - 50 * MINUTE, SECOND)
    bad: list[Any] = []

    def answers(asked: Asked) -> None:
        if asked.token is not None and (not bad or asked.token in bad):
            bad.append(asked.token)
            raise Unavailable("The service has a fault.")

    service.answers = answers
    runs.every(MINUTE, 30)

    assert exactly_once(runs)


def test_a_span_with_which_the_service_fails_for_ever_is_halved() -> None:
    service = Service(lag=MINUTE)
    runs = Runs(service, since=NOW - 20 * DAY)
    service.happen_often(200, NOW - 20 * DAY, 2 * HOUR)

    def answers(asked: Asked) -> None:
        if asked.until - asked.since > timedelta(hours=12):
            raise Unavailable("The service has a fault.")

    service.answers = answers
    for _ in range(60):
        runs.run()
        service.clock.sleep(60)

    assert exactly_once(runs)


def test_a_moment_that_does_not_fit_one_run_is_set_aside_and_named(caplog: pytest.LogCaptureFixture) -> None:
    service = Service(AnyOrder, lag=MINUTE, cost=1.0, token_seconds=20)
    runs = Runs(service)
    service.happen_often(100, NOW - 30 * MINUTE)
    service.happen_often(20, NOW - 20 * MINUTE, SECOND)

    runs.every(MINUTE, 60, seconds=6)

    since, until = runs.place.gaps[0][0], runs.place.gaps[-1][1]
    assert since <= NOW - 30 * MINUTE < until <= since + 10 * SECOND
    assert "does not fit one run" in caplog.text
    assert all(runs.record[event.body] == 1 for event in service.events[100:])


@pytest.mark.parametrize("length", [9_000, 60_000])
def test_a_token_may_be_of_any_length(length: int) -> None:
    service = Service(lag=MINUTE, cost=1.0)
    runs = Runs(service)
    service.happen_often(300, NOW - HOUR, 10 * SECOND)
    plain = service.answer

    def long(since: Any, until: Any, token: Any) -> Fetched:
        fetched = plain(since, until, token and token[length:])
        return Fetched(fetched.rows, fetched.next and "x" * length + fetched.next)

    service.answer = long  # type: ignore[method-assign]
    runs.every(MINUTE, 20, seconds=8)

    assert exactly_once(runs)
    assert len(runs.store.read("head.json").body) < 100_000


@pytest.mark.parametrize(("order", "says"), [(OldestFirst, NewestFirst), (NewestFirst, OldestFirst)])
def test_rows_of_one_second_prove_no_order(order: Any, says: Any) -> None:
    service = Service(order, says=says, lag=10 * MINUTE)
    runs = Runs(service, since=NOW - DAY)
    edge = NOW - 9 * HOUR if order is OldestFirst else NOW - 5 * HOUR
    service.happen_often(20, edge)
    service.happen_often(20, NOW - 7 * HOUR, SECOND)
    service.happen(NOW - 5 * MINUTE)
    refused: list[Asked] = []

    def refusing(asked: Asked) -> None:
        if asked.token and asked.since < NOW - 12 * HOUR and not refused:
            refused.append(asked)
            raise PageTokenExpired("The page token has expired.")

    service.answers = refusing
    runs.every(MINUTE, 30)

    assert refused
    assert exactly_once(runs)


# Limits


def test_where_a_sweep_up_to_now_does_not_fit_it_ends_at_its_ceiling() -> None:
    service = Service(lag=5 * MINUTE, page=40, rate=Rate(1, 9))
    runs = Runs(service, since=NOW)
    service.happen_often(40 * 60, NOW, SECOND)

    slow = set()
    for _ in range(30):
        runs.every(MINUTE, 1, seconds=80)
        slow.add(runs.place.slow)

    assert True in slow
    assert service.clock.now() - runs.place.floor < 20 * MINUTE
    listed = sum(event.at <= service.clock.now() for event in service.events)
    assert listed - runs.record.total() < 130  # what happened since the last look


def test_under_a_tight_limit_a_sweep_lists_nothing_that_may_still_change() -> None:
    lag = 15 * MINUTE
    service = Service(lag=lag, page=100, rate=Rate(2, 60))
    runs = Runs(service, since=NOW)
    service.happen_often(90 * 6, NOW, 10 * SECOND)

    runs.every(MINUTE, 80)

    sweeps = [asked for asked in service.asked if NOW < asked.since < asked.at - lag]
    assert len(sweeps) > 3
    assert [asked for asked in sweeps if asked.until > asked.at - lag + SECOND] == []


def test_a_short_wait_for_a_sweep_is_worth_it() -> None:
    service = Service(lag=5 * MINUTE, page=80, rate=Rate(1, 12))
    runs = Runs(service, since=NOW)
    service.happen_often(40 * 60, NOW, SECOND)

    runs.every(MINUTE, 30, seconds=80)

    assert service.clock.now() - runs.place.floor < 20 * MINUTE


def test_a_look_that_had_to_wait_asks_for_all_that_there_is_by_then() -> None:
    service = Service(lag=15 * MINUTE, page=100, rate=Rate(2, 60))
    runs = Runs(service, since=NOW)
    service.happen_often(30 * 6, NOW, 10 * SECOND)

    runs.every(50 * SECOND, 20)

    looks = [asked for asked in service.asked if asked.since > asked.at - 10 * MINUTE]
    assert len(looks) > 10
    assert [asked for asked in looks if asked.until < asked.at] == []


def test_a_run_does_not_wait_for_a_sweep_that_a_later_one_can_go_on_with() -> None:
    service = Service(lag=15 * MINUTE, page=100, rate=Rate(2, 60))
    runs = Runs(service, since=NOW)
    service.happen_often(30 * 60, NOW, SECOND)
    runs.every(MINUTE, 10)
    waited = []
    for _ in range(10):
        began = service.clock.now()
        runs.run()
        waited.append(service.clock.now() - began)
        service.clock.sleep(60 - waited[-1].total_seconds())
    runs.finish()

    assert max(waited) < 5 * SECOND
    assert exactly_once(runs)


def test_looks_do_not_take_the_only_request_of_every_run_from_a_sweep() -> None:
    service = Service(lag=MINUTE, page=10, rate=Rate(1, 60))
    runs = Runs(service, since=NOW - DAY)
    service.happen_often(100, NOW - DAY, 30 * SECOND)
    service.happen_often(7200, NOW, 10 * SECOND)

    runs.every(MINUTE, 60, seconds=55)

    late = service.asked[-20:]
    sweeps = sum(asked.since < asked.at - HOUR for asked in late)
    assert sweeps >= len(late) // 5


def test_a_sweep_that_is_older_than_the_lag_has_one_request_in_four_and_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = Service(lag=MINUTE, page=10, rate=Rate(1, 10))
    runs = Runs(service, since=NOW - DAY)
    service.happen_often(2000, NOW - DAY, 30 * SECOND)
    service.happen_often(7200, NOW, SECOND)

    runs.every(MINUTE, 75, seconds=55)

    late = service.asked[-40:]
    sweeps = sum(asked.since < asked.at - HOUR for asked in late)
    assert sweeps >= len(late) // 5
    assert "falls behind" in caplog.text


# The memory


@orders
def test_one_empty_answer_makes_nothing_be_forgotten(order: Any) -> None:
    service = Service(order, lag=5 * MINUTE)
    runs = Runs(service)
    service.happen_often(30, NOW - MINUTE, SECOND)
    runs.run()
    service.clock.sleep(60)
    service.answers = lambda _: Fetched([])
    runs.run()
    service.answers = lambda _: None
    runs.every(MINUTE, 5)

    assert exactly_once(runs)


def test_where_the_service_does_not_heed_the_end_it_is_not_asked_window_by_window() -> None:
    service = Service(NewestFirst, lag=HOUR, bounded=False)
    runs = Runs(service, since=NOW - 10 * DAY)
    service.happen_often(200, NOW - 10 * DAY, 70 * MINUTE)

    runs.run()

    assert exactly_once(runs)
    assert len(service.asked) <= 3 * 20 + 3


def test_an_event_without_a_readable_time_is_known_by_its_id() -> None:
    service = Service(lag=MINUTE, bounded=False)
    runs = Runs(service)
    row = msgspec.Raw(b'{"id": "odd", "time": "soon"}')
    service.answers = lambda asked: Fetched([row], None if asked.token else "again")

    runs.every(MINUTE, 3)

    assert runs.record == {bytes(row): 1}


def test_an_event_without_a_readable_time_arrives_once() -> None:
    service = Service(lag=MINUTE, bounded=False)
    runs = Runs(service)
    rows = [msgspec.Raw(b'{"id": "odd", "time": null}')]
    service.answers = lambda _: Fetched(rows)

    runs.every(MINUTE, 60)

    assert runs.record == {b'{"id": "odd", "time": null}': 1}


def test_events_dated_years_ahead_arrive_once_and_at_once() -> None:
    service = Service(lag=MINUTE, bounded=False)
    runs = Runs(service)
    service.happen_often(5, NOW - 5 * MINUTE, SECOND)
    for n in range(150):
        service.happen(NOW + 4000 * DAY + n * SECOND).visible = NOW
        service.happen(NOW - MINUTE).body = b'{"id": "odd %d", "time": "soon"}' % n

    runs.run()
    at_once = runs.record.total()
    runs.every(MINUTE, 5)

    assert at_once == 305
    assert (runs.record.total(), max(runs.record.values())) == (305, 1)


# What a service documents is checked


@pytest.mark.parametrize("says", [OldestFirst, NewestFirst])
def test_an_order_that_is_not_kept_is_told_and_costs_nothing(
    says: Any, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(AnyOrder, says=says, lag=MINUTE, cost=1.0, token_seconds=30)
    runs = Runs(service)
    service.happen_often(300, NOW - HOUR, 10 * SECOND)

    runs.every(MINUTE, 60, seconds=15)
    runs.finish()

    assert exactly_once(runs)
    assert "does not list events in the order" in caplog.text


def test_a_window_that_holds_too_much_is_halved_so_that_no_order_need_be_relied_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "MOST_ROWS", 40)
    service = Service(lag=MINUTE)
    runs = Runs(service)
    times = [*range(0, 1000, 10), 5, *range(1000, 1500, 10), 1990, *range(1500, 1990, 10)]
    service.events = [service.happen(NOW - HOUR + second * SECOND) for second in times]
    place = {event.body: n for n, event in enumerate(service.events)}
    service._key = lambda _, number: (place[service.events[number].body], 0, number)  # type: ignore[method-assign, assignment]

    runs.finish()

    assert exactly_once(runs)


@pytest.mark.parametrize("order", [OldestFirst, NewestFirst])
def test_a_window_that_will_hold_too_much_is_cut_long_before_it_has_been_read_to_its_end(
    order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MOST_ROWS", 400)
    service = Service(order, lag=MINUTE)
    runs = Runs(service, since=NOW - 20 * HOUR)
    service.happen_often(2_000, NOW - 20 * HOUR, 30 * SECOND)

    outcome = runs.run()

    assert exactly_once(runs)
    assert outcome.events == 2_000
    assert outcome.repeats < 200


def test_a_window_is_not_halved_where_its_bounds_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "MOST_ROWS", 40)
    service = Service(order=AnyOrder, lag=MINUTE, bounded=False, cost=1.0)
    runs = Runs(service)
    service.happen_often(120, NOW - HOUR, 10 * SECOND)

    for _ in range(10):
        runs.run(seconds=60)
        service.clock.sleep(60)

    assert runs.place.sweep is None
    assert exactly_once(runs)


def circle(names: str) -> Callable[[Asked], Fetched]:
    """Return answers whose pages come again and again, each with a token that was never seen."""
    count = 0

    def answers(_: Asked) -> Fetched:
        nonlocal count
        count += 1
        row = b'{"time": "%b", "name": "%b"}'
        when = (NOW - MINUTE).isoformat().encode()
        name = names[count % len(names)].encode()
        return Fetched([msgspec.Raw(row % (when, name)), msgspec.Raw(row % (when, b"x"))], f"nonce {count}")

    return answers


@with_and_without_ids
@pytest.mark.parametrize("names", ["a", "abc", "abcdefg"])
def test_pages_that_come_again_are_a_circle_whatever_their_token(names: str, *, ids: bool) -> None:
    service = Service(ids=ids, lag=HOUR, answers=circle(names))
    runs = Runs(service)

    outcome = runs.run()

    assert outcome.error
    assert "circle" in outcome.error.message
    assert len(service.asked) < 60


def test_empty_pages_with_tokens_that_move_are_no_circle() -> None:
    service = Service(lag=HOUR)
    runs = Runs(service)
    rows = {n * 12: msgspec.Raw(service.happen(NOW - MINUTE).body) for n in range(12)}

    def answers(asked: Asked) -> Fetched:
        page = asked.token or 0
        return Fetched([rows[page]] if page in rows else [], page + 1 if page < 150 else None)

    service.answers = answers
    assert runs.run().status == "succeeded"
    assert exactly_once(runs)


# Gaps


def test_what_the_service_keeps_no_more_is_a_gap_that_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    service = Service(lag=20 * MINUTE, retention=90 * DAY, page=50)
    runs = Runs(service)
    service.happen_often(10, NOW - 30 * MINUTE, MINUTE)
    runs.every(MINUTE, 3)
    service.happen_often(184, service.clock.now() + HOUR, timedelta(hours=12))
    service.clock.sleep(92 * DAY.total_seconds())
    caplog.clear()

    runs.every(MINUTE, 5)

    kept = [event for event in service.events if event.at > service.clock.now() - 89 * DAY]
    assert all(runs.record[event.body] == 1 for event in kept)
    assert not runs.twice
    assert caplog.text.count("can't be collected any more") == 1
    assert len(runs.place.gaps) == 1


def test_an_idle_feed_has_no_gap_however_long_it_is_idle(caplog: pytest.LogCaptureFixture) -> None:
    service = Service(lag=20 * MINUTE, retention=90 * DAY, dated=False)
    runs = Runs(service)
    service.happen(NOW - 30 * MINUTE)
    service.happen(NOW - 31 * MINUTE)

    with caplog.at_level(logging.ERROR):
        runs.every(2 * DAY, 50)

    assert caplog.text == ""
    assert runs.place.gaps == []


def test_a_feed_that_states_no_lag_has_an_hour_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    service = Service(lag=None)
    runs = Runs(service)
    service.happen(NOW + 10 * MINUTE)
    service.happen(NOW, late=55 * MINUTE)

    runs.every(5 * MINUTE, 40)

    assert exactly_once(runs)
    assert "states no lag" in caplog.text


# Times that can't be


@pytest.mark.parametrize("tokens", [True, False], ids=["tokens", "no tokens"])
@orders
def test_what_a_wrong_clock_dated_in_the_future_ends_no_listing(*, order: Any, tokens: bool) -> None:
    service = Service(order, page=5, lag=MINUTE)
    if not tokens:
        service.answers = refusing_tokens
    runs = Runs(service)
    for n in range(40):
        wrong: dict[str, Any] = {"time": "2038-01-19T03:14:07Z"} if n % 5 > 3 else {}
        service.happen(NOW - 50 * MINUTE + n * MINUTE, **wrong)

    runs.every(10 * MINUTE, 12)

    assert exactly_once(runs)


@orders
@with_and_without_ids
@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", 0, 1_772_366_400_000, "9999-12-31T23:59:59Z"])
def test_an_event_whose_time_cannot_be_arrives_once(*, order: Any, ids: bool, time: Any) -> None:
    service = Service(order, ids=ids, lag=10 * MINUTE)
    runs = Runs(service)
    for n in range(30):
        service.happen(NOW - HOUR / 2 + n * MINUTE, **({} if n % 3 else {"time": time}))

    runs.every(5 * MINUTE, 24)

    assert exactly_once(runs)


def test_null_is_no_event_and_an_empty_token_leads_nowhere() -> None:
    rows = [msgspec.Raw(body) for body in (b"null", b'{"a": null}', b"null", b"[]")]

    assert Fetched(rows, "") == Fetched([rows[1], rows[3]], None)
    assert Fetched(rows[1:2], 0).next == 0

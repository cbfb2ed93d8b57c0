"""A day's history is in the head, hour by hour."""

from __future__ import annotations

from datetime import timedelta

import pytest

from streamalert_apps.errors import BadResponse
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.history import HOURS, Hour, added, hour_of
from tests.runtime.doubles import START, World, raising


def hours(world: World) -> list[Hour]:
    return heads.parse(world.store.read(heads.NAME).body)[0].hours


def test_runs_of_one_hour_are_one_entry() -> None:
    world = World(total=10)
    world.run()
    world.total = 17
    world.run()
    (hour,) = hours(world)
    assert (hour.hour, hour.runs, hour.failed, hour.events) == (hour_of(START), 2, 0, 17)
    assert hour.bytes > 0


def test_runs_of_another_hour_are_another() -> None:
    world = World(total=10)
    world.run()
    world.clock.sleep(3600)
    world.run()
    assert [hour.events for hour in hours(world)] == [10, 0]


def test_a_run_that_failed_is_counted_as_such() -> None:
    world = World(total=10, app=raising(BadResponse("It broke.")))
    world.run()
    (hour,) = hours(world)
    assert (hour.runs, hour.failed) == (1, 1)


def test_what_is_older_than_a_day_is_forgotten() -> None:
    now = hour_of(START)
    kept: list[Hour] = []
    for hour in range(now, now + 60):
        kept = added(kept, Hour(hour, 1))
    assert [one.hour for one in kept] == [*range(now + 60 - HOURS, now + 60)]


@pytest.mark.parametrize("clock_set_by", [timedelta(hours=-5), timedelta(days=-3)])
def test_an_hour_of_the_future_that_a_wrong_clock_left_is_forgotten(clock_set_by: timedelta) -> None:
    now = hour_of(START)
    (one,) = added([Hour(now, 7)], Hour(hour_of(START + clock_set_by), 1))
    assert one.runs == 1


def test_the_largest_lag_of_an_hour_counts_and_one_that_nobody_knows_does_not() -> None:
    now = hour_of(START)
    kept = added(added(added([], Hour(now, 1)), Hour(now, 1, lag=90.0)), Hour(now, 1, lag=30.0))
    assert (kept[0].runs, kept[0].lag) == (3, 90.0)

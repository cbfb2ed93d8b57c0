"""The threads that run apps."""

from __future__ import annotations

import time
from threading import Event
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.errors import OutOfTime
from streamalert_apps.runtime.schedule import parse
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.serve.ending import Ending, EndingClock
from streamalert_apps.serve.workers import Workers

if TYPE_CHECKING:
    from streamalert_apps.serve.agenda import Task

SECOND = parse("rate(1 second)")


def test_a_run_that_hangs_costs_one_thread_and_no_other_app(caplog: pytest.LogCaptureFixture) -> None:
    free, others, ending = Event(), Event(), Ending(5.0)

    def run(task: Task) -> None:
        if task.name == "hangs":
            free.wait(30)
        else:
            others.set()

    workers = Workers(run, lambda _: 0.0, 1, SystemClock(), ending)
    workers.plan({"hangs": SECOND})
    workers.start()
    while "hangs" not in workers.running:
        time.sleep(0.01)
    workers.plan({"hangs": SECOND, "other": SECOND})
    workers.look_after()

    assert others.wait(10)
    assert workers.are_stuck
    assert "hangs: its run hangs" in caplog.text
    ending.begin()
    assert workers.finish() == ["hangs"]
    free.set()


def test_a_run_under_way_may_end_and_none_begins_any_more() -> None:
    began, runs, ending = Event(), [], Ending(10.0)

    def run(task: Task) -> None:
        runs.append(task.name)
        began.set()
        time.sleep(0.3)

    workers = Workers(run, lambda _: 60.0, 1, SystemClock(), ending)
    workers.plan({"a": SECOND, "b": SECOND})
    workers.start()
    assert began.wait(10)
    ending.begin()

    assert workers.finish() == []
    assert len(runs) == 1


def test_a_run_that_takes_longer_than_the_grace_period_is_left_behind() -> None:
    began, free, ending = Event(), Event(), Ending(0.1)

    def run(_: Task) -> None:
        began.set()
        free.wait(30)

    workers = Workers(run, lambda _: 60.0, 1, SystemClock(), ending)
    workers.plan({"a": SECOND})
    workers.start()
    assert began.wait(10)
    ending.begin()

    assert workers.finish() == ["a"]
    free.set()


def test_a_long_wait_ends_with_the_collector() -> None:
    ending = Ending(60.0)
    clock = EndingClock(ending)
    clock.sleep(0.01)
    ending.begin()

    clock.sleep(0.01)
    with pytest.raises(OutOfTime, match="told to stop"):
        clock.sleep(30.0)


def test_there_is_all_time_until_somebody_says_stop() -> None:
    ending = Ending(1.0)
    assert (ending.begun, ending.left()) == (False, float("inf"))

    ending.begin()
    assert ending.begun
    assert 0 < ending.left() <= 1.0

"""Which app runs when."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from streamalert_apps.runtime.schedule import parse
from streamalert_apps.serve.agenda import SPREAD, Again, Agenda, Task

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def agenda(**expressions: str) -> Agenda:
    made = Agenda()
    made.plan({name: parse(expression) for name, expression in expressions.items()}, NOON)
    return made


def take(agenda: Agenda, now: datetime) -> Task:
    task = agenda.take(now)
    assert task
    return task


def test_after_a_start_each_app_runs_soon_but_not_all_at_once() -> None:
    made = agenda(**{f"app{number}": "rate(1 day)" for number in range(50)})
    dues = []
    while task := made.take(NOON + SPREAD):
        assert task.due
        dues.append(task.due)

    assert len(dues) == 50
    assert dues == sorted(dues)
    assert dues[-1] - dues[0] > SPREAD / 2


def test_later_runs_are_an_interval_apart_at_moments_that_differ_from_app_to_app() -> None:
    made, moments = agenda(a="rate(10 minutes)", b="rate(10 minutes)"), defaultdict(list)
    for _ in range(8):
        due = made.next_due()
        assert due
        task = take(made, due)
        moments[task.name].append(due)
        made.done(task, due, None)

    later = {name: times[1:] for name, times in moments.items()}
    assert all(b - a == 10 * MINUTE for times in later.values() for a, b in pairwise(times))
    assert not set(later["a"]) & set(later["b"])


def test_each_process_has_the_same_moments() -> None:
    one, other = agenda(a="rate(1 hour)"), Agenda()
    other.plan({"a": parse("rate(1 hour)")}, NOON + 7 * MINUTE)
    for made, now in ((one, NOON + SPREAD), (other, NOON + 7 * MINUTE + SPREAD)):
        made.done(take(made, now), NOON + 8 * MINUTE, None)

    assert one.next_due() == other.next_due()


def test_an_app_that_runs_is_not_taken_again() -> None:
    made = agenda(a="rate(1 minute)")
    take(made, NOON + MINUTE)

    assert made.take(NOON + 60 * MINUTE) is None
    assert made.next_due() is None


def test_what_waits_for_longest_comes_first() -> None:
    made = agenda(a="rate(1 minute)", b="rate(1 minute)")
    first = take(made, NOON + MINUTE)
    made.done(first, NOON + MINUTE, Again(0.0))

    assert take(made, NOON + MINUTE).name != first.name


def test_times_that_a_long_run_missed_are_left_out() -> None:
    made = agenda(a="rate(1 minute)")
    task = take(made, NOON + MINUTE)
    made.done(task, NOON + 30 * MINUTE, None)

    due = made.next_due()
    assert due
    assert NOON + 30 * MINUTE < due <= NOON + 31 * MINUTE


def test_a_backlog_is_gone_on_with_whatever_else_was_run_since() -> None:
    made = agenda(a="rate(1 hour)")
    made.done(take(made, NOON + SPREAD), NOON + MINUTE, Again(5.0))

    task = take(made, NOON + MINUTE + timedelta(seconds=5))
    assert task.slot is None


def test_a_run_that_another_process_has_is_looked_at_again_for_the_same_time() -> None:
    made = agenda(a="rate(1 hour)")
    task = take(made, NOON + SPREAD)
    made.done(task, NOON + SPREAD, Again(90.0, same=True))

    again = take(made, NOON + SPREAD + timedelta(seconds=90))
    assert again.slot == task.slot
    assert task.slot
    assert NOON - timedelta(hours=1) < task.slot <= NOON


def test_cron_waits_for_its_time() -> None:
    made = agenda(a="cron(30 12 * * ? *)")

    assert made.next_due() == NOON + 30 * MINUTE
    task = take(made, NOON + 30 * MINUTE)
    made.done(task, NOON + 31 * MINUTE, None)
    assert made.next_due() == NOON + timedelta(days=1, minutes=30)


def test_a_schedule_whose_time_has_passed_for_good_waits_for_nothing() -> None:
    assert agenda(a="cron(0 0 1 1 ? 2020)").next_due() is None


def test_conf_that_changes_leaves_other_apps_alone() -> None:
    made = agenda(a="rate(1 hour)", b="rate(1 hour)")
    before = made.next_due()
    made.plan({"a": parse("rate(1 hour)"), "b": parse("rate(1 hour)"), "c": parse("rate(1 hour)")}, NOON)
    assert made.next_due() == before or made.take(NOON + SPREAD)

    made.plan({}, NOON)
    assert made.next_due() is None


def test_an_app_that_is_taken_out_during_its_run_does_not_come_back() -> None:
    made = agenda(a="rate(1 minute)")
    task = take(made, NOON + MINUTE)
    made.plan({}, NOON + MINUTE)
    made.done(task, NOON + MINUTE, Again(0.0))

    assert made.next_due() is None
    assert made.running == 0

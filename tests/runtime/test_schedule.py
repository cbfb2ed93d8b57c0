"""Schedule expressions, as EventBridge takes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from streamalert_apps.errors import ConfigError, UsageError
from streamalert_apps.runtime.schedule import Rate, duration, interval, parse

HINT = "Write it like 1h, 30m, 'rate(1 hour)' or 'cron(0 9 ? * MON-FRI *)'."


@pytest.mark.parametrize(
    ("expression", "time"),
    [
        ("rate(1 second)", timedelta(seconds=1)),
        ("rate(30 seconds)", timedelta(seconds=30)),
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(2 minutes)", timedelta(minutes=2)),
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(36 hours)", timedelta(hours=36)),
        ("rate(1 day)", timedelta(days=1)),
        ("rate(7 days)", timedelta(days=7)),
    ],
)
def test_a_rate_is_the_time_between_two_runs(expression: str, time: timedelta) -> None:
    assert interval(expression) == time


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("rate(1 hours)", "Write 'rate(1 hour)'."),
        ("rate(2 hour)", "Write 'rate(2 hours)'."),
        ("rate(0 minutes)", HINT),
        ("rate(-1 minutes)", HINT),
        ("rate(1.5 hours)", HINT),
        ("rate(1 week)", HINT),
        ("rate(1 hour", HINT),
        ("rate(1 hour)\n", HINT),
        ("Rate(1 hour)", HINT),
        ("rate(99999999999999 days)", HINT),
        ("", HINT),
    ],
)
def test_what_eventbridge_would_refuse_is_refused_with_what_to_write(expression: str, hint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        interval(expression)

    assert raised.value.hint == hint


def test_a_rate_begins_at_the_same_times_whatever_was_before() -> None:
    rate = Rate(timedelta(minutes=10))
    now = datetime(2026, 3, 1, 12, 3, tzinfo=UTC)

    assert rate.next(now) == datetime(2026, 3, 1, 12, 10, tzinfo=UTC)
    assert rate.next(rate.next(now)) == datetime(2026, 3, 1, 12, 20, tzinfo=UTC)
    assert rate.next(now, phase=0.25) == datetime(2026, 3, 1, 12, 12, 30, tzinfo=UTC)


def test_a_schedule_says_how_many_runs_a_day_has() -> None:
    assert parse("rate(1 hour)").runs_a_day == 24
    assert parse("cron(0/30 * * * ? *)").runs_a_day == 48


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("10m", timedelta(minutes=10)),
        ("2h", timedelta(hours=2)),
        ("30d", timedelta(days=30)),
    ],
)
def test_a_length_of_time_has_a_unit(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["", "10", "0m", "-1h", "1w", "1 h", "10m\n"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a valid duration"):
        duration(text)

"""EventBridge's cron expressions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from streamalert_apps.errors import ConfigError
from streamalert_apps.runtime.cron import Cron

SUNDAY = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def following(expression: str, count: int = 3, since: datetime = SUNDAY) -> list[str]:
    cron, found = Cron.parse(expression), [since]
    for _ in range(count):
        moment = cron.next(found[-1])
        if moment is None:
            break
        found.append(moment)
    return [f"{moment:%Y-%m-%d %H:%M}" for moment in found[1:]]


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("cron(0 12 * * ? *)", ["2026-03-02 12:00", "2026-03-03 12:00", "2026-03-04 12:00"]),
        ("cron(0/15 * * * ? *)", ["2026-03-01 12:15", "2026-03-01 12:30", "2026-03-01 12:45"]),
        ("cron(*/20 13 * * ? *)", ["2026-03-01 13:00", "2026-03-01 13:20", "2026-03-01 13:40"]),
        ("cron(5,50 8-9 * * ? *)", ["2026-03-02 08:05", "2026-03-02 08:50", "2026-03-02 09:05"]),
        ("cron(0-30/30 0 * * ? *)", ["2026-03-02 00:00", "2026-03-02 00:30", "2026-03-03 00:00"]),
        ("cron(0 9 ? * MON-FRI *)", ["2026-03-02 09:00", "2026-03-03 09:00", "2026-03-04 09:00"]),
        ("cron(0 9 ? * 1 *)", ["2026-03-08 09:00", "2026-03-15 09:00", "2026-03-22 09:00"]),
        ("cron(0 9 ? * L *)", ["2026-03-07 09:00", "2026-03-14 09:00", "2026-03-21 09:00"]),
        ("cron(15 10 ? * 6L *)", ["2026-03-27 10:15", "2026-04-24 10:15", "2026-05-29 10:15"]),
        ("cron(0 8 ? * TUE#2 *)", ["2026-03-10 08:00", "2026-04-14 08:00", "2026-05-12 08:00"]),
        ("cron(0 8 ? * 3#5 *)", ["2026-03-31 08:00", "2026-06-30 08:00", "2026-09-29 08:00"]),
        ("cron(0 0 L * ? *)", ["2026-03-31 00:00", "2026-04-30 00:00", "2026-05-31 00:00"]),
        ("cron(0 0 31 * ? *)", ["2026-03-31 00:00", "2026-05-31 00:00", "2026-07-31 00:00"]),
        ("cron(0 0 1W * ? *)", ["2026-03-02 00:00", "2026-04-01 00:00", "2026-05-01 00:00"]),
        ("cron(0 0 15W 3-6 ? *)", ["2026-03-16 00:00", "2026-04-15 00:00", "2026-05-15 00:00"]),
        ("cron(0 0 1W 8 ? *)", ["2026-08-03 00:00", "2027-08-02 00:00", "2028-08-01 00:00"]),
        ("cron(0 0 31W 5 ? *)", ["2026-05-29 00:00", "2027-05-31 00:00", "2028-05-31 00:00"]),
        ("cron(0 0 1 JAN,JUL ? *)", ["2026-07-01 00:00", "2027-01-01 00:00", "2027-07-01 00:00"]),
        ("cron(0 0 29 FEB ? *)", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("cron(0 0 1 1 ? 2027-2028)", ["2027-01-01 00:00", "2028-01-01 00:00"]),
        ("cron(0 0 1 1 ? 2020)", []),
    ],
)
def test_an_expression_means_these_times(expression: str, times: list[str]) -> None:
    assert following(expression) == times


def test_the_time_of_a_run_is_past_once_it_has_come() -> None:
    cron = Cron.parse("cron(0 12 * * ? *)")

    assert cron.next(SUNDAY - timedelta(seconds=1)) == SUNDAY
    assert cron.next(SUNDAY) == SUNDAY + timedelta(days=1)
    assert cron.next(SUNDAY + timedelta(milliseconds=1)) == SUNDAY + timedelta(days=1)


def test_times_are_in_utc_wherever_one_is() -> None:
    elsewhere = SUNDAY.astimezone(timezone(timedelta(hours=9)))

    assert Cron.parse("cron(30 12 * * ? *)").next(elsewhere) == SUNDAY + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("expression", "gap"),
    [
        ("cron(0 12 * * ? *)", timedelta(days=1)),
        ("cron(0/15 * * * ? *)", timedelta(minutes=15)),
        ("cron(0 8-18 ? * MON-FRI *)", timedelta(days=2, hours=14)),
        ("cron(0 0 1 * ? *)", timedelta(days=31)),
        ("cron(0 0 29 2 ? *)", timedelta(days=1461)),
    ],
)
def test_the_longest_gap_counts_nights_weekends_and_months(expression: str, gap: timedelta) -> None:
    assert Cron.parse(expression).longest_gap == gap


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("cron(0 12 * * *)", "is not a cron expression of six fields"),
        ("cron(0 12 * * ? * *)", "is not a cron expression of six fields"),
        ("cron(0 12 * * ? *", "is not a cron expression of six fields"),
        ("cron(0 12 * * * *)", "one of day of month and day of week has to be '?', and not both"),
        ("cron(0 12 ? * ? *)", "one of day of month and day of week has to be '?', and not both"),
        ("cron(60 12 * * ? *)", "'60' is no minute (0 to 59)"),
        ("cron(0 24 * * ? *)", "'24' is no hour (0 to 23)"),
        ("cron(0 0 0 * ? *)", "'0' is no day of month (1 to 31)"),
        ("cron(0 0 1 13 ? *)", "'13' is no month (1 to 12)"),
        ("cron(0 0 ? * 0 *)", "'0' is no day of week (1 to 7)"),
        ("cron(0 0 ? * MON#6 *)", "'MON#6' is no day of week"),
        ("cron(0 0 ? * 8L *)", "'8' is no day of week (1 to 7)"),
        ("cron(0 0 ? * MON#2,TUE *)", "is no day of week"),
        ("cron(0 0 32W * ? *)", "'32' is no day of month (1 to 31)"),
        ("cron(0 0 1 1 ? 1969)", "'1969' is no year (1970 to 2199)"),
        ("cron(0/0 0 * * ? *)", "'/0' is no step of a minute"),
        ("cron(/5 0 * * ? *)", "'/5' is no minute"),
        ("cron(0 22-2 * * ? *)", "'22-2' runs backwards: write it as two spans"),
        ("cron(0 0 31 2 ? *)", "never comes: no month has such a day"),
        ("cron(0 ? * * ? *)", "'?' is no hour"),
    ],
)
def test_what_eventbridge_would_refuse_is_refused_with_the_reason(expression: str, why: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Cron.parse(expression)

    assert why in raised.value.message
    assert raised.value.hint.startswith("Write it like 'cron(0 9 ? * MON-FRI *)'")

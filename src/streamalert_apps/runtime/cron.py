"""EventBridge's cron expressions: `cron(0 9 ? * MON-FRI *)`, in UTC.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from itertools import pairwise
from typing import Final, NamedTuple

from streamalert_apps.errors import ConfigError

HINT: Final = "Write it like 'cron(0 9 ? * MON-FRI *)': minute, hour, day of month, month, day of week, year."
_FORM: Final = re.compile(r"cron\(([^()]*)\)")
_STEP: Final = re.compile(r"(\*|\w+(?:-\w+)?)(?:/([0-9]{1,3}))?", re.ASCII)
_NEAREST: Final = re.compile(r"([0-9]{1,2})W")
_LAST: Final = re.compile(r"(\w+)L", re.ASCII)
_NTH: Final = re.compile(r"(\w+)#([1-5])", re.ASCII)
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SATURDAY, _SUNDAY = 5, 6  # as Python counts
_TYPICAL: Final = (2024, 2031)  # years from which gaps are told: with two leap years
_TYPICAL_DAYS: Final = 8 * 365 + 2


class _Field(NamedTuple):
    """What a field may hold. `names` stand for numbers from `first` on."""

    title: str
    first: int
    last: int
    names: tuple[str, ...] = ()


_MINUTE: Final = _Field("minute", 0, 59)
_HOUR: Final = _Field("hour", 0, 23)
_DAY_OF_MONTH: Final = _Field("day of month", 1, 31)
_MONTH: Final = _Field("month", 1, 12, _MONTHS)
_DAY_OF_WEEK: Final = _Field("day of week", 1, 7, _DAYS)
_YEAR: Final = _Field("year", 1970, 2199)
_FIELDS: Final = (_MINUTE, _HOUR, _DAY_OF_MONTH, _MONTH, _DAY_OF_WEEK, _YEAR)


@dataclass(frozen=True)
class Cron:
    """The minutes that an expression means. Of the two fields for days one is `?`."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days_of_month: str
    months: tuple[int, ...]
    days_of_week: str
    years: frozenset[int]

    @classmethod
    def parse(cls, expression: str) -> Cron:
        """Return what an expression means; raise ConfigError for what EventBridge would refuse."""
        match = _FORM.fullmatch(expression)
        fields = match[1].split() if match else []
        if len(fields) != len(_FIELDS):
            raise ConfigError(f"'{expression}' is not a cron expression of six fields.", hint=HINT)
        minute, hour, day, month, weekday, year = fields
        try:
            cron = cls(
                _numbers(_MINUTE, minute),
                _numbers(_HOUR, hour),
                day,
                _numbers(_MONTH, month),
                weekday,
                frozenset(_numbers(_YEAR, year)),
            )
            _check_days(day, weekday)
        except _Wrong as wrong:
            raise ConfigError(f"'{expression}': {wrong}.", hint=HINT) from None
        if not cron._typical:
            raise ConfigError(f"'{expression}' never comes: no month has such a day.", hint=HINT)
        return cron

    def next(self, after: datetime) -> datetime | None:
        """Return the first time that is later; None where there is none any more."""
        first = after.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for day in self._days(first.date(), _YEAR.last):
            for hour in self.hours:
                for minute in self.minutes:
                    moment = datetime.combine(day, time(hour, minute), UTC)
                    if moment >= first:
                        return moment
        return None

    @cached_property
    def longest_gap(self) -> timedelta:
        """The longest time between two runs, within the years that are named."""
        minutes = [hour * 60 + minute for hour in self.hours for minute in self.minutes]
        within = max((later - earlier for earlier, later in pairwise(minutes)), default=0)
        days = max(
            ((later - earlier).days for earlier, later in pairwise(self._typical)), default=_TYPICAL_DAYS
        )
        return timedelta(minutes=max(within, days * 24 * 60 - minutes[-1] + minutes[0]))

    @property
    def runs_a_day(self) -> float:
        """How many runs there are in a day, on average."""
        return len(self._typical) / _TYPICAL_DAYS * len(self.hours) * len(self.minutes)

    @cached_property
    def _typical(self) -> list[date]:
        first, last = _TYPICAL
        every_year = Cron(
            self.minutes, self.hours, self.days_of_month, self.months, self.days_of_week, _ALL_YEARS
        )
        return list(every_year._days(date(first, 1, 1), last))

    def _days(self, since: date, last_year: int) -> Iterator[date]:
        """Yield the days from one on, up to the end of a year."""
        for year in range(since.year, last_year + 1):
            if year not in self.years:
                continue
            for month in self.months:
                if (year, month) < (since.year, since.month):
                    continue
                days = (date(year, month, day) for day in self._days_of(year, month))
                yield from (day for day in days if day >= since)

    def _days_of(self, year: int, month: int) -> list[int]:
        if self.days_of_week == "?":
            return _by_number(self.days_of_month, year, month)
        return _by_weekday(self.days_of_week, year, month)


_ALL_YEARS: Final = frozenset(range(_YEAR.first, _YEAR.last + 1))


class _Wrong(Exception):
    """What is wrong with a field."""


def _check_days(day: str, weekday: str) -> None:
    """Raise _Wrong for a field of days that means none; what it means depends on the month."""
    if (day == "?") == (weekday == "?"):
        raise _Wrong("one of day of month and day of week has to be '?', and not both")
    if day != "?":
        _by_number(day, 2024, 1)
    else:
        _by_weekday(weekday, 2024, 1)


def _by_number(field: str, year: int, month: int) -> list[int]:
    last = monthrange(year, month)[1]
    if field == "L":
        return [last]
    if match := _NEAREST.fullmatch(field):
        (number,) = _numbers(_DAY_OF_MONTH, match[1])
        return [_nearest_weekday(date(year, month, number), last)] if number <= last else []
    return [number for number in _numbers(_DAY_OF_MONTH, field) if number <= last]


def _nearest_weekday(day: date, last: int) -> int:
    """Return the day from Monday to Friday that is nearest, in the same month."""
    if day.weekday() == _SATURDAY:
        return day.day - 1 if day.day > 1 else day.day + 2
    if day.weekday() == _SUNDAY:
        return day.day + 1 if day.day < last else day.day - 2
    return day.day


def _by_weekday(field: str, year: int, month: int) -> list[int]:
    last = monthrange(year, month)[1]
    if match := _LAST.fullmatch(field):
        return _of_weekday(match[1], year, month)[-1:]
    if match := _NTH.fullmatch(field):
        return _of_weekday(match[1], year, month)[int(match[2]) - 1 :][:1]
    wanted = _numbers(_DAY_OF_WEEK, "SAT" if field == "L" else field)
    return [day for day in range(1, last + 1) if date(year, month, day).isoweekday() % 7 + 1 in wanted]


def _of_weekday(weekday: str, year: int, month: int) -> list[int]:
    if not (weekday.isdecimal() or weekday.upper() in _DAYS):
        raise _Wrong(f"'{weekday}' is no day of week")
    return _by_weekday(weekday, year, month)


@cache
def _numbers(field: _Field, text: str) -> tuple[int, ...]:
    """Return the numbers that a field means, sorted; raise _Wrong where it means none."""
    found: set[int] = set()
    for part in text.split(","):
        match = _STEP.fullmatch(part)
        if not match:
            raise _Wrong(f"'{text}' is no {field.title}")
        span, step = match[1], match[2]
        first, last = _span(field, span)
        if step is not None:
            if not 1 <= int(step) <= field.last:
                raise _Wrong(f"'/{step}' is no step of a {field.title}")
            last = last if "-" in span else field.last
        found.update(range(first, last + 1, int(step or 1)))
    return tuple(sorted(found))


def _span(field: _Field, text: str) -> tuple[int, int]:
    if text == "*":
        return field.first, field.last
    first, _, last = text.partition("-")
    low, high = _number(field, first), _number(field, last or first)
    if low > high:
        raise _Wrong(f"'{text}' runs backwards: write it as two spans")
    return low, high


def _number(field: _Field, text: str) -> int:
    if text.upper() in field.names:
        return field.first + field.names.index(text.upper())
    number = int(text) if re.fullmatch(r"[0-9]{1,4}", text) else -1
    if not field.first <= number <= field.last:
        raise _Wrong(f"'{text}' is no {field.title} ({field.first} to {field.last})")
    return number

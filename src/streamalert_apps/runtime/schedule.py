"""When an app runs (`rate(2 hours)`, `cron(0 9 ? * MON-FRI *)`), and lengths of time (`90s`, `30m`, `2h`).

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from streamalert_apps.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from streamalert_apps.runtime.cron import Cron

_RATE: Final = re.compile(r"rate\(\s*([0-9]{1,6})\s+(second|minute|hour|day)(s?)\s*\)")
_DURATION: Final = re.compile(r"([0-9]{1,5})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_HINT: Final = "Write it like 1h, 30m, 'rate(1 hour)' or 'cron(0 9 ? * MON-FRI *)'."
_DAY: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rate:
    """A run each `every`."""

    every: timedelta

    @property
    def longest_gap(self) -> timedelta:
        """The time between two runs."""
        return self.every

    @property
    def runs_a_day(self) -> float:
        """How many runs there are in a day."""
        return _DAY / self.every

    def next(self, after: datetime, phase: float = 0.0) -> datetime:
        """Return the first time that is later. `phase`, from 0 to 1: where in an interval runs begin."""
        begin = _EPOCH + timedelta(seconds=round(phase * self.every.total_seconds(), 3))
        return begin + ((after - begin) // self.every + 1) * self.every


Schedule: TypeAlias = "Rate | Cron"


@lru_cache(maxsize=256)
def parse(expression: str) -> Schedule:
    """Return the schedule that an expression means; raise ConfigError for one that it can't be."""
    if expression.startswith("cron("):
        from streamalert_apps.runtime.cron import Cron  # noqa: PLC0415 (most apps have a rate)

        return Cron.parse(expression)
    return Rate(_rate(expression))


def interval(expression: str) -> timedelta:
    """Return the longest time between two runs; raise ConfigError as `parse` does."""
    return parse(expression).longest_gap


def _rate(expression: str) -> timedelta:
    match = _RATE.fullmatch(expression)
    if not match:
        raise ConfigError(f"'{expression}' is not a schedule.", hint=_HINT)
    value, unit, plural = int(match[1]), match[2], match[3]
    if value < 1:
        raise ConfigError(f"'{expression}': the rate has to be at least 1.", hint=_HINT)
    if (value == 1) == bool(plural):
        right = unit if value == 1 else f"{unit}s"
        raise ConfigError(
            f"'{expression}': AWS wants '{right}' after {value}.", hint=f"Write 'rate({value} {right})'."
        )
    return timedelta(**{f"{unit}s": value})


def duration(text: Any) -> timedelta:
    """Return the length of time that `90s`, `30m`, `2h` or `7d` means; raise UsageError for anything else."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if not match or not int(match[1]):
        raise UsageError(f"{text!r} is not a valid duration.", hint="Write it like 90s, 30m, 2h or 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})

"""Lengths of time: schedule expressions (`rate(2 hours)`), and `90s`, `30m`, `2h`, `7d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

from streamalert_apps.errors import ConfigError, UsageError

_RATE: Final = re.compile(r"rate\(\s*([0-9]{1,6})\s+(minute|hour|day)(s?)\s*\)")
_DURATION: Final = re.compile(r"([0-9]{1,5})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_HINT: Final = "Write it like 'rate(1 hour)' or 'rate(30 minutes)'."


def interval(expression: str) -> timedelta:
    """Return the time between two runs; raise ConfigError for what EventBridge would refuse."""
    match = _RATE.fullmatch(expression)
    if not match:
        raise ConfigError(f"'{expression}' is not a rate.", hint=_HINT)
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
        raise UsageError(f"{text!r} is not a length of time.", hint="Write it like 90s, 30m, 2h or 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})

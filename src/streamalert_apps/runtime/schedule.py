"""Schedule expressions: `rate(2 hours)`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from streamalert_apps.errors import ConfigError

_RATE: Final = re.compile(r"rate\(\s*([0-9]{1,6})\s+(minute|hour|day)(s?)\s*\)")
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

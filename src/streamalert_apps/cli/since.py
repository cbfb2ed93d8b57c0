"""How far back: `90s`, `30m`, `2h`, `7d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from streamalert_apps.errors import UsageError

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def since(text: str) -> timedelta:
    """Return the time that `text` means; raise UsageError for anything else."""
    match = re.fullmatch(r"([0-9]{1,5})([smhd])", text)
    if not match or not int(match[1]):
        raise UsageError(f"'{text}' is not a length of time.", hint="Write it like 90s, 30m, 2h or 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})

"""When credentials end, where they say so themselves: a JSON Web Token states it (RFC 7519, `exp`)."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

WARNED: Final = timedelta(days=14)  # before they end
_TOKEN: Final = re.compile(r"[\w-]+\.([\w-]+)\.[\w-]*")
_LATEST: Final = 32_503_680_000.0  # the year 3000; what is later is no time


def ends(credentials: Mapping[str, Any]) -> float:
    """Return when the first of them ends, in seconds since 1970; 0 where none says."""
    return min((time for value in credentials.values() if (time := _of_token(value))), default=0.0)


def _of_token(value: Any) -> float:
    found = _TOKEN.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return 0.0
    try:
        claims = json.loads(base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4)))
        time = float(claims["exp"])
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return 0.0
    return time if math.isfinite(time) and 0 < time < _LATEST else 0.0

"""What a service wants of its clients: its limit, and to be left alone; kept within and across runs."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from streamalert_apps.sdk.clock import Clock

TIGHT_SECONDS: Final = 10.0  # between two requests


@dataclass(frozen=True, slots=True)
class Rate:
    """The service's limit: this many requests in this many seconds; `after_429` where it names no wait."""

    requests: int
    seconds: float
    after_429: float = 0.0


@dataclass(frozen=True, slots=True)
class Wait:
    """A header in which a service says how long to wait, or until when.

    `unit`: of a number in it. `since`: from when it counts, the answer or 1970. A date, as of HTTP or in
    ISO 8601, needs neither. `spent`: the header counts only where the one of this name says 0, as some
    services send it with each answer.
    """

    header: str
    unit: Literal["s", "ms"] = "s"
    since: Literal["answer", "1970"] = "answer"
    spent: str = ""

    def seconds(self, headers: Mapping[str, str], now: datetime) -> float | None:
        """Return the seconds from `now` on that headers tell; None where they tell none that are to come."""
        if self.spent and headers.get(self.spent, "").strip() != "0":
            return None
        value = headers.get(self.header, "").strip()
        if number := _NUMBER.match(value):
            seconds = float(number[0]) / (1000 if self.unit == "ms" else 1)
            if self.since == "1970" or seconds > _NO_WAIT:
                seconds -= now.timestamp()
        else:
            moment = _moment(value)
            if moment is None:
                return None
            seconds = (moment - now).total_seconds()
        return seconds if seconds > 0 else None


RETRY_AFTER: Final = Wait("Retry-After")
_NUMBER: Final = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?(?=\s*(,|;|$))")
_NO_WAIT: Final = 1e9  # seconds: 31 years is a moment, whatever was documented


def _moment(text: str) -> datetime | None:
    with suppress(ValueError, TypeError, OverflowError):
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    with suppress(ValueError, TypeError, OverflowError):
        moment = parsedate_to_datetime(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


class Pace:
    """Tells how long the next request has to wait.

    `recent`: when the last ones were made; `not_before`: when the service wants the next one (epoch seconds).
    """

    def __init__(self, rate: Rate | None, clock: Clock, recent: Iterable[float] = ()) -> None:
        self._rate = rate
        self._clock = clock
        self.not_before = 0.0
        self.recent: deque[float] = deque(recent if rate else (), maxlen=rate.requests if rate else 1)

    @property
    def after_429(self) -> float | None:
        """Seconds to wait after a 429 that names no wait of its own; None where the service states none."""
        return self._rate.after_429 or None if self._rate else None

    def wait(self) -> float:
        """Return the seconds until the next request is allowed."""
        allowed = self.not_before
        if self._rate is not None and len(self.recent) == self._rate.requests:
            allowed = max(allowed, self.recent[0] + self._rate.seconds)
        return max(0.0, allowed - self._clock.now().timestamp())

    @property
    def is_tight(self) -> bool:
        """Tell whether the service allows so few requests that each has to be worth its wait."""
        return self._rate is not None and self._rate.seconds / self._rate.requests >= TIGHT_SECONDS

    def affordable(self, seconds: float) -> float:
        """Return how many requests can be made within so many seconds."""
        if self._rate is None:
            return float("inf")
        now = self._clock.now().timestamp()
        first = max(0.0, self.not_before - now)
        recent = sum(time > now - self._rate.seconds for time in self.recent)
        if seconds == float("inf"):
            return seconds
        whole = max(0.0, seconds - first) / self._rate.seconds * self._rate.requests
        return max(0.0, whole + self._rate.requests - recent)

    def rest(self, seconds: float) -> None:
        """Make no request for so long: the service said so."""
        if seconds:
            self.not_before = max(self.not_before, round(self._clock.now().timestamp() + seconds, 3))

    def request_made(self) -> None:
        """Remember that a request was made now."""
        if self._rate is not None:
            self.recent.append(round(self._clock.now().timestamp(), 3))

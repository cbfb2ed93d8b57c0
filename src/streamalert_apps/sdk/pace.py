"""What a service wants of its clients: its limit, and to be left alone; kept within and across runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from streamalert_apps.sdk.clock import Clock


@dataclass(frozen=True, slots=True)
class Rate:
    """The service's limit: this many requests in this many seconds; `after_429` where it names no wait."""

    requests: int
    seconds: float
    after_429: float = 0.0


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

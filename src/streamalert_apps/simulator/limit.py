"""How many requests a vendor answers within a span of time."""

from __future__ import annotations

from collections import deque
from datetime import timedelta

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.store import SECOND, micros


class Limit:
    """So many requests within any span of this length; None: any number."""

    def __init__(self, clock: Clock, requests: int | None, span: timedelta) -> None:
        self.requests = requests
        self._clock = clock
        self._span = span // timedelta(microseconds=1)
        self._asked: deque[int] = deque()

    def take(self) -> bool:
        """Count a request; False, and not counted, where it is one too many."""
        now = self._forget()
        if self.requests is not None and len(self._asked) >= self.requests:
            return False
        self._asked.append(now)
        return True

    def left(self) -> int:
        """Return how many requests would be answered now; of any number, a thousand."""
        self._forget()
        return max(0, (1000 if self.requests is None else self.requests) - len(self._asked))

    def resets(self) -> int:
        """Return the second since 1970 at which the oldest request no longer counts, rounded up."""
        now = self._forget()
        return -(-((self._asked[0] if self._asked else now) + self._span) // SECOND)

    def wait(self) -> int:
        """Return the whole seconds until then."""
        now = self._forget()
        return -(-((self._asked[0] if self._asked else now) + self._span - now) // SECOND)

    def _forget(self) -> int:
        now = micros(self._clock.now())
        while self._asked and self._asked[0] <= now - self._span:
            self._asked.popleft()
        return now

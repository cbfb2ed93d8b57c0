"""Lambda's limits on calls that manage functions; they are an account's, and can't be raised.

Invocations are not among them. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

_IN_BURSTS: Final = ("GetAlias", "GetFunctionEventInvokeConfig", "GetPolicy")
SLACK: Final = 1.1  # the network squeezes the gaps between calls


class Bucket:
    """A bucket of tokens, one a call; a token is back `seconds` after it was taken."""

    def __init__(
        self,
        tokens: int,
        seconds: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._back = deque([float("-inf")] * tokens)  # when each token is there again
        self._seconds = seconds
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()

    def take(self) -> None:
        """Take a token, waiting for one if there is none."""
        with self._lock:
            now = self._now()
            free = max(self._back.popleft(), now)
            self._back.append(free + self._seconds)
        if free > now:
            self._sleep(free - now)


class Quota:
    """The buckets of one account: GetFunction's, those of what only reads, and that of all else together.

    What only reads is let through in bursts. What AWS refuses of one is repeated: a deploy of fifty apps
    with nothing to do shall not take three seconds for each of these alone.
    """

    def __init__(self) -> None:
        self._own = {"GetFunction": Bucket(100, SLACK)}
        self._own |= {name: Bucket(60, 4 * SLACK) for name in _IN_BURSTS}
        self._rest = Bucket(15, SLACK)

    def apply(self, client: Any) -> None:
        """Make every call of a Lambda client wait for its token; each repeat takes one, too."""
        client.meta.events.register("before-send.lambda", self._before_send)

    def _before_send(self, event_name: str, **_: Any) -> None:
        operation = event_name.rpartition(".")[2]
        if operation != "Invoke":
            self._own.get(operation, self._rest).take()

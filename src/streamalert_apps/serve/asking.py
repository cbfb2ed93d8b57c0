"""A service's limit, for a command that asks it beside the app's own runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from streamalert_apps.errors import AppError
from streamalert_apps.runtime import pace as noted
from streamalert_apps.runtime.store import Store
from streamalert_apps.sdk.clock import Clock
from streamalert_apps.sdk.pace import Pace, Rate


@contextmanager
def shared(pace: Pace, store: Store, clock: Clock) -> Iterator[None]:
    """Keep to what others have asked of the service lately, and note what is asked here.

    A store that can't be used (there may be no bucket yet) keeps nobody from asking.
    """
    with suppress(AppError):
        noted.remind(pace, noted.read_all(store), clock.now())
    try:
        yield
    finally:
        with suppress(AppError):
            noted.note(store, pace)


class Share(Pace):
    """The pace of a long listing beside an app's runs: together within the limit, alone within half of it."""

    def __init__(self, rate: Rate | None, clock: Clock) -> None:
        super().__init__(rate, clock)
        self._half = half_of(rate) if rate else None
        self._own: deque[float] = deque(maxlen=self._half.requests if self._half else 1)

    def wait(self) -> float:
        """Return the seconds until the next request is allowed."""
        wait = super().wait()
        if self._half is not None and len(self._own) == self._half.requests:
            wait = max(wait, self._own[0] + self._half.seconds - self._clock.now().timestamp())
        return wait

    def request_made(self) -> None:
        """Remember that a request was made now."""
        super().request_made()
        self._own.append(self._clock.now().timestamp())


def half_of(rate: Rate) -> Rate:
    """Return half of a limit."""
    if rate.requests > 1:
        return Rate(rate.requests // 2, rate.seconds)
    return Rate(1, 2 * rate.seconds)


def keep_to(pace: Pace, store: Store, clock: Clock) -> None:
    """Note what was asked so far, and learn what others have asked meanwhile."""
    with suppress(AppError):
        noted.note(store, pace)
        noted.remind(pace, noted.read_all(store), clock.now())

"""A service's limit, for a command that asks it beside the app's own runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from streamalert_apps.errors import AppError
from streamalert_apps.runtime import pace as noted
from streamalert_apps.runtime.store import Store
from streamalert_apps.sdk.clock import Clock
from streamalert_apps.sdk.pace import Pace


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

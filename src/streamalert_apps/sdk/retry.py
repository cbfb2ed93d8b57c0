"""Trying again: jittered backoff, the other side's own wait, and never past the deadline."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from streamalert_apps.errors import OutOfTime, RateLimited, TransientError
from streamalert_apps.sdk.clock import Deadline

T = TypeVar("T")

LOGGER = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
ATTEMPTS = 6


def backoff(attempt: int) -> float:
    """Return the seconds to wait after failed attempt number `attempt` (from 0): doubled, with jitter."""
    ceiling = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**attempt)
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 (jitter, not a secret)


@dataclass(slots=True)
class Retries:
    """How many calls were made again, and how many were refused as too many."""

    made: int = 0
    rate_limits: int = 0


def retrying(
    call: Callable[[], T],
    *,
    sleep: Callable[[float], None],
    deadline: Deadline,
    attempts: int = ATTEMPTS,
    retries: Retries | None = None,
) -> T:
    """Return what `call` returns, trying again on a TransientError; raise the last one.

    A wait that the time left does not cover is not begun. What is rate limited then tells in
    `retry_after` when to come back. `retries` counts.
    """
    retries = retries or Retries()
    for attempt in count():
        try:
            return call()
        except OutOfTime:
            raise  # waiting makes it no better
        except TransientError as error:
            retries.rate_limits += isinstance(error, RateLimited)
            wait = backoff(attempt) if error.retry_after is None else error.retry_after
            if wait >= deadline.left() or attempt + 1 >= attempts:
                if isinstance(error, RateLimited):
                    error.retry_after = wait
                raise
            told = {"code": error.code, "attempt": attempt + 1, "wait": round(wait, 3)}
            LOGGER.info("trying again", extra={"fields": told})
        retries.made += 1
        sleep(wait)
    raise AssertionError  # pragma: no cover

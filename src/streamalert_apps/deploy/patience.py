"""Which of AWS's refusals pass by themselves, and how long they are waited for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 (botocore's name)
    HTTPClientError,
)

from streamalert_apps.aws.trouble import CONFLICTS, THROTTLED, explain, told
from streamalert_apps.errors import AppError, TransientError
from streamalert_apps.sdk.clock import Clock

T = TypeVar("T")

PATIENCE_SECONDS: Final = 300.0
SLOWER: Final = "AWS asks to go slower"
NEW_ROLE: Final = "the new role is not known everywhere yet"
_PAUSES: Final = (1.0, 1.0, 2.0, 3.0, 5.0)

_AT_ONCE: Final = CONFLICTS | {
    "ConflictException",
    "DeleteConflict",
    "EntityAlreadyExists",
    "ResourceAlreadyExistsException",
    "UnmodifiableEntity",
}
_GONE: Final = {"NoSuchBucket", "NoSuchEntity", "ResourceNotFoundException"}
_NEW_ROLE: Final = re.compile(
    r"cannot be assumed by Lambda|does not have permissions to call|valid principal|CreateGrant",
    re.IGNORECASE,
)


def passing(error: Exception) -> str:
    """Return, in words, what is waited for; nothing for an error that stays."""
    match error:
        case TransientError():
            return error.message
        case HTTPClientError() | ConnectionError():
            return "AWS can't be reached"
        case ClientError():
            return _passing_answer(error)
        case _:
            return ""


def is_undone(error: Exception) -> bool:
    """Tell whether AWS refused the call before it did anything; after all else one has to look again."""
    return isinstance(error, ClientError) and _passing_answer(error) in {SLOWER, NEW_ROLE}


def _passing_answer(error: ClientError) -> str:
    code, message = told(error.response)
    if code in THROTTLED:
        return SLOWER
    if code in _AT_ONCE:
        return "another change is under way"
    if code in _GONE:
        return "AWS does not see yet what was just created"
    if code == "InvalidParameterValueException" and _NEW_ROLE.search(message):
        return NEW_ROLE
    if code.startswith("KMS"):  # Lambda answers 502, but a key does not mend itself
        return ""
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:  # noqa: PLR2004
        return "AWS has a fault"
    return ""


class Patience:
    """Waits for what passes, up to a limit that starts again with every step that succeeds."""

    def __init__(self, clock: Clock, seconds: float = PATIENCE_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._since = 0.0
        self._waits = 0

    def renew(self) -> None:
        """Something was done: what comes now may take its own time."""
        self._waits = 0

    def wait(self, error: Exception) -> None:
        """Wait after an error that passes; raise it, explained, if it does not or has not in time."""
        now = self._clock.now().timestamp()
        if not self._waits:
            self._since = now
        pause = _PAUSES[min(self._waits, len(_PAUSES) - 1)]
        if not passing(error) or now + pause - self._since > self._seconds:
            raise explained(error) from error
        self._waits += 1
        self._clock.sleep(pause)

    def persist(self, act: Callable[[], T]) -> T:
        """Do something, anew after each error that passes; to do it twice must do no harm."""
        while True:
            try:
                return act()
            except (ClientError, BotoCoreError) as error:
                self.wait(error)


def explained(error: Exception) -> AppError:
    """Return the error as one of ours, with the remedy where we know one."""
    if isinstance(error, AppError):
        return error
    ours = explain(error)
    if "UnreservedConcurrentExecution" in ours.message:
        ours.hint = (
            "The account has no concurrency left to reserve. Ask AWS for more (quota L-B99A9384), or take "
            "concurrency_limit out of the app's entry: its lease lets one run at a time work all the same."
        )
    return ours

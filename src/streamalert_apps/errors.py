"""Every error that a person or a script can meet, in one tree.

`code` is for scripts, `exit_code` is the command's, 1 where a class names none.
`kind` is who can mend it: `config` (the operator), `transient` (time), `system` (a developer).
A message never holds a credential, a token or the body of an answer.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

Kind = Literal["config", "transient", "system"]


class AppError(Exception):
    """An error with a message for a person and a code for a script."""

    code: ClassVar[str] = "error"
    kind: ClassVar[Kind] = "system"
    exit_code: ClassVar[int] = 1

    def __init_subclass__(cls, *, code: str = "", kind: Kind | None = None, exit_code: int = 0) -> None:
        """Take what a kind of error has of its own; the rest is as in the one above it."""
        super().__init_subclass__()
        cls.code = code or cls.code
        cls.kind = kind or cls.kind
        cls.exit_code = exit_code or cls.exit_code

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AppError, code="usage_error", kind="config", exit_code=2):
    """What was typed is wrong."""


class ConfigError(AppError, code="config_error", kind="config"):
    """A file of conf/, an event or a setting is wrong or missing."""


class CredentialsError(AppError, code="credentials_refused", kind="config", exit_code=4):
    """The service or AWS refused the credentials (401, 403), or there are none."""


class TransientError(AppError, code="transient_error", kind="transient"):
    """Worth another try; not before `retry_after` seconds, where the other side named them."""

    def __init__(self, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class RateLimited(TransientError, code="rate_limited"):
    """Too many requests (429)."""


class OutOfTime(TransientError, code="out_of_time"):
    """The time left does not suffice for the next step; a later run continues."""


class Unavailable(TransientError, code="unavailable"):
    """No answer in time, a broken one, or a server error (5xx)."""


class RequestRefused(AppError, code="request_refused"):
    """The service refused the request itself (any other 4xx); asking again will not help."""


class BadResponse(AppError, code="bad_response"):
    """An answer that is not what the service documents: no JSON, a field missing, a foreign link."""


class PageTokenExpired(RequestRefused, code="page_token_expired"):
    """The service no longer knows the page token; the walk starts again from where it was."""


class DeliveryFailed(TransientError, code="delivery_failed"):
    """The destination did not take a batch."""


class DeliveryRefused(AppError, code="delivery_refused", kind="config"):
    """The destination can't take batches; trying again will not help."""


class PackageError(AppError, code="package_failed"):
    """The zip of a function can't be built from what was locked."""


class PluginError(AppError, code="plugin_error"):
    """A plugin's file can't be loaded or does not say what it has to; the message names file and line."""


class StateError(TransientError, code="state_error"):
    """The state of an app can't be read or written."""


class AlreadyRunning(AppError, code="already_running", kind="transient"):
    """Another run holds the lease, `until` some time where that is known."""

    def __init__(self, message: str, *, hint: str = "", until: datetime | None = None) -> None:
        super().__init__(message, hint=hint)
        self.until = until


class Unhealthy(AppError, code="unhealthy"):
    """An app does not do what it should."""


class Incomplete(AppError, code="events_missing"):
    """The service lists events that are not on record."""


class Cancelled(AppError, code="cancelled", kind="config", exit_code=130):
    """The user said no, or pressed Ctrl-C."""

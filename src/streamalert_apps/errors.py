"""Every error that a person or a script can meet, in one tree.

    AppError
    ├─ UsageError        usage_error          what was typed is wrong                       exit 2
    ├─ ConfigError       config_error         conf/, an event or a setting is wrong         exit 1
    ├─ CredentialsError  credentials_refused  401 or 403, or AWS credentials are missing    exit 4
    ├─ RateLimited       rate_limited         429; may be tried again after `retry_after`   exit 1
    ├─ OutOfTime         out_of_time          the time left does not suffice; nothing broke exit 1
    ├─ Unavailable       unavailable          network, 5xx, time-out                        exit 1
    ├─ RequestRefused    request_refused      any other 4xx: asking again will not help     exit 1
    │  └─ PageTokenExpired  page_token_expired  the service no longer knows the page token  exit 1
    ├─ BadResponse       bad_response         not JSON, a field missing, a foreign link     exit 1
    ├─ DeliveryFailed    delivery_failed      the destination did not take a batch          exit 1
    ├─ DeliveryRefused   delivery_refused    the destination can't take batches at all       exit 1
    ├─ PackageError      package_failed       a function's zip can't be built                exit 1
    ├─ PluginError       plugin_error         a plugin's file is wrong                       exit 1
    ├─ StateError        state_error          state can't be read or written                exit 1
    │  ├─ Conflict       state_conflict       somebody else wrote first                      exit 1
    │  ├─ Gone           state_gone           what was to be replaced is not there           exit 1
    │  └─ Unsettled      state_unsettled      a write may or may not have taken place        exit 1
    ├─ AlreadyRunning    already_running      another run holds the lease                   exit 1
    ├─ Unhealthy         unhealthy            an app does not do what it should             exit 1
    └─ Cancelled         cancelled            the user said no, or Ctrl-C                   exit 130

`kind` is who can mend it: `config` (the operator), `transient` (time), `system` (a developer).
A message never holds a credential, a token or the body of an answer.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Kind = Literal["config", "transient", "system"]


class AppError(Exception):
    """An error with a message for a person and a code for a script."""

    code: ClassVar[str] = "error"
    kind: ClassVar[Kind] = "system"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AppError):
    """What was typed is wrong."""

    code = "usage_error"
    kind = "config"
    exit_code = 2


class ConfigError(AppError):
    """A file of conf/, an event or a setting is wrong or missing."""

    code = "config_error"
    kind = "config"


class CredentialsError(AppError):
    """The service or AWS refused the credentials, or there are none."""

    code = "credentials_refused"
    kind = "config"
    exit_code = 4


class TransientError(AppError):
    """Worth another try; not before `retry_after` seconds, where the other side named them."""

    code = "transient_error"
    kind = "transient"

    def __init__(self, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class RateLimited(TransientError):
    """Too many requests."""

    code = "rate_limited"


class OutOfTime(TransientError):
    """The time left does not suffice for the next step; a later run goes on."""

    code = "out_of_time"


class Unavailable(TransientError):
    """No answer, a broken one, or a server error."""

    code = "unavailable"


class RequestRefused(AppError):
    """The service refused the request itself; asking again will not help."""

    code = "request_refused"


class BadResponse(AppError):
    """An answer that is not what the service's documentation promises."""

    code = "bad_response"


class PageTokenExpired(RequestRefused):
    """The service no longer knows the page token; the walk starts again from where it was."""

    code = "page_token_expired"


class DeliveryFailed(TransientError):
    """The destination did not take a batch."""

    code = "delivery_failed"


class DeliveryRefused(AppError):
    """The destination can't take batches; trying again will not help."""

    code = "delivery_refused"
    kind = "config"


class PackageError(AppError):
    """The zip of a function can't be built from what was locked."""

    code = "package_failed"


class PluginError(AppError):
    """A plugin's file can't be loaded or does not say what it has to; the message names file and line."""

    code = "plugin_error"


class StateError(TransientError):
    """The state of an app can't be read or written."""

    code = "state_error"


class AlreadyRunning(AppError):
    """Another run holds the lease."""

    code = "already_running"
    kind = "transient"


class Unhealthy(AppError):
    """An app does not do what it should."""

    code = "unhealthy"


class Cancelled(AppError):
    """The user said no, or pressed Ctrl-C."""

    code = "cancelled"
    kind = "config"
    exit_code = 130

"""What AWS's refusals mean for a destination."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from streamalert_apps.errors import AppError, CredentialsError, DeliveryFailed, DeliveryRefused
from streamalert_apps.runtime.delivery import TOO_LARGE, Answer, Batch, nothing_taken

_NO_CREDENTIALS: Final = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
_DENIED: Final = ("AccessDenied", "NotAuthorized", "ExpiredToken", "InvalidToken", "UnrecognizedClient")
_PASSING: Final = (
    "Throttl",
    "TooManyRequests",
    "SlowDown",
    "RequestTimeout",
    "ServiceUnavailable",
    "InternalError",
    "InternalFailure",
    "LimitExceeded",
    "ProvisionedThroughputExceeded",
)


_TOO_LARGE: Final = 413


def deliver(
    batch: Batch,
    what: str,
    ask: Callable[[], Mapping[str, Any]],
    read: Callable[[Mapping[str, Any]], Answer],
    too_large: Container[str] = (),
) -> Answer:
    """Call AWS once with a batch, and say what became of it.

    `what` is what was asked, in words. `read` tells it from the answer. `too_large`: codes of errors by which
    less may be taken, besides status 413.
    """
    try:
        said = ask()
    except ClientError as error:
        said = error.response
        if said["ResponseMetadata"]["HTTPStatusCode"] == _TOO_LARGE or said["Error"]["Code"] in too_large:
            return Answer(halve=TOO_LARGE)
        return nothing_taken(batch, refusal(error, what))
    except BotoCoreError as error:
        return nothing_taken(batch, refusal(error, what))
    return read(said)


def by_row(
    what: str, batch: Batch, rows: Sequence[Mapping[str, Any]], taken: str, never: Container[str] = ()
) -> Answer:
    """Return what became of each event, of an answer with a row for each; one that was taken has `taken`."""
    codes = {
        at: row.get("ErrorCode") or "ServiceUnavailable" for at, row in enumerate(rows) if not row.get(taken)
    }
    codes |= dict.fromkeys(range(len(rows), len(batch.events)), "ServiceUnavailable")
    return partly(what, codes, never)


def partly(what: str, codes: Mapping[int, str], never: Container[str] = ()) -> Answer:
    """Return the answer that rows were not taken, for errors of these codes; those of `never` never are."""
    refused = {row: f"{what} refused it ({code})." for row, code in codes.items() if code in never}
    retry = sorted(codes.keys() - refused.keys())
    errors = [_of_code(codes[row], what) for row in retry]
    fixed = next((error for error in errors if error.kind == "config"), None)
    return Answer(retry, refused, fixed or next(iter(errors), None))


def refusal(error: ClientError | BotoCoreError, what: str) -> AppError:
    """Return what an error of botocore means: `what` is what was asked, in words without a secret."""
    if isinstance(error, _NO_CREDENTIALS):
        return CredentialsError(f"There are no AWS credentials for {what}.")
    if isinstance(error, ParamValidationError):
        return DeliveryRefused(f"{what} can't be asked so ({type(error).__name__}).")
    if isinstance(error, BotoCoreError):
        return DeliveryFailed(f"{what} can't be reached ({type(error).__name__}).")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code") or str(status)
    return _of_code(code, what, status)


def _of_code(code: str, what: str, status: int = 0) -> AppError:
    if status >= 500 or status == 409 or is_passing(code):  # noqa: PLR2004
        return DeliveryFailed(f"{what} did not take a batch ({code}).")
    if status in {401, 403} or code.startswith(_DENIED):
        return CredentialsError(
            f"{what} refused a batch ({code}).",
            hint="Check the policy of the role, and that of the other side.",
        )
    return DeliveryRefused(f"{what} refused a batch ({code}).", hint="Check the settings of the destination.")


def is_passing(code: str) -> bool:
    """Tell whether an error of AWS is one that time may mend."""
    return any(part in code for part in _PASSING)

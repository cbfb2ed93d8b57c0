"""What AWS's refusals mean for a destination."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from streamalert_apps.errors import AppError, CredentialsError, DeliveryFailed, DeliveryRefused

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
    if status >= 500 or status == 409 or code.startswith(_PASSING) or is_passing(code):  # noqa: PLR2004
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

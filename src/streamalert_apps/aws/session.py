"""AWS clients for the command line, and AWS's errors in words."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import boto3
from botocore import exceptions as aws
from botocore.config import Config

from streamalert_apps import __version__
from streamalert_apps.errors import AppError, ConfigError, CredentialsError, RateLimited, Unavailable

MOST_AT_ONCE: Final = 16  # calls to one service
SIGN_IN: Final = (
    "Sign in (`aws sso login`, AWS_PROFILE) or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "then try again."
)

_EXPIRED: Final = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN: Final = {
    "AuthFailure",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_DENIED: Final = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_THROTTLED: Final = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}
_NOT_AUTHORIZED = re.compile(r"not authorized to perform: (\S+)(?: on resource: (\S+))?")


@dataclass(frozen=True)
class Session:
    """Makes clients of one region; all have time-outs and retries."""

    region: str
    profile: str | None = None
    connect_seconds: float = 5.0
    read_seconds: float = 20.0

    @cached_property
    def _boto(self) -> Any:
        """The session of boto3; clients of one share what is slow to load."""
        return boto3.Session(profile_name=self.profile, region_name=self.region)

    def client(self, service: str, **limits: Any) -> Any:
        """Return a client, `ssm` for instance. `limits` are botocore's, where others than ours are wanted."""
        usual = {
            "connect_timeout": self.connect_seconds,
            "read_timeout": self.read_seconds,
            "retries": {"mode": "standard", "max_attempts": 4},
            "max_pool_connections": MOST_AT_ONCE,
            "user_agent_extra": f"sa-apps/{__version__}",
        }
        with explained():
            client = self._boto.client(service, config=Config(**{**usual, **limits}))
        client.meta.events.register("after-call", _raise_refusal)
        return client

    def credentials(self) -> Any:
        """Return botocore's credentials, which renew themselves; None where there are none."""
        return self._boto.get_credentials()

    def check_account(self, expected: str) -> None:
        """Raise CredentialsError when nobody is signed in, or in another account than conf/ says."""
        with explained():
            actual = self.client("sts").get_caller_identity()["Account"]
        if actual != expected and not os.environ.get(
            "AWS_ENDPOINT_URL"
        ):  # an emulator's number means nothing
            raise CredentialsError(
                f"You are signed in to AWS account {actual}, but conf/global.json names {expected}.",
                hint="Sign in to that account (AWS_PROFILE), or correct account.aws_account_id.",
            )


@contextmanager
def explained() -> Iterator[None]:
    """Turn what AWS's library raises into an AppError."""
    try:
        yield
    except (aws.BotoCoreError, aws.ClientError) as error:
        raise explain(error) from error


def explain(error: Exception) -> AppError:
    """Return an error of AWS or its library as one that says what to do."""
    match error:
        case aws.NoCredentialsError() | aws.PartialCredentialsError():
            return CredentialsError("There are no AWS credentials.", hint=SIGN_IN)
        case aws.SSOError() | aws.TokenRetrievalError() | aws.CredentialRetrievalError():
            return CredentialsError(f"AWS credentials can't be had: {error}", hint=SIGN_IN)
        case aws.ProfileNotFound():
            return ConfigError(f"{error}.", hint="`aws configure list-profiles` shows those that are.")
        case aws.InvalidRegionError() | aws.NoRegionError():
            return ConfigError("The AWS region is not valid.", hint="Set account.region in conf/global.json.")
        case aws.ClientError():
            return _explain_answer(error)
        case aws.HTTPClientError() | aws.ConnectionError():
            return Unavailable(f"AWS can't be reached: {error}", hint="Check the network and account.region.")
        case _:
            return AppError(f"AWS's library failed: {error}")


def _raise_refusal(parsed: dict[str, Any], model: Any, **_: Any) -> None:
    """Tell what is refused before anybody below makes less of it: the action, the policy line, the remedy."""
    told = parsed.get("Error", {})
    if refusal := _refusal(told.get("Code", ""), told.get("Message", ""), model.name):
        raise refusal


def _explain_answer(error: aws.ClientError) -> AppError:
    code = error.response.get("Error", {}).get("Code", "?")
    message = error.response.get("Error", {}).get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    asked = error.operation_name
    if refusal := _refusal(code, message, asked):
        return refusal
    if code in _THROTTLED:
        return RateLimited(f"AWS answered {asked} with {code}.", hint="Try again in a minute.")
    if status >= 500:  # noqa: PLR2004
        return Unavailable(f"AWS has a fault: {asked} was answered with {status} ({code}).")
    return AppError(f"AWS refused {asked}: {code}: {message}")


def _refusal(code: str, message: str, asked: str) -> AppError | None:
    if code in _EXPIRED:
        return CredentialsError("Your AWS session has expired.", hint=SIGN_IN)
    if code in _UNKNOWN:
        return CredentialsError(f"AWS does not know these credentials ({code}).", hint=SIGN_IN)
    return _denied(asked, message) if code in _DENIED else None


def _denied(asked: str, message: str) -> AppError:
    match = _NOT_AUTHORIZED.search(message)
    action, resource = (match[1], match[2] or "*") if match else (asked, "*")
    return CredentialsError(
        f"Your AWS user may not {action}.",
        hint=f'It needs {{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}.',
    )

"""AWS's errors in words: what is refused, AWS's own reason for it, and what helps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final
from xml.etree import ElementTree as ET

from botocore import exceptions as aws

from streamalert_apps.aws.answer import IncompleteAnswerError, UnreadableDocumentError
from streamalert_apps.errors import AppError, ConfigError, CredentialsError, RateLimited, Unavailable
from streamalert_apps.runtime import names

SIGN_IN: Final = (
    "Sign in (`aws sso login`, AWS_PROFILE) or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "then try again."
)

THROTTLED: Final = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}
CONFLICTS: Final = {
    "ConcurrentModification",
    "ConcurrentModificationException",
    "OperationAborted",
    "OperationAbortedException",
    "PreconditionFailedException",
    "ResourceConflictException",
}
"""Codes of a change that met another one."""
_EXPIRED: Final = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN: Final = {
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_DENIED: Final = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
_NOT_ENABLED: Final = {"OptInRequired", "RegionDisabledException"}
_CLOCK: Final = {"RequestInTheFuture", "RequestTimeTooSkewed"}
_CLOCK_WORDS: Final = re.compile(
    r"Signature (expired|not yet current)|earlier than|later than", re.IGNORECASE
)
_KEY_WORDS: Final = re.compile(r"The ciphertext refers to|KMS access was denied|KMS key", re.IGNORECASE)
_NOT_AUTHORIZED: Final = re.compile(
    r"not authorized to perform: (?P<action>[\w:*-]+)(?: on resource: (?P<resource>\S+))?(?P<why>.*)",
    re.DOTALL,
)
_ENCODED: Final = re.compile(r"\s*Encoded authorization failure message: .*", re.DOTALL)

# Regions from before 2019 are open to each account, every later one has to be enabled.
_ALWAYS_ENABLED: Final = frozenset({
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
})

IN_BETWEEN: Final = (
    "Perhaps a proxy answers instead, or a network's sign-in page: check HTTPS_PROXY, AWS_ENDPOINT_URL."
)
_CIRCLE: Final = "A listing of AWS does not end: it gave one page's token twice"
_REDIRECTION: Final = 300
_LONGEST_QUOTE: Final = 600  # characters of AWS's own words

# Where IAM names an action otherwise than the call: https://docs.aws.amazon.com/service-authorization/
OTHER_NAMES: Final = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}

_ORGANISATION: Final = "Your organisation forbids it: ask who manages its policies in AWS Organizations."

# Who says no, in AWS's words, and what helps; an Allow of the user's own helps against none of them.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_OTHER_POLICIES: Final = {
    "service control policy": _ORGANISATION,
    "resource control policy": _ORGANISATION,
    "permissions boundary": "The permissions boundary of your user or role has to allow it as well.",
    "session policy": "The policy that your session was made with has to allow it as well.",
    "VPC endpoint policy": "The policy of the VPC endpoint that you go through has to allow it as well.",
    "resource-based policy": "The policy of {resource} itself has to allow it.",
    "explicit deny": "A policy denies it, and no Allow helps against that: change the Deny.",
}


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
        case aws.NoCredentialsError():
            return CredentialsError("There are no AWS credentials.", hint=SIGN_IN)
        case aws.PartialCredentialsError():
            return CredentialsError(f"The AWS credentials are not complete: {error}.", hint=SIGN_IN)
        case aws.SSOError() | aws.TokenRetrievalError() | aws.CredentialRetrievalError():
            return unavailable_credentials(error)
        case aws.ProfileNotFound():
            return ConfigError(f"{error}.", hint="`aws configure list-profiles` shows those that are.")
        case aws.NoRegionError() | aws.InvalidRegionError():
            return _without_region(error)
        case aws.ClientError():
            return _explain_answer(error)
        case UnreadableDocumentError():
            return ConfigError(f"{error}.", hint="Look at it in AWS's console, and put it right there.")
        case UnreadableAnswerError() | IncompleteAnswerError() | aws.PaginationError():
            words = _CIRCLE if isinstance(error, aws.PaginationError) else error
            return Unavailable(f"{words}.", hint=IN_BETWEEN)
        case aws.HTTPClientError() | aws.ConnectionError():
            return Unavailable(f"AWS can't be reached: {error}", hint="Check the network and account.region.")
        case _:
            return AppError(f"AWS's library failed: {error}")


def _without_region(error: Exception) -> AppError:
    if isinstance(error, aws.NoRegionError):
        return ConfigError(
            "No AWS region is set.", hint="Set AWS_DEFAULT_REGION, or account.region in conf/global.json."
        )
    return ConfigError("The AWS region is not valid.", hint="Set account.region in conf/global.json.")


def unavailable_credentials(error: Exception) -> AppError:
    """Return what keeps credentials from being had, whoever was to give them."""
    return CredentialsError(f"AWS credentials can't be had: {' '.join(str(error).split())}", hint=SIGN_IN)


def told(response: Mapping[str, Any]) -> tuple[str, str]:
    """Return code and message of an answer; either may be null or absent."""
    error = response.get("Error") or {}
    return str(error.get("Code") or ""), str(error.get("Message") or "")


def raise_refusal(parsed: dict[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
    """Tell what is refused before anybody below makes less of it: the action, the reason, the remedy.

    An error that passes on has a code and a message, empty where AWS gave none.
    """
    code, message = told(parsed)
    if refusal := _refusal(code, message, _action(model), str(context.get("client_region") or "")):
        raise refusal
    if "Error" in parsed:
        parsed["Error"] = {**(parsed["Error"] or {}), "Code": code, "Message": message}


def _action(model: Any) -> str:
    """Return what a policy calls an operation."""
    service = model.service_model.signing_name.replace("monitoring", "cloudwatch")
    name = f"{service}:{model.name}"
    return OTHER_NAMES.get(name, name)


class UnreadableAnswerError(aws.BotoCoreError):
    """What came back is not of the form in which AWS answers."""

    fmt = "What answered {operation} ({status}) was not AWS"


def refuse_unreadable(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Raise UnreadableAnswerError before botocore's parser fails on it, or takes it for an empty answer.

    Of a fault the status alone counts: whatever answered it, the call is tried again.
    """
    body, status = response_dict["body"], response_dict["status_code"]
    if not isinstance(body, bytes) or _is_readable(operation_model, body, is_success=status < _REDIRECTION):
        return
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise UnreadableAnswerError(operation=operation_model.name, status=status)
    response_dict["body"] = b""


def _is_readable(model: Any, body: bytes, *, is_success: bool) -> bool:
    """Tell whether a body has the form of its protocol, where botocore relies on that."""
    protocol = model.service_model.resolved_protocol
    if protocol in {"query", "ec2"}:
        return _is_xml(body)
    if protocol == "rest-xml":
        return is_success or not body or _is_xml(body)
    if protocol in {"json", "rest-json"} and (model.output_shape or not is_success):
        return not body or _is_object(body)
    return True


def _is_xml(body: bytes) -> bool:
    try:
        return not ET.fromstring(body).tag.lower().endswith("html")  # noqa: S314 (botocore reads it so, too)
    except ET.ParseError:
        return False


def _is_object(body: bytes) -> bool:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and isinstance(content.get("__type", ""), str | None)


def _explain_answer(error: aws.ClientError) -> AppError:
    code, message = told(error.response)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    asked = error.operation_name
    if refusal := _refusal(code, message, asked):
        return refusal
    if code in THROTTLED:
        return RateLimited(f"AWS answered {asked} with {code}.", hint="Try again in a minute.")
    if code in CONFLICTS:
        return Unavailable(
            f"AWS refused {asked}, as another change is under way ({code}{_quoted(message)}).",
            hint="Try again in a minute; it is safe to do so.",
        )
    if status >= 500:  # noqa: PLR2004
        return Unavailable(f"AWS has a fault: {asked} was answered with {status} ({code}).")
    return AppError(f"AWS refused {asked}: {code or '?'}{_quoted(message or 'no reason given')}")


def _refusal(code: str, message: str, asked: str, region: str = "") -> AppError | None:
    """Return what an answer refuses for good, or None. `region`: where it was asked, if that is known."""
    if code in _CLOCK or (code in _UNKNOWN | _EXPIRED and _CLOCK_WORDS.search(message)):
        return ConfigError(
            f"AWS says that this machine's clock is wrong ({code}{_quoted(message)}).",
            hint="Set the clock, then try again.",
        )
    if code in _EXPIRED:
        return CredentialsError("Your AWS session has expired.", hint=SIGN_IN)
    if code in _NOT_ENABLED:
        return ConfigError(
            f"The region {region or 'of the project'} is not enabled for this AWS account "
            f"({code}{_quoted(message)}).",
            hint="Enable it in the account's settings, or set another account.region in conf/global.json.",
        )
    if code in _UNKNOWN:
        return CredentialsError(
            f"AWS does not know these credentials ({code}{_quoted(message)}).", hint=_sign_in(region)
        )
    is_denied = code in _DENIED
    if code.startswith("KMS") or (
        is_denied and _KEY_WORDS.search(message) and not _NOT_AUTHORIZED.search(message)
    ):
        return CredentialsError(
            f"A KMS key can't be used for {asked} ({code}{_quoted(message)}).",
            hint="Look at the key's state and its policy: your AWS user and the app's role need it.",
        )
    return _denied(asked, message) if is_denied else None


def _sign_in(region: str) -> str:
    may_be_off = region and names.partition(region) == "aws" and region not in _ALWAYS_ENABLED
    return (
        f"{SIGN_IN} It may also be that the account has not enabled the region {region}."
        if may_be_off
        else SIGN_IN
    )


def _denied(asked: str, message: str) -> AppError:
    found = _NOT_AUTHORIZED.search(message)
    if not found:
        reason = _quoted(_ENCODED.sub("", message))
        return CredentialsError(f"Your AWS user may not {asked}{reason or '.'}", hint=_allow(asked, "*"))
    action, resource = found["action"], (found["resource"] or "*").strip('"')
    why = " ".join(found["why"].split()).rstrip(".")
    hints = (hint for words, hint in _OTHER_POLICIES.items() if words in why)
    return CredentialsError(
        f"Your AWS user may not {action}{f' on {resource}: {why}' if why else ''}.",
        hint=next(hints, _allow(action, resource)).replace("{resource}", resource),
    )


def _allow(action: str, resource: str) -> str:
    return f'It needs {{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}.'


def _quoted(message: str) -> str:
    """Return AWS's own words, as they follow ours."""
    words = " ".join(message.split())
    return f": {words if len(words) <= _LONGEST_QUOTE else f'{words[:_LONGEST_QUOTE]}…'}" if words else ""

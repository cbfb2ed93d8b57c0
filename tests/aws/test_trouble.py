"""AWS's errors in words: what is refused, why, and what helps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions as aws

from streamalert_apps.aws.session import Session
from streamalert_apps.aws.trouble import explain, explained
from streamalert_apps.errors import AppError, ConfigError, CredentialsError, RateLimited, Unavailable
from tests import proxy

if TYPE_CHECKING:
    from collections.abc import Mapping


def answer(code: str, message: str = "", status: int = 400) -> aws.ClientError:
    told: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return aws.ClientError(told, "PutParameter")


def test_a_denied_action_is_named_with_the_policy_that_allows_it() -> None:
    arn = "arn:aws:ssm:us-east-1:123456789012:parameter/acme_prod_duo_auth_x_app_auth"
    message = f"User: arn:aws:iam::1:user/x is not authorized to perform: ssm:PutParameter on resource: {arn}"
    error = explain(answer("AccessDeniedException", message))
    assert isinstance(error, CredentialsError)
    assert "ssm:PutParameter" in error.message
    assert f'"Resource": "{arn}"' in error.hint


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        (aws.NoCredentialsError(), CredentialsError, "no AWS credentials"),
        (answer("ExpiredTokenException"), CredentialsError, "expired"),
        (answer("UnrecognizedClientException"), CredentialsError, "does not know these credentials"),
        (answer("AccessDenied"), CredentialsError, "PutParameter"),
        (answer("ThrottlingException"), RateLimited, "ThrottlingException"),
        (answer("InternalFailure", status=500), Unavailable, "fault"),
        (answer("ValidationException", "too long"), AppError, "too long"),
        (aws.ProfileNotFound(profile="x"), ConfigError, "(x) could not be found"),
        (aws.InvalidRegionError(region_name="_"), ConfigError, "region"),
        (aws.EndpointConnectionError(endpoint_url="https://ssm"), Unavailable, "https://ssm"),
        (aws.ReadTimeoutError(endpoint_url="https://ssm"), Unavailable, "https://ssm"),
        (aws.ParamValidationError(report="x"), AppError, "x"),
    ],
)
def test_each_error_of_aws_becomes_one_of_ours(raised: Exception, kind: type[AppError], words: str) -> None:
    with pytest.raises(kind, match=words.replace("(", r"\(").replace(")", r"\)")), explained():
        raise raised


@pytest.mark.parametrize("code", ["ResourceConflictException", "PreconditionFailedException"])
def test_a_change_that_met_another_one_may_be_tried_again(code: str) -> None:
    error = explain(answer(code, "An update is in progress.", 409))
    assert isinstance(error, Unavailable)
    assert "An update is in progress" in error.message
    assert "Try again" in error.hint


PAGE = b"<!doctype html><p>Sign in to <b>guest</b> Wi-Fi"


def ask(call: str, **asked: Any) -> None:
    """Make a call, `sts.get_caller_identity` for instance."""
    service, _, operation = call.partition(".")
    with explained():
        getattr(Session("us-east-1").client(service), operation)(**asked)


CALLS_OF_XML: dict[str, dict[str, Any]] = {
    "sts.get_caller_identity": {},
    "iam.get_role": {"RoleName": "x"},
    "sns.get_topic_attributes": {"TopicArn": "arn:aws:sns:us-east-1:123456789012:x"},
    "s3.get_bucket_encryption": {"Bucket": "x"},
}
CALLS_OF_JSON: dict[str, dict[str, Any]] = {
    "ssm.get_parameters": {"Names": ["x"]},
    "events.list_rules": {},
    "lambda.get_function": {"FunctionName": "x"},
}


@pytest.mark.parametrize(
    ("call", "status"),
    [
        ("sts.get_caller_identity", 200),
        ("iam.get_role", 200),
        *((call, 403) for call in CALLS_OF_XML),  # of S3, botocore takes such an answer with 200 for a fault
    ],
)
def test_a_page_in_place_of_aws_answer_is_told(
    aws_env: str, monkeypatch: pytest.MonkeyPatch, call: str, status: int
) -> None:
    with proxy.serve(aws_env) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        between.before = lambda _: proxy.Answer(status, PAGE, {"Content-Type": "text/html"})
        with pytest.raises(Unavailable, match=rf"What answered \w+ \({status}\) was not AWS\."):
            ask(call, **CALLS_OF_XML[call])


@pytest.mark.parametrize("body", [PAGE, b"null", b"[]"])
@pytest.mark.parametrize("call", CALLS_OF_JSON)
def test_an_answer_that_is_no_object_is_not_taken_for_an_empty_one(
    aws_env: str, monkeypatch: pytest.MonkeyPatch, call: str, body: bytes
) -> None:
    with proxy.serve(aws_env) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        between.before = lambda _: proxy.Answer(200, body)
        with pytest.raises(Unavailable, match="was not AWS"):
            ask(call, **CALLS_OF_JSON[call])


@pytest.mark.parametrize("body", [PAGE, b"null", b"[]", b"Forbidden", b'{"__type": 5}', b"[" * 100_000])
@pytest.mark.parametrize("call", CALLS_OF_JSON)
def test_a_refusal_that_is_not_of_aws_form_is_told_as_such(
    aws_env: str, monkeypatch: pytest.MonkeyPatch, call: str, body: bytes
) -> None:
    with proxy.serve(aws_env) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        between.before = lambda _: proxy.Answer(403, body)
        with pytest.raises(Unavailable, match=r"What answered \w+ \(403\) was not AWS"):
            ask(call, **CALLS_OF_JSON[call])


@pytest.mark.parametrize("body", [PAGE, b"null", b"[]", b"no form"])
def test_a_fault_of_any_form_is_tried_again(
    aws_env: str, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    told = {"x-amzn-RequestId": "1"}  # it makes botocore read the body
    with proxy.serve(aws_env) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        between.before = lambda call: proxy.Answer(502, body, told) if call.number < 2 else None
        ask("events.list_rules")
    assert len(between.calls) == 3


@pytest.mark.parametrize(
    ("call", "action"),
    [
        ("events.list_rules", "events:ListRules"),
        ("cloudwatch.describe_alarms", "cloudwatch:DescribeAlarms"),
        ("s3.get_bucket_encryption", "s3:GetEncryptionConfiguration"),
        ("lambda.get_function", "lambda:GetFunction"),
    ],
)
@pytest.mark.parametrize("told", [{}, {"message": None}])
def test_without_a_reason_the_action_is_advised_as_policies_call_it(
    aws_env: str, monkeypatch: pytest.MonkeyPatch, call: str, action: str, told: Any
) -> None:
    body = json.dumps({"__type": "AccessDeniedException", **told}).encode()
    if call.startswith("s3"):
        body = b"<Error><Code>AccessDenied</Code></Error>"
    with proxy.serve(aws_env) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        between.before = lambda _: proxy.Answer(403, body)
        with pytest.raises(CredentialsError) as refused:
            ask(call, **{**CALLS_OF_XML, **CALLS_OF_JSON}.get(call, {}))
    assert refused.value.message == f"Your AWS user may not {action}."
    assert f'"Action": "{action}"' in refused.value.hint


def test_a_refusal_is_told_whoever_made_the_call(aws_env: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Session("us-east-1").client("ssm")

    def refuse(**_: Any) -> tuple[Any, Mapping[str, Any]]:
        class Response:
            status_code = 400

        return Response(), {"Error": {"Code": "ExpiredTokenException", "Message": ""}}

    client.meta.events.register("before-call", refuse)
    with pytest.raises(CredentialsError, match="expired"):
        client.get_parameters(Names=["x"])


USER = "User: arn:aws:sts::123456789012:assumed-role/dev/x is not authorized to perform: "
ASKED = "lambda:CreateFunction on resource: arn:aws:lambda:us-east-1:123456789012:function:f"


@pytest.mark.parametrize(
    ("why", "helps"),
    [
        ("with an explicit deny in a service control policy", "organisation"),
        ("because no service control policy allows the lambda:CreateFunction action", "organisation"),
        ("with an explicit deny in a resource control policy", "organisation"),
        ("with an explicit deny in a permissions boundary", "permissions boundary"),
        ("because no permissions boundary allows the lambda:CreateFunction action", "permissions boundary"),
        ("because no session policy allows the lambda:CreateFunction action", "session"),
        ("because no VPC endpoint policy allows the lambda:CreateFunction action", "VPC endpoint"),
        ("because no resource-based policy allows the lambda:CreateFunction action", "function:f itself"),
        ("with an explicit deny in an identity-based policy", "Deny"),
        ("with an explicit deny", "Deny"),
    ],
)
def test_the_reason_of_a_denial_is_quoted_and_no_allow_is_advised_where_none_helps(
    why: str, helps: str
) -> None:
    error = explain(answer("AccessDeniedException", f"{USER}{ASKED} {why}", 403))
    assert isinstance(error, CredentialsError)
    assert why in error.message
    assert helps in error.hint
    assert '"Allow"' not in error.hint


def test_what_no_policy_of_the_user_allows_is_advised_to_be_allowed() -> None:
    why = "because no identity-based policy allows the lambda:CreateFunction action"
    error = explain(answer("AccessDeniedException", f"{USER}{ASKED} {why}", 403))
    assert '"Action": "lambda:CreateFunction"' in error.hint


def test_a_kms_key_that_denies_is_told_as_such() -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    why = "because no resource-based policy allows the kms:Decrypt action"
    error = explain(answer("AccessDenied", f"{USER}kms:Decrypt on resource: {key} {why}", 403))
    assert "kms:Decrypt" in error.message
    assert key in error.hint


def test_a_denial_that_speaks_of_a_key_advises_no_action_of_the_service() -> None:
    words = "The ciphertext refers to a customer master key that does not exist, or you may not access."
    error = explain(answer("AccessDeniedException", words))
    assert isinstance(error, CredentialsError)
    assert "KMS key" in error.message
    assert "Allow" not in error.hint


def test_a_message_without_end_is_quoted_in_part() -> None:
    assert len(explain(answer("ValidationException", "x" * 100_000)).message) < 1000


@pytest.mark.parametrize(
    "code", ["KMSAccessDeniedException", "KMSDisabledException", "KMS.NotFoundException"]
)
def test_a_key_that_cannot_be_used_is_no_fault_of_aws(code: str) -> None:
    error = explain(answer(code, "The key is disabled.", 502))
    assert isinstance(error, CredentialsError)
    assert "The key is disabled." in error.message


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ValidationException", "Throttling", "ExpiredToken"]
)
def test_a_message_that_is_null_is_as_if_there_were_none(code: str) -> None:
    told: Any = {"Error": {"Code": code, "Message": None}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    assert isinstance(explain(aws.ClientError(told, "PutParameter")), AppError)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "InvalidSignatureException",
            "Signature expired: 20261126T100000Z is now earlier than 20261126T101500Z",
        ),
        (
            "SignatureDoesNotMatch",
            "Signature not yet current: 20261126T110000Z is still later than 20261126T10",
        ),
        (
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        ),
    ],
)
def test_a_wrong_clock_is_told_as_such(code: str, message: str) -> None:
    error = explain(answer(code, message, 403))
    assert isinstance(error, ConfigError)
    assert "clock" in error.message
    assert message.rstrip(".") in error.message


def test_aws_s_own_words_about_unknown_credentials_are_quoted() -> None:
    error = explain(
        answer("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    )
    assert "The security token included in the request is invalid." in error.message


def test_partial_credentials_are_not_none() -> None:
    error = explain(aws.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"))
    assert "AWS_SECRET_ACCESS_KEY" in error.message


def refused(region: str, code: str, message: str | None) -> pytest.ExceptionInfo[AppError]:
    """Return how a client of a region tells an answer that AWS gives."""
    client = Session(region).client("ssm")

    def refuse(**_: Any) -> tuple[Any, Mapping[str, Any]]:
        class Response:
            status_code = 403

        return Response(), {"Error": {"Code": code, "Message": message}}

    client.meta.events.register("before-call", refuse)
    with pytest.raises(AppError) as raised:
        client.get_parameters(Names=["x"])
    return raised


def test_a_region_that_the_account_has_not_enabled_is_thought_of(aws_env: str) -> None:
    words = "The security token included in the request is invalid."
    assert "eu-south-1" in refused("eu-south-1", "UnrecognizedClientException", words).value.hint
    assert "enabled" not in refused("eu-west-1", "UnrecognizedClientException", words).value.hint
    assert "us-east-1 is not enabled" in refused("us-east-1", "OptInRequired", None).value.message


def test_a_denial_whose_message_is_null_is_told(aws_env: str) -> None:
    assert "GetParameters" in refused("us-east-1", "AccessDeniedException", None).value.message

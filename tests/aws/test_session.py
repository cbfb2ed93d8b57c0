"""AWS clients, and AWS's errors in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions as aws

from streamalert_apps.aws.session import Session, explain, explained
from streamalert_apps.errors import AppError, ConfigError, CredentialsError, RateLimited, Unavailable

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


def test_clients_give_up_in_time_and_say_who_they_are(aws_env: str) -> None:
    config = Session("us-east-1", read_seconds=7).client("ssm").meta.config
    assert (config.connect_timeout, config.read_timeout) == (5.0, 7)
    assert config.retries["mode"] == "standard"
    assert config.user_agent_extra.startswith("sa-apps/")


def test_a_refusal_is_told_whoever_made_the_call(aws_env: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Session("us-east-1").client("ssm")

    def refuse(**_: Any) -> tuple[Any, Mapping[str, Any]]:
        class Response:
            status_code = 400

        return Response(), {"Error": {"Code": "ExpiredTokenException", "Message": ""}}

    client.meta.events.register("before-call", refuse)
    with pytest.raises(CredentialsError, match="expired"):
        client.get_parameters(Names=["x"])


def test_another_account_than_confs_is_refused(aws_env: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session("us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws_env)
    with pytest.raises(
        CredentialsError, match=r"account 123456789012, but conf.global\.json names 999999999999"
    ):
        session.check_account("999999999999")


def test_an_emulators_account_number_means_nothing(aws_env: str) -> None:
    Session("us-east-1").check_account("999999999999")

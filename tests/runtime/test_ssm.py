"""Credentials in Parameter Store: a lost answer costs nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from botocore.stub import Stubber
from moto import mock_aws

from streamalert_apps.errors import AppError, ConfigError, CredentialsError, StateError
from streamalert_apps.runtime.legacy import OldState
from streamalert_apps.runtime.ssm import Parameter, ParameterCredentials, Stored
from streamalert_apps.sdk.clock import Deadline
from tests.simulator.world import StillClock

NAME = "acme_prod_duo_auth_collector_app_state"
LOST = ReadTimeoutError(endpoint_url="https://ssm.us-east-1.amazonaws.com")


@cache
def make_client() -> Any:
    """Return the client of all tests: to make one takes a quarter of a second."""
    return boto3.client(
        "ssm",
        region_name="us-east-1",
        endpoint_url="https://ssm.us-east-1.amazonaws.com",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def ssm() -> Iterator[Any]:
    """Give a client of a Parameter Store that lives in this process."""
    with mock_aws():
        yield make_client()


def parameter(client: Any, *, left: float = float("inf")) -> Parameter:
    return Parameter(client, NAME, StillClock(), Deadline(lambda: left))


def put(client: Any, text: str, *, left: float = float("inf")) -> int:
    return parameter(client, left=left).put(text, overwrite=True)


class Unreliable:
    """A client whose calls do what `before` and `after` them say: nothing, a detour, or an exception."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.before: list[Callable[[], object] | Exception | None] = []
        self.after: list[Callable[[], object] | Exception | None] = []
        self.puts: list[dict[str, Any]] = []

    def put_parameter(self, **options: Any) -> Any:
        self.puts.append(options)
        return self._called(lambda: self._client.put_parameter(**options))

    def get_parameters(self, **options: Any) -> Any:
        return self._called(lambda: self._client.get_parameters(**options))

    def _called(self, call: Callable[[], Any]) -> Any:
        happen(self.before)
        answer = call()
        happen(self.after)
        return answer


def happen(plan: list[Callable[[], object] | Exception | None]) -> None:
    event = plan.pop(0) if plan else None
    if isinstance(event, Exception):
        raise event
    if event:
        event()


# One text


def test_nothing_is_there_at_first(ssm: Any) -> None:
    assert parameter(ssm).get() is None


def test_what_is_written_is_read_with_a_version_that_rises_by_one(ssm: Any) -> None:
    for n in (1, 2, 3):
        put(ssm, f"text {n}")

        assert parameter(ssm).get() == Stored(f"text {n}", n)


def test_it_is_encrypted(ssm: Any) -> None:
    put(ssm, "text")

    assert ssm.get_parameter(Name=NAME)["Parameter"]["Type"] == "SecureString"


@pytest.mark.parametrize("characters", [4096, 4097, 8192])
def test_a_long_text_is_kept(ssm: Any, characters: int) -> None:
    client = Unreliable(ssm)

    put(client, "x" * characters)

    assert parameter(ssm).get() == Stored("x" * characters, 1)
    assert ("Tier" in client.puts[0]) == (characters > 4096)


def test_a_text_that_no_parameter_holds_is_refused_before_it_is_sent(ssm: Any) -> None:
    client = Unreliable(ssm)

    with pytest.raises(StateError, match="would hold 8193 characters; 8192 fit"):
        put(client, "x" * 8193)

    assert client.puts == []


def test_what_is_there_is_not_overwritten_unless_that_is_said(ssm: Any) -> None:
    put(ssm, "old")

    with pytest.raises(ClientError, match="ParameterAlreadyExists"):
        parameter(ssm).put("new", overwrite=False)

    assert parameter(ssm).get() == Stored("old", 1)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_put_whose_answer_was_lost_is_found(ssm: Any, lost: int) -> None:
    client = Unreliable(ssm)
    client.after = [LOST] * lost

    put(client, "mine")

    stored = parameter(ssm).get()
    assert stored
    assert stored.text == "mine"


# Faults


def refusing(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "s3cr3t"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PutParameter",
    )


@pytest.mark.parametrize(
    "fault",
    [
        refusing("ThrottlingException"),
        refusing("TooManyUpdates"),
        refusing("RequestLimitExceeded", 503),
        refusing("InternalServerError", 500),
        EndpointConnectionError(endpoint_url="https://ssm.us-east-1.amazonaws.com"),
        LOST,
    ],
    ids=lambda fault: (
        fault.response["Error"]["Code"] if isinstance(fault, ClientError) else type(fault).__name__
    ),
)
def test_a_passing_fault_is_tried_again(ssm: Any, fault: Exception) -> None:
    client = Unreliable(ssm)
    client.before = [fault, fault]

    put(client, "text")

    client.before = [fault, fault]
    assert parameter(client).get() == Stored("text", 1)


def test_a_fault_that_stays_is_told_within_the_time_left(ssm: Any) -> None:
    client = Unreliable(ssm)
    client.before = [refusing("ThrottlingException")] * 100

    with pytest.raises(StateError, match=rf"{NAME} can't be written \(ThrottlingException\)"):
        put(client, "text", left=0.1)

    assert len(client.puts) == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AccessDeniedException", CredentialsError),
        ("UnrecognizedClientException", CredentialsError),
        ("ExpiredTokenException", CredentialsError),
        ("InvalidKeyId", ConfigError),
        ("ParameterMaxVersionLimitExceeded", ConfigError),
    ],
)
def test_what_time_can_not_mend_is_told_at_once(ssm: Any, code: str, error: type[AppError]) -> None:
    client = Unreliable(ssm)
    client.before = [refusing(code)]

    with pytest.raises(error, match=rf"{NAME} can't be written \({code}\)") as raised:
        put(client, "text")

    assert len(client.puts) == 1
    assert "s3cr3t" not in raised.value.message + raised.value.hint


def test_missing_aws_credentials_are_told(ssm: Any) -> None:
    client = Unreliable(ssm)
    client.before = [NoCredentialsError()] * 100

    with pytest.raises(AppError, match="NoCredentialsError"):
        parameter(client, left=0.1).get()


def test_a_cut_answer_is_not_taken_for_an_absent_state(ssm: Any) -> None:
    put(ssm, "text")
    with Stubber(ssm) as stub:
        stub.add_response("get_parameters", {})
        stub.add_response("get_parameters", {"Parameters": [{"Value": "text", "Version": 1}]})

        assert parameter(ssm).get() == Stored("text", 1)


# Credentials

FIELDS = {"api_hostname": "api-0123abcd.example.com", "secret_key": "s3cr3t", "key_file": {"type": "x"}}


def credentials(client: Any) -> ParameterCredentials:
    return ParameterCredentials(client, NAME, StillClock(), Deadline(lambda: 0.1))


def test_credentials_come_back_as_they_were_saved(ssm: Any) -> None:
    credentials(ssm).save({"old": "one"})

    credentials(ssm).save(FIELDS)

    assert credentials(ssm).load() == FIELDS
    assert credentials(ssm).exists()


def test_missing_credentials_are_told_with_what_to_do(ssm: Any) -> None:
    assert not credentials(ssm).exists()

    with pytest.raises(CredentialsError, match="There are no credentials") as raised:
        credentials(ssm).load()

    assert "update-auth" in raised.value.hint


@pytest.mark.parametrize("text", ['{"secret_key": "s3cr3t"', '"s3cr3t"', "s3cr3t", "[]"])
def test_broken_credentials_are_told_without_showing_them(ssm: Any, text: str) -> None:
    put(ssm, text)

    with pytest.raises(ConfigError, match="does not hold a JSON object") as raised:
        credentials(ssm).load()

    assert "s3cr3t" not in raised.value.message + raised.value.hint


def test_credentials_can_be_deleted_twice(ssm: Any) -> None:
    credentials(ssm).save(FIELDS)

    credentials(ssm).delete()
    credentials(ssm).delete()

    assert not credentials(ssm).exists()


# What earlier versions left


def left(client: Any) -> Any:
    clock = StillClock()
    return OldState.of_parameter(Parameter(client, NAME, clock, Deadline.never()), clock).adopt()


def test_where_nothing_was_left_there_is_nothing_to_take_over(ssm: Any) -> None:
    assert left(ssm) is None


@pytest.mark.parametrize("status", ["running", "succeeded"])
def test_a_state_of_streamalert_is_taken_over_whatever_it_says(ssm: Any, status: str) -> None:
    put(ssm, json.dumps({"current_state": status, "last_timestamp": 1_700_000_000, "context": {"p": 1}}))

    assert left(ssm) == {"last_timestamp": 1_700_000_000, "context": {"p": 1}}


def test_the_checkpoint_of_the_version_before_is_taken_over(ssm: Any) -> None:
    put(ssm, json.dumps({"last_timestamp": 7, "context": {}, "sa_apps": {"checkpoint": {"next": 3}}}))

    assert left(ssm)["checkpoint"] == {"next": 3}


@pytest.mark.parametrize("text", ['{"current_state": 1', "[]", "7", '{"sa_apps": 1}', "[" * 8_000])
def test_a_state_that_is_none_is_told_and_stays_as_it_is(ssm: Any, text: str) -> None:
    put(ssm, text)

    with pytest.raises(StateError, match="no state that can be taken over"):
        left(ssm)

    assert parameter(ssm).get() == Stored(text, 1)


def test_a_label_on_the_oldest_version_is_told_with_what_to_do(ssm: Any) -> None:
    client = Unreliable(ssm)
    client.before = [refusing("ParameterMaxVersionLimitExceeded")]
    with pytest.raises(ConfigError) as raised:
        put(client, "text")
    assert "unlabel-parameter-version" in raised.value.hint

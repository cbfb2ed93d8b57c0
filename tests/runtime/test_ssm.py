"""State and credentials in Parameter Store: one of two is first, a lost answer costs nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from botocore.stub import Stubber
from moto import mock_aws
from streamalert_apps.runtime.state import Stored

from streamalert_apps.errors import AlreadyRunning, AppError, ConfigError, CredentialsError, StateError
from streamalert_apps.runtime.ssm import ParameterCredentials, ParameterSlot
from streamalert_apps.sdk.clock import Deadline
from tests.runtime.doubles import World
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


def slot(client: Any, *, left: float = float("inf")) -> ParameterSlot:
    return ParameterSlot(client, NAME, StillClock(), Deadline(lambda: left))


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
    assert slot(ssm).read() is None


def test_what_is_written_is_read_with_a_version_that_rises_by_one(ssm: Any) -> None:
    for n in (1, 2, 3):
        slot(ssm).write(f"text {n}")

        assert slot(ssm).read() == Stored(f"text {n}", n)


def test_it_is_encrypted(ssm: Any) -> None:
    slot(ssm).write("text")

    assert ssm.get_parameter(Name=NAME)["Parameter"]["Type"] == "SecureString"


@pytest.mark.parametrize("characters", [4096, 4097, 8192])
def test_a_long_text_is_kept(ssm: Any, characters: int) -> None:
    client = Unreliable(ssm)

    slot(client).write("x" * characters)

    assert slot(ssm).read() == Stored("x" * characters, 1)
    assert ("Tier" in client.puts[0]) == (characters > 4096)


def test_a_text_that_no_parameter_holds_is_refused_before_it_is_sent(ssm: Any) -> None:
    client = Unreliable(ssm)

    with pytest.raises(StateError, match="would hold 8193 characters; 8192 fit"):
        slot(client).write("x" * 8193)

    assert client.puts == []


# Who is first


def test_a_state_is_made_where_there_is_none(ssm: Any) -> None:
    assert slot(ssm).replace("mine", 0)
    assert slot(ssm).read() == Stored("mine", 1)


def test_of_two_that_make_it_one_is_first(ssm: Any) -> None:
    assert slot(ssm).replace("first", 0)
    assert not slot(ssm).replace("second", 0)
    assert slot(ssm).read() == Stored("first", 1)


def test_the_version_that_was_read_is_replaced(ssm: Any) -> None:
    slot(ssm).write("old")

    assert slot(ssm).replace("new", 1)
    assert slot(ssm).read() == Stored("new", 2)


def test_who_comes_second_puts_back_what_the_first_one_wrote(ssm: Any) -> None:
    slot(ssm).write("old")

    assert slot(ssm).replace("first", 1)
    assert not slot(ssm).replace("second", 1)

    assert slot(ssm).read() == Stored("first", 4)


def test_who_comes_second_puts_back_the_last_that_the_first_one_wrote(ssm: Any) -> None:
    slot(ssm).write("old")
    slot(ssm).replace("first begins", 1)
    slot(ssm).write("first ends")

    assert not slot(ssm).replace("second", 1)

    assert slot(ssm).read() == Stored("first ends", 5)


def test_what_the_first_one_writes_meanwhile_stays(ssm: Any) -> None:
    slot(ssm).write("old")
    slot(ssm).replace("first begins", 1)
    client = Unreliable(ssm)
    client.before = [None, None, None, lambda: slot(ssm).write("first goes on")]

    assert not slot(client).replace("second", 1)

    assert slot(ssm).read() == Stored("first goes on", 4)


def test_a_state_deleted_meanwhile_may_be_made_anew(ssm: Any) -> None:
    slot(ssm).write("old")
    slot(ssm).write("older")
    ssm.delete_parameter(Name=NAME)

    assert slot(ssm).replace("mine", 2)
    assert slot(ssm).read() == Stored("mine", 1)


@pytest.mark.parametrize("version", [0, 1])
def test_of_many_at_once_exactly_one_is_first(ssm: Any, version: int) -> None:
    if version:
        slot(ssm).write("old")
    together = threading.Barrier(4)
    won: list[str] = []

    def race(name: str) -> None:
        together.wait()
        if slot(ssm).replace(name, version):
            won.append(name)

    threads = [threading.Thread(target=race, args=(f"run {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1


def test_two_runs_at_once_collect_everything_once(ssm: Any) -> None:
    world = World(total=30, page=3)
    together = threading.Barrier(2)
    left: list[str] = []

    def run(name: str) -> None:
        client = Unreliable(ssm)
        client.after = [together.wait]
        try:
            world.run(holder=name, slot=slot(client))
        except AlreadyRunning:
            left.append(name)

    threads = [threading.Thread(target=run, args=(f"run {n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(left) == 1
    assert sorted(world.arrived) == list(range(30))


# Answers that get lost


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_put_whose_answer_was_lost_is_not_taken_for_another_run(ssm: Any, version: int, lost: int) -> None:
    if version:
        slot(ssm).write("old")
    client = Unreliable(ssm)
    client.after = [LOST] * lost

    assert slot(client).replace("mine", version)

    stored = slot(ssm).read()
    assert stored
    assert stored.text == "mine"


def test_who_comes_second_and_loses_an_answer_still_puts_back_the_firsts_text(ssm: Any) -> None:
    slot(ssm).write("old")
    slot(ssm).replace("first", 1)
    client = Unreliable(ssm)
    client.after = [LOST]

    assert not slot(client).replace("second", 1)

    stored = slot(ssm).read()
    assert stored
    assert stored.text == "first"


def test_who_is_first_stays_it_though_another_one_came_between_its_two_tries(ssm: Any) -> None:
    slot(ssm).write("old")
    client = Unreliable(ssm)
    client.after = [LOST]
    client.before = [None, lambda: slot(ssm).write("another")]

    assert slot(client).replace("mine", 1)


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

    slot(client).write("text")

    client.before = [fault, fault]
    assert slot(client).read() == Stored("text", 1)


def test_a_fault_that_stays_is_told_within_the_time_left(ssm: Any) -> None:
    client = Unreliable(ssm)
    client.before = [refusing("ThrottlingException")] * 100

    with pytest.raises(StateError, match=rf"{NAME} can't be written \(ThrottlingException\)"):
        slot(client, left=0.1).write("text")

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
        slot(client).write("text")

    assert len(client.puts) == 1
    assert "s3cr3t" not in raised.value.message + raised.value.hint


def test_missing_aws_credentials_are_told(ssm: Any) -> None:
    client = Unreliable(ssm)
    client.before = [NoCredentialsError()] * 100

    with pytest.raises(AppError, match="NoCredentialsError"):
        slot(client, left=0.1).read()


def test_a_cut_answer_is_not_taken_for_an_absent_state(ssm: Any) -> None:
    slot(ssm).write("text")
    with Stubber(ssm) as stub:
        stub.add_response("get_parameters", {})
        stub.add_response("get_parameters", {"Parameters": [{"Value": "text", "Version": 1}]})

        assert slot(ssm).read() == Stored("text", 1)


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
    slot(ssm).write(text)

    with pytest.raises(ConfigError, match="does not hold a JSON object") as raised:
        credentials(ssm).load()

    assert "s3cr3t" not in raised.value.message + raised.value.hint


def test_credentials_can_be_deleted_twice(ssm: Any) -> None:
    credentials(ssm).save(FIELDS)

    credentials(ssm).delete()
    credentials(ssm).delete()

    assert not credentials(ssm).exists()

"""Where events go: StreamAlert's classifier, standard output, a file."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from streamalert_apps.errors import AppError, CredentialsError, DeliveryFailed, DeliveryRefused, OutOfTime
from streamalert_apps.runtime.delivery import Answer, Batch
from streamalert_apps.runtime.destinations.classifier import ClassifierLambda
from streamalert_apps.runtime.destinations.file import File, JsonLines
from tests import loopback
from tests.loopback import Exchange
from tests.runtime.doubles import World, number_of

CLASSIFIER = "acme_prod_streamalert_classifier"
FUNCTION = "acme_prod_duo_auth_collector_app"


class Client:
    """An AWS client that notes what it is asked, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[dict[str, Any]] = []
        self._error = error

    def invoke(self, **options: Any) -> dict[str, Any]:
        self.calls.append(options)
        if self._error:
            raise self._error
        return {"Payload": io.BytesIO()}


def refusing(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "s3cr3t"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Invoke",
    )


def batch(*events: bytes) -> Batch:
    return Batch("id", events)


# The classifier


def test_a_batch_has_the_form_that_streamalerts_classifier_takes() -> None:
    client = Client()

    ClassifierLambda(client, CLASSIFIER, FUNCTION).send(batch(b'{"n": 1}', b'{"n": 2}'))

    (call,) = client.calls
    assert json.loads(call.pop("Payload")) == {
        "Records": [{"streamalert_app": FUNCTION, "logs": [{"n": 1}, {"n": 2}]}]
    }
    assert call == {"FunctionName": CLASSIFIER, "Qualifier": "production", "InvocationType": "Event"}


def test_batches_share_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = set[Any]()

    def accept(exchange: Exchange) -> None:
        connections.add(exchange.client_address)
        exchange.read_body()
        exchange.send(202)

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with loopback.serve(accept) as place:
        client = boto3.client("lambda", region_name="us-east-1", endpoint_url=f"http://{place}")
        classifier = ClassifierLambda(client, CLASSIFIER, FUNCTION)
        for _ in range(3):
            classifier.send(batch(b"{}"))

    assert len(connections) == 1


def test_logs_reach_the_classifier_byte_for_byte() -> None:
    client = Client()
    odd = b'{ "b":12345678901234567890123, "a" : 2.50 }'

    ClassifierLambda(client, CLASSIFIER, FUNCTION).send(batch(odd))

    assert odd in client.calls[0]["Payload"]


@pytest.mark.parametrize("size", [1 << 10, 1 << 20, 1 << 30])
def test_a_batch_and_one_event_fit_an_asynchronous_invocation(size: int) -> None:
    limits = ClassifierLambda(Client(), CLASSIFIER, FUNCTION, size).limits
    client = Client()
    events = [b"x" * (limits.event_bytes)]

    ClassifierLambda(client, CLASSIFIER, FUNCTION, size).send(batch(*events))

    assert limits.bytes <= size
    assert limits.bytes <= limits.event_bytes
    assert len(client.calls[0]["Payload"]) <= 1 << 20


@pytest.mark.parametrize(
    "error",
    [
        refusing("TooManyRequestsException", 429),
        refusing("ResourceConflictException", 409),
        refusing("SnapStartNotReadyException", 409),
        refusing("ThrottlingException"),
        refusing("ServiceException", 500),
        refusing("SomethingNew", 503),
        ConnectTimeoutError(endpoint_url="https://lambda.us-east-1.amazonaws.com"),
    ],
    ids=["busy", "pending", "starting", "throttled", "fault", "new fault", "time-out"],
)
def test_what_time_may_mend_is_a_delivery_to_try_again(error: Exception) -> None:
    answer = ClassifierLambda(Client(error), CLASSIFIER, FUNCTION).send(batch(b"1", b"2"))

    assert [*answer.retry] == [0, 1]
    assert isinstance(answer.error, DeliveryFailed)
    assert CLASSIFIER in answer.error.message
    assert "s3cr3t" not in answer.error.message


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("ResourceNotFoundException", DeliveryRefused, f"There is no classifier {CLASSIFIER}:production"),
        ("AccessDeniedException", CredentialsError, "does not allow invoking"),
        ("ExpiredTokenException", CredentialsError, "does not allow invoking"),
        ("RequestTooLargeException", DeliveryRefused, "refused a batch"),
        ("InvalidRequestContentException", DeliveryRefused, "refused a batch"),
    ],
)
def test_what_time_can_not_mend_is_told(code: str, error: type[AppError], message: str) -> None:
    status = 403 if error is CredentialsError else 400
    answer = ClassifierLambda(Client(refusing(code, status)), CLASSIFIER, FUNCTION).send(batch(b"1", b"2"))

    assert [*answer.retry] == [0, 1]
    assert type(answer.error) is error
    assert message in answer.error.message
    assert "s3cr3t" not in answer.error.message + answer.error.hint


# Standard output


def test_each_event_is_a_line() -> None:
    stream = io.BytesIO()

    JsonLines(stream).send(batch(b'{"n": 1}', b'{"n": 2}'))
    JsonLines(stream).send(batch(b'{"n": 3}'))

    assert stream.getvalue() == b'{"n": 1}\n{"n": 2}\n{"n": 3}\n'


@pytest.mark.parametrize("moment", ["write", "flush"])
def test_a_reader_that_is_gone_is_told(moment: str) -> None:
    def broken(*_: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    stream: Any = io.BytesIO()
    pipe: Any = type("Pipe", (), {"write": stream.write, "flush": stream.flush, moment: broken})()

    destination = JsonLines(pipe)
    answer = destination.send(batch(b"1"))

    assert [*answer.retry] == [0]
    assert isinstance(answer.error, OutOfTime)  # the next run goes on
    assert destination.gone


@pytest.mark.parametrize("moment", ["write", "flush"])
def test_a_full_disk_is_told(moment: str) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    stream: Any = io.BytesIO()
    disk: Any = type("Disk", (), {"write": stream.write, "flush": stream.flush, moment: full})()

    told_refusal(JsonLines(disk).send(batch(b"1")), "No space left on device")


def told_refusal(answer: Answer, reason: str) -> None:
    assert [*answer.retry] == [0]
    assert isinstance(answer.error, DeliveryRefused)
    assert reason in answer.error.message


# A file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "duo.jsonl"


@pytest.fixture
def file(path: Path) -> File:
    return File(path)


def test_a_file_is_made_with_its_folder_for_its_owner_alone(file: File, path: Path) -> None:
    file.send(batch(b"1"))

    assert path.read_bytes() == b"1\n"
    assert (oct(path.stat().st_mode & 0o777), oct(path.parent.stat().st_mode & 0o777)) == ("0o600", "0o700")


def test_what_is_in_a_file_stays(file: File, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"0\n")

    file.send(batch(b"1", b"2"))

    assert path.read_bytes() == b"0\n1\n2\n"


@pytest.mark.parametrize("size", [5, 70_000, 200_000])
def test_a_line_that_a_crash_left_unfinished_is_taken_off_on_opening(
    file: File, path: Path, size: int
) -> None:
    path.parent.mkdir()
    path.write_bytes(b"0\n" + b"x" * size)

    file.send(batch(b"1"))

    assert path.read_bytes() == b"0\n1\n"


def test_a_file_that_is_nothing_but_an_unfinished_line_is_emptied(file: File, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"x" * 200_000)

    file.send(batch(b"1"))

    assert path.read_bytes() == b"1\n"


def test_what_was_accepted_is_on_disk(file: File, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes()))

    file.send(batch(b"1"))
    file.send(batch(b"2"))

    assert synced == [b"1\n", b"1\n", b"1\n2\n"]  # the second is the folder's, with the name of a new file


def test_the_position_passes_only_what_is_on_disk(
    file: File, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(total=10, page=5, seconds=3)
    world.sinks = {"file": file}

    def failing(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        assert world.run().status == "failed"
    assert (world.head.positions["file"].sequence, path.read_bytes()) == (1, b"")
    world.run()

    assert [number_of(line) for line in path.read_bytes().splitlines()] == list(range(10))


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "logs").write_bytes(b"")

    told_refusal(File(tmp_path / "logs" / "duo.jsonl").send(batch(b"1")), "can't be written")


FILLING = """
import resource, signal, sys
from pathlib import Path
from streamalert_apps.runtime.delivery import Batch
from streamalert_apps.runtime.destinations.file import File

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = File(Path(sys.argv[1]))
print(file.send(Batch("a", [b"1" * 400, b"2" * 400])).error)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
print(file.send(Batch("b", [b"3" * 400, b"4" * 400])).error)
print(file.send(Batch("c", [b"5" * 100])).error)
"""


def test_of_a_batch_for_which_there_is_no_room_nothing_is_left(path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", FILLING, str(path)], capture_output=True, text=True, check=True
    ).stdout

    first, second, third = shown.splitlines()
    assert (first, third) == ("None", "None")
    assert "can't be written" in second
    assert path.read_bytes() == b"1" * 400 + b"\n" + b"2" * 400 + b"\n" + b"5" * 100 + b"\n"


KILLED = """
import sys
from datetime import timedelta
from pathlib import Path
from streamalert_apps.runtime.collect import Terms, collect
from streamalert_apps.runtime.delivery import Limits, Outlet
from streamalert_apps.runtime.destinations.file import File
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.store.local import LocalStore
from streamalert_apps.sdk.app import App, Page
from streamalert_apps.sdk.clock import Deadline, SystemClock
from streamalert_apps.sdk.http import Api
import streamalert_apps.runtime.collect as collecting

collecting.COMMIT_SECONDS = 0

class Numbers(App):
    type, collects, auth = "numbers_all", "numbers", ()
    def start(self, since): return {"next": 0}
    def check(self): pass
    def poll(self, checkpoint):
        at = checkpoint["next"]
        while at < 1000:
            logs = [b'{"n":%d,"x":"%b"}' % (n, b"x" * 200) for n in range(at, at + 25)]
            at += 25
            yield Page(logs, {"next": at}, more=at < 1000)
        if checkpoint["next"] >= 1000:
            yield Page([], {"next": at}, more=False)

clock = SystemClock()
folder = Path(sys.argv[1])
file = File(folder / "out.jsonl")
file.limits = Limits(bytes=3000)
terms = Terms(Identity("owner", "run", "", lambda _: True), clock, Deadline.never(), timedelta(hours=1))
print("begins", flush=True)
outlets = {"file": Outlet(file)}
outcome = collect(lambda: Numbers({}, Api(clock=clock)), LocalStore(folder, "app"), outlets, terms)
print(outcome.status)
"""


def test_kills_leave_no_torn_line_and_lose_nothing(tmp_path: Path) -> None:
    random = Random(1)
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(random.uniform(0.0, 0.3))
            process.kill()
    shown = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout

    assert shown.split()[-1] == "succeeded"
    numbers = [number_of(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert set(numbers) == set(range(1000))
    assert [*dict.fromkeys(numbers)] == list(range(1000))

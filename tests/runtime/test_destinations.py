"""Where logs go: StreamAlert's classifier, or a line each; and where the whole of a large one is kept."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from streamalert_apps.runtime.destinations.jsonlines import JsonLines
from streamalert_apps.runtime.oversize import Bucket

from streamalert_apps.errors import AppError, CredentialsError, DeliveryFailed, DeliveryRefused
from streamalert_apps.runtime.destinations.classifier import ClassifierLambda
from tests import loopback
from tests.loopback import Exchange

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

    put_object = invoke


def refusing(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "s3cr3t"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Invoke",
    )


# The classifier


def test_a_batch_has_the_form_that_streamalerts_classifier_takes() -> None:
    client = Client()

    ClassifierLambda(client, CLASSIFIER, FUNCTION).forward([b'{"n": 1}', memoryview(b'{"n": 2}')])

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
            classifier.forward([b"{}"])

    assert len(connections) == 1


def test_logs_reach_the_classifier_byte_for_byte() -> None:
    client = Client()
    odd = b'{ "b":12345678901234567890123, "a" : 2.50 }'

    ClassifierLambda(client, CLASSIFIER, FUNCTION).forward([odd])

    assert odd in client.calls[0]["Payload"]


@pytest.mark.parametrize(
    "error",
    [
        refusing("TooManyRequestsException", 429),
        refusing("ThrottlingException"),
        refusing("ServiceException", 500),
        refusing("SomethingNew", 503),
        ConnectTimeoutError(endpoint_url="https://lambda.us-east-1.amazonaws.com"),
    ],
    ids=["busy", "throttled", "fault", "new fault", "time-out"],
)
def test_what_time_may_mend_is_a_delivery_to_try_again(error: Exception) -> None:
    with pytest.raises(DeliveryFailed, match=CLASSIFIER) as raised:
        ClassifierLambda(Client(error), CLASSIFIER, FUNCTION).forward([b"1"])

    assert "s3cr3t" not in raised.value.message


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("ResourceNotFoundException", DeliveryRefused, f"There is no classifier {CLASSIFIER}:production"),
        ("AccessDeniedException", CredentialsError, "does not allow invoking"),
        ("RequestTooLargeException", DeliveryRefused, "refused a batch"),
        ("InvalidRequestContentException", DeliveryRefused, "refused a batch"),
    ],
)
def test_what_time_can_not_mend_is_told(code: str, error: type[AppError], message: str) -> None:
    with pytest.raises(error, match=message) as raised:
        ClassifierLambda(Client(refusing(code)), CLASSIFIER, FUNCTION).forward([b"1"])

    assert "s3cr3t" not in raised.value.message + raised.value.hint


# A line each


def test_each_log_is_a_line() -> None:
    stream = io.BytesIO()

    JsonLines(stream).forward([b'{"n": 1}', memoryview(b'{"n": 2}')])
    JsonLines(stream).forward([b'{"n": 3}'])

    assert stream.getvalue() == b'{"n": 1}\n{"n": 2}\n{"n": 3}\n'


def test_a_log_written_over_several_lines_becomes_one() -> None:
    stream = io.BytesIO()

    JsonLines(stream).forward([b'{\r\n  "text": "a\\nb"\r\n}'])

    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == {"text": "a\nb"}


@pytest.mark.parametrize("moment", ["write", "flush"])
def test_a_full_disk_is_told(moment: str) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    stream: Any = io.BytesIO()
    broken = type("Broken", (), {"write": stream.write, "flush": stream.flush, moment: full})()

    with pytest.raises(DeliveryRefused, match="No space left on device"):
        JsonLines(broken).forward([b"1"])


# What is too large


def test_the_whole_of_a_large_log_is_put_into_the_bucket() -> None:
    client = Client()

    place = Bucket(client, "large-logs", FUNCTION).keep(b'{"n": 1}', "ab12")

    assert place == f"s3://large-logs/{FUNCTION}/ab12.json"
    assert (client.calls[0]["Bucket"], client.calls[0]["Body"]) == ("large-logs", b'{"n": 1}')


@pytest.mark.parametrize(
    "error", [refusing("AccessDenied", 403), ConnectTimeoutError(endpoint_url="https://s3.amazonaws.com")]
)
def test_a_bucket_that_does_not_take_it_is_told_and_stops_nothing(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert Bucket(Client(error), "large-logs", FUNCTION).keep(b"1", "ab12") == ""
    assert "the bucket large-logs did not take a large log" in caplog.text
    assert "s3cr3t" not in caplog.text

"""Queues of SQS by moto."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamalert_apps.sdk.clock import Clock
from tests.destinations.moto_twin import ACCOUNT, REGION, AwsTwin
from tests.destinations.stand import Case

QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/saas"


class Queue(AwsTwin):
    """Tells of each message whether it is there, and whose fault it is if not."""

    service, target, action, entries = "sqs", "AmazonSQS", "SendMessageBatch", "Entries"
    bad, wrong = "InvalidMessageContents", "QueueDoesNotExist"
    url = QUEUE

    def __init__(self, clock: Clock) -> None:
        self.ids: set[str] = set()
        self.there = 0
        super().__init__(clock)

    def set_up(self) -> None:
        name = self.url.rpartition("/")[2]
        fifo = {"Attributes": {"FifoQueue": "true"}} if name.endswith(".fifo") else {}
        self.ask("CreateQueue", QueueName=name, **fifo)

    def event(self, entry: Mapping[str, Any]) -> bytes:
        body: str = entry["MessageBody"]
        return body.encode()

    def accepted(self, asked: Mapping[str, Any], said: Mapping[str, Any]) -> list[bytes]:
        """Return the events of messages that are new; moto says how many there are by now."""
        taken = {each["Id"] for each in said["Successful"]}
        new = [
            entry
            for entry in asked["Entries"]
            if entry["Id"] in taken and entry.get("MessageDeduplicationId") not in self.ids
        ]
        self.ids |= {entry["MessageDeduplicationId"] for entry in new if "MessageDeduplicationId" in entry}
        self.there += len(new)
        names = ["ApproximateNumberOfMessages"]
        told = self.ask("GetQueueAttributes", QueueUrl=self.url, AttributeNames=names)["Attributes"]
        assert int(told[names[0]]) == self.there
        return [self.event(entry) for entry in new]

    def merged(
        self, asked: Mapping[str, Any], said: dict[str, Any], failed: Mapping[int, str]
    ) -> dict[str, Any]:
        told = [
            {"Id": asked["Entries"][at]["Id"], "Code": code, "SenderFault": not code.startswith("Internal")}
            for at, code in failed.items()
        ]
        return said | {"Failed": [*said.get("Failed", []), *told]}

    def received(self) -> list[dict[str, Any]]:
        """Take up to ten messages out of the queue."""
        asked = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"], "AttributeNames": ["All"]}
        messages: list[dict[str, Any]] = self.ask("ReceiveMessage", QueueUrl=self.url, **asked)["Messages"]
        return messages


class Fifo(Queue):
    """A queue that knows what came within five minutes."""

    url = f"{QUEUE}.fifo"


def _settings(_: str) -> Mapping[str, Any]:
    return {"queue": QUEUE}


def _fifo(_: str) -> Mapping[str, Any]:
    return {"queue": f"{QUEUE}.fifo"}


CASE = Case(
    "sqs",
    Queue,
    _settings,
    per_event=True,
    partial=True,
    strict=False,
    one_event=1_000,
    event_limit=1_048_064,
    many=60,  # for each message moto looks at all that are there
)
FIFO = Case(
    "sqs",
    Fifo,
    _fifo,
    per_event=True,
    partial=True,
    strict=False,
    one_event=1_000,
    is_idempotent=True,
    event_limit=1_048_064,
    many=60,
)

"""A queue of SQS, a message an event.

A FIFO queue drops what comes again within five minutes, and hands an app's events on in the order in which
they were collected.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from streamalert_apps.runtime import setting
from streamalert_apps.runtime.delivery import Answer, Batch, Limits
from streamalert_apps.runtime.sink import Permission, Setting, Setup, Sink, Where

LARGEST_BYTES: Final = 1 << 20  # of the messages of a call, their attributes included
_MESSAGES: Final = 10
_ATTRIBUTES_BYTES: Final = 512  # of a message, at most
_TOO_LARGE: Final = {"BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong"}
_OF_THE_QUEUE: Final = ("AccessDenied", "AWS.", "InvalidAddress", "InvalidSecurity", "Kms", "Queue")
_QUEUE: Final = (
    r"https://sqs\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<account>[0-9]{12})/(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)"
)
_NOT_IN_A_MESSAGE: Final = {code: f"\\u{code:04x}" for code in (0xFFFE, 0xFFFF)}


class Sqs(Sink):
    """Sends messages."""

    kind = "sqs"
    takes = "an SQS queue, standard or FIFO"
    documentation = (
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html"
    )
    settings = (
        Setting(
            "queue",
            "the URL of the queue",
            setting.matching(
                _QUEUE, "the URL of a queue", "Like https://sqs.us-east-1.amazonaws.com/123456789012/saas."
            ),
        ),
        Setting("kms_key", "the ARN of the key of a queue that has one of its own", setting.kms_key, ""),
    )
    limits = Limits(
        _MESSAGES, LARGEST_BYTES - _MESSAGES * _ATTRIBUTES_BYTES, LARGEST_BYTES - _ATTRIBUTES_BYTES
    )

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._region, _, self._name = _parts(self.given["queue"])
        self._is_fifo = self._name.endswith(".fifo")

    @classmethod
    def permissions(cls, settings: Mapping[str, Any], where: Where) -> Sequence[Permission]:
        """Return what the role of a function has to allow."""
        region, account, name = _parts(settings["queue"])
        found = [Permission(["sqs:SendMessage"], [f"arn:{where.partition}:sqs:{region}:{account}:{name}"])]
        if settings["kms_key"]:
            found.append(Permission(["kms:GenerateDataKey", "kms:Decrypt"], [settings["kms_key"]]))
        return found

    def send(self, batch: Batch) -> Answer:
        """Send the messages of a batch once."""
        from streamalert_apps.runtime import aws  # noqa: PLC0415 (conf/ is read without botocore)

        what = f"The queue {self._name}"
        client = self.setup.client("sqs", self._region)
        entries = [*map(self._message, range(len(batch.events)), batch.events, batch.ids)]
        return aws.deliver(
            batch,
            what,
            partial(client.send_message_batch, QueueUrl=self.given["queue"], Entries=entries),
            lambda said: _read(said, what, len(batch.events)),
            _TOO_LARGE,
        )

    def _message(self, row: int, event: bytes, identity: str) -> dict[str, Any]:
        source = self.setup.source
        attributes = {"app": source.name, "type": source.type, "event_id": identity}
        message: dict[str, Any] = {
            "Id": str(row),
            "MessageBody": event.decode(errors="replace").translate(_NOT_IN_A_MESSAGE),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        }
        if self._is_fifo:
            message |= {"MessageGroupId": source.name, "MessageDeduplicationId": identity}
        return message


def _parts(queue: str) -> tuple[str, str, str]:
    """Return the region, the account and the name of a queue."""
    found = re.fullmatch(_QUEUE, queue)
    return (found["region"], found["account"], found["name"]) if found else ("", "", "")


def _read(said: Mapping[str, Any], what: str, count: int) -> Answer:
    """Return what became of each message; one that is not said to be there is not."""
    from streamalert_apps.runtime import aws  # noqa: PLC0415 (conf/ is read without botocore)

    taken = {each.get("Id") for each in said.get("Successful", ())}
    failed = {each.get("Id"): each for each in said.get("Failed", ())}
    codes = {row: failed.get(str(row), {}).get("Code", "ServiceUnavailable") for row in range(count)}
    codes = {row: code for row, code in codes.items() if str(row) not in taken}
    ours = {each.get("Code", "?") for each in failed.values() if each.get("SenderFault")}
    never = {code for code in ours if not code.startswith(_OF_THE_QUEUE) and not aws.is_passing(code)}
    return aws.partly(what, codes, never)


SINK = Sqs

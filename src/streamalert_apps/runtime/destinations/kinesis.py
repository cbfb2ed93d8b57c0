"""A stream of Kinesis Data Streams, a record an event.

The partition key of a record is the id of its event, by which a consumer drops what came twice.
https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from streamalert_apps.runtime import setting
from streamalert_apps.runtime.delivery import Answer, Batch, Limits
from streamalert_apps.runtime.sink import Permission, Setting, Setup, Sink, Where

RECORD_BYTES: Final = 1 << 20  # with its key; a stream takes larger ones where it was told to
CALL_BYTES: Final = 4 << 20  # of 10 MiB, and of 5 in older documents
_KEY_BYTES: Final = 256
_ARN: Final = r"arn:aws[a-z-]*:kinesis:(?P<region>[a-z0-9-]+):[0-9]{12}:stream/"
_NAME: Final = r"[A-Za-z0-9_.-]{1,128}"


class Kinesis(Sink):
    """Puts records."""

    kind = "kinesis"
    takes = "a Kinesis data stream"
    documentation = "https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html"
    settings = (
        Setting(
            "stream",
            "the name of the stream, or its ARN",
            setting.matching(f"({_ARN})?{_NAME}", "the name or the ARN of a stream", ""),
        ),
        Setting("region", "the region of a stream given by name, if it is not the app's", setting.region, ""),
        Setting("kms_key", "the ARN of the key of a stream that has one of its own", setting.kms_key, ""),
    )
    limits = Limits(500, CALL_BYTES - 500 * _KEY_BYTES, RECORD_BYTES - _KEY_BYTES)

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        stream = self.given["stream"]
        arn = re.match(_ARN, stream)
        self._region = arn["region"] if arn else self.given["region"]
        self._stream = {"StreamARN" if arn else "StreamName": stream}

    @classmethod
    def permissions(cls, settings: Mapping[str, Any], where: Where) -> Sequence[Permission]:
        """Return what the role of a function has to allow."""
        stream = settings["stream"]
        if not stream.startswith("arn:"):
            stream = where.in_region(settings["region"]).arn("kinesis", f"stream/{stream}")
        found = [Permission(["kinesis:PutRecords"], [stream])]
        if settings["kms_key"]:
            found.append(Permission(["kms:GenerateDataKey"], [settings["kms_key"]]))
        return found

    def send(self, batch: Batch) -> Answer:
        """Put the records of a batch once."""
        from streamalert_apps.runtime import aws  # noqa: PLC0415 (conf/ is read without botocore)

        what = f"The stream {self.given['stream'].rpartition('/')[2]}"
        client = self.setup.client("kinesis", self._region)
        records = [
            {"Data": event, "PartitionKey": identity}
            for event, identity in zip(batch.events, batch.ids, strict=True)
        ]
        return aws.deliver(
            batch,
            what,
            partial(client.put_records, **self._stream, Records=records),
            lambda said: aws.by_row(what, batch, said.get("Records", ()), "SequenceNumber"),
        )


SINK = Kinesis

"""A stream of Amazon Data Firehose, a line of JSON an event.

Firehose hands on to S3, Redshift, Snowflake, Splunk, Datadog, New Relic, Elastic and any HTTP endpoint.
https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from streamalert_apps.runtime import setting
from streamalert_apps.runtime.delivery import Answer, Batch, Limits
from streamalert_apps.runtime.sink import Permission, Setting, Sink, Where

RECORD_BYTES: Final = 1_024_000  # before it is encoded for the way
CALL_BYTES: Final = 4_000_000


class Firehose(Sink):
    """Puts records that end with a line break, as most of Firehose's ends want them."""

    kind = "firehose"
    takes = "Amazon Data Firehose, and wherever it delivers"
    documentation = "https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html"
    settings = (
        Setting(
            "stream",
            "the name of the stream",
            setting.matching(r"[A-Za-z0-9_.-]{1,64}", "the name of a stream", "Give a name, not an ARN."),
        ),
        Setting("region", "the region of the stream, if it is not the app's", setting.region, ""),
    )
    limits = Limits(500, CALL_BYTES, RECORD_BYTES - 1)

    @classmethod
    def permissions(cls, settings: Mapping[str, Any], where: Where) -> Sequence[Permission]:
        """Return what the role of a function has to allow."""
        stream = where.in_region(settings["region"]).arn("firehose", f"deliverystream/{settings['stream']}")
        return [Permission(["firehose:PutRecordBatch"], [stream])]

    def send(self, batch: Batch) -> Answer:
        """Put the records of a batch once."""
        from streamalert_apps.runtime import aws  # noqa: PLC0415 (conf/ is read without botocore)

        what = f"The stream {self.given['stream']}"
        client = self.setup.client("firehose", self.given["region"])
        records = [{"Data": event + b"\n"} for event in batch.events]
        return aws.deliver(
            batch,
            what,
            partial(client.put_record_batch, DeliveryStreamName=self.given["stream"], Records=records),
            lambda said: aws.by_row(what, batch, said.get("RequestResponses", ()), "RecordId"),
        )


SINK = Firehose

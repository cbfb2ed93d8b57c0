"""A stream of Amazon Data Firehose by moto, which hands on to a bucket."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from moto.backends import get_backend

from tests.destinations.kinesis import STREAM
from tests.destinations.kinesis import Stream as KinesisStream
from tests.destinations.moto_twin import ACCOUNT, REGION
from tests.destinations.stand import Case

_BUCKET = "acme-lake"
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/firehose"


class Stream(KinesisStream):
    """Tells of each record its number, or why it is not there for now."""

    service, target, action = "firehose", "Firehose_20150804", "PutRecordBatch"
    later, answers = "ServiceUnavailableException", "RequestResponses"

    def set_up(self) -> None:
        buckets = get_backend("s3")[ACCOUNT]["aws"]
        buckets.reset()
        buckets.create_bucket(_BUCKET, REGION)
        bucket = {"RoleARN": _ROLE, "BucketARN": f"arn:aws:s3:::{_BUCKET}"}
        self.ask("CreateDeliveryStream", DeliveryStreamName=STREAM, ExtendedS3DestinationConfiguration=bucket)

    def event(self, entry: Mapping[str, Any]) -> bytes:
        line = b64decode(entry["Data"])
        assert line.endswith(b"\n")
        return line[:-1]

    def objects(self) -> list[bytes]:
        """Return what was handed on to the bucket."""
        bucket: Any = get_backend("s3")[ACCOUNT]["aws"].buckets[_BUCKET]
        return [key.value for key in bucket.keys.values()]


def _settings(_: str) -> Mapping[str, Any]:
    return {"stream": STREAM}


CASE = Case(
    "firehose",
    Stream,
    _settings,
    refuses=False,
    partial=True,
    strict=False,
    one_event=1_000,
    event_limit=1_023_999,
)

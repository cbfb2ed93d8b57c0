"""The sinks that the suite tries."""

from __future__ import annotations

from tests.destinations import (
    elastic,
    eventbridge,
    file,
    firehose,
    http,
    kinesis,
    otlp,
    s3,
    sentinel,
    splunk,
    sqs,
)

CASES = {
    "elastic": elastic.CASE,
    "eventbridge": eventbridge.CASE,
    "file": file.CASE,
    "firehose": firehose.CASE,
    "http": http.CASE,
    "http per event": http.PER_EVENT,
    "kinesis": kinesis.CASE,
    "otlp": otlp.CASE,
    "s3": s3.CASE,
    "sentinel": sentinel.CASE,
    "splunk": splunk.CASE,
    "splunk with acknowledgement": splunk.ACKNOWLEDGING,
    "sqs": sqs.CASE,
    "sqs fifo": sqs.FIFO,
}

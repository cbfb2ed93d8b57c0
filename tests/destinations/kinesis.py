"""A stream of Kinesis Data Streams by moto."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from tests.destinations.moto_twin import AwsTwin
from tests.destinations.stand import Case

STREAM = "saas"


class Stream(AwsTwin):
    """Tells of each record where it is, or why it is not there for now."""

    service, target, action, entries = "kinesis", "Kinesis_20131202", "PutRecords", "Records"
    later = "ProvisionedThroughputExceededException"
    answers = "Records"

    def set_up(self) -> None:
        self.ask("CreateStream", StreamName=STREAM, ShardCount=2)

    def event(self, entry: Mapping[str, Any]) -> bytes:
        return b64decode(entry["Data"])

    def accepted(self, asked: Mapping[str, Any], said: Mapping[str, Any]) -> list[bytes]:
        told = zip(asked[self.entries], said[self.answers], strict=True)
        return [self.event(entry) for entry, row in told if "ErrorCode" not in row]

    def merged(
        self, asked: Mapping[str, Any], said: dict[str, Any], failed: Mapping[int, str]
    ) -> dict[str, Any]:
        rows = iter(said.get(self.answers, []))
        told = [
            {"ErrorCode": failed[at], "ErrorMessage": "says the test"} if at in failed else next(rows)
            for at in range(len(asked[self.entries]))
        ]
        return said | {self.answers: told}

    def records(self) -> list[dict[str, Any]]:
        """Return what is in the stream."""
        found: list[dict[str, Any]] = []
        for shard in self.ask("ListShards", StreamName=STREAM)["Shards"]:
            place = {"StreamName": STREAM, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator = self.ask("GetShardIterator", **place)["ShardIterator"]
            found += self.ask("GetRecords", ShardIterator=iterator)["Records"]
        return found


def _settings(_: str) -> Mapping[str, Any]:
    return {"stream": STREAM}


CASE = Case(
    "kinesis",
    Stream,
    _settings,
    refuses=False,
    partial=True,
    strict=False,
    one_event=1_000,
    event_limit=(1 << 20) - 256,
)

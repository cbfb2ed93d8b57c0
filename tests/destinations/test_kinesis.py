"""What `kinesis` puts, and where."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from streamalert_apps.runtime import kinds
from streamalert_apps.runtime.outlets import Definition
from streamalert_apps.runtime.sink import Where
from tests.destinations.kinesis import CASE, Stream
from tests.destinations.stand import NAME, stand
from tests.runtime.doubles import log_of

ARN = "arn:aws:kinesis:eu-west-1:210987654321:stream/saas"


def test_a_record_is_an_event_under_a_key_of_its_own() -> None:
    with stand(CASE, total=10) as one:
        one.run()
        assert isinstance(one.twin, Stream)
        records = one.twin.records()

    assert {b64decode(record["Data"]) for record in records} == {log_of(number) for number in range(10)}
    assert len({record["PartitionKey"] for record in records}) == 10


def test_a_stream_in_another_account_is_named_by_its_arn() -> None:
    with stand(CASE, total=1) as one:
        one.use(stream=ARN)
        one.run(left=0.2)
        assert isinstance(one.twin, Stream)

        assert one.twin.calls[0]["StreamARN"] == ARN


def test_records_that_a_shard_had_no_room_for_are_told_as_a_matter_of_time() -> None:
    with stand(CASE) as one:
        one.twin.busy = [{1, 3}]
        assert one.run(left=0.2).status == "failed"

        position = one.world.head.positions[NAME]
        assert (position.state, position.error, position.pending) == ("retry", "delivery_failed", [1, 3])
        assert "ProvisionedThroughputExceededException" in position.message


@pytest.mark.parametrize(
    ("settings", "arn"),
    [
        ({"stream": "saas"}, "arn:aws:kinesis:us-east-1:123456789012:stream/saas"),
        ({"stream": "saas", "region": "us-west-2"}, "arn:aws:kinesis:us-west-2:123456789012:stream/saas"),
        ({"stream": ARN}, ARN),
    ],
)
def test_its_role_may_put_records_into_the_stream(settings: dict[str, Any], arn: str) -> None:
    kind = kinds.find("kinesis")
    (found,) = kind.permissions(
        Definition("stream", settings).settings(kind), Where("aws", "us-east-1", "123456789012")
    )

    assert (found.actions, found.resources) == (["kinesis:PutRecords"], [arn])

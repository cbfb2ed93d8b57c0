"""What `firehose` puts."""

from __future__ import annotations

from streamalert_apps.runtime import kinds
from streamalert_apps.runtime.outlets import Definition
from streamalert_apps.runtime.sink import Where
from tests.destinations.firehose import CASE, Stream
from tests.destinations.stand import NAME, stand
from tests.runtime.doubles import log_of


def test_what_firehose_hands_on_are_lines() -> None:
    with stand(CASE, total=10) as one:
        one.run()
        assert isinstance(one.twin, Stream)

        assert b"".join(one.twin.objects()) == b"".join(log_of(number) + b"\n" for number in range(10))


def test_records_that_failed_within_a_call_that_did_not_are_sent_again() -> None:
    with stand(CASE) as one:
        one.twin.busy = [{1, 3}]
        assert one.run(left=0.2).status == "failed"
        assert one.world.head.positions[NAME].pending == [1, 3]

        assert one.run().status == "succeeded"
        assert (one.lost, one.repeated.total()) == (set(), 0)


def test_its_role_may_put_records_into_the_stream() -> None:
    kind = kinds.find("firehose")
    settings = Definition("hose", {"stream": "saas", "region": "eu-west-1"}).settings(kind)

    (found,) = kind.permissions(settings, Where("aws", "us-east-1", "123456789012"))

    assert found.actions == ["firehose:PutRecordBatch"]
    assert found.resources == ["arn:aws:firehose:eu-west-1:123456789012:deliverystream/saas"]

"""What `sqs` sends, and how it reads what became of each message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streamalert_apps.runtime import kinds
from streamalert_apps.runtime.delivery import Batch
from streamalert_apps.runtime.outlets import Definition
from streamalert_apps.runtime.sink import Where
from tests.destinations.sqs import CASE, FIFO, QUEUE, Queue
from tests.destinations.stand import NAME, stand
from tests.runtime.doubles import log_of


def test_a_message_is_an_event_and_says_what_it_is() -> None:
    with stand(CASE, total=1) as one:
        one.run()
        assert isinstance(one.twin, Queue)
        (message,) = one.twin.received()

    assert message["Body"].encode() == log_of(0)
    told = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert told == {"app": "collector", "type": "numbers_all", "event_id": told["event_id"]}


def test_a_fifo_queue_gets_the_events_of_an_app_in_their_order_and_each_once() -> None:
    with stand(FIFO, total=10) as one:
        one.run()
        assert isinstance(one.twin, Queue)
        messages = one.twin.received()

    assert [message["Body"].encode() for message in messages] == [log_of(number) for number in range(10)]
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {"collector"}
    assert len({message["Attributes"]["MessageDeduplicationId"] for message in messages}) == 10


def test_what_sqs_takes_in_no_message_is_written_as_json_escapes() -> None:
    with stand(CASE) as one:
        batch = Batch("b", ['{"n":1,"s":"\uffff\ufffe\U0001f600"}'.encode()], ["a"], [0.0])
        assert one.outlet().destination.send(batch).error is None
        assert isinstance(one.twin, Queue)
        (message,) = one.twin.received()

    assert message["Body"] == '{"n":1,"s":"\\uffff\\ufffe\U0001f600"}'


def test_ten_of_the_largest_events_fit_into_calls() -> None:
    with stand(CASE) as one:
        destination = one.outlet().destination
        event = b'{"n":1,"s":"' + b"x" * (destination.limits.event_bytes - 14) + b'"}'
        assert destination.send(Batch("b", [event], ["a" * 60], [0.0])).error is None
        size = destination.limits.bytes // 10 - 20
        events = [b'{"n":1,"s":"' + b"x" * size + b'"}'] * 10
        assert destination.send(Batch("b", events, ["a" * 60] * 10, [0.0] * 10)).error is None

        assert len(one.twin.arrived) == 11


@pytest.mark.parametrize(
    ("code", "state"),
    [("AccessDenied", "configuration"), ("KmsThrottled", "retry"), ("InternalError", "retry")],
)
def test_messages_that_fail_for_another_reason_than_themselves_are_not_dead(code: str, state: str) -> None:
    class Failing(Queue):
        later = code

    with stand(replace(CASE, twin=Failing)) as one:
        one.twin.busy = [{3}] * 10
        assert one.run(left=0.2).status == "failed"

        assert (one.world.head.positions[NAME].state, one.dead) == (state, [])


def test_a_message_that_is_named_nowhere_in_the_answer_is_sent_again() -> None:
    class Silent(Queue):
        def merged(self, asked: Any, said: dict[str, Any], failed: Any) -> dict[str, Any]:
            del failed
            return super().merged(asked, said, {})

    with stand(replace(CASE, twin=Silent)) as one:
        one.twin.busy = [{3, 4}]
        assert one.run().status == "succeeded"

        assert (one.lost, one.repeated.total()) == (set(), 0)


def test_its_role_may_send_to_the_queue_and_use_its_key() -> None:
    key = "arn:aws-cn:kms:cn-north-1:123456789012:key/0a1b"
    queue = QUEUE.replace("us-east-1", "cn-north-1").replace(".com/", ".com.cn/")
    kind = kinds.find("sqs")
    settings = Definition("queue", {"queue": queue, "kms_key": key}).settings(kind)

    found = kind.permissions(settings, Where("aws-cn", "cn-north-1", "1"))

    assert [(*each.actions, *each.resources) for each in found] == [
        ("sqs:SendMessage", "arn:aws-cn:sqs:cn-north-1:123456789012:saas"),
        ("kms:GenerateDataKey", "kms:Decrypt", key),
    ]


@pytest.mark.parametrize(
    "queue", ["saas", "http://sqs.us-east-1.amazonaws.com/123456789012/saas", f"{QUEUE}/x"]
)
def test_a_queue_that_is_no_url_of_sqs_is_refused(queue: str) -> None:
    with stand(CASE) as one:
        one.use(queue=queue)
        outcome = one.run()

        assert outcome.error
        assert "queue: " in outcome.error.message
        assert one.server.requests == []

"""What `splunk` posts, and when it counts as taken."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.faults import Fault, Status
from tests.destinations.splunk import ACKNOWLEDGING, CASE, Acknowledging, Collector
from tests.destinations.stand import NAME, stand
from tests.runtime.doubles import log_of


def collector(twin: type[Collector]) -> Any:
    return replace(CASE, twin=twin)


def test_an_event_goes_with_its_time_its_source_and_its_id() -> None:
    with stand(CASE, total=2) as one:
        one.use(index="saas", sourcetype="acme:json")
        one.run()
        assert isinstance(one.twin, Collector)
        first, second = one.twin.envelopes

    assert first == {
        "time": first["time"],
        "host": "acme_prod_numbers_all_collector_app",
        "source": "numbers_all",
        "sourcetype": "acme:json",
        "index": "saas",
        "fields": first["fields"],
        "event": json.loads(log_of(0)),
    }
    assert first["time"] > 1_700_000_000
    assert first["fields"]["sa_apps_id"] != second["fields"]["sa_apps_id"]


def test_an_id_stays_the_same_when_an_event_comes_again() -> None:
    class Forgetful(Collector):
        def handle(self, request: Request) -> Response:
            answer = super().handle(request)
            return answer if len(self.envelopes) > 10 else self.failure(503)

    with stand(collector(Forgetful), total=10) as one:
        assert one.run().status == "succeeded"
        assert isinstance(one.twin, Collector)

        ids = Counter(envelope["fields"]["sa_apps_id"] for envelope in one.twin.envelopes)
        assert [*ids.values()] == [2] * 10


def test_what_stood_before_a_bad_event_may_come_twice_and_nothing_is_lost() -> None:
    class Keeping(Collector):
        keeps_before = True

    with stand(collector(Keeping), total=10) as one:
        one.twin.poison = {3}
        assert one.run().status == "succeeded"

        assert (one.lost, one.dead) == (set(), [3])
        assert sorted(one.repeated) == [0, 1, 2]
        assert len(one.server.requests) == 2


def test_a_batch_counts_once_it_is_indexed() -> None:
    with stand(ACKNOWLEDGING) as one:
        assert one.run().status == "succeeded"

        assert [asked.path.rpartition("/")[2] for asked in one.server.requests] == [
            "event",
            "ack",
            "ack",
            "ack",
        ]


def test_a_batch_that_is_never_indexed_is_sent_again() -> None:
    class Losing(Acknowledging):
        polls = 1_000

    with stand(replace(ACKNOWLEDGING, twin=Losing)) as one:
        one.run(left=400)
        assert one.world.head.positions[NAME].error == "delivery_failed"
        assert one.world.head.positions[NAME].row == 0

        one.twin.polls = 0  # type: ignore[attr-defined]
        assert one.run().status == "succeeded"
        assert one.lost == set()


def test_an_acknowledgement_that_does_not_come_in_time_ends_with_the_run() -> None:
    with stand(ACKNOWLEDGING) as one:
        one.left = lambda: 1.0
        assert one.run(left=100).status != "succeeded"

        one.left = lambda: float("inf")
        assert one.run().status == "succeeded"
        assert one.lost == set()


def test_a_question_for_acknowledgement_that_fails_is_asked_again() -> None:
    class Hesitant(Acknowledging):
        def _acks(self, numbers: list[int]) -> Response:
            answer = super()._acks(numbers)
            return self.failure(503) if self.asked[numbers[0]] == 1 else answer

    with stand(replace(ACKNOWLEDGING, twin=Hesitant)) as one:
        assert one.run().status == "succeeded"
        assert one.repeated.total() == 0


def test_all_batches_of_an_app_go_through_one_channel() -> None:
    with stand(CASE) as one:
        one.run()
        one.use()
        one.world.total = 20
        one.run()
        assert isinstance(one.twin, Collector)

        assert len(one.twin.channels) == 1


@pytest.mark.parametrize("code", [7, 10, 11, 14, 16, 21, 22])
def test_a_code_that_tells_of_the_settings_makes_no_event_dead(code: int) -> None:
    class Odd(Collector):
        def handle(self, request: Request) -> Response:
            if not self.arrived:
                return super().handle(request)
            return Response(400, b'{"text":"","code":%d,"invalid-event-number":0}' % code)

    with stand(collector(Odd)) as one:
        one.run()
        one.world.total = 20
        assert one.run().status == "failed"

        assert one.world.head.positions[NAME].state == "configuration"
        assert f"code {code}" in one.world.head.positions[NAME].message
        assert one.dead == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"text":"Success"}', b'{"code":24}'])
def test_a_success_in_other_words_is_none(body: bytes) -> None:
    class Odd(Collector):
        def handle(self, _: Request) -> Response:
            return Response(200, body)

    with stand(collector(Odd)) as one:
        assert one.run(left=0.2).status == "failed"
        assert one.dead == []


def test_a_collector_that_is_full_is_asked_again() -> None:
    with stand(CASE, Fault(Status(503), nth=range(1, 4))) as one:
        assert one.run().status == "succeeded"
        assert one.repeated.total() == 0

"""What `otlp` posts, as OpenTelemetry's own code reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from streamalert_apps.simulator.contract import Request, Response
from tests.destinations.otlp import CASE, TOKEN, Collector
from tests.destinations.stand import NAME, Stand, stand
from tests.runtime.doubles import log_of


def sent(one: Stand, **settings: Any) -> tuple[Request, Any]:
    """Run with these settings; return the last request, and what it holds."""
    one.use(**settings)
    one.run()
    assert isinstance(one.twin, Collector)
    return one.twin.seen[-1]


def named(attributes: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in attributes}


def test_a_record_is_an_event_with_its_time_and_its_id() -> None:
    with stand(CASE, total=2) as one:
        _, asked = sent(one)
        now = one.world.clock.now().timestamp()
    (logs,) = asked.resource_logs
    (scope,) = logs.scope_logs
    first, second = scope.log_records

    assert first.body.string_value.encode() == log_of(0)
    assert first.severity_number == 9
    assert 1_700_000_000_000_000_000 < first.time_unix_nano <= first.observed_time_unix_nano
    assert first.observed_time_unix_nano == round(now) * 1_000_000_000
    assert named(first.attributes) | {"log.record.uid": ""} == {
        "app.name": "collector",
        "app.type": "numbers_all",
        "log.record.uid": "",
    }
    assert named(first.attributes)["log.record.uid"] != named(second.attributes)["log.record.uid"]


def test_the_resource_says_who_sends_and_what_the_settings_say() -> None:
    with stand(CASE) as one:
        _, asked = sent(one, attributes={"deployment.environment.name": "prod"})

    assert named(asked.resource_logs[0].resource.attributes) == {
        "service.name": "sa-apps",
        "service.instance.id": "acme_prod_numbers_all_collector_app",
        "deployment.environment.name": "prod",
    }


def test_the_token_may_be_the_value_of_another_header() -> None:
    with stand(CASE) as one:
        request, _ = sent(one, auth="header", header="x-team", headers={"X-Dataset": "saas"})

    assert request.headers["x-team"] == TOKEN
    assert request.headers["x-dataset"] == "saas"
    assert "authorization" not in request.headers


def test_a_batch_of_which_some_were_rejected_is_kept_whole_and_not_sent_again() -> None:
    with stand(CASE, total=50, page=50) as one:
        assert isinstance(one.twin, Collector)
        one.twin.rejects = 3
        assert one.run().status == "succeeded"
        assert one.run().status == "succeeded"

        assert one.dead == [*range(50)]
        assert len(one.server.requests) == 1
        reasons = {
            json.loads(one.world.memory.get(name) or b"")["reason"] for name in one.world.names("dead/")
        }
        assert reasons == {"3 of the 50 events in its batch refused: too old"}


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"partialSuccess":{}}', b'{"partialSuccess":{"errorMessage":"x"}}']
)
def test_an_answer_without_rejected_records_says_that_all_were_taken(body: bytes) -> None:
    class Brief(Collector):
        def handle(self, request: Request) -> Response:
            super().handle(request)
            return Response(200, body)

    with stand(replace(CASE, twin=Brief)) as one:
        assert one.run().status == "succeeded"
        assert (one.lost, one.dead) == (set(), [])


def test_where_a_first_batch_is_rejected_whole_the_settings_are_at_fault() -> None:
    with stand(CASE, total=50, page=50) as one:
        assert isinstance(one.twin, Collector)
        one.twin.rejects = 50
        assert one.run().status == "failed"

        assert (one.dead, one.world.head.positions[NAME].state) == ([], "configuration")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"auth": "basic"}, "auth: "),
        ({"header": "a b"}, "header: "),
        ({"attributes": ["prod"]}, "attributes: "),
        ({"attributes": {"n": 1}}, "attributes: "),
    ],
)
def test_a_setting_that_can_not_be_is_told_and_nothing_sent(settings: dict[str, Any], message: str) -> None:
    with stand(CASE) as one:
        one.use(**settings)
        outcome = one.run()

        assert outcome.error
        assert message in outcome.error.message
        assert one.server.requests == []


@pytest.mark.parametrize("body", [b"ok", b"[]", b'{"partialSuccess":{"rejectedLogRecords":"many"}}'])
def test_a_success_in_other_words_is_none(body: bytes) -> None:
    class Odd(Collector):
        def handle(self, _: Request) -> Response:
            return Response(200, body)

    with stand(replace(CASE, twin=Odd)) as one:
        assert one.run(left=0.2).status == "failed"
        assert one.dead == []

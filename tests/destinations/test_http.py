"""What `http` posts."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest

from streamalert_apps.runtime.delivery import Batch
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.faults import Fault, Status
from tests.destinations.http import CASE, PER_EVENT, TOKEN, Endpoint
from tests.destinations.stand import NAME, Case, Stand, stand

SECRET = "sh4red"


class Recorder(Endpoint):
    """Keeps requests as they came."""

    def handle(self, request: Request) -> Response:
        self.seen: list[Request] = [*getattr(self, "seen", []), request]
        return Response(204, b"")


def recorder(credentials: Mapping[str, str] = CASE.credentials) -> Case:
    return Case("http", Recorder, CASE.settings, credentials)


def sent(one: Stand, *events: bytes, **settings: Any) -> Request:
    """Send a batch; return the request."""
    answer = one.outlet(**settings).destination.send(Batch("b4tch", events))
    assert answer.error is None
    assert isinstance(one.twin, Recorder)
    return one.twin.seen[-1]


def test_events_go_as_lines_byte_for_byte() -> None:
    with stand(recorder()) as one:
        request = sent(one, b'{ "b":12345678901234567890123}', b'{"n": 2.50}', gzip=False)

    assert request.body == b'{ "b":12345678901234567890123}\n{"n": 2.50}\n'
    assert request.headers["content-type"] == "application/x-ndjson"
    assert "content-encoding" not in request.headers


def test_events_go_as_an_array() -> None:
    with stand(recorder()) as one:
        request = sent(one, b'{"n":1}', b'{"n":2}', gzip=False, format="array")

    assert request.body == b'[{"n":1},{"n":2}]'
    assert request.headers["content-type"] == "application/json"


def test_a_batch_is_named_and_signed_in_with_a_token() -> None:
    with stand(recorder()) as one:
        request = sent(one, b"{}", headers={"X-Tenant": "acme"})

    assert request.headers["idempotency-key"] == "b4tch"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["x-tenant"] == "acme"


def test_a_signature_covers_the_time_and_the_body_as_it_was_sent() -> None:
    with stand(recorder({"secret": SECRET})) as one:
        request = sent(one, b"{}", auth="hmac")
        now = f"{one.world.clock.now().timestamp():.0f}"

    expected = hmac.new(SECRET.encode(), f"{now}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-signature-timestamp"] == now
    assert request.headers["x-signature"] == f"sha256={expected}"
    assert "authorization" not in request.headers


def test_a_batch_that_is_sent_again_has_the_same_key() -> None:
    with stand(CASE, Fault(Status(500), nth=1)) as one:
        one.run()
        one.world.total = 20
        one.run()

        assert isinstance(one.twin, Endpoint)
        assert len(one.twin.keys) == len(set(one.twin.keys)) == 2


def test_a_wait_that_is_longer_than_a_run_is_kept_by_the_next_ones() -> None:
    with stand(CASE, Fault(Status(429, retry_after=3600), nth=1)) as one:
        assert one.run(left=60).status == "failed"
        for _ in range(3):
            one.world.clock.sleep(600)
            one.run(left=60)
        assert len(one.server.requests) == 1
        assert one.world.head.positions[NAME].error == "rate_limited"

        one.world.clock.sleep(3600)
        assert one.run(left=60).status == "succeeded"
        assert (one.lost, one.repeated.total()) == (set(), 0)


def test_an_answer_that_names_what_it_rejects_in_no_known_way_is_sent_again() -> None:
    class Odd(Endpoint):
        def handle(self, _: Request) -> Response:
            return Response(200, b'{"rejected": "all"}')

    with stand(Case("http", Odd, CASE.settings, CASE.credentials)) as one:
        assert one.run().status == "failed"
        assert one.dead == []


@pytest.mark.parametrize("format_", ["ndjson", "array"])
@pytest.mark.parametrize("gzip", [True, False])
def test_each_form_arrives(format_: str, *, gzip: bool) -> None:
    with stand(CASE, total=700, page=700) as one:
        one.use(format=format_, gzip=gzip, batch_events=300)
        assert one.run().status == "succeeded"

        assert sorted(one.twin.numbers) == list(range(700))
        assert len(one.server.requests) == 3


def test_what_an_endpoint_rejects_is_kept_with_its_reason() -> None:
    with stand(PER_EVENT) as one:
        one.twin.poison = {3}
        one.run()

        (name,) = one.world.names("dead/")
        assert json.loads(one.world.memory.get(name) or b"")["reason"] == "no such field"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": None}, "url"),
        ({"url": "http://logs.example.com/in"}, "url"),
        ({"url": "https://user:pass@logs.example.com/in"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "https://metadata.google.internal/"}, "url"),
        ({"format": "xml"}, "format"),
        ({"gzip": "yes"}, "gzip"),
        ({"auth": "basic"}, "auth"),
        ({"headers": {"Authorization": "Bearer x"}}, "headers"),
        ({"headers": {"X-A": "a\nb"}}, "headers"),
        ({"batch_events": 0}, "batch_events"),
        ({"hold": "soon"}, "valid duration"),
    ],
)
def test_a_setting_that_can_not_be_is_told_and_nothing_sent(settings: dict[str, Any], message: str) -> None:
    with stand(CASE) as one:
        one.use(**settings)
        outcome = one.run()

        assert outcome.status == "failed"
        assert outcome.error
        assert message in outcome.error.message
        assert one.world.head.positions[NAME].state == "configuration"
        assert one.server.requests == []
        assert one.world.record == list(range(10))

"""What `elastic` posts to `_bulk`, and how it reads what became of each document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from streamalert_apps.runtime import kinds
from streamalert_apps.runtime.delivery import Batch
from streamalert_apps.runtime.outlets import Definition
from streamalert_apps.runtime.sink import Where
from streamalert_apps.simulator.contract import Request, Response
from tests.destinations.elastic import CASE, Cluster
from tests.destinations.stand import NAME, Case, Stand, stand

DOMAIN = "https://search-acme-x1y2.eu-west-1.es.amazonaws.com"
COLLECTION = "https://x1y2.us-west-2.aoss.amazonaws.com"


class Recorder(Cluster):
    """Keeps requests as they came, and lets everybody in."""

    def handle(self, request: Request) -> Response:
        self.seen: list[Request] = [*getattr(self, "seen", []), request]
        self.authorization = request.headers.get("authorization")
        return super().handle(request)


def recorder(credentials: Mapping[str, str] = CASE.credentials, **changes: Any) -> Case:
    return replace(CASE, twin=Recorder, credentials=credentials, **changes)


def sent(one: Stand, *events: bytes, **settings: Any) -> Request:
    """Send a batch; return the request."""
    ids, times = [f"id-{row}" for row in range(len(events))], [1_795_703_982.1039] * len(events)
    answer = one.outlet(**settings).destination.send(Batch("b4tch", events, ids, times))
    assert (answer.error, answer.refused) == (None, {})
    assert isinstance(one.twin, Recorder)
    return one.twin.seen[-1]


def document(event: bytes) -> Any:
    with stand(recorder()) as one:
        sent(one, event)
        assert isinstance(one.twin, Cluster)
        return one.twin.documents["id-0"]


def test_a_document_is_made_in_the_stream_of_its_type_with_an_id_and_the_time() -> None:
    with stand(recorder()) as one:
        request = sent(one, b'{"n":1,"user":"a"}')
        assert isinstance(one.twin, Cluster)

        assert request.path == "/logs-numbers_all-saas/_bulk"
        assert one.twin.documents == {"id-0": {"@timestamp": "2026-11-26T14:39:42.103Z", "n": 1, "user": "a"}}


def test_a_document_that_has_a_timestamp_keeps_it() -> None:
    assert document(b'{"n":1,"@timestamp":"2026-01-01"}') == {"n": 1, "@timestamp": "2026-01-01"}


def test_a_time_series_collection_gets_no_ids() -> None:
    with stand(recorder()) as one:
        sent(one, b'{"n":1}', ids=False)
        assert isinstance(one.twin, Cluster)

        assert [*one.twin.documents] == ["made-0"]


@pytest.mark.parametrize(
    ("auth", "credentials", "header"),
    [
        ("api_key", {"api_key": "a2V5"}, "ApiKey a2V5"),
        ("basic", {"username": "sa", "password": "pä:ss"}, "Basic c2E6cMOkOnNz"),
        ("none", {}, None),
    ],
)
def test_it_signs_in(auth: str, credentials: dict[str, str], header: str | None) -> None:
    with stand(recorder(credentials)) as one:
        assert sent(one, b'{"n":1}', auth=auth).headers.get("authorization") == header


@pytest.mark.parametrize(
    ("url", "scope"), [(DOMAIN, "eu-west-1/es/aws4_request"), (COLLECTION, "us-west-2/aoss/aws4_request")]
)
def test_a_signature_by_the_role_is_what_botocore_makes_of_the_request(url: str, scope: str) -> None:
    with stand(recorder({}, simulated=True)) as one:
        request = sent(one, b'{"n":1}', auth="sigv4", url=url)

    names = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    again = AWSRequest(
        request.method,
        url + request.target,
        data=request.body,
        headers={name: request.headers[name] for name in names if name != "host"},
    )
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials("testing", "testing"), *reversed(scope.split("/")[:2]))
    expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"} <= {*names}
    assert f"/{scope}, " in request.headers["authorization"]
    assert request.headers["authorization"].endswith(f"Signature={expected}")


def test_a_request_that_nobody_can_sign_is_told() -> None:
    with stand(recorder({}, simulated=True)) as one:
        one.aws_credentials = lambda: None
        one.use(auth="sigv4", url=DOMAIN)
        error = one.run().error

        assert error
        assert (error.code, one.server.requests) == ("credentials_refused", [])


def test_a_document_that_was_made_before_counts_as_taken() -> None:
    with stand(CASE) as one:
        destination = one.outlet().destination
        batch = Batch("b", [b'{"n":1}', b'{"n":2}'], ["a", "b"], [0.0, 0.0])

        assert (destination.send(batch), destination.send(batch)) == (destination.send(batch),) * 2
        assert one.twin.numbers == [1, 2]


def test_a_reason_says_what_is_wrong_and_nothing_of_the_event() -> None:
    with stand(CASE) as one:
        one.twin.poison = {3}
        one.run()

        (name,) = one.world.names("dead/")
        reason = json.loads(one.world.memory.get(name) or b"")["reason"]
    assert reason == "400 document_parsing_exception: failed to parse field [n] of type [ip]"


def test_a_refusal_beside_others_that_are_busy_is_dead_and_the_others_come_later() -> None:
    with stand(CASE) as one:
        one.twin.poison, one.twin.busy = {3}, [{1, 2}]
        assert one.run().status == "succeeded"

        assert (one.dead, one.lost, one.repeated.total()) == ([3], set(), 0)


@pytest.mark.parametrize(
    "body",
    [b"", b'{"errors":false}', b'{"errors":false,"items":[]}', b'{"took":1,"errors":true,"items":[{}]}'],
)
def test_an_answer_that_does_not_tell_of_each_event_is_none(body: bytes) -> None:
    class Odd(Cluster):
        def handle(self, _: Request) -> Response:
            return Response(200, body)

    with stand(replace(CASE, twin=Odd)) as one:
        assert one.run(left=0.2).status == "failed"
        assert (one.dead, one.world.head.positions[NAME].row) == ([], 0)


def test_its_role_may_post_to_its_index_and_nothing_else() -> None:
    def allowed(**given: str) -> Any:
        kind = kinds.find("elastic")
        settings = Definition("es", {"index": "logs-{type}-saas", **given}).settings(kind)
        return [
            (*found.actions, *found.resources)
            for found in kind.permissions(settings, Where("aws", "us-east-1", "123456789012"))
        ]

    assert allowed(url=DOMAIN) == []
    assert allowed(url=DOMAIN, auth="sigv4") == [
        ("es:ESHttpPost", "arn:aws:es:eu-west-1:123456789012:domain/*/logs-*-saas/_bulk")
    ]
    assert allowed(url=COLLECTION, auth="sigv4") == [
        ("aoss:APIAccessAll", "arn:aws:aoss:us-west-2:123456789012:collection/*")
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"index": "Logs"}, "index"),
        ({"index": "_all"}, "index"),
        ({"index": "a/b"}, "index"),
        ({"auth": "sigv4"}, "not an Amazon address"),
    ],
)
def test_a_setting_that_can_not_be_is_told_and_nothing_sent(settings: dict[str, Any], message: str) -> None:
    with stand(CASE) as one:
        one.use(**settings)
        outcome = one.run()

        assert outcome.error
        assert message in outcome.error.message
        assert one.server.requests == []

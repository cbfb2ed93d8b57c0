"""An endpoint that takes what `http` posts: all of a batch or nothing, or each event for itself."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Request, Response
from tests.destinations.stand import Case, SinkTwin

TOKEN = "t0p-s3cr3t-token"


class Endpoint(SinkTwin):
    """Knows a token, unpacks, and tells what it rejects where it is `per_event`."""

    per_event = False

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.keys: list[str] = []

    def handle(self, request: Request) -> Response:
        if request.method != "POST" or request.path != "/in" or self.is_wrong:
            return self.failure(404)
        if self.expired or request.headers.get("authorization") != f"Bearer {TOKEN}":
            return self.failure(401)
        if len(request.body) > self.largest:
            return self.failure(413)
        body = request.body
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.keys.append(request.headers["idempotency-key"])
        return self._judge(events_of(request.headers["content-type"], body))

    def _judge(self, events: list[bytes]) -> Response:
        bad = [at for at, event in enumerate(events) if self.number(event) in self.poison]
        if not self.per_event:
            if bad:
                return self.failure(400)
            self.take(events)
            return Response(204, b"")
        self.take(event for at, event in enumerate(events) if at not in bad)
        rejected = [{"index": at, "reason": "no such field"} for at in bad]
        return Response(200, json.dumps({"rejected": rejected}).encode())


class PerEvent(Endpoint):
    """Rejects events one by one."""

    per_event = True


def events_of(content_type: str, body: bytes) -> list[bytes]:
    """Return the events of a body, byte for byte where they are lines."""
    if content_type == "application/x-ndjson":
        assert body.endswith(b"\n")
        return body.split(b"\n")[:-1]
    assert content_type == "application/json"
    return [json.dumps(event).encode() for event in json.loads(body)]


def _settings(url: str) -> Mapping[str, Any]:
    return {"url": f"{url}/in", "batch_bytes": 100_000}


CASE = Case("http", Endpoint, _settings, {"token": TOKEN}, event_limit=100_000)
PER_EVENT = Case("http", PerEvent, _settings, {"token": TOKEN}, per_event=True, event_limit=100_000)

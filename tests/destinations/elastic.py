"""A cluster with one data stream: it judges each document of `_bulk` for itself."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from typing import Any

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Request, Response
from tests.destinations.stand import Case, SinkTwin

API_KEY = "VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAyYXhUTm1zeWFrdzl0dk5udw=="


class Cluster(SinkTwin):
    """Makes a document once; tells of one that is there, that is busy, and that it can't read."""

    authorization: str | None = f"ApiKey {API_KEY}"

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.documents: dict[str, dict[str, Any]] = {}

    def handle(self, request: Request) -> Response:
        if self.expired or request.headers.get("authorization") != self.authorization:
            return _error(401, "security_exception")
        if request.method not in {"POST", "PUT"} or not request.path.endswith("/_bulk"):
            return _error(405, "method_not_allowed")
        if len(request.body) > self.largest:
            return Response(413, b"")
        assert re.search(r"[/+](x-nd)?json\b", request.headers["content-type"])
        lines = gzip.decompress(request.body).split(b"\n")
        assert lines.pop() == b""
        busy = self.turn()
        items = [
            self._create(json.loads(action)["create"], document, busy)
            for action, document in zip(lines[::2], lines[1::2], strict=True)
        ]
        told = {"errors": any("error" in item for item in items), "items": [{"create": i} for i in items]}
        return Response(200, json.dumps(told).encode(), (("X-Elastic-Product", "Elasticsearch"),))

    def failure(self, status: int) -> Response:
        return _error(status, "odd_exception")

    def _create(self, action: Mapping[str, Any], document: bytes, busy: set[int]) -> dict[str, Any]:
        number = self.number(document)
        identity = action.get("_id") or f"made-{len(self.documents)}"
        if self.is_wrong:
            return _item(404, "index_not_found_exception", "no such index [logs-numbers_all-saas]")
        if identity in self.documents:
            return _item(409, "version_conflict_engine_exception", "document already exists")
        if number in busy:
            return _item(
                429, "es_rejected_execution_exception", "rejected execution of coordinating operation"
            )
        if number in self.poison:
            reason = f"failed to parse field [n] of type [ip]. Preview of field's value: '{number}'"
            return _item(400, "document_parsing_exception", reason)
        self.documents[identity] = json.loads(document[: self.cuts])
        self.take([document])
        return {"status": 201}


def _item(status: int, kind: str, reason: str) -> dict[str, Any]:
    return {"status": status, "error": {"type": kind, "reason": reason}}


def _error(status: int, kind: str) -> Response:
    return Response(status, json.dumps({"error": {"type": kind, "reason": "says the test"}}).encode())


def _settings(url: str) -> Mapping[str, Any]:
    return {"url": url, "index": "logs-{type}-saas"}


CASE = Case(
    "elastic",
    Cluster,
    _settings,
    {"api_key": API_KEY},
    per_event=True,
    partial=True,
    is_idempotent=True,
    event_limit=4_000_000,
)

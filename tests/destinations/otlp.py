"""A collector that takes all of a request or nothing; OpenTelemetry's own code reads it."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import MessageToJson, Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Request, Response
from tests.destinations.stand import Case, SinkTwin

TOKEN = "0tlp-t0ken"


class Collector(SinkTwin):
    """Tells how many records it has rejected, `rejects`, of a request that it takes."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.rejects = 0
        self.seen: list[tuple[Request, Any]] = []

    def handle(self, request: Request) -> Response:
        if request.path != "/v1/logs" or self.is_wrong:
            return self.failure(404)
        if self.expired or TOKEN not in {
            request.headers.get("authorization", "").removeprefix("Bearer "),
            request.headers.get("x-team"),
        }:
            return self.failure(401)
        if len(request.body) > self.largest:
            return self.failure(413)
        assert request.headers["content-type"] == "application/json"
        asked: Any = Parse(gzip.decompress(request.body), ExportLogsServiceRequest())
        self.seen.append((request, asked))
        records = [
            record
            for logs in asked.resource_logs
            for scope in logs.scope_logs
            for record in scope.log_records
        ]
        events = [record.body.string_value.encode() for record in records]
        if {self.number(event) for event in events} & self.poison:
            return self.failure(400)
        said: Any = ExportLogsServiceResponse()
        if self.rejects:
            said.partial_success.rejected_log_records = self.rejects
            said.partial_success.error_message = "too old"
        self.take(events[self.rejects :])
        return Response(200, MessageToJson(said).encode())


def _settings(url: str) -> Mapping[str, Any]:
    return {"url": f"{url}/v1/logs"}


CASE = Case("otlp", Collector, _settings, {"token": TOKEN}, event_limit=1_000_000, one_event=600)

"""Azure Monitor with one data collection rule, and the sign-in of its tenant."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Request, Response
from tests.destinations.stand import Case, SinkTwin

URL = "https://acme-x1y2.eastus-1.ingest.monitor.azure.com"
RULE = "dcr-0123456789abcdef0123456789abcdef"
SECRET = "s3cret~of-the-registered-app"
TENANT, CLIENT = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"
CREDENTIALS = {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET}
INGEST = f"/dataCollectionRules/{RULE}/streams/Custom-SaaS_CL"
_MEGABYTE = 1_000_000
_FIELD = 65_536


class Monitor(SinkTwin):
    """Gives a token and takes rows with it, a megabyte at most; what is too long is cut without a word."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.cuts = _FIELD
        self.rows: list[dict[str, Any]] = []
        self.sign_ins: list[tuple[str, str]] = []
        self.revoked = 0

    def handle(self, request: Request) -> Response:
        if request.path == f"/{TENANT}/oauth2/v2.0/token":
            return self._sign_in(request)
        if self.expired or request.headers.get("authorization") != f"Bearer token-{len(self.sign_ins)}":
            return self.failure(401)
        if self.revoked:
            self.revoked -= 1
            return self.failure(401)
        if self.is_wrong or request.target != f"{INGEST}?api-version=2023-01-01":
            return self.failure(404)
        body = gzip.decompress(request.body)
        if len(body) > min(_MEGABYTE, self.largest):
            return self.failure(413)
        rows = json.loads(body)
        events = [json.dumps(row["Event"]).encode() for row in rows]
        if {self.number(event) for event in events} & self.poison:
            return self.failure(400)
        self.rows += rows
        self.take(events)
        return Response(204, b"")

    def failure(self, status: int) -> Response:
        return Response(status, b'{"error":{"code":"Odd","message":"says the test"}}')

    def _sign_in(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if self.expired or (form["client_id"], form["client_secret"]) != (CLIENT, SECRET):
            body = b'{"error":"invalid_client","error_description":"AADSTS7000222: expired."}'
            return Response(401, body)
        self.sign_ins.append((request.headers["host"], form["scope"]))
        token = {"token_type": "Bearer", "expires_in": 3599, "access_token": f"token-{len(self.sign_ins)}"}
        return Response(200, json.dumps(token).encode())


def _settings(_: str) -> Mapping[str, Any]:
    return {"url": URL, "rule": RULE, "stream": "Custom-SaaS_CL"}


CASE = Case(
    "sentinel",
    Monitor,
    _settings,
    CREDENTIALS,
    event_limit=64_000,
    path=INGEST,
    simulated=True,
    one_event=600,
)

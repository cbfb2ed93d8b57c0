"""A bucket whose objects are written once."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Request, Response
from tests.destinations.stand import Case, SinkTwin

BUCKET = "acme-lake"


class Bucket(SinkTwin):
    """Takes an object unless one of its name is there."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.objects: dict[str, bytes] = {}
        self.headers: list[Mapping[str, str]] = []

    def handle(self, request: Request) -> Response:
        bucket, _, key = request.path.removeprefix("/").partition("/")
        self.headers.append(request.headers)
        if self.is_wrong or bucket != BUCKET:
            return _error(404, "NoSuchBucket")
        if self.expired:
            return _error(403, "ExpiredToken")
        if request.method == "HEAD":  # boto3 asks for the region of a bucket that redirects
            return Response(200, b"")
        assert request.method == "PUT"
        assert request.headers["if-none-match"] == "*"
        if key in self.objects:
            return _error(412, "PreconditionFailed")
        self.objects[key] = request.body
        self.take(gzip.decompress(request.body).splitlines())
        return Response(200, b"", (("ETag", '"1"'),))

    def failure(self, status: int) -> Response:
        return _error(status, {429: "SlowDown", 500: "InternalError", 503: "SlowDown"}.get(status, "Odd"))


def _error(status: int, code: str) -> Response:
    body = f"<Error><Code>{code}</Code><Message>says the test</Message></Error>"
    return Response(status, body.encode(), content_type="application/xml")


def _settings(_: str) -> Mapping[str, Any]:
    return {"bucket": BUCKET, "prefix": "saas/"}


CASE = Case(
    "s3", Bucket, _settings, refuses=False, sized=False, strict=False, is_idempotent=True, path="/*/*"
)

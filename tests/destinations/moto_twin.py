"""A service of AWS by moto, in this process, behind the faults that moto does not know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from moto.backends import get_backend
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.test import Client

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Request, Response
from tests.destinations.stand import SinkTwin

REGION = "us-east-1"
ACCOUNT = "123456789012"
_CODES = {
    401: "UnrecognizedClientException",
    413: "RequestEntityTooLarge",
    429: "ThrottlingException",
    500: "InternalFailure",
    503: "ServiceUnavailable",
}


class AwsTwin(SinkTwin):
    """A service that takes events in calls of `action`, as JSON.

    A subclass says what the entries of a call are (`entries`), the event of one (`event`), the code that
    one is refused with (`bad` for good, `later` for now), and puts the two answers together (`merged`).
    """

    service: ClassVar[Any]  # a name that moto knows
    target: ClassVar[str]
    action: ClassVar[str]
    entries: ClassVar[str]
    bad: ClassVar[str] = ""
    later: ClassVar[str] = "InternalFailure"
    wrong: ClassVar[str] = "ResourceNotFoundException"

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.calls: list[dict[str, Any]] = []
        for backends in get_backend(self.service).values():
            for backend in backends.values():
                backend.reset()
        self.set_up()

    def set_up(self) -> None:
        """Make what events are sent to."""

    def event(self, entry: Mapping[str, Any]) -> bytes:
        """Return the event of an entry."""
        raise NotImplementedError

    def merged(
        self, asked: Mapping[str, Any], said: dict[str, Any], failed: Mapping[int, str]
    ) -> dict[str, Any]:
        """Return the answer to a call whose entries `failed` were not shown to moto."""
        raise NotImplementedError

    def accepted(self, asked: Mapping[str, Any], said: Mapping[str, Any]) -> list[bytes]:
        """Return the events that moto has taken."""
        raise NotImplementedError

    def ask(self, action: str, **asked: Any) -> dict[str, Any]:
        """Ask moto."""
        answer = self._ask(action, asked)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.data) if answer.data else {}

    def handle(self, request: Request) -> Response:
        if self.is_wrong:
            return _error(400, self.wrong)
        if self.expired:
            return _error(403, "ExpiredTokenException")
        if len(request.body) > self.largest:
            return _error(413, "RequestEntityTooLarge")
        assert request.headers["x-amz-target"] == f"{self.target}.{self.action}"
        asked = json.loads(request.body)
        self.calls.append(asked)
        entries, busy = asked[self.entries], self.turn()
        numbers = [self.number(self.event(entry)) for entry in entries]
        failed = {at: self.later for at, number in enumerate(numbers) if number in busy}
        failed |= {at: self.bad for at, number in enumerate(numbers) if number in self.poison}
        shown = {**asked, self.entries: [each for at, each in enumerate(entries) if at not in failed]}
        said: dict[str, Any] = {}
        if shown[self.entries]:
            answer = self._ask(self.action, shown)
            if answer.status_code != 200:
                return Response(answer.status_code, answer.data, content_type="application/x-amz-json-1.1")
            said = json.loads(answer.data)
            self.take(self.accepted(shown, said))
        body = json.dumps(self.merged(asked, said, failed)).encode()
        return Response(200, body, content_type="application/x-amz-json-1.1")

    def failure(self, status: int) -> Response:
        return _error(status, _CODES.get(status, "OddException"))

    def _ask(self, action: str, asked: Mapping[str, Any]) -> Any:
        scope = f"testing/20260301/{REGION}/{self.service}/aws4_request"
        return moto(self.service).post(
            "/",
            data=json.dumps(asked),
            headers={
                "X-Amz-Target": f"{self.target}.{action}",
                "Content-Type": "application/x-amz-json-1.1",
                "Host": f"{self.service}.{REGION}.amazonaws.com",
                "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, ",
            },
        )


@cache
def moto(service: Any) -> Client:
    """Return moto's service."""
    return Client(create_backend_app(service))


def _error(status: int, code: str) -> Response:
    body = json.dumps({"__type": code, "message": "says the test"}).encode()
    return Response(status, body, content_type="application/x-amz-json-1.1")

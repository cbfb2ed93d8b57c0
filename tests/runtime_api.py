"""Lambda's Runtime API on loopback: hands invocations to the function, takes its replies."""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from tests import loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.loopback import Exchange

VERSION = "/2018-06-01/runtime"
OUTCOME = re.compile(rf"{VERSION}/(?P<phase>init|invocation)/(?:[^/]+/)?(?P<kind>response|error)")


@dataclass(frozen=True, slots=True)
class Reply:
    """How an invocation ended: `response`, `error`, `init_error`, `killed` or `timed_out`.

    `body` is the decoded JSON that the function gave.
    """

    kind: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event on its way to the function, to be done in `seconds`."""

    event: Mapping[str, Any]
    arn: str
    seconds: float
    request_id: str


class RuntimeApi:
    """What lies between a caller and one execution environment."""

    def __init__(self) -> None:
        self.address = ""
        self.replies: SimpleQueue[Reply] = SimpleQueue()
        self._invocations: SimpleQueue[Invocation | None] = SimpleQueue()

    def send(self, invocation: Invocation) -> None:
        """Put an invocation in line."""
        self._invocations.put(invocation)

    def close(self) -> None:
        """Let go of a function that waits for the next event."""
        self._invocations.put(None)

    def answer(self, exchange: Exchange) -> None:
        """Serve one request of the function's."""
        body = exchange.read_body()
        if exchange.path == f"{VERSION}/invocation/next":
            self._hand_out(exchange)
        elif outcome := OUTCOME.fullmatch(exchange.path):
            exchange.send(202, b'{"status":"OK"}\n', {"Content-Type": "application/json"})
            kind = "init_error" if outcome["phase"] == "init" else outcome["kind"]
            self.replies.put(Reply(kind, json.loads(body) if body else None))
        else:
            exchange.send(404)

    def _hand_out(self, exchange: Exchange) -> None:
        if invocation := self._invocations.get():
            exchange.send(200, json.dumps(invocation.event).encode(), _headers(invocation))
        else:
            exchange.close_connection = True


@contextmanager
def serve() -> Iterator[RuntimeApi]:
    """Serve the API to one execution environment."""
    api = RuntimeApi()
    with loopback.serve(api.answer) as api.address:
        try:
            yield api
        finally:
            api.close()


def _headers(invocation: Invocation) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
        "Lambda-Runtime-Deadline-Ms": str(int((time.time() + invocation.seconds) * 1000)),
        "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
        "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
    }

"""The way from an app to its twin: takes time, counts as a step, and notes impatience."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, cast

import httpx

from streamalert_apps.testing.clock import ManualClock
from streamalert_apps.testing.leaks import Leaks
from streamalert_apps.testing.steps import Steps

SLACK: Final = timedelta(seconds=1)  # dates in headers are whole seconds


class Wire(httpx.BaseTransport):
    """Passes requests to another transport, each of which takes `seconds`."""

    def __init__(
        self, inner: httpx.BaseTransport, clock: ManualClock, steps: Steps, leaks: Leaks, seconds: float
    ) -> None:
        self.requests = 0
        self.early: list[str] = []
        self.bodies: list[bytes] = []
        """The answers since they were looked at last."""
        self._inner = inner
        self._clock = clock
        self._steps = steps
        self._leaks = leaks
        self._seconds = seconds
        self._not_before: dict[str, datetime] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on and return its whole answer; time passes as it would."""
        self._leaks.guard_token(request.headers.get("Authorization", ""))
        self._note_early(request.url.host)
        self.requests += 1
        with self._steps.taking("request"):
            self._clock.sleep(self._seconds)
            try:
                response = self._whole(self._inner.handle_request(request))
            except httpx.ReadTimeout:
                self._clock.sleep(request.extensions["timeout"]["read"] - self._seconds)
                raise
        self._note_wish(request.url.host, response)
        return response

    def forgive(self) -> None:
        """Expect no patience of the next request: what the service wished died with the run that heard it."""
        self._not_before.clear()

    def close(self) -> None:
        """Keep the connection: the next run has an Api of its own, and the same way."""

    def _note_early(self, host: str) -> None:
        """Note a request that comes before the service wanted to be asked again."""
        wish = self._not_before.get(host)
        if wish and self._clock.now() < wish - SLACK:
            wait = (wish - self._clock.now()).total_seconds()
            self.early.append(f"a request came {wait:.0f} s before the time that Retry-After had named")

    def _note_wish(self, host: str, response: httpx.Response) -> None:
        self._not_before.pop(host, None)
        value = response.headers.get("Retry-After", "")
        if value.isdigit():
            self._not_before[host] = self._clock.now() + timedelta(seconds=int(value))
            return
        with suppress(ValueError):
            self._not_before[host] = parsedate_to_datetime(value)

    def _whole(self, response: httpx.Response) -> httpx.Response:
        """Read an answer to its end, as it came."""
        stream = cast(httpx.SyncByteStream, response.stream)
        try:
            body = b"".join(stream)
        finally:
            stream.close()
        self.bodies.append(body)
        return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(body))

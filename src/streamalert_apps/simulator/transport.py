"""A twin as an httpx transport: the same answers and faults without a socket and without waiting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from email.utils import format_datetime

import httpx

from streamalert_apps.simulator.contract import Asked, Request, Twin
from streamalert_apps.simulator.faults import Delivery, Fault, Stage
from streamalert_apps.simulator.server import PIECES


def transport(twin: Twin, faults: Iterable[Fault] = ()) -> TwinTransport:
    """Return a transport for httpx.Client(transport=…) that asks a twin."""
    return TwinTransport(Stage(twin, faults))


class TwinTransport(httpx.BaseTransport):
    """Answers by asking a twin. Faults raise what httpx raises on a real connection; no time passes."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @property
    def requests(self) -> list[Asked]:
        """What was asked so far, oldest first."""
        return list(self._stage.requests)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or raise what a broken connection raises."""
        delivery = self._stage.play(
            Request(
                request.method,
                request.url.raw_path.decode("ascii"),
                {name.lower(): value for name, value in request.headers.items()},
                request.read(),
            )
        )
        self._time_out(request, delivery)
        if delivery.response is None:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        response = delivery.response
        return httpx.Response(
            response.status,
            headers=[
                ("Date", format_datetime(self._stage.twin.clock.now(), usegmt=True)),
                ("Content-Type", response.content_type),
                ("Content-Length", str(len(response.body))),
                *response.headers,
            ],
            stream=_Body(response.body, delivery.keep),
        )

    @staticmethod
    def _time_out(request: httpx.Request, delivery: Delivery) -> None:
        patience = request.extensions.get("timeout", {}).get("read")
        if patience is not None and max(delivery.wait, delivery.spread / PIECES) >= patience:
            raise httpx.ReadTimeout("The read operation timed out")


class _Body(httpx.SyncByteStream):
    def __init__(self, body: bytes, keep: float) -> None:
        self._body = body
        self._keep = keep

    def __iter__(self) -> Iterator[bytes]:
        if self._keep >= 1:
            yield self._body
            return
        yield self._body[: int(len(self._body) * self._keep)]
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")

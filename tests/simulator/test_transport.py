"""The same answers and faults without a socket."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from streamalert_apps.simulator.faults import CutBody, Dropped, Effect, Fault, Hang, Slow, Status
from streamalert_apps.simulator.server import serve
from streamalert_apps.simulator.transport import TwinTransport
from tests.simulator.world import AUTHENTICATION, NOW, Client, span, tenant


def ask(*effects: Effect, timeout: float = 10) -> httpx.Response:
    twin = tenant()
    twin.seed("duo_auth", events=5, end=NOW - timedelta(minutes=5))
    return Client(twin, faults=[Fault(effect) for effect in effects], timeout=timeout).get(
        AUTHENTICATION, **span()
    )


def test_a_transport_answers_like_a_server() -> None:
    twin = tenant()
    twin.seed("duo_auth", events=5, end=NOW - timedelta(minutes=5))
    straight = Client(twin).get(AUTHENTICATION, **span())
    with serve(twin) as server:
        client = Client(twin, url=server.url)
        over_the_wire = client.get(AUTHENTICATION, **span())
        client.http.close()

    assert straight.content == over_the_wire.content
    assert dict(straight.headers) == dict(over_the_wire.headers)


def test_a_status_fault_has_its_headers() -> None:
    answer = ask(Status(429, retry_after=5, as_date=True))

    assert answer.status_code == 429
    assert parsedate_to_datetime(answer.headers["retry-after"]) == NOW + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("effect", "error"),
    [
        (Dropped(), httpx.RemoteProtocolError),
        (CutBody(), httpx.RemoteProtocolError),
        (Hang(60), httpx.ReadTimeout),
        (Hang(1), httpx.RemoteProtocolError),
        (Slow(101), httpx.ReadTimeout),
    ],
)
def test_a_broken_connection_raises_what_httpx_raises(effect: Effect, error: type[Exception]) -> None:
    with pytest.raises(error):
        ask(effect, timeout=10)


def test_slowness_that_no_read_notices_takes_no_time() -> None:
    assert ask(Slow(90), timeout=10).status_code == 200


def test_the_requests_are_logged() -> None:
    twin = tenant()
    client = Client(twin)
    client.get(AUTHENTICATION, **span())

    transport = client.http._transport
    assert isinstance(transport, TwinTransport)
    assert [(asked.path, asked.status) for asked in transport.requests] == [(AUTHENTICATION, 200)]

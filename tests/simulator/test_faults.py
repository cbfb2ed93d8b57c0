"""Faults, each over a real socket, as a client of the service meets it."""

from __future__ import annotations

import json
import socket
import time
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from threading import Thread
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from streamalert_apps.errors import UsageError
from streamalert_apps.simulator.contract import Asked
from streamalert_apps.simulator.faults import CutBody, Dropped, Fault, Hang, HtmlPage, Slow, Status
from streamalert_apps.simulator.server import serve
from tests.simulator.world import ADMINISTRATOR, AUTHENTICATION, NOW, Client, span, tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamalert_apps.services.duo.twin import Duo
    from streamalert_apps.simulator.server import Server


@pytest.fixture
def twin() -> Duo:
    twin = tenant()
    twin.seed("duo_auth", events=50, end=NOW - timedelta(minutes=5))
    return twin


class Visit:
    """A server and a client of it, both of which end with the test."""

    def __init__(self, server: Server, client: Client) -> None:
        self.server = server
        self.client = client

    def ask(self, path: str = AUTHENTICATION) -> httpx.Response:
        return self.client.get(path, **(span() if path == AUTHENTICATION else {}))


@pytest.fixture
def visit(twin: Duo) -> Iterator[Any]:
    opened: list[Visit] = []

    def visit(*faults: Fault, timeout: float = 10) -> Visit:
        server = serve(twin, faults=faults)
        opened.append(Visit(server, Client(twin, url=server.url, timeout=timeout)))
        return opened[-1]

    yield visit
    for each in opened:
        each.client.http.close()
        each.server.close()


def test_without_a_fault_the_twin_answers(visit: Any) -> None:
    answer = visit().ask()

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.json()["response"]["authlogs"]) == 50


def test_a_connection_is_kept(visit: Any) -> None:
    connection = HTTPConnection(visit().server.url.removeprefix("http://"))
    sockets = []
    for _ in range(3):
        connection.request("GET", "/")
        connection.getresponse().read()
        sockets.append(connection.sock)
    connection.close()

    assert sockets[0] is not None
    assert sockets == sockets[:1] * 3


def test_the_date_header_is_the_time_in_the_twins_world(visit: Any) -> None:
    assert parsedate_to_datetime(visit().ask().headers["date"]) == NOW


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, 40103), (403, 40301), (429, 42901), (500, 50000), (502, 50200), (503, 50300), (599, 59900)],
)
def test_an_error_status_speaks_as_the_vendor_does(visit: Any, status: int, code: int) -> None:
    answer = visit(Fault(Status(status))).ask()

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "retry-after" not in answer.headers


def test_retry_after_may_be_in_seconds(visit: Any) -> None:
    assert visit(Fault(Status(429, retry_after=30))).ask().headers["retry-after"] == "30"


def test_retry_after_may_be_a_date(visit: Any) -> None:
    answer = visit(Fault(Status(503, retry_after=30, as_date=True))).ask()

    assert parsedate_to_datetime(answer.headers["retry-after"]) == NOW + timedelta(seconds=30)


def test_an_html_page_comes_with_status_200(visit: Any) -> None:
    answer = visit(Fault(HtmlPage())).ask()

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_a_cut_body_breaks_off(visit: Any) -> None:
    here = visit(Fault(CutBody(keep=0.7), nth=1))

    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        here.ask()
    assert here.ask().status_code == 200


def test_a_dropped_connection_ends_before_the_answer(visit: Any) -> None:
    here = visit(Fault(Dropped(), nth=1))

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        here.ask()
    assert here.ask().status_code == 200


def test_a_hanging_request_times_out(visit: Any) -> None:
    with pytest.raises(httpx.ReadTimeout):
        visit(Fault(Hang(60)), timeout=0.1).ask()


def test_a_hanging_request_ends_without_an_answer(visit: Any) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        visit(Fault(Hang(0.05))).ask()


def test_a_slow_answer_outlasts_the_time_out_of_every_single_read(visit: Any) -> None:
    here = visit(Fault(Slow(0.8)), timeout=0.6)

    assert len(here.ask().json()["response"]["authlogs"]) == 50


def test_closing_the_server_ends_what_hangs_and_what_trickles(twin: Duo) -> None:
    faults = [Fault(Hang(600), nth=1), Fault(Slow(6000), nth=2)]
    with serve(twin, faults=faults) as server:
        clients = [Client(twin, url=server.url) for _ in faults]
        threads = [Thread(target=_ask_in_vain, args=[client]) for client in clients]
        for number, thread in enumerate(threads, start=1):
            thread.start()
            _wait_for_requests(server, number)

    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


def _wait_for_requests(server: Server, number: int) -> None:
    for _ in range(10_000):
        if len(server.requests) >= number:
            return
        time.sleep(0.001)
    pytest.fail("the request never came")


def _ask_in_vain(client: Client) -> None:
    with client.http, pytest.raises(httpx.TransportError):
        client.get(AUTHENTICATION, **span())


def statuses(here: Visit, number: int = 6, path: str = AUTHENTICATION) -> list[int]:
    return [here.ask(path).status_code for _ in range(number)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [500] * 6),
        ({"nth": 2}, [200, 500, 200, 200, 200, 200]),
        ({"nth": range(2, 5)}, [200, 500, 500, 500, 200, 200]),
        ({"every": 3}, [200, 200, 500, 200, 200, 500]),
        ({"path": "/admin/v2/*"}, [500] * 6),
        ({"path": "/admin/v1/*"}, [200] * 6),
    ],
)
def test_a_rule_says_which_requests_are_hit(visit: Any, rule: dict[str, Any], expected: list[int]) -> None:
    assert statuses(visit(Fault(Status(500), **rule))) == expected


def test_requests_are_counted_per_rule(visit: Any) -> None:
    here = visit(Fault(Status(500), nth=1, path=ADMINISTRATOR), Fault(Status(503), nth=3))

    assert statuses(here, 2) == [200, 200]
    assert statuses(here, 2, ADMINISTRATOR) == [500, 200]


def test_of_two_faults_the_first_strikes_and_both_count(visit: Any) -> None:
    here = visit(Fault(Status(500), nth=2), Fault(Status(503), every=2))

    assert statuses(here, 4) == [200, 500, 200, 503]


def test_a_fault_before_the_answer_costs_nothing_of_the_rate_limit(twin: Duo) -> None:
    limited = tenant(rate=1)
    client = Client(limited, faults=[Fault(Status(503), nth=1)])

    assert [client.get(AUTHENTICATION, **span()).status_code for _ in range(3)] == [503, 200, 429]


def test_the_server_logs_what_was_asked(visit: Any) -> None:
    here = visit(Fault(Dropped(), nth=2))
    here.client.get(AUTHENTICATION, **(span() | {"limit": 0}))
    with pytest.raises(httpx.RemoteProtocolError):
        here.ask(ADMINISTRATOR)

    params = tuple((name, str(value)) for name, value in sorted((span() | {"limit": 0}).items()))
    assert here.server.requests == [
        Asked("GET", AUTHENTICATION, params, 400, NOW, fault="", note="limit"),
        Asked("GET", ADMINISTRATOR, (), 0, NOW, fault="Dropped", note=""),
    ]


def test_a_body_that_was_sent_reaches_the_twin(visit: Any) -> None:
    here = visit()

    answer = here.client.http.post(f"{here.server.url}/nowhere", content=b"x" * 10)

    assert answer.json()["code"] == 40101
    assert here.ask().status_code == 200


def test_the_server_listens_on_loopback_alone(visit: Any) -> None:
    assert visit().server.url.startswith("http://127.0.0.1:")


def test_a_port_that_is_taken_is_refused_in_one_line(twin: Duo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(UsageError, match="taken"):
        serve(twin, port=other.getsockname()[1])


def test_a_mistake_in_a_twin_is_not_hidden(
    twin: Duo, visit: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    here = visit()
    monkeypatch.setattr(twin, "handle", lambda _: 1 / 0)

    with pytest.raises(httpx.RemoteProtocolError):
        here.ask()
    here.server.close()

    assert "ZeroDivisionError" in capfd.readouterr().err

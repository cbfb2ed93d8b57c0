"""The HTTP server of `serve`, asked over real sockets."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import httpx
import pytest

from streamalert_apps.errors import UsageError
from streamalert_apps.serve.routes import Health, routes
from streamalert_apps.serve.web import Address, Request, Response, Web

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = Address("127.0.0.1", 0)


def page(request: Request) -> Response:
    return Response(f"{request.query.get('q', '')} {request.headers['host'].partition(':')[0]}")


def broken(_: Request) -> Response:
    raise RuntimeError("secret-in-an-error")


@pytest.fixture
def url() -> Iterator[str]:
    with Web(LOOPBACK, {"/page": page, "/broken": broken}) as web:
        yield web.address.url


def raw(url: str, text: bytes) -> bytes:
    host, port = url.removeprefix("http://").split(":")
    with closing(socket.create_connection((host, int(port)), timeout=5)) as connection:
        connection.sendall(text)
        return connection.makefile("rb").read()


def test_a_route_answers_its_path_with_query_and_headers(url: str) -> None:
    answer = httpx.get(f"{url}/page?q=one&q=two")

    assert (answer.status_code, answer.text) == (200, "one 127.0.0.1")


def test_every_answer_keeps_a_browser_from_harm(url: str) -> None:
    headers = [httpx.get(f"{url}{path}").headers for path in ("/page", "/nowhere", "/broken")]

    for header in headers:
        assert header["content-security-policy"].startswith("default-src 'none'")
        assert header["x-content-type-options"] == "nosniff"
        assert header["cache-control"] == "no-store"
        assert header["server"] == "sa-apps"


def test_head_has_no_body(url: str) -> None:
    answer = httpx.head(f"{url}/page")

    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "10")


def test_a_page_that_breaks_tells_nothing_and_takes_nothing_along(url: str) -> None:
    assert httpx.get(f"{url}/broken").text == "Internal Server Error\n"
    assert httpx.get(f"{url}/page").status_code == 200


def test_on_loopback_a_page_of_elsewhere_can_not_ask_through_a_browser(url: str) -> None:
    assert httpx.get(f"{url}/page", headers={"Host": "evil.example"}).status_code == 421
    assert httpx.get(f"{url}/page", headers={"Host": "[bad"}).status_code == 421
    assert httpx.get(f"{url}/page", headers={"Host": "localhost:1"}).status_code == 200


def test_what_is_no_request_is_answered_without_repeating_it(url: str) -> None:
    said = raw(url, b"GET /<script> HTTP/9.9<b>\r\n\r\n")

    assert b"<script>" not in said
    assert b"<b>" not in said


def test_nothing_but_reading_is_allowed(url: str) -> None:
    assert httpx.post(f"{url}/page", content=b"x").status_code == 501


@pytest.mark.parametrize(("status", "code"), [("ok", 200), ("stopping", 503), ("stuck", 503)])
def test_a_probe_learns_how_the_scheduler_is(status: str, code: int) -> None:
    health = Health(status, apps=3, running=1)  # type: ignore[arg-type]
    with Web(LOOPBACK, routes(lambda: health)) as web:
        answer = httpx.get(f"{web.address.url}/healthz")

    assert answer.status_code == code
    assert json.loads(answer.text) == {"status": status, "apps": 3, "running": 1, "conf_is_valid": True}


def test_an_address_that_is_taken_is_one_clear_line() -> None:
    with Web(LOOPBACK, {}) as web, pytest.raises(UsageError, match=r"Can't listen on 127\.0\.0\.1:\d+: "):
        Web(web.address, {})


@pytest.mark.parametrize(
    ("text", "url", "loopback"),
    [
        ("127.0.0.1:9464", "http://127.0.0.1:9464", True),
        ("[::1]:80", "http://[::1]:80", True),
        ("localhost:80", "http://localhost:80", True),
        (":9464", "http://127.0.0.1:9464", False),
        ("0.0.0.0:9464", "http://127.0.0.1:9464", False),
    ],
)
def test_an_address_is_reached_by_a_url(text: str, url: str, loopback: bool) -> None:
    address = Address.parse(text)

    assert (address.url, address.is_loopback) == (url, loopback)


@pytest.mark.parametrize("text", ["9464", "host", "host:", "host:x", "host:70000", "host:-1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an address and a port"):
        Address.parse(text)

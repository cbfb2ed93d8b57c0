"""The small HTTP server of `serve`; routes.py says which path is answered with what."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from threading import BoundedSemaphore, Thread
from types import TracebackType
from typing import Any, Final, Self, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from streamalert_apps.errors import UsageError

SILENT_SECONDS: Final = 10.0  # a connection that says nothing for so long ends
MOST_CONNECTIONS: Final = 64
POLL_SECONDS: Final = 0.1  # until the server sees that it is to end
PORTS: Final = 65535
_SAFE: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. `query` has the first value of each key, `headers` have names in lower case."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered. `headers` come on top of, or instead of, those that keep a browser from harm."""

    body: str
    content_type: str = "text/plain; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


Route: TypeAlias = Callable[[Request], Response]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens; an empty host means every interface."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return the address that `127.0.0.1:9464` or `[::1]:9464` means; raise UsageError for another."""
        host, colon, port = text.rpartition(":")
        if not colon or not port.isascii() or not port.isdecimal() or int(port) > PORTS:
            raise UsageError(f"'{text}' is not an address and a port.", hint="Write it like 127.0.0.1:9464.")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    @property
    def is_loopback(self) -> bool:
        """Tell whether this machine alone can connect to it."""
        return is_loopback(self.host)

    @property
    def url(self) -> str:
        """The URL by which this machine reaches it."""
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address means the machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Web:
    """A running server; it ends with the block."""

    def __init__(self, address: Address, routes: Mapping[str, Route]) -> None:
        try:
            self._http = _Http(address, routes)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "no such host"
            raise UsageError(
                f"Can't listen on {address.host}:{address.port}: {reason}.",
                hint="--listen names another address and port.",
            ) from None
        self.address = Address(address.host, self._http.server_port)
        self._thread = Thread(target=self._http.serve_forever, args=(POLL_SECONDS,), name="web", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: Address, routes: Mapping[str, Route]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self.is_loopback = address.is_loopback
        self.routes = routes
        self._free = BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((address.host, address.port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or hang up where too many wait for one already."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write nothing: whoever asked has gone."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SILENT_SECONDS
    server: _Http

    def do_GET(self) -> None:
        """Answer with what the route says."""
        self._answer(self._respond())

    do_HEAD = do_GET  # noqa: N815 (the name that the library looks for)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer what can't be read in our own form; the library's repeats what was sent."""
        self.close_connection = True
        self._answer(_plain(HTTPStatus(code)))

    def version_string(self) -> str:
        """Name no version."""
        return "sa-apps"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Write nothing."""

    def _respond(self) -> Response:
        if self.server.is_loopback and not self._names_this_machine():
            return _plain(HTTPStatus.MISDIRECTED_REQUEST)
        url = urlsplit(self.path)
        route = self.server.routes.get(url.path)
        if route is None:
            return _plain(HTTPStatus.NOT_FOUND)
        query = dict(reversed(parse_qsl(url.query)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            return route(Request(url.path, query, headers))
        except Exception:  # noqa: BLE001 (whatever it is, the collector goes on)
            return _plain(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _names_this_machine(self) -> bool:
        """Tell whether the Host header is one of ours: a page of elsewhere may make a browser ask us."""
        try:
            host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        except ValueError:
            return False
        return host is not None and is_loopback(host)

    def _answer(self, response: Response) -> None:
        body = response.body.encode("utf-8", "backslashreplace")
        self.send_response(response.status)
        told = {"Content-Type": response.content_type, "Content-Length": str(len(body))}
        for name, value in {**_SAFE, **told, **response.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _plain(status: HTTPStatus) -> Response:
    return Response(f"{status.phrase}\n", status=status)

"""A twin on real HTTP/1.1 with kept connections, on the loopback interface and nowhere else."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Final, Self

from streamalert_apps.errors import UsageError
from streamalert_apps.simulator.contract import Asked, Request, Response, Twin
from streamalert_apps.simulator.faults import Delivery, Fault, Stage

LOOPBACK: Final = "127.0.0.1"
PIECES: Final = 10  # into which a slow body is cut


def serve(twin: Twin, *, port: int = 0, faults: Iterable[Fault] = ()) -> Server:
    """Serve a twin until the server is closed; port 0 takes a free one."""
    return Server(Stage(twin, faults), port)


class Server:
    """A running server; closing it ends every connection, hanging ones too."""

    def __init__(self, stage: Stage, port: int = 0) -> None:
        self._stage = stage
        try:
            self._http = _Http(stage, port)
        except OSError as error:
            raise UsageError(
                f"Port {port} is taken or not allowed.", hint="Choose another, or 0 for a free one."
            ) from error
        self.url = f"http://{LOOPBACK}:{self._http.server_port}"
        self._thread = Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def requests(self) -> list[Asked]:
        """What was asked so far, oldest first."""
        return list(self._stage.requests)

    def close(self) -> None:
        """Stop, and wait until the last connection has ended."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Http(ThreadingHTTPServer):
    """One thread a connection, all of which end with the server."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, stage: Stage, port: int) -> None:
        self.stage = stage
        self.closing = Event()
        self._open: dict[socket.socket, Thread] = {}
        self._guard = Lock()
        super().__init__((LOOPBACK, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._guard:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._guard:
            self._open.pop(request, None)

    def server_close(self) -> None:
        super().server_close()
        self.closing.set()
        with self._guard:
            left = dict(self._open)
        for connection, thread in left.items():
            _hang_up(connection)
            thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up: they are what is being tested."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command,
            self.path,
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length) if length else b"",
        )
        self._send(self.server.stage.play(request))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 - names that http.server looks for
    do_HEAD = do_OPTIONS = do_TRACE = answer  # noqa: N815 (as above)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: Server.requests has it."""

    def _send(self, delivery: Delivery) -> None:
        if delivery.wait:
            self.server.closing.wait(delivery.wait)
        if delivery.response is None:
            self.close_connection = True
            return
        head, body = self._head(delivery.response), delivery.response.body
        if self.command == "HEAD":
            body = b""
        if delivery.keep < 1:
            self.close_connection = True
            body = body[: int(len(body) * delivery.keep)]
        if not delivery.spread:
            self.wfile.write(head + body)  # one write: no segment waits for an acknowledgement
            return
        self.wfile.write(head)
        size = -(-len(body) // PIECES) or 1
        for start in range(0, len(body), size):
            if self.server.closing.wait(delivery.spread / PIECES):
                self.close_connection = True
                return
            self.wfile.write(body[start : start + size])

    def _head(self, response: Response) -> bytes:
        lines = [
            f"HTTP/1.1 {response.status} {_phrase(response.status)}",
            f"Date: {format_datetime(self.server.stage.twin.clock.now(), usegmt=True)}",
            f"Content-Type: {response.content_type}",
            f"Content-Length: {len(response.body)}",
            *(f"{name}: {value}" for name, value in response.headers),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was faster

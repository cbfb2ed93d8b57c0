"""A threaded HTTP/1.1 server on loopback that answers at once and in one piece."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer; says nothing on standard error."""

    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together; apart, Nagle and a delayed ACK cost 40 ms a call
    disable_nagle_algorithm: ClassVar[bool] = True

    def _answer(self) -> None:
        self.server.answer(self)

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = _answer  # noqa: N815 (the base class looks for them)

    def read_body(self) -> bytes:
        """Return what came with the request."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answer in full."""
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def handle_expect_100(self) -> bool:
        """Say at once that a body may come: who waits for it in vain loses a second."""
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def cut(self, status: int, body: bytes, length: int) -> None:
        """Send only `length` bytes of an answer, nothing at all for 0, and break the connection."""
        self.close_connection = True
        if length:
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:length])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's word)
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Callable[[Exchange], None]) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.answer = answer

    def handle_error(self, *_: object) -> None:
        """Say nothing: the other side was killed, or a test cut the line."""


@contextmanager
def serve(answer: Callable[[Exchange], None]) -> Iterator[str]:
    """Serve on a free port; yield `127.0.0.1:PORT`."""
    with _Server(answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()

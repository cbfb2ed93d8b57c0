"""An S3 on loopback with conditional writes, and with every answer that S3 gives on a bad day.

Puts, gets, lists and deletes objects of any bucket; `spoil` says what becomes of the next requests.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import md5
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

from tests import loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.loopback import Exchange

OWNER = "123456789012"
STORED = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 13, tzinfo=UTC)

Fault: TypeAlias = "Callable[[FakeS3, Exchange, Request], None]"


@dataclass(frozen=True)
class Request:
    """What was asked."""

    operation: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What S3 says to it."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FakeS3:
    """What is in the bucket, what was asked, and what is to go wrong."""

    url: str = ""
    page: int = 1000
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    faults: deque[Fault | None] = field(default_factory=deque)
    late: list[Request] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def spoil(self, *faults: Fault | None) -> None:
        """Say what becomes of the next requests; None: nothing goes wrong."""
        self.faults.extend(faults)

    def operations(self) -> list[str]:
        """Return what was asked so far."""
        return [request.operation for request in self.requests]

    def land(self) -> None:
        """Carry out what was late."""
        while self.late:
            self.answer(self.late.pop(0))

    def answer(self, request: Request) -> Answer:
        """Carry out a request."""
        with self.lock:
            if request.headers.get("x-amz-expected-bucket-owner", OWNER) != OWNER:
                return refusal(403, "AccessDenied", "Access Denied")
            return getattr(self, f"_{request.operation}")(request)  # type: ignore[no-any-return]

    def _put(self, request: Request) -> Answer:
        held = self.objects.get(request.key)
        wanted = request.headers.get("if-match")
        if wanted and held is None:
            return refusal(404, "NoSuchKey", "The specified key does not exist.")
        if (wanted and held is not None and etag(held) != wanted) or (
            request.headers.get("if-none-match") == "*" and held is not None
        ):
            return refusal(412, "PreconditionFailed", "At least one of the pre-conditions did not hold")
        self.objects[request.key] = request.body
        return Answer(200, headers={"ETag": etag(request.body)})

    def _get(self, request: Request) -> Answer:
        held = self.objects.get(request.key)
        if held is None:
            return refusal(404, "NoSuchKey", "The specified key does not exist.")
        return Answer(200, held, {"ETag": etag(held)})

    def _list(self, request: Request) -> Answer:
        prefix, after = request.query.get("prefix", ""), request.query.get("continuation-token", "")
        names = [key for key in sorted(self.objects) if key.startswith(prefix) and key > after]
        page, more = names[: self.page], len(names) > self.page
        contents = "".join(
            f"<Contents><Key>{quote(key)}</Key><Size>{len(self.objects[key])}</Size>"
            f"<LastModified>{STORED:%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        return xml(
            f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token}{contents}</ListBucketResult>"
        )

    def _delete(self, request: Request) -> Answer:
        keys = deleted_keys(request)
        for key in keys:
            self.objects.pop(key, None)
        return xml(f"<DeleteResult>{deleted(keys)}</DeleteResult>")


def etag(body: bytes) -> str:
    """Return a version as S3 makes it: of the content."""
    return f'"{md5(body, usedforsecurity=False).hexdigest()}"'


def xml(text: str) -> Answer:
    """Return an answer of XML."""
    return Answer(200, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())


def refusal(status: int, code: str, message: str | None) -> Answer:
    """Return an error of S3's form."""
    told = f"<Message>{escape(message)}</Message>" if message is not None else ""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>{told}</Error>'
    return Answer(status, body.encode())


def deleted_keys(request: Request) -> list[str]:
    """Return the keys that a DeleteObjects names."""
    return [unescape(key) for key in re.findall(r"<Key>(.*?)</Key>", request.body.decode())]


def deleted(keys: list[str]) -> str:
    """Return what tells that these are gone."""
    return "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)


# Faults


def refused(status: int, code: str, message: str | None = "says the test") -> Fault:
    """Refuse it and do nothing."""
    return lambda _, exchange, __: send(exchange, refusal(status, code, message))


def done_but_refused(status: int, code: str) -> Fault:
    """Do it, and tell an error."""

    def fault(s3: FakeS3, exchange: Exchange, request: Request) -> None:
        s3.answer(request)
        send(exchange, refusal(status, code, "says the test"))

    return fault


def answered(answer: Answer) -> Fault:
    """Do nothing, and answer so."""
    return lambda _, exchange, __: send(exchange, answer)


def lost(s3: FakeS3, exchange: Exchange, request: Request) -> None:
    """Do it, and break the connection instead of an answer."""
    s3.answer(request)
    exchange.cut(200, b"", 0)


def delayed(s3: FakeS3, exchange: Exchange, request: Request) -> None:
    """Break the connection, and do it when the test says `land`."""
    s3.late.append(request)
    exchange.cut(200, b"", 0)


def silent(s3: FakeS3, exchange: Exchange, request: Request) -> None:
    """Do it, and answer when nobody waits any more."""
    answer = s3.answer(request)
    s3.closing.wait(30)
    send(exchange, answer)


def cut(length: int) -> Fault:
    """Do it, and answer with so many bytes of the body."""

    def fault(s3: FakeS3, exchange: Exchange, request: Request) -> None:
        answer = s3.answer(request)
        exchange.close_connection = True
        exchange.send_response_only(answer.status)
        for name, value in {**answer.headers, "Date": format_datetime(NOW, usegmt=True)}.items():
            exchange.send_header(name, value)
        exchange.send_header("Content-Length", str(len(answer.body)))
        exchange.end_headers()
        exchange.wfile.write(answer.body[:length])

    return fault


def without(header: str, value: str | None = None) -> Fault:
    """Do it, and leave a header out of the answer, or send another value in it."""

    def fault(s3: FakeS3, exchange: Exchange, request: Request) -> None:
        answer = s3.answer(request)
        headers = {"Date": format_datetime(NOW, usegmt=True), **answer.headers}
        del headers[header]
        if value is not None:
            headers[header] = value
        exchange.send(answer.status, answer.body, headers)

    return fault


def kept(*codes: str) -> Fault:
    """Delete all but the first keys; tell why those are not deleted."""

    def fault(s3: FakeS3, exchange: Exchange, request: Request) -> None:
        keys = deleted_keys(request)
        errors = "".join(
            f"<Error><Key>{key}</Key><Code>{code}</Code><Message>says the test</Message></Error>"
            for key, code in zip(keys, codes, strict=False)
        )
        gone = keys[len(codes) :]
        for key in gone:
            s3.objects.pop(key, None)
        send(exchange, xml(f"<DeleteResult>{deleted(gone)}{errors}</DeleteResult>"))

    return fault


# The server


def send(exchange: Exchange, answer: Answer) -> None:
    """Answer in full, with the time."""
    exchange.send(answer.status, answer.body, {"Date": format_datetime(NOW, usegmt=True), **answer.headers})


@contextmanager
def serve() -> Iterator[FakeS3]:
    """Run one."""
    s3 = FakeS3()

    def answer(exchange: Exchange) -> None:
        request = _request(exchange)
        with s3.lock:
            s3.requests.append(request)
            fault = s3.faults.popleft() if s3.faults else None
        if fault:
            fault(s3, exchange, request)
        else:
            send(exchange, s3.answer(request))

    with loopback.serve(answer) as address:
        s3.url = f"http://{address}"
        try:
            yield s3
        finally:
            s3.closing.set()


def _request(exchange: Exchange) -> Request:
    url = urlsplit(exchange.path)
    query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    key = unquote(url.path.split("/", 2)[2]) if url.path.count("/") > 1 else ""
    operation = {"PUT": "put", "POST": "delete", "GET": "get" if key else "list"}[exchange.command]
    headers = {name.lower(): value for name, value in exchange.headers.items()}
    return Request(operation, key, query, headers, exchange.read_body())

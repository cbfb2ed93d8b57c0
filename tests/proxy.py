"""A proxy on loopback that records each call to AWS or to a simulator, and spoils those that a test picks."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from botocore.loaders import Loader

from tests import loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.loopback import Exchange

SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/(?P<service>[^/]+)/aws4_request")
BOTO3_NAMES = {"monitoring": "cloudwatch"}  # where a request is signed for another name
COPIES = {"CopyObject", "UploadPartCopy"}  # PutObject and UploadPart, but for a header; nobody here copies
HOP_BY_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Call:
    """One request, named as boto3 names it; of a simulator's, service is `http` and operation the path."""

    number: int
    service: str
    operation: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def name(self) -> str:
        """For instance `ssm.PutParameter`."""
        return f"{self.service}.{self.operation}"

    @property
    def json(self) -> Any:
        """What was sent, decoded."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Refuse:
    """Answer with an error of AWS's form."""

    status: int
    code: str
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "says the test"


@dataclass(frozen=True)
class Answer:
    """Answer so, whatever AWS would."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rewrite:
    """Answer with what `change` makes of the JSON that AWS answered."""

    change: Callable[[Any], Any]


@dataclass(frozen=True)
class Delay:
    """Wait, then go on."""

    seconds: float


@dataclass(frozen=True)
class Cut:
    """Break the connection; after `sent` bytes of the answer, where there is one."""

    sent: int = 0


Fault: TypeAlias = Refuse | Answer | Rewrite | Delay | Cut
Hook: TypeAlias = "Callable[[Call], Fault | None]"

THROTTLED = Refuse(400, "ThrottlingException")
TOO_MANY_REQUESTS = Refuse(429, "TooManyRequestsException", {"Retry-After": "1"})


class Proxy:
    """Calls in the order in which they came, those that upstream granted, and hooks that may spoil one.

    `before` sees a call that has not been made, `after` one that was carried out and not yet answered.
    """

    def __init__(self, upstream: str) -> None:
        self.url = ""
        self.calls: list[Call] = []
        self.accepted: list[Call] = []
        self.before: Hook = lambda _: None
        self.after: Hook = lambda _: None
        self._upstream = urlsplit(upstream).netloc
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the calls' names, for instance `ssm.GetParameters`."""
        return [call.name for call in self.calls]

    def answer(self, exchange: Exchange) -> None:
        """Pass one request on, unless a hook says otherwise."""
        call = self._record(exchange)
        if _spoil(exchange, call, self.before(call)):
            return
        status, headers, body = _forward(self._upstream, call)
        if status < HTTPStatus.BAD_REQUEST:
            self.accepted.append(call)
        if not _spoil(exchange, call, self.after(call), status, body):
            exchange.send(status, body, headers)

    def _record(self, exchange: Exchange) -> Call:
        method, path, headers = exchange.command, exchange.path, dict(exchange.headers)
        body = exchange.read_body()
        service, operation = identify(method, path, headers, body)
        with self._lock:
            call = Call(len(self.calls), service, operation, method, path, headers, body)
            self.calls.append(call)
        return call


@contextmanager
def serve(upstream: str) -> Iterator[Proxy]:
    """Stand in front of `upstream`, a URL."""
    proxy = Proxy(upstream)
    with loopback.serve(proxy.answer) as address:
        proxy.url = f"http://{address}"
        yield proxy


def identify(method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Return service and operation of a request."""
    scope = SCOPE.search(headers.get("Authorization", ""))
    if not scope:
        return "http", path.partition("?")[0]
    service = BOTO3_NAMES.get(scope["service"], scope["service"])
    if target := headers.get("X-Amz-Target"):
        return service, target.rpartition(".")[2]
    if headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return service, parse_qs(body.decode())["Action"][0]
    bare, _, query = path.partition("?")
    route, asked = f"{method} {bare}", {*parse_qs(query, keep_blank_values=True)}
    found = (name for pattern, keys, name in _routes(service) if pattern.fullmatch(route) and keys <= asked)
    return service, next(found, route)


@cache
def _routes(service: str) -> list[tuple[re.Pattern[str], set[str], str]]:
    """Return paths, the keys that a query has to have, and operations; those with more keys come first."""
    model = Loader().load_service_model(service, "service-2")  # as it stands: clients change it
    routes = []
    for name, operation in model["operations"].items():
        if name in COPIES:
            continue
        template = operation["http"]
        path, _, query = template["requestUri"].partition("?")
        uri = re.sub(r"\\\{\w+\\\+\\\}", ".+", re.escape(path))
        uri = re.sub(r"\\\{\w+\\\}", "[^/]+", uri)
        keys = {*parse_qs(query, keep_blank_values=True)} if service == "s3" else set()
        routes.append((re.compile(f"{template['method']} {uri}"), keys, name))
    return sorted(routes, key=lambda route: -len(route[1]))


def _forward(upstream: str, call: Call) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection(upstream, timeout=60)) as connection:
        connection.request(call.method, call.path, call.body, dict(call.headers))
        answer = connection.getresponse()
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP}
        return answer.status, headers, answer.read()


def _spoil(exchange: Exchange, call: Call, fault: Fault | None, status: int = 0, body: bytes = b"") -> bool:
    if isinstance(fault, Refuse):
        exchange.send(fault.status, *_refusal(call, fault))
    elif isinstance(fault, Answer):
        exchange.send(fault.status, fault.body, fault.headers)
    elif isinstance(fault, Rewrite):
        exchange.send(status, json.dumps(fault.change(json.loads(body))).encode())
    elif isinstance(fault, Cut):
        exchange.cut(status, body, fault.sent)
    elif isinstance(fault, Delay):
        time.sleep(fault.seconds)
    return isinstance(fault, Refuse | Answer | Rewrite | Cut)


def _refusal(call: Call, fault: Refuse) -> tuple[bytes, dict[str, str]]:
    headers = {"x-amzn-ErrorType": fault.code, "x-amzn-RequestId": "0", **fault.headers}
    message = f"{fault.code}, {fault.message}"
    if call.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        error = f"<Error><Type>Sender</Type><Code>{fault.code}</Code><Message>{message}</Message></Error>"
        return f"<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>".encode(), headers
    if call.service == "s3":
        error = f"<Error><Code>{fault.code}</Code><Message>{message}</Message></Error>"
        return error.encode(), {"Content-Type": "application/xml", **headers}
    body = {"__type": fault.code, "message": message, "Type": "User"}
    return json.dumps(body).encode(), {"Content-Type": "application/json", **headers}

"""HTTP as every service needs it: one reused client, retries within the time left, errors with names.

Redirects are not followed, answers are bounded in size and time, and nothing that a request carries
(headers, query) ever reaches a message.
"""

from __future__ import annotations

import logging
import math
import re
import ssl
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from itertools import chain
from typing import Any, Final, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

import httpx
import msgspec

from streamalert_apps.errors import (
    AppError,
    BadResponse,
    ConfigError,
    CredentialsError,
    OutOfTime,
    RateLimited,
    RequestRefused,
    TransientError,
    Unavailable,
)
from streamalert_apps.sdk.clock import BELIEVED, Clock, Deadline
from streamalert_apps.sdk.mend import is_odd, mended, readable
from streamalert_apps.sdk.outward import TRUST_HINT, Outward, proxy_name
from streamalert_apps.sdk.pace import RETRY_AFTER, Pace, Wait
from streamalert_apps.sdk.retry import Retries, retrying
from streamalert_apps.sdk.shapes import decode

T = TypeVar("T")

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
SHORTEST_REQUEST_SECONDS: Final = 1.0
LONG_WAIT_SECONDS: Final = 2.0
LONGEST_SILENCE_SECONDS: Final = 30.0  # of a wait, before a run shows that it lives
CLOCKS_DIFFER: Final = timedelta(seconds=5)  # by less than that, or it is told
OK: Final = 200
FORBIDDEN: Final = 403
ANSWER_BYTES: Final = 64 << 20
PIECE_BYTES: Final = 64 << 10  # of what is unpacked at once: a few bytes may unpack to gigabytes
SLICE_BYTES: Final = 4 << 10  # of what is packed: it may be a thousand packages of nothing
LONGEST_REST_SECONDS: Final = 86_400.0  # then a service is asked again, whatever it said
LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}
GZIP: Final = b"\x1f\x8b"  # begins what is packed so
EXPIRED: Final = {9, 10}  # OpenSSL: a certificate is not valid yet, or no longer

LOGGER = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # its lines hold the query of each request

_LINK: Final = re.compile(r'<(?P<url>[^<>]*+)>(?P<params>(?:[^<>",]|"(?:[^"\\]|\\.)*+"?)*+)')
_LINK_RELATIONS: Final = re.compile(
    r';\s*+rel\s*+=\s*+(?:"(?P<quoted>[^"]*+)"|(?P<plain>[^\s;"]++))', re.IGNORECASE
)
_LOOPBACK: Final = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?/?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said."""

    place: str  # host and path, without the query
    status: int
    headers: Mapping[str, str]
    body: bytes
    left: Callable[[], float] = lambda: math.inf
    """The seconds that are left for reading it."""

    def json(self, shape: type[T]) -> T:
        """Return the body decoded into `shape`; raise BadResponse when it is something else.

        What is odd inside of an event is mended (`sdk.mend`), that it does not stop the feed; null where a
        field has a default is that default (`sdk.shapes`).
        """
        try:
            return _decoded(self.body, shape, self._check_time)
        except msgspec.ValidationError as error:
            raise BadResponse(f"The answer of {self.place} is not as documented: {error}.") from None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise BadResponse(f"The answer of {self.place} is not JSON.") from None

    def link(self, relation: str) -> str | None:
        """Return where the answer's Link headers (RFC 8288) lead: `next`, for instance."""
        told = httpx.Headers(self.headers).get("Link", "")
        for link in _LINK.finditer(told):
            for param in _LINK_RELATIONS.finditer(link["params"]):
                if relation in (param["quoted"] or param["plain"] or "").lower().split():
                    return link["url"].strip() or None
        if re.search(rf'\brel\s*=[\s"]*{relation}\b', told, re.IGNORECASE):
            raise BadResponse(f"{self.place} gave a link to the {relation} page that can't be read.")
        return None

    def _check_time(self) -> None:
        if self.left() <= 0:
            raise OutOfTime(f"The answer of {self.place} can't be read within the time left.")


Headers = Mapping[str, str] | Callable[[], Mapping[str, str]]
Form = Mapping[str, str] | Callable[[], Mapping[str, str]]
Judge = Callable[[Answer], AppError | None]


class Api:
    """The way to a service. `simulator`: a loopback URL that every request goes to, its Host header kept.

    `loopback`: whether this machine may be asked without TLS.
    `ahead`: by how much our clock is ahead of the service's (negative: behind), as its last answer says.
    `skew`: by how much it is ahead of the store's; the service's time is noted by that of the store, as
    another run has another clock.
    `dated`: whether the service tells its time.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        deadline: Deadline | None = None,
        pace: Pace | None = None,
        simulator: str = "",
        transport: httpx.BaseTransport | None = None,
        loopback: bool = False,
    ) -> None:
        self.clock = clock
        self.pace = pace or Pace(None, clock)
        self.waits: tuple[Wait, ...] = ()
        """Where this service says how long to wait, besides Retry-After."""
        self.ahead = self.skew = timedelta(0)
        self.headers: Mapping[str, str] = {}
        """Those of the last answer."""
        self.retries = Retries()
        self.requests = 0
        """How many were made."""
        self.alive: Callable[[], None] = lambda: None
        """Called while the service is waited for: a run shows that it lives."""
        self.limited: Callable[[], None] = lambda: None
        """Called after a 429: others may have asked, too."""
        self.before_wait: Callable[[], None] = lambda: None
        """Called before a wait for the service's limit that is longer than a moment."""
        self.simulated = self.dated = bool(simulator)
        self._loopback = loopback
        self._deadline = deadline or Deadline.never()
        self._transport = ToSimulator(simulator) if simulator else transport

    @cached_property
    def _client(self) -> httpx.Client:
        """The connections; made for the first request, as the environment may not let them be."""
        return httpx.Client(
            transport=self._transport or Outward(),
            trust_env=False,
            headers={
                "User-Agent": "streamalert-apps",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
            },
        )

    def left(self) -> float:
        """Return the seconds that are left for work."""
        return self._deadline.left()

    def affordable(self) -> float:
        """Return how many requests the service's limit allows in the time left."""
        return self.pace.affordable(self._deadline.left())

    def close(self) -> None:
        """Close the connections, where there are any."""
        if "_client" in self.__dict__:
            self._client.close()

    def get(self, url: str, *, headers: Headers = dict, judge: Judge | None = None) -> Answer:
        """GET `url` with its query as it stands; raise an AppError for anything but a 2xx.

        `headers` may be a function: it is called for each attempt, so that a signature is fresh.
        `judge` names the errors that this service tells in a way of its own; None leaves it to the status.
        """
        return self._retried("GET", url, headers, judge, dict)

    def post(
        self,
        url: str,
        *,
        headers: Headers = dict,
        judge: Judge | None = None,
        json: Any = None,
        form: Form | None = None,
    ) -> Answer:
        """POST `json` or `form` to `url`; otherwise as `get`. `form` may be a function, too."""

        def content() -> dict[str, Any]:
            if form is None:
                return {"json": json}
            return {"data": form() if callable(form) else form}

        return self._retried("POST", url, headers, judge, content)

    def exchange(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """POST bytes once and return what the other side says, an error too.

        Raises what kept it from saying anything: it may have taken the bytes all the same.
        """
        return self._answer(self._open("POST", url, headers, {"content": content}))

    def wait_turn(self) -> None:
        """Wait until the service may be asked. Who asks for what there is now, waits before saying when."""
        if wait := self.pace.wait():
            self.sleep(wait)

    def sleep(self, seconds: float) -> None:
        """Wait, where the time left covers it; raise RateLimited otherwise."""
        if seconds >= self._deadline.left():
            raise RateLimited(f"The next request has to wait {seconds:.0f} s.", retry_after=seconds)
        LOGGER.info("waiting", extra={"fields": {"wait": round(seconds, 3)}})
        if seconds >= LONG_WAIT_SECONDS:
            self.before_wait()
        self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        """Wait; a run shows meanwhile that it lives."""
        while seconds > 0:
            began, piece = self.clock.now(), min(seconds, LONGEST_SILENCE_SECONDS)
            self.clock.sleep(piece)
            self.alive()
            seconds -= max(piece, (self.clock.now() - began).total_seconds())

    def stream(
        self,
        url: str,
        *,
        headers: Headers = dict,
        judge: Judge | None = None,
        silence: float = ANSWER_SECONDS,
    ) -> Iterator[bytes]:
        """GET `url` and return its body in pieces as they come, of any size in all.

        What goes wrong before the first piece is treated as by `get`; a body that breaks off is Unavailable.
        One that falls silent for so many seconds is that, too, or OutOfTime if fewer than usual are given.
        """

        def attempt() -> Iterator[bytes]:
            response = self._open("GET", url, headers, {}, silence)
            if response.is_success:
                return self._pieces(response)
            answer = self._answer(response)
            raise self._error(answer, judge) or BadResponse(f"{answer.place} answered {answer.status}.")

        return retrying(attempt, sleep=self._wait, deadline=self._deadline, retries=self.retries)

    def _retried(
        self,
        method: str,
        url: str,
        headers: Headers,
        judge: Judge | None,
        content: Callable[[], dict[str, Any]],
    ) -> Answer:
        empty = 0

        def attempt() -> Answer:
            nonlocal empty
            answer = self._answer(self._open(method, url, headers, content()))
            if error := self._error(answer, judge):
                raise error
            if answer.status == OK and not answer.body.strip():
                empty += 1
                if empty == 1:  # a slip of some gateway; or the service has nothing else to say
                    raise Unavailable(f"The answer of {answer.place} is empty.")
            return answer

        return retrying(attempt, sleep=self._wait, deadline=self._deadline, retries=self.retries)

    def _error(self, answer: Answer, judge: Judge | None) -> AppError | None:
        error = (judge(answer) if judge else None) or self._judge_status(answer)
        if isinstance(error, CredentialsError) and self._is_limit(answer):
            error = RateLimited(f"{answer.place} answered {answer.status}: too many requests.")
        if isinstance(error, TransientError):
            if error.retry_after is None:
                waits = (RETRY_AFTER, *self.waits) if isinstance(error, RateLimited) else (RETRY_AFTER,)
                error.retry_after = self._told_wait(answer, waits)
            if error.retry_after is None and isinstance(error, RateLimited):
                error.retry_after = self.pace.after_429
            if error.retry_after is not None:
                error.retry_after = min(max(error.retry_after, 0.0), LONGEST_REST_SECONDS)
            self.pace.rest(error.retry_after or 0.0)
            if isinstance(error, RateLimited):
                self.limited()
        return error

    def _open(
        self,
        method: str,
        url: str,
        headers: Headers,
        content: dict[str, Any],
        silence: float = ANSWER_SECONDS,
    ) -> httpx.Response:
        """Send a request; return the answer once its head is there."""
        self.alive()
        self.wait_turn()
        fresh = headers() if callable(headers) else headers
        try:
            request = self._client.build_request(method, url, headers=fresh, **content)
        except (httpx.InvalidURL, UnicodeEncodeError):
            raise BadResponse("A request can't be made: its address or a header is not valid.") from None
        if request.url.scheme != "https" and not (self._loopback and request.url.host in LOOPBACK):
            raise BadResponse(f"{_place(request)} was not asked: only HTTPS is.")
        seconds = min(silence, self._deadline.left())
        if seconds < SHORTEST_REQUEST_SECONDS:
            raise OutOfTime("There is no time left for another request.")
        request.extensions["timeout"] = httpx.Timeout(
            seconds, connect=min(CONNECT_SECONDS, seconds)
        ).as_dict()
        sent = self.clock.now()
        try:
            with _faults_named(request):
                response = self._client.send(request, stream=True)
        finally:
            self.requests += 1
            self.pace.request_made()  # now, not before: the service counts from when the request arrived
        self.headers = response.headers
        self._tell(request, response, sent)
        self._compare_clocks(sent, response)
        return response

    def _tell(self, request: httpx.Request, response: httpx.Response, sent: datetime) -> None:
        seconds = round((self.clock.now() - sent).total_seconds(), 3)
        asked = f"{request.method} {_place(request)}"
        LOGGER.debug(
            "request", extra={"fields": {"asked": asked, "answer": response.status_code, "seconds": seconds}}
        )

    def _compare_clocks(self, sent: datetime, response: httpx.Response) -> None:
        """Note by how much our clock differs from the service's; a simulator's runs as it likes."""
        if self.simulated:
            return
        self.dated = False
        with suppress(ValueError, TypeError, OverflowError):
            if int(response.headers.get("Age", "0")) > 0:  # a cache answered
                return
            date = parsedate_to_datetime(response.headers.get("Date", ""))
            if not BELIEVED.start <= date.year < BELIEVED.stop:
                return
            received = self.clock.now()
            self.dated = True
            if sent - date > CLOCKS_DIFFER:
                self.ahead = received - date  # the service may have written its Date at the end of it
            elif date - received > CLOCKS_DIFFER:
                self.ahead = received - date
            else:
                self.ahead = timedelta(0)
            if self.ahead:
                LOGGER.warning("this machine's clock is %.0f s ahead", self.ahead.total_seconds())

    def _answer(self, response: httpx.Response) -> Answer:
        """Read an answer. The head of one that is an error counts, whatever becomes of its body."""
        try:
            body = self._whole(response)
        except (TransientError, BadResponse):
            if response.is_success:
                raise
            body = b""
        place = _place(response.request)
        return Answer(place, response.status_code, response.headers, body, self._deadline.left)

    def _whole(self, response: httpx.Response) -> bytes:
        body = bytearray()
        with closing(self._pieces(response)) as pieces:
            for piece in pieces:
                body += piece
                if len(body) > ANSWER_BYTES:
                    place = _place(response.request)
                    raise BadResponse(f"The answer of {place} is larger than {ANSWER_BYTES >> 20} MiB.")
        return bytes(body)

    def _pieces(self, response: httpx.Response) -> Generator[bytes]:
        with _faults_named(response.request), closing(response):
            for piece in _unpacked(response):
                yield piece
                if self._deadline.left() <= 0:
                    place = _place(response.request)
                    raise OutOfTime(f"{place} did not finish its answer within the time left.")

    def _judge_status(self, answer: Answer) -> AppError | None:
        """Tell what an answer's status means."""
        said = f"{answer.place} answered {answer.status}"
        told = self._told_wait(answer, (RETRY_AFTER,))
        match answer.status:
            case 202 if told is not None:
                return Unavailable(f"{said}: the answer is not ready yet.")
            case status if status < 300:  # noqa: PLR2004
                return None
            case 401 | 403:
                return CredentialsError(f"{said}: the credentials were refused.")
            case 429:
                return RateLimited(f"{said}: too many requests.")
            case 503 if told is not None:
                return RateLimited(f"{said}: the service wants to be asked later.")
            case 408 | 425:
                return Unavailable(f"{said}.")
            case status if status < 400:  # noqa: PLR2004
                return BadResponse(f"{said}: a redirect, which is not followed.")
            case status if status < 500:  # noqa: PLR2004
                return RequestRefused(f"{said}: the request was refused.")
            case _:
                return Unavailable(f"{said}: the service has a fault.")

    def _is_limit(self, answer: Answer) -> bool:
        """Tell whether a 403 is a limit: some services have no other word for it, and name the wait."""
        spent = [wait for wait in self.waits if wait.spent]
        return answer.status == FORBIDDEN and self._told_wait(answer, (RETRY_AFTER, *spent)) is not None

    def _told_wait(self, answer: Answer, waits: Iterable[Wait]) -> float | None:
        """Return the longest of the waits that an answer tells, in seconds."""
        now = self.clock.now() - self.ahead
        told = [seconds for wait in waits if (seconds := wait.seconds(answer.headers, now))]
        return min(max(told), LONGEST_REST_SECONDS) if told else None


def _decoded(body: bytes, shape: type[T], alive: Callable[[], None]) -> T:
    body = readable(body)
    try:
        if not is_odd(body):
            return decode(body, shape)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        pass
    return decode(mended(body, alive), shape)


def with_params(url: str, params: Mapping[str, Any] | None) -> str:
    """Return `url` with `params` added to its query, percent-encoded."""
    try:
        return str(httpx.URL(url).copy_merge_params(params)) if params else url
    except httpx.InvalidURL:
        raise BadResponse("A request can't be made: its address is not valid.") from None


def query_of(link: str) -> str:
    """Return the query of a next-page link; raise BadResponse where it is none."""
    try:
        return urlsplit(link).query
    except ValueError:
        raise BadResponse("The service gave a next-page link that is not valid.") from None


def pinned(link: str, to: str) -> str:
    """Return a next-page link if it stays on the host of `to`, by HTTPS; raise BadResponse otherwise."""
    asked = urlsplit(to)
    try:
        given = urlsplit(link)
        same = given.scheme == "https" and _host_and_port(given) == _host_and_port(asked)
        httpx.URL(link)
    except (ValueError, httpx.InvalidURL):
        same = False
    if not same:
        raise BadResponse(f"{asked.hostname} gave a next-page link to another place; it is not followed.")
    return link


def _host_and_port(url: SplitResult) -> tuple[str, int]:
    """Return where a URL leads; a name before it, which clients read in different ways, leads nowhere."""
    return ("" if "@" in url.netloc else url.hostname or "", url.port or 443)


def _place(request: httpx.Request) -> str:
    """Return the service's host and the path, without the query."""
    return f"{request.headers['Host']}{request.url.path}"


@contextmanager
def _faults_named(request: httpx.Request) -> Iterator[None]:
    """Turn what httpx raises while it waits for an answer, or reads one, into our errors."""
    host = request.headers["Host"]
    try:
        yield
    except httpx.TimeoutException as error:
        cut_short = request.extensions["timeout"]["read"] < ANSWER_SECONDS
        if cut_short and not isinstance(error, httpx.ConnectTimeout):
            raise OutOfTime(f"{host} did not answer within the time left.") from None
        raise Unavailable(f"{host} did not answer in time.") from None
    except httpx.ProxyError as error:
        raise _refused_by_proxy(host, error) from None
    except httpx.TransportError as error:
        raise _distrusted(host, error) or Unavailable(f"{host} can't be reached ({_plain(error)}).") from None
    except zlib.error:
        raise Unavailable(f"The answer of {_place(request)} is broken.") from None


def _distrusted(host: str, error: Exception) -> ConfigError | None:
    """Return what to tell where a certificate is not trusted, which time does not mend."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    clock = "Look at this machine's clock, too." if cause.verify_code in EXPIRED else ""
    return ConfigError(
        f"The certificate of {host} is not trusted: {cause.verify_message.rstrip('.')}.",
        hint=f"{TRUST_HINT} {clock}".rstrip(),
    )


def _refused_by_proxy(host: str, error: httpx.ProxyError) -> AppError:
    """Return what to tell where a proxy does not let a request through: time mends only what is a fault."""
    status = re.match(r"4\d\d\b", str(error))
    if not status:
        return Unavailable(f"{host} can't be reached (proxy).", hint=f"{proxy_name()} names the proxy.")
    return ConfigError(
        f"The proxy does not let {host} be asked ({status[0]}).", hint=f"{proxy_name()} names the proxy."
    )


def _unpacked(response: httpx.Response) -> Iterator[bytes]:
    """Yield the body as it was before the service packed it, in pieces of a bounded size.

    Only gzip is asked for, once: packed twice, a kilobyte can hold more than any memory. What has another
    name, or is not what it is called, is taken as it stands: whoever reads it will see.
    """
    pieces = iter(cast(httpx.SyncByteStream, response.stream))
    begins = b""
    if "gzip" in response.headers.get("Content-Encoding", "").lower():
        while len(begins) < len(GZIP) and (piece := next(pieces, None)) is not None:
            begins += piece
    whole = chain([begins] if begins else [], pieces)
    yield from _inflated(whole) if begins.startswith(GZIP) else whole


def _inflated(packed: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what was packed with gzip; raise zlib.error where it is something else, or breaks off.

    A piece may be empty: whoever reads it looks at the time after each.
    """
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    for data in packed:
        for start in range(0, len(data), SLICE_BYTES):
            rest = data[start : start + SLICE_BYTES]
            while rest:
                if member.eof:
                    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                yield member.decompress(rest, PIECE_BYTES)
                rest = member.unconsumed_tail or member.unused_data
    while piece := member.decompress(b"", PIECE_BYTES):
        yield piece
    if not member.eof:
        raise zlib.error


def _plain(error: httpx.TransportError) -> str:
    """Name a broken connection without the URL that some messages hold."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return words.removesuffix(" error")


class ToSimulator(httpx.HTTPTransport):
    """Sends requests to the simulator, whatever host they were meant for."""

    def __init__(self, url: str) -> None:
        if not _LOOPBACK.fullmatch(url):
            raise ConfigError(
                f"'{url}' is not a simulator's address.", hint="Give one like http://127.0.0.1:8080."
            )
        super().__init__(verify=False, trust_env=False)  # it is asked by HTTP
        self._target = httpx.URL(url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the simulator."""
        target = self._target
        request.url = request.url.copy_with(scheme=target.scheme, host=target.host, port=target.port)
        return super().handle_request(request)

"""A request to a service: tried again where that helps, ended in time, and silent about what it carries."""

from __future__ import annotations

import gzip
import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from threading import Event
from typing import Any

import httpx
import msgspec
import pytest

from streamalert_apps.errors import (
    AppError,
    BadResponse,
    ConfigError,
    CredentialsError,
    OutOfTime,
    RateLimited,
    RequestRefused,
    Unavailable,
)
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import ANSWER_BYTES, Answer, Api, pinned, query_of, with_params
from streamalert_apps.sdk.pace import Pace, Rate, Wait
from streamalert_apps.sdk.retry import ATTEMPTS, LONGEST_WAIT_SECONDS
from tests import loopback
from tests.loopback import Exchange
from tests.simulator.world import StillClock

URL = "https://api.example.com/v1/logs?since=1700000000"
SECRET = "s3cr3t-value"

Handler = Callable[[httpx.Request], httpx.Response]


class NotedClock(StillClock):
    """Notes how long it was made to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        super().sleep(seconds)


class Service:
    """Gives prepared answers in turn, the last one again and again; keeps the requests."""

    def __init__(self, *answers: httpx.Response | Exception | int) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.clock = NotedClock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer, json={}) if isinstance(answer, int) else answer

    def api(self, *, left: float = float("inf"), pace: Pace | None = None) -> Api:
        """Return the way to it, for so many seconds."""
        began = self.clock.now()

        def seconds() -> float:
            return left - (self.clock.now() - began).total_seconds()

        return Api(
            clock=self.clock, deadline=Deadline(seconds), pace=pace, transport=httpx.MockTransport(self)
        )


class Broken(httpx.SyncByteStream):
    """A body that breaks off."""

    def __init__(self, begins: bytes, fault: Exception) -> None:
        self._begins = begins
        self._fault = fault

    def __iter__(self) -> Iterator[bytes]:
        yield self._begins
        raise self._fault


# Trying again


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 599])
def test_a_passing_fault_is_tried_again(status: int) -> None:
    service = Service(status, status, 200)

    answer = service.api().get(URL)

    assert answer.status == 200
    assert len(service.requests) == 3


@pytest.mark.parametrize(
    "broken",
    [
        httpx.RemoteProtocolError("Server disconnected"),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadError("reset"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_broken_connection_is_tried_again(broken: Exception) -> None:
    service = Service(broken, 200)

    assert service.api().get(URL).status == 200


def test_each_wait_doubles_with_jitter_up_to_a_bound() -> None:
    service = Service(503)

    with pytest.raises(Unavailable):
        service.api().get(URL)

    ceilings = [min(LONGEST_WAIT_SECONDS, 0.5 * 2**n) for n in range(ATTEMPTS - 1)]
    assert len(service.requests) == ATTEMPTS
    assert all(c / 2 <= wait <= c for wait, c in zip(service.clock.waits, ceilings, strict=True))


def test_two_clients_do_not_wait_in_step() -> None:
    services = [Service(503, 503, 503, 200) for _ in range(4)]
    for service in services:
        service.api().get(URL)

    assert len({tuple(service.clock.waits) for service in services}) == 4


@pytest.mark.parametrize("left", [1.0, 2.0, 5.0, 20.0])
def test_waits_never_go_past_the_time_left(left: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _, longest: longest)
    service = Service(503)

    with pytest.raises((Unavailable, OutOfTime)):
        service.api(left=left).get(URL)

    assert sum(service.clock.waits) < left


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, BadResponse),
        (302, BadResponse),
        (304, BadResponse),
        (308, BadResponse),
        (400, RequestRefused),
        (401, CredentialsError),
        (403, CredentialsError),
        (404, RequestRefused),
        (410, RequestRefused),
        (422, RequestRefused),
    ],
)
def test_what_time_can_not_mend_is_told_at_once(status: int, error: type[AppError]) -> None:
    service = Service(httpx.Response(status, headers={"Location": "https://elsewhere.example.com/"}))

    with pytest.raises(error) as raised:
        service.api().get(URL)

    assert f"api.example.com/v1/logs answered {status}" in raised.value.message
    assert len(service.requests) == 1


def test_a_signature_is_made_for_each_attempt() -> None:
    service = Service(503, 503, 200)
    numbers = iter(range(10))

    service.api().get(URL, headers=lambda: {"Authorization": f"Signature {next(numbers)}"})

    signatures = [request.headers["Authorization"] for request in service.requests]
    assert signatures == ["Signature 0", "Signature 1", "Signature 2"]


def test_a_form_is_made_for_each_attempt() -> None:
    service = Service(503, 200)
    numbers = iter(range(10))

    service.api().post(URL, form=lambda: {"nonce": str(next(numbers))})

    assert [request.content for request in service.requests] == [b"nonce=0", b"nonce=1"]


def test_a_post_carries_json_or_a_form() -> None:
    service = Service(200)

    service.api().post(URL, json={"since": 1})
    service.api().post(URL, form={"since": "1"})

    carried = [(r.method, r.headers["Content-Type"], r.content) for r in service.requests]
    assert carried == [
        ("POST", "application/json", b'{"since":1}'),
        ("POST", "application/x-www-form-urlencoded", b"since=1"),
    ]


# Limits


def test_retry_after_in_seconds_is_obeyed() -> None:
    service = Service(httpx.Response(429, headers={"Retry-After": "17"}), 200)

    service.api().get(URL)

    assert service.clock.waits == [17]


def test_a_run_shows_that_it_lives_while_it_waits() -> None:
    service = Service(httpx.Response(429, headers={"Retry-After": "120"}), 200)
    api = service.api()
    shown: list[float] = []
    api.alive = lambda: shown.append(sum(service.clock.waits))

    api.get(URL)

    assert shown == [0, 30, 60, 90, 120, 120]  # and before each request


def test_retry_after_as_a_date_is_obeyed() -> None:
    service = Service(200)
    date = format_datetime(service.clock.now() + timedelta(seconds=42), usegmt=True)
    service = Service(httpx.Response(429, headers={"Retry-After": date}), 200)

    service.api().get(URL)

    assert sum(service.clock.waits) == 42


@pytest.mark.parametrize("value", ["0", "Tue, 21 Nov 2023 09:00:00 GMT"])
def test_a_retry_after_that_is_over_costs_the_usual_wait(value: str) -> None:
    service = Service(httpx.Response(429, headers={"Retry-After": value}), 200)

    service.api().get(URL)

    assert 0 < sum(service.clock.waits) <= 0.5


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5.2", "²", "Tue, 99 Nov 2023 10:00:00 GMT"])
def test_an_unreadable_retry_after_is_like_none(value: str) -> None:
    headers = [(b"Retry-After", value.encode("latin-1"))]
    service = Service(httpx.Response(429, headers=headers), 200)

    service.api().get(URL)

    assert 0 < sum(service.clock.waits) <= 0.5


@pytest.mark.parametrize(
    ("wait", "headers", "seconds"),
    [
        (Wait("X-Rate-Limit-Reset", since="1970"), {"x-rate-limit-reset": "{at}"}, 20),
        (Wait("RateLimit-Reset"), {"RateLimit-Reset": "20"}, 20),
        (Wait("x-acs-retry-after", unit="ms"), {"x-acs-retry-after": "20500"}, 20.5),
        (Wait("x-ms-retry-after-ms", unit="ms"), {"x-ms-retry-after-ms": "20500.5"}, 20.5005),
        (Wait("X-RateLimit-Reset", unit="ms", since="1970"), {"X-RateLimit-Reset": "{at}000"}, 20),
        (Wait("X-Retry-After"), {"X-Retry-After": "{at}"}, 20),
        (Wait("X-RateLimit-Reset", since="1970"), {"X-RateLimit-Reset": "2023-11-21T10:00:20Z"}, 20),
        (Wait("RateLimit-ResetTime"), {"RateLimit-ResetTime": "Tue, 21 Nov 2023 10:00:20 GMT"}, 20),
        (Wait("X-Reset", spent="X-Remaining"), {"X-Reset": "20", "X-Remaining": "0"}, 20),
        (Wait("X-Reset"), {"X-Reset": "20", "Retry-After": "5"}, 20),
        (Wait("X-Reset"), {"X-Reset": "5", "Retry-After": "20"}, 20),
        (Wait("X-Reset"), {"X-Reset": "20, 20"}, 20),
        (Wait("X-Reset"), {"X-Reset": "20;w=60"}, 20),
        (Wait("X-Reset"), {"Retry-After": "2.5"}, 2.5),
    ],
)
def test_a_wait_is_read_from_the_header_that_the_service_names(
    wait: Wait, headers: dict[str, str], seconds: float
) -> None:
    at = int(StillClock().now().timestamp()) + 20
    told = {name: value.replace("{at}", str(at)) for name, value in headers.items()}
    service = Service(httpx.Response(429, headers=told), 200)
    api = service.api()
    api.waits = (wait,)

    api.get(URL)

    assert service.clock.waits == [pytest.approx(seconds)]


def test_a_moment_is_read_on_the_services_clock() -> None:
    clock = StillClock()
    at = int(clock.now().timestamp())
    headers = {
        "Date": format_datetime(clock.now() - timedelta(minutes=10), usegmt=True),
        "X-Reset": f"{at - 580}",
    }
    service = Service(httpx.Response(429, headers=headers), 200)
    api = service.api()
    api.waits = (Wait("X-Reset", since="1970"),)

    api.get(URL)

    assert service.clock.waits == [20]


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "20"}, {"X-Reset": "20", "X-Remaining": "0"}],
)
def test_a_403_that_names_a_wait_is_a_limit(headers: dict[str, str]) -> None:
    service = Service(httpx.Response(403, headers=headers), 200)
    api = service.api()
    api.waits = (Wait("X-Reset", spent="X-Remaining"),)

    api.get(URL)

    assert service.clock.waits == [20]


@pytest.mark.parametrize("status", [403, 500])
def test_what_each_answer_says_of_a_limit_that_is_not_reached_is_no_wait(status: int) -> None:
    service = Service(httpx.Response(status, headers={"X-Reset": "20", "X-Remaining": "7"}))
    api = service.api(left=10)
    api.waits = (Wait("X-Reset", spent="X-Remaining"),)

    with pytest.raises((CredentialsError, Unavailable, OutOfTime)):
        api.get(URL)

    assert 20 not in service.clock.waits


def test_a_fault_does_not_wait_for_a_limits_reset() -> None:
    service = Service(httpx.Response(500, headers={"X-Reset": "3000"}), 200)
    api = service.api()
    api.waits = (Wait("X-Reset"),)

    api.get(URL)

    assert sum(service.clock.waits) < 1


def test_a_service_that_names_no_wait_gets_the_one_it_documents() -> None:
    service = Service(429, 200)
    pace = Pace(Rate(100, 60, after_429=60), service.clock)

    service.api(pace=pace).get(URL)

    assert sum(service.clock.waits) == 60


def test_a_wait_longer_than_the_time_left_is_not_begun_and_tells_when_to_come_back() -> None:
    service = Service(httpx.Response(429, headers={"Retry-After": "300"}))

    with pytest.raises(RateLimited) as raised:
        service.api(left=60).get(URL)

    assert raised.value.retry_after == 300
    assert service.clock.waits == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_wish_to_be_left_alone_outlives_the_error(status: int) -> None:
    service = Service(httpx.Response(status, headers={"Retry-After": "300"}))
    pace = Pace(None, service.clock)

    with pytest.raises(RateLimited):
        service.api(pace=pace, left=60).get(URL)

    assert pace.wait() == 300


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("fault", [httpx.ReadTimeout("slow"), httpx.ReadError("cut")])
def test_a_wish_to_be_left_alone_is_heard_though_the_body_does_not_come(
    status: int, fault: Exception
) -> None:
    headers = {"Retry-After": "300"}
    service = Service(httpx.Response(status, headers=headers, stream=Broken(b'{"error"', fault)))
    pace = Pace(None, service.clock)

    with pytest.raises(RateLimited):
        service.api(pace=pace, left=20).get(URL)

    assert pace.wait() == 300


def test_a_service_without_a_word_on_when_to_come_back_is_down() -> None:
    with pytest.raises(Unavailable):
        Service(503).api().get(URL)


def test_a_limit_is_kept_between_requests() -> None:
    service = Service(200)
    api = service.api(pace=Pace(Rate(2, 60), service.clock))

    for _ in range(5):
        api.get(URL)

    assert sum(service.clock.waits) == pytest.approx(120)


def test_a_limit_counts_from_the_answer_not_from_the_request() -> None:
    service = Service(200)
    clock = service.clock

    def slow(_: httpx.Request) -> httpx.Response:
        clock.time += timedelta(seconds=7)
        return httpx.Response(200, json={})

    pace = Pace(Rate(1, 60), clock)
    api = Api(clock=clock, pace=pace, transport=httpx.MockTransport(slow))
    api.get(URL)
    api.get(URL)

    assert sum(clock.waits) == pytest.approx(60)


def test_a_request_that_failed_counts_for_the_limit() -> None:
    service = Service(httpx.ConnectError("refused"), 200)
    api = service.api(pace=Pace(Rate(1, 60), service.clock))

    api.get(URL)

    assert sum(service.clock.waits) == pytest.approx(60)


def test_a_limit_holds_in_the_next_process() -> None:
    service = Service(200)
    first = Pace(Rate(2, 60), service.clock)
    service.api(pace=first).get(URL)
    service.clock.time += timedelta(seconds=10)
    service.api(pace=first).get(URL)

    service.clock.time += timedelta(seconds=10)
    service.api(pace=Pace(Rate(2, 60), service.clock, recent=list(first.recent))).get(URL)

    assert sum(service.clock.waits) == pytest.approx(40)


def test_a_limit_that_the_time_left_does_not_cover_ends_the_run_without_a_request() -> None:
    service = Service(200)
    api = service.api(left=30, pace=Pace(Rate(1, 60), service.clock))
    api.get(URL)

    with pytest.raises(RateLimited) as raised:
        api.get(URL)

    assert raised.value.retry_after == 60
    assert len(service.requests) == 1


def test_no_request_is_begun_in_the_last_second() -> None:
    service = Service(200)

    with pytest.raises(OutOfTime):
        service.api(left=0.9).get(URL)

    assert service.requests == []
    assert service.clock.waits == []


# Judging in the service's own words


def test_a_service_may_tell_its_errors_with_status_200() -> None:
    service = Service(httpx.Response(200, json={"ok": False}))

    with pytest.raises(CredentialsError, match=r"^The token was revoked$"):
        service.api().get(URL, judge=lambda _: CredentialsError("The token was revoked"))


def test_a_limit_told_in_the_services_own_way_has_its_retry_after_obeyed() -> None:
    service = Service(httpx.Response(403, headers={"Retry-After": "9"}), 200)

    def judge(answer: Answer) -> AppError | None:
        return RateLimited("Too fast") if answer.status == 403 else None

    service.api().get(URL, judge=judge)

    assert service.clock.waits == [9]


# Bodies


@pytest.mark.parametrize(
    "body",
    [b"<!DOCTYPE html><html></html>", b"", b'{"a": 1', b'{"a": "\\ud83d', b"\xff\xfe", b"[" * 50_000],
    ids=["html", "nothing", "cut", "cut in a character", "binary", "nested without end"],
)
def test_a_body_that_is_not_json_is_a_bad_response(body: bytes) -> None:
    answer = Service(httpx.Response(200, content=body)).api().get(URL)

    with pytest.raises(BadResponse, match=r"The answer of api\.example\.com/v1/logs is not"):
        answer.json(object)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (rb"\ud83d", "\ufffd"),
        (rb"\uDE00", "\ufffd"),
        (rb"cut \ud83d", "cut \ufffd"),
        (rb"\ud83d\ud83d\ude00", "\ufffd😀"),
        (rb"\ud83d\u0041", "\ufffdA"),
        (rb"\ud83d\n", "\ufffd\n"),
        (rb"\ud83d and \\ud83d", "\ufffd and \\ud83d"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"caf\xe9", "caf\ufffd"),
    ],
)
def test_a_character_that_is_none_does_not_cost_the_page(given: bytes, taken: str) -> None:
    body = b'{"rows": [{"device": "' + given + b'"}, {"device": "\xc3\xa9 \\ud83d\\ude00"}]}'
    answer = Service(httpx.Response(200, content=body)).api().get(URL)

    rows = answer.json(dict[str, list[msgspec.Raw]])["rows"]

    assert [msgspec.json.decode(row) for row in rows] == [{"device": taken}, {"device": "é 😀"}]


def test_a_body_of_another_shape_names_the_field_and_not_the_body() -> None:
    answer = Service(httpx.Response(200, json={"rows": [SECRET]})).api().get(URL)

    with pytest.raises(BadResponse, match=r"Expected `int`, got `str` - at `\$\[\.\.\.\]\[0\]`") as raised:
        answer.json(dict[str, list[int]])

    assert SECRET not in raised.value.message


PACKED = gzip.compress(b'{"rows": []}', mtime=0)  # a test's name has it


def packed(status: int, body: bytes, coding: str = "gzip", **headers: str) -> httpx.Response:
    return httpx.Response(
        status, headers={"Content-Encoding": coding, **headers}, stream=httpx.ByteStream(body)
    )


@pytest.mark.parametrize("body", [PACKED[:-9], PACKED[:12] + b"junk" + PACKED[16:]], ids=["cut", "changed"])
def test_a_broken_compression_is_tried_again(body: bytes) -> None:
    service = Service(packed(200, body), packed(200, PACKED))

    assert service.api().get(URL).json(object) == {"rows": []}
    assert len(service.requests) == 2


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZip", "gzip, identity", "identity,gzip"])
def test_what_is_packed_is_unpacked_whatever_its_name_looks_like(coding: str) -> None:
    answer = Service(packed(200, PACKED, coding)).api().get(URL)

    assert answer.json(object) == {"rows": []}


@pytest.mark.parametrize("coding", ["gzip", "UTF-8", "br", "zstd", "deflate", "none", "", ","])
def test_what_is_not_packed_is_taken_as_it_stands_whatever_its_name_says(coding: str) -> None:
    answer = Service(packed(200, b'{"rows": []}', coding)).api().get(URL)

    assert answer.json(object) == {"rows": []}


@pytest.mark.parametrize("coding", ["gzip", "br", "identity"])
def test_an_empty_body_is_empty_whatever_its_packing(coding: str) -> None:
    service = Service(packed(204, b"", coding))

    assert service.api().get(URL).body == b""
    assert len(service.requests) == 1


@pytest.mark.parametrize("body", [b"", PACKED[:-3], b"not packed", PACKED[:2]])
@pytest.mark.parametrize(
    ("status", "error"),
    [(401, CredentialsError), (403, CredentialsError), (404, RequestRefused), (302, BadResponse)],
)
def test_a_refusal_is_told_whatever_became_of_its_body(
    status: int, error: type[AppError], body: bytes
) -> None:
    service = Service(packed(status, body))

    with pytest.raises(error, match=str(status)):
        service.api().get(URL)

    assert len(service.requests) == 1


@pytest.mark.parametrize("coding", ["br", "gzip", "zstd, gzip"])
@pytest.mark.parametrize("body", [b"", b"\x8b\x00\x80", PACKED[:-3]])
def test_a_wait_is_heard_whatever_became_of_the_body(coding: str, body: bytes) -> None:
    service = Service(packed(429, body, coding, **{"Retry-After": "17"}), 200)

    service.api().get(URL)

    assert service.clock.waits == [17]


def test_a_refusal_without_end_is_told_by_its_status() -> None:
    service = Service(httpx.Response(401, content=endless([], b"x" * (1 << 20))))

    with pytest.raises(CredentialsError):
        service.api().get(URL)


def test_packages_of_nothing_end_with_the_time_left() -> None:
    service = Service(200)

    def nothing() -> Iterator[bytes]:
        while True:
            service.clock.time += timedelta(seconds=9)
            yield gzip.compress(b"") * 100

    service = Service(httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=nothing()))

    with pytest.raises(OutOfTime):
        service.api(left=60).get(URL)


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_answer_is_asked_for_once_more(body: bytes) -> None:
    empty = httpx.Response(200, content=body)
    service = Service(empty, httpx.Response(200, content=b"{}"))

    assert service.api().get(URL).json(object) == {}
    assert len(service.requests) == 2


def test_a_service_that_has_nothing_to_say_is_asked_twice() -> None:
    service = Service(httpx.Response(200))

    assert service.api().post(URL, json={}).body == b""
    assert len(service.requests) == 2


def test_an_answer_that_is_not_ready_is_asked_for_when_it_was_said_to_be() -> None:
    service = Service(httpx.Response(202, headers={"Retry-After": "3"}), httpx.Response(200, content=b"{}"))

    assert service.api().get(URL).status == 200
    assert service.clock.waits == [3]


def test_an_answer_that_was_accepted_and_names_no_wait_is_one() -> None:
    assert Service(httpx.Response(202, content=b"{}")).api().get(URL).status == 202


def endless(read: list[int], piece: bytes) -> Iterator[bytes]:
    while True:
        read.append(len(piece))
        yield piece


def test_an_answer_without_end_is_refused_before_it_fills_the_memory() -> None:
    read: list[int] = []
    service = Service(httpx.Response(200, content=endless(read, b"x" * (1 << 20))))

    with pytest.raises(BadResponse, match="larger than 64 MiB"):
        service.api().get(URL)

    assert sum(read) <= ANSWER_BYTES + (2 << 20)


def test_what_unpacks_to_more_than_the_bound_is_refused() -> None:
    packed = gzip.compress(bytes(ANSWER_BYTES + 1), compresslevel=1)
    service = Service(httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=packed))

    with pytest.raises(BadResponse, match="larger than"):
        service.api().get(URL)


def test_an_answer_that_trickles_in_ends_with_the_time_left() -> None:
    service = Service(200)

    def trickle() -> Iterator[bytes]:
        while True:
            service.clock.time += timedelta(seconds=9)
            yield b" "

    service = Service(httpx.Response(200, content=trickle()))

    with pytest.raises(OutOfTime):
        service.api(left=60).get(URL)


# Answers of any size


def test_a_long_answer_comes_in_pieces() -> None:
    read: list[int] = []
    service = Service(httpx.Response(200, content=endless(read, b"x" * 1000)))

    pieces = service.api().stream(URL)

    assert [len(next(pieces)) for _ in range(3)] == [1000] * 3
    assert len(read) == 3


def test_a_long_answer_is_asked_for_again_until_it_begins() -> None:
    service = Service(503, httpx.Response(200, content=b"rows"))

    assert b"".join(service.api().stream(URL)) == b"rows"


@pytest.mark.parametrize(
    ("status", "error"), [(401, CredentialsError), (404, RequestRefused), (302, BadResponse)]
)
def test_a_refused_long_answer_is_told_as_any_other(status: int, error: type[AppError]) -> None:
    with pytest.raises(error):
        Service(status).api().stream(URL)


def test_a_long_answer_that_breaks_off_is_a_passing_fault() -> None:
    def breaking() -> Iterator[bytes]:
        yield b"half"
        raise httpx.ReadError("reset")

    pieces = Service(httpx.Response(200, content=breaking())).api().stream(URL)

    assert next(pieces) == b"half"
    with pytest.raises(Unavailable):
        next(pieces)


def test_a_feed_without_an_end_is_waited_for_no_longer_than_its_reader_says() -> None:
    service = Service(httpx.Response(200, stream=Broken(b"rows", httpx.ReadTimeout("nothing comes"))))

    pieces = service.api().stream(URL, silence=5)

    assert next(pieces) == b"rows"
    with pytest.raises(OutOfTime):
        next(pieces)
    assert service.requests[0].extensions["timeout"]["read"] == 5


# On a real connection


def over_loopback(answer: Callable[[Exchange], None], *, left: float = float("inf")) -> AppError | Answer:
    """Ask a real server; return the answer, or what was raised. No wait between attempts takes time."""
    with loopback.serve(answer) as address:
        api = Api(clock=NotedClock(), deadline=Deadline(lambda: left), simulator=f"http://{address}")
        try:
            return api.get(URL, headers={"Authorization": SECRET})
        except AppError as error:
            return error
        finally:
            api.close()


def test_the_simulator_gets_every_request_under_the_services_own_name() -> None:
    asked: list[tuple[str, str]] = []

    def answer(exchange: Exchange) -> None:
        asked.append((exchange.headers["Host"], exchange.path))
        exchange.send(200, b"{}")

    over_loopback(answer)

    assert asked == [("api.example.com", "/v1/logs?since=1700000000")]


def test_a_dropped_connection_is_tried_again_and_then_told() -> None:
    attempts: list[str] = []

    def drop(exchange: Exchange) -> None:
        attempts.append(exchange.path)
        exchange.cut(200, b"", 0)

    error = over_loopback(drop)

    assert isinstance(error, Unavailable)
    assert error.message == "api.example.com can't be reached (remote protocol)."
    assert len(attempts) == ATTEMPTS


def test_a_cut_body_is_tried_again() -> None:
    cut = [True, False]

    def answer(exchange: Exchange) -> None:
        if cut.pop(0):
            exchange.cut(200, b'{"rows": []}', 5)
        else:
            exchange.send(200, b'{"rows": []}')

    result = over_loopback(answer)

    assert isinstance(result, Answer)
    assert result.body == b'{"rows": []}'


def test_a_service_that_hangs_costs_no_more_than_the_time_left() -> None:
    answered = Event()

    def hang(_: Exchange) -> None:
        answered.wait(20)

    error = over_loopback(hang, left=1.0)
    answered.set()

    assert isinstance(error, OutOfTime)
    assert error.message == "api.example.com did not answer within the time left."


def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    def answer(exchange: Exchange) -> None:
        asked.append(exchange.path)
        exchange.send(302, headers={"Location": "/elsewhere"})

    error = over_loopback(answer)

    assert isinstance(error, BadResponse)
    assert len(asked) == 1


# Tight-lipped


@pytest.mark.parametrize(
    "answer",
    [
        401,
        403,
        404,
        302,
        429,
        500,
        httpx.Response(200, content=b"<html>" + SECRET.encode()),
        httpx.Response(200, content=endless([], SECRET.encode() * 100_000)),
        httpx.ConnectError(f"[Errno -2] {SECRET}"),
        httpx.ReadTimeout(SECRET),
        httpx.RemoteProtocolError(SECRET),
        httpx.LocalProtocolError(f"Illegal header value b'{SECRET}'"),
    ],
    ids=repr,
)
def test_nothing_that_a_request_carries_is_told(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service = Service(answer)

    with pytest.raises(AppError) as raised:
        service.api(left=100).post(
            f"https://user:{SECRET}@api.example.com/v1/logs?token={SECRET}#{SECRET}",
            headers={"Authorization": f"Bearer {SECRET}"},
            form={"client_secret": SECRET},
        ).json(object)

    error = raised.value
    shown = "".join(traceback.format_exception(error)).replace(f'SECRET = "{SECRET}"', "")
    assert SECRET not in f"{error.message} {error.hint} {error!r} {shown} {caplog.text}"
    assert "api.example.com" in error.message


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "never", ""]
)
def test_a_clock_that_no_service_has_is_not_believed(date: str) -> None:
    answer = httpx.Response(429, headers={"Date": date, "Retry-After": "5"})
    service = Service(answer, httpx.Response(200, headers={"Date": date}, content=b"{}"))
    api = service.api()

    api.get(URL)

    assert (api.ahead, api.dated) == (timedelta(0), False)
    assert service.clock.waits == [5]


# Only where it may go


@pytest.mark.parametrize(
    "url", ["http://api.example.com/v1", "ftp://api.example.com/", "HTTP://api.example.com"]
)
def test_only_https_is_asked(url: str) -> None:
    service = Service(200)

    with pytest.raises(BadResponse, match="only HTTPS is"):
        service.api().get(url)

    assert service.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:8080",
        "http://192.168.0.1",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com:80",
        "http://127.0.0.1@example.com",
        "http://127.0.0.1:80@example.com",
        "https://127.0.0.1:8080",
        "http://127.0.0.1:8080/path",
        "http://127.0.0.1:8080\n",
        "127.0.0.1:8080",
        "file:///etc/hosts",
    ],
)
def test_a_simulator_is_on_this_machine(url: str) -> None:
    with pytest.raises(ConfigError, match="is not a simulator's address"):
        Api(clock=StillClock(), simulator=url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080/"])
def test_a_simulator_may_be_at_any_name_of_this_machine(url: str) -> None:
    assert Api(clock=StillClock(), simulator=url).simulated


@pytest.mark.parametrize(
    "link",
    [
        "https://api.example.com/v1/logs?page=2",
        "https://api.example.com/other/path",
        "https://api.example.com",
        "https://API.Example.com/v1/logs",
        "https://api.example.com:443/v1/logs",
    ],
)
def test_a_next_page_on_the_services_own_host_is_followed(link: str) -> None:
    assert pinned(link, to=URL) == link


@pytest.mark.parametrize(
    "link",
    [
        "http://api.example.com/v1/logs?page=2",
        "https://example.com/v1/logs",
        "https://api.example.com.evil.test/v1/logs",
        "https://api.example.com@evil.test/v1/logs",
        "https://api.example.com\\@evil.test/",
        "https://api.example.com:443@evil.test/",
        "https://api.example.com:x/v1/logs",
        "https://api.example.com./v1/logs",
        "https://api.example.com:8443/v1/logs",
        "https://evil.test/https://api.example.com/",
        "//evil.test/v1/logs",
        "/v1/logs?page=2",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_next_page_anywhere_else_is_refused_without_a_word_of_it(link: str) -> None:
    with pytest.raises(BadResponse) as raised:
        pinned(link, to=URL)

    assert raised.value.message == (
        "api.example.com gave a next-page link to another place; it is not followed."
    )


def test_parameters_join_those_of_a_url() -> None:
    assert with_params("https://api.example.com/v1?a=1", {"b": "x y&z"}) == (
        "https://api.example.com/v1?a=1&b=x+y%26z"
    )
    assert with_params("https://api.example.com/v1?a=1", None) == "https://api.example.com/v1?a=1"


@pytest.mark.parametrize(
    "headers",
    [
        [("Link", '<https://a.test/x?after=1&n=2>; rel="next"')],
        [("link", '<https://a.test/x>; rel="self"'), ("link", '<https://a.test/x?after=1&n=2>; rel="next"')],
        [("Link", '<https://a.test/x?before=1>; rel="prev", <https://a.test/x?after=1&n=2>; rel="next"')],
        [("Link", "<https://a.test/x?after=1&n=2>;rel=next")],
        [("Link", '<https://a.test/x?after=1&n=2>; title="a, <b>; c"; REL="NEXT self"')],
        [("Link", '<https://a.test/x?p=1;2,3>; rel="prev" , <https://a.test/x?after=1&n=2> ;rel = "next"')],
    ],
)
def test_where_a_link_leads_is_found_in_one_header_or_several(headers: list[tuple[str, str]]) -> None:
    answer = Answer("a.test/x", 200, httpx.Headers(headers), b"")

    assert answer.link("next") == "https://a.test/x?after=1&n=2"
    assert answer.link("last") is None


@pytest.mark.parametrize("value", ["", ",", "next", "<>", ";;=<", "<https://a.test/x>; rel=\x00"])
def test_a_link_that_cannot_be_read_leads_nowhere(value: str) -> None:
    assert Answer("a.test/x", 200, {"Link": value}, b"").link("next") is None


def test_what_may_stand_in_an_address_ends_no_link() -> None:
    answer = Answer("a.test/x", 200, {"Link": '<https://a.test/x?after=a;b,c>; rel="next"'}, b"")

    assert answer.link("next") == "https://a.test/x?after=a;b,c"


@pytest.mark.parametrize("value", ['https://a.test/x?after=1; rel="next"', "<https://a.test/x; rel=next"])
def test_a_link_to_the_next_page_that_cannot_be_read_is_not_the_end_of_a_list(value: str) -> None:
    with pytest.raises(BadResponse, match=r"^a\.test/x gave a link to the next page that can't be read\.$"):
        Answer("a.test/x", 200, {"Link": value}, b"").link("next")


def test_an_address_that_is_none_is_told_in_our_words() -> None:
    with pytest.raises(BadResponse, match="next-page link that is not valid"):
        query_of("https://[")
    with pytest.raises(BadResponse, match="its address is not valid"):
        with_params("https://a.test/\0", {"a": 1})
    with pytest.raises(BadResponse, match="to another place"):
        pinned("https://a.test/\0", to="https://a.test")


@pytest.mark.parametrize("told", [1e300, 10.0**12, -5.0])
def test_a_wait_that_a_service_tells_in_its_own_way_is_a_day_at_most(told: float) -> None:
    service = Service(429)
    pace = Pace(None, service.clock)

    with pytest.raises(RateLimited) as raised:
        service.api(left=1.5, pace=pace).get(URL, judge=lambda _: RateLimited("Too fast", retry_after=told))

    assert raised.value.retry_after is not None
    assert 0 <= raised.value.retry_after <= 86_400
    assert pace.wait() <= 86_400

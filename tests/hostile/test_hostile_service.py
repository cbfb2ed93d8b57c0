"""A service that answers with anything, over real HTTP: no run hangs or eats the memory, nothing is lost."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest

from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.delivery import Outlet
from streamalert_apps.runtime.destinations.classifier import ClassifierLambda
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.app import App
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import ANSWER_BYTES, PIECE_BYTES, Api, _inflated
from streamalert_apps.sdk.mend import DEEPEST
from streamalert_apps.sdk.pace import Pace
from streamalert_apps.sdk.retry import ATTEMPTS
from tests import loopback
from tests.loopback import Exchange
from tests.simulation.apps import _Any, _Files, _Newest, _Oldest, _Stream
from tests.simulator.world import StillClock

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BEGINNING = NOW - timedelta(hours=1)
BUDGET = 10_000  # requests, each of which takes a second of the run's time
JSON = {"Content-Type": "application/json"}

Answering = Callable[[Exchange], None]


class Classifier:
    """A classifier's function, behind a Lambda that takes JSON and nothing else."""

    def __init__(self) -> None:
        self.logs: list[Any] = []

    def invoke(self, *, Payload: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        payload = json.loads(Payload.decode(), parse_constant=_no_constant)
        json.dumps(payload, ensure_ascii=False).encode()  # no half of a surrogate pair
        self.logs += payload["Records"][0]["logs"]
        return {"StatusCode": 202, "Payload": BytesIO()}


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@dataclass
class Hosted:
    """A service on loopback, and what an app that collects from it came to."""

    url: str
    asked: list[str]
    classifier: Classifier = field(default_factory=Classifier)
    clock: StillClock = field(default_factory=lambda: StillClock(NOW))

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)

    def collect(self, kind: type[App] = _Oldest) -> Outcome:
        clock = self.clock
        deadline = Deadline(lambda: float(BUDGET - len(self.asked)))
        api = Api(clock=clock, deadline=deadline, pace=Pace(None, clock), simulator=self.url)
        outlets = {"classifier": Outlet(ClassifierLambda(self.classifier, "classifier", "it"))}
        terms = Terms(Identity("it", "run"), clock, deadline, NOW - BEGINNING)
        try:
            return collect(lambda: kind({"key": "key-0"}, api), self.store, outlets, terms)
        finally:
            api.close()

    @property
    def head(self) -> heads.Head:
        return heads.parse(self.store.read(heads.NAME).body)[0]

    @property
    def floor(self) -> datetime:
        """Before which all counts as collected."""
        assert self.head.checkpoint
        return datetime.fromisoformat(self.head.checkpoint["floor"])


@contextmanager
def service(answer: Answering) -> Iterator[Hosted]:
    asked: list[str] = []

    def counted(exchange: Exchange) -> None:
        asked.append(exchange.path)
        answer(exchange)

    with loopback.serve(counted) as address:
        yield Hosted(f"http://{address}", asked)


def event(number: int, **more: Any) -> dict[str, Any]:
    """Return an event of the hour before now, the newest one first."""
    return {"id": f"e{number}", "time": (NOW - timedelta(minutes=5 + number)).isoformat(), **more}


def page(*rows: str, following: str = "null") -> bytes:
    return f'{{"rows": [{", ".join(rows)}], "next": {following}}}'.encode("utf-8", "surrogatepass")


def sends(body: bytes, status: int = 200, **headers: str) -> Answering:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.send(status, body, JSON | named)


def failure(outcome: Outcome) -> str:
    assert outcome.status == "failed"
    assert outcome.error
    assert "\n" not in outcome.error.message
    return outcome.error.message


# Odd events


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


ODD = {
    "NaN": ("NaN", "NaN"),
    "Infinity": ("Infinity", "Infinity"),
    "minus Infinity": ("-Infinity", "-Infinity"),
    "a lone surrogate": (r'"\ud83d"', "\ufffd"),
    "a surrogate in UTF-8": ('"\ud83d"', "\ufffd" * 3),
    "NUL": (r'"a\u0000b"', "a\0b"),
    "control characters as they are": ('"a\nb\tc\x01"', "a\nb\tc\x01"),
    "a number beyond 64 bits": ("123456789012345678901234567890", 123456789012345678901234567890),
    "a number beyond a float": ("1e999", "1e999"),
    "a number that is none": ("01", "01"),
    "a backslash that escapes nothing": ('"\\x"', "\\x"),
    "a duplicate key": ('{"a": 1, "a": 2}', {"a": 2}),
    "a huge string": (f'"{"x" * 200_000}"', "x" * 200_000),
    "brackets in strings": ('"' + r"]}\"[{" * 300 + '"', ']}"[{' * 300),
}


@pytest.mark.parametrize(("given", "taken"), ODD.values(), ids=ODD)
@pytest.mark.parametrize("kind", [_Oldest, _Newest, _Any])
def test_an_odd_event_goes_on_and_takes_no_other_along(kind: type[App], given: str, taken: Any) -> None:
    odd = f'{json.dumps(event(2))[:-1]}, "odd": {given}}}'
    rows = [json.dumps(event(3)), odd, json.dumps(event(1))]
    body = page(*(rows[::-1] if kind is _Newest else rows))
    with service(sends(body)) as hosted:
        assert hosted.collect(kind).status == "succeeded"
    logs = {log["id"]: log for log in hosted.classifier.logs}
    assert sorted(log["id"] for log in hosted.classifier.logs) == ["e1", "e2", "e3"]
    assert logs["e2"]["odd"] == taken


@pytest.mark.parametrize("depth", [DEEPEST, 1_100, 5_000, 50_000])
@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_goes_on_as_text_and_loses_nothing(depth: int, opens: str, closes: str) -> None:
    deep = opens * depth + "1" + closes * depth
    odd = f'{json.dumps(event(2))[:-1]}, "odd": {deep}}}'
    with service(sends(page(json.dumps(event(3)), odd, json.dumps(event(1))))) as hosted:
        assert hosted.collect().status == "succeeded"
    assert [log["id"] for log in hosted.classifier.logs] == ["e3", "e2", "e1"]
    inner, layers = hosted.classifier.logs[1]["odd"], 0
    while not isinstance(inner, str):
        inner, layers = next(iter(inner.values() if isinstance(inner, dict) else inner)), layers + 1
    assert layers <= DEEPEST
    assert inner == opens * (depth - layers) + "1" + closes * (depth - layers)


def test_an_event_of_moderate_depth_goes_on_byte_for_byte() -> None:
    deep = nested(DEEPEST - 3)
    odd = f'{json.dumps(event(1))[:-1]}, "odd": {deep}}}'
    with service(sends(page(odd))) as hosted:
        hosted.collect()
    assert json.dumps(hosted.classifier.logs[0]["odd"]) == deep


def test_a_byte_order_mark_is_left_out() -> None:
    with service(sends(b"\xef\xbb\xbf" + page(json.dumps(event(1))))) as hosted:
        hosted.collect()
    assert [log["id"] for log in hosted.classifier.logs] == ["e1"]


@pytest.mark.parametrize(
    "body",
    [
        page("{}")[:-3],
        page("{}") + b"x",
        page("{}").decode().encode("utf-16"),
        b"[" * 100_000,
        b'{"rows": 7, "next": null}',
        b'{"rows": [], "next": NaN',
        b"<html>",
    ],
    ids=range(7),
)
def test_what_is_no_page_fails_the_run_in_one_line_and_moves_nothing(body: bytes) -> None:
    with service(sends(body)) as hosted:
        message = failure(hosted.collect())
        assert "is not JSON" in message or "is not as documented" in message
    assert hosted.floor <= BEGINNING
    assert len(hosted.asked) == 1


# Circles


def circle(length: int) -> Answering:
    """Answer with so many pages that lead to one another, whatever is asked."""
    rows = [[event(30 - 2 * n), event(29 - 2 * n)] for n in range(length)]

    def answer(exchange: Exchange) -> None:
        asked = exchange.path.partition("token=")[2].partition("&")[0]
        number = int(asked or 0) % length
        body = {"rows": rows[number], "next": str((number + 1) % length)}
        exchange.send(200, json.dumps(body).encode(), JSON)

    return answer


@pytest.mark.parametrize("length", [1, 2, 3, 7])
@pytest.mark.parametrize("kind", [_Oldest, _Newest, _Any, _Files])
def test_pages_that_lead_in_a_circle_fail_the_run(kind: type[App], length: int) -> None:
    with service(circle(length)) as hosted:
        message = failure(hosted.collect(kind))
    assert "circle" in message or "lead nowhere" in message
    assert len(hosted.asked) <= 100 * length
    assert hosted.floor <= BEGINNING


def test_positions_that_lead_in_a_circle_fail_the_run() -> None:
    def answer(exchange: Exchange) -> None:
        asked = len(hosted.asked)
        body = {"rows": [event(asked % 5)], "next": f"p{asked % 5}"}
        exchange.send(200, json.dumps(body).encode(), JSON)

    with service(answer) as hosted:
        assert "circle" in failure(hosted.collect(_Stream))
    assert len(hosted.asked) <= 30


def test_pages_without_end_end_with_the_time_left_and_nothing_counts_as_done() -> None:
    def answer(exchange: Exchange) -> None:
        asked = len(hosted.asked)
        body = {"rows": [event(50, n=asked)], "next": f"p{asked}"}
        exchange.send(200, json.dumps(body).encode(), JSON)

    with service(answer) as hosted:
        hosted.asked += ["before"] * (BUDGET - 50)
        assert hosted.collect().status == "partial"
    assert len(hosted.asked) <= BUDGET
    assert hosted.floor <= BEGINNING
    numbers = [log["n"] for log in hosted.classifier.logs]
    assert len(numbers) == len(set(numbers)) > 1


# Elsewhere


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "to", ["{other}/events", "http://127.0.0.1:{port}/x", "file:///etc/passwd", "//[", ""]
)
def test_a_redirect_is_told_and_not_followed(status: int, to: str) -> None:
    with service(sends(page())) as other:
        port = other.url.rpartition(":")[2]
        with service(sends(b"", status, Location=to.format(other=other.url, port=port))) as hosted:
            assert "a redirect, which is not followed" in failure(hosted.collect())
            assert len(hosted.asked) == 1
    assert not other.asked
    assert hosted.floor <= BEGINNING


# Size and packing


def test_an_answer_without_end_is_cut_off_and_names_the_limit() -> None:
    sent: list[int] = []

    def answer(exchange: Exchange) -> None:
        exchange.send_response_only(200)
        exchange.end_headers()
        exchange.close_connection = True
        piece = b" " * (1 << 20)
        while len(sent) < 1000:
            exchange.wfile.write(piece)
            sent.append(len(piece))

    with service(answer) as hosted:
        assert "larger than 64 MiB" in failure(hosted.collect())
    assert sum(sent) < 2 * ANSWER_BYTES
    assert hosted.floor <= BEGINNING


def bomb() -> bytes:
    return gzip.compress(b" " * (ANSWER_BYTES + 1), 9)


def test_a_bomb_of_gzip_is_refused_at_the_limit() -> None:
    with service(sends(bomb(), Content_Encoding="gzip")) as hosted:
        assert "larger than 64 MiB" in failure(hosted.collect())


def test_a_bomb_is_unpacked_in_small_pieces() -> None:
    sizes = [len(piece) for piece in _inflated([bomb()])]
    assert max(sizes) <= PIECE_BYTES
    assert sum(sizes) == ANSWER_BYTES + 1


@pytest.mark.parametrize("packing", ["gzip, gzip", "br", "zstd", "deflate", "compress", "x\u00e9"])
def test_a_packing_that_was_not_asked_for_is_not_unpacked(packing: str) -> None:
    body = gzip.compress(gzip.compress(page(json.dumps(event(1)))))
    with service(sends(body, Content_Encoding=packing)) as hosted:
        assert "is not JSON" in failure(hosted.collect())
    assert len(hosted.asked) == 1


@pytest.mark.parametrize("packing", ["gzip", "x-gzip", "GZIP"])
def test_gzip_is_unpacked_though_it_has_several_members(packing: str) -> None:
    body = page(json.dumps(event(1)))
    packed = gzip.compress(body[:9]) + gzip.compress(b"") + gzip.compress(body[9:])
    with service(sends(packed, Content_Encoding=packing)) as hosted:
        assert hosted.collect().status == "succeeded"
    assert [log["id"] for log in hosted.classifier.logs] == ["e1"]


def test_what_is_said_to_be_packed_but_is_not_is_taken_as_it_is() -> None:
    with service(sends(page(json.dumps(event(1))), Content_Encoding="gzip")) as hosted:
        assert hosted.collect().status == "succeeded"
    assert [log["id"] for log in hosted.classifier.logs] == ["e1"]


def test_what_is_packed_and_breaks_off_is_asked_for_again() -> None:
    body = gzip.compress(page(json.dumps(event(1))))[:-9]
    with service(sends(body, Content_Encoding="gzip")) as hosted:
        assert "is broken" in failure(hosted.collect())
    assert len(hosted.asked) == ATTEMPTS
    assert not hosted.classifier.logs


@pytest.mark.parametrize(
    "headers", [{"Retry_After": "9" * 400}, {"Retry_After": "Fri, 31 Dec 9999 23:59:59 -2359"}]
)
def test_a_wish_to_be_left_alone_for_ever_is_kept_for_a_day(headers: Mapping[str, str]) -> None:
    with service(sends(b"{}", 429, **headers)) as hosted:
        outcome = hosted.collect()
    assert outcome.status == "partial"
    assert outcome.retry_after <= 86_400
    json.loads(hosted.store.read(heads.NAME).body, parse_constant=_no_constant)


def test_a_date_that_no_clock_has_changes_nothing() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(200, page(json.dumps(event(1))), {"Date": "Mon, 99 Zzz 99999 99:99:99 +9999999"})

    with service(answer) as hosted:
        assert hosted.collect().status == "succeeded"

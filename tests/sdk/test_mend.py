"""What is odd in an answer is mended alone, the rest stays byte for byte, and none of it takes long."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamalert_apps.errors import BadResponse, OutOfTime
from streamalert_apps.sdk import csvfile
from streamalert_apps.sdk.csvfile import objects
from streamalert_apps.sdk.http import Answer, _inflated
from streamalert_apps.sdk.mend import DEEPEST, is_odd, mended

BEFORE = b'{"id": "a1e345", "n": 12.50e-3 }'
AFTER = b'{"id" : "\\u00e9", "path": "C:\\\\Users", "n": [1, -0, 1E+5, true, null]}'


def page(odd: bytes) -> list[bytes]:
    """Return the rows of an answer with something odd between two events."""
    body = b'{"rows": [' + BEFORE + b", " + odd + b", " + AFTER + b"]}"
    shape = dict[str, list[msgspec.Raw]]
    return [bytes(row) for row in Answer("it", 200, {}, body).json(shape)["rows"]]


@pytest.mark.parametrize(
    ("odd", "value"),
    [
        (b"9" * 5000, "9" * 5000),
        (b"-" + b"9" * 301, "-" + "9" * 301),
        (b"1" + b"0" * 320, "1" + "0" * 320),
        (b"0." + b"3" * 5000, "0." + "3" * 5000),
        (b"1e999", "1e999"),
        (b"-1E+400", "-1E+400"),
        (b"2e308", "2e308"),
        (b"1.5e00000000000000999", "1.5e00000000000000999"),
        (b"NaN", "NaN"),
        (b"-Infinity", "-Infinity"),
        (b"undefined", "undefined"),
        (b"None", "None"),
        (b"True", "True"),
        (b"007", "007"),
        (b"+1", "+1"),
        (b".5", ".5"),
        (b"1.", "1."),
        (b"0x1F", "0x1F"),
        (b"1_000", "1_000"),
        (b'"C:\\Users\\xavier"', "C:\\Users\\xavier"),
        (b'"\\d+\\.\\w"', "\\d+\\.\\w"),
        (b'"\\u12"', "\\u12"),
        (b'"\\u00zz \\\'"', "\\u00zz \\'"),
        (b'"\\U0001f600"', "\\U0001f600"),
        (b'"tab\there"', "tab\there"),
        (b'"line\r\nline"', "line\r\nline"),
        (b'"\x00\x1f"', "\x00\x1f"),
        (b'"\\ud800"', "\ufffd"),
        (b'"\\ud83dxyz"', "\ufffdxyz"),
        (b'"\xff"', "\ufffd"),
        (b'"\xed\xa0\x80"', "\ufffd" * 3),
    ],
)
def test_an_odd_value_becomes_a_string_and_its_neighbours_stay_as_they_are(odd: bytes, value: str) -> None:
    before, between, after = page(b'{"x": ' + odd + b', "y": 1}')

    assert (before, after) == (BEFORE, AFTER)
    assert json.loads(between) == msgspec.json.decode(between) == {"x": value, "y": 1}


@pytest.mark.parametrize(
    "row",
    [
        b"1" + b"0" * 290,
        b'"' + b"9" * 5000 + b'"',
        b'"x, 1e999"',
        b"1e308",
        b"1e-999",
        b"0e999",
        b'"\\\\ud800 \\\\x"',
        b'"\\ud83d\\ude00"',
        b"[ ]",
    ],
)
def test_what_any_reader_takes_stays_byte_for_byte(row: bytes) -> None:
    assert page(row) == [BEFORE, row, AFTER]


def test_what_is_nested_too_deep_costs_no_neighbour_though_both_are_odd() -> None:
    deep = b"[" * DEEPEST + b"NaN" + b"]" * DEEPEST
    before, between, after = page(deep)

    assert (before, after) == (BEFORE, AFTER)
    assert json.loads(between)


def test_a_number_that_no_reader_takes_costs_no_page_of_any_shape() -> None:
    body = b'[{"n": 1e999, "m": ' + b"9" * 5000 + b"}]"

    assert Answer("it", 200, {}, body).json(object) == [{"n": "1e999", "m": "9" * 5000}]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["1e999", "9" * 400, "NaN", '"\\q"', "007", '"a"', "1", "[1e999]"])))
def test_what_is_mended_is_json_that_others_read(values: list[str]) -> None:
    (row,) = Answer("it", 200, {}, f"[[{', '.join(values)}]]".encode()).json(list[msgspec.Raw])

    found = json.loads(bytes(row), parse_constant=pytest.fail)

    assert len(found) == len(values)
    assert float("inf") not in found


# Work


def work(act: Callable[[], Any]) -> float:
    """Return the CPU seconds of an act: of many at once, where it is short; the least of several."""
    times = []
    for _ in range(5):
        count, began = 0, time.process_time()
        while time.process_time() - began < 0.005:
            act()
            count += 1
        times.append((time.process_time() - began) / count)
    return min(times)


INNER = json.dumps(json.dumps({"name": "x", "list": ["y"] * 3}))[1:-1].encode()
HOSTILE = {
    "cut in a string that holds JSON": b'[{"x": "' + INNER,
    "quotes": b'"',
    "escaped quotes": b'"\\"',
    "backslashes": b"\\",
    "half pairs": b'"\\ud800',
    "stray escapes": b'"\\u',
    "opened": b"[",
    "opened objects": b'{"a":',
    "closed": b"]",
    "closed again": b"[]",
    "nested and closed": b"[" * 200 + b"]" * 200,
    "words": b"NaN,",
    "digits": b"1",
    "points": b",1.",
    "exponents": b",0e000",
    "almost numbers": b",1.1.1e+000",
    "bytes that are no text": b"\xff\xed\xa0",
}


@pytest.mark.parametrize(
    "value",
    [
        b'"2001:db8::2e584558"',
        b'"2001:db8:1e345:7::"',
        b'"at 5e1234"',
        b'"a, 7e999"',
        b"1e30",
        b"1e-400",
        b"0.5E+22",
    ],
)
def test_what_only_looks_like_a_huge_number_costs_no_second_reading(value: bytes) -> None:
    assert not is_odd(b'[{"value": %b}, {"value":%b}]' % (value, value))


@pytest.mark.parametrize("number", [b"1e400", b"-1.5E+0999", b"1e999 ", b"9" * 400])
def test_a_huge_number_is_found_wherever_it_stands(number: bytes) -> None:
    for body in (b'{"value":%b}', b"[%b]", b"[1, %b,2]", b'{"ip":"::1e345","value": %b\n}'):
        assert is_odd(body % number)


def unread(body: bytes) -> None:
    is_odd(body)
    mended(body)


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("begins", [b"", b'[{"a": "', b"[["], ids=["alone", "in a string", "in a list"])
def test_four_times_the_body_is_no_more_than_some_four_times_the_work(piece: bytes, begins: bytes) -> None:
    def body(size: int) -> bytes:
        return begins + piece * (size // len(piece))

    small, large = (work(lambda size=size: unread(body(size))) for size in (8_000, 32_000))  # type: ignore[misc]

    assert large < 10 * small  # sixteen times, where the work grows with the square


@pytest.mark.parametrize(
    "piece", [b"a,", b'"', b"a\n", b'"a\n",', b",\r"], ids=["names", "quotes", "rows", "lines", "returns"]
)
def test_a_file_of_four_times_the_size_is_no_more_than_some_four_times_the_work(piece: bytes) -> None:
    def read(size: int) -> None:
        with suppress(BadResponse):
            list(objects([piece * (size // len(piece))]))

    small, large = (work(lambda size=size: read(size)) for size in (8_000, 32_000))  # type: ignore[misc]

    assert large < 10 * small


def test_a_row_without_end_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvfile, "LARGEST", 1 << 20)
    read: list[int] = []

    def endless() -> Iterator[bytes]:
        yield b"a,b\n"
        while len(read) < 1000:
            read.append(1)
            yield b'"x\n",' * 10_000

    with pytest.raises(BadResponse, match="A row of the file is larger than 1 MiB"):
        list(objects(endless()))
    assert len(read) < 100


def test_four_times_as_many_packages_of_nothing_are_no_more_than_some_four_times_the_work() -> None:
    def unpack(count: int) -> None:
        for _ in _inflated([gzip.compress(b"") * count]):
            pass

    small, large = (work(lambda count=count: unpack(count)) for count in (1_000, 4_000))  # type: ignore[misc]

    assert large < 10 * small


def test_mending_ends_with_the_time_left() -> None:
    left = iter([1.0, 1.0])
    answer = Answer("it", 200, httpx.Headers(), b"[" + b"NaN," * 100_000, lambda: next(left, 0.0))

    with pytest.raises(OutOfTime):
        answer.json(object)

    assert not list(left)

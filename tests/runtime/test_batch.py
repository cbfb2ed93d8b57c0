"""Logs are packed in their order, each once, and none above what a delivery can carry."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from io import BytesIO
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamalert_apps.errors import ConfigError
from streamalert_apps.runtime.batch import ENVELOPE_BYTES, LARGEST_DELIVERY_BYTES, Batches, Bytes, trim
from streamalert_apps.runtime.destinations.classifier import ClassifierLambda
from streamalert_apps.sdk.app import Log

MIB = 1 << 20


class Keeper:
    """Keeps what is too large, at a place or nowhere."""

    def __init__(self, place: str = "s3://large/") -> None:
        self.place = place
        self.kept: list[bytes] = []

    def __call__(self, log: bytes, digest: str) -> str:
        self.kept.append(log)
        return self.place and self.place + digest


def pack(logs: Iterable[Log], *, limit: int, largest: int = MIB) -> list[list[Bytes]]:
    batches = Batches(Keeper(), limit, largest)
    return [*batches.add(list(logs)), *batches.rest()]


def log_of(size: int) -> bytes:
    return b'"' + b"x" * (size - 2) + b'"'


def carried(batch: Iterable[Bytes]) -> int:
    """Return how many bytes a batch takes in a delivery, commas included."""
    return len(b",".join(map(bytes, batch)))


# The limit


def test_a_batch_is_filled_to_the_last_byte() -> None:
    logs = [log_of(10), log_of(10), log_of(8)]

    assert pack(logs, limit=30) == [logs]
    assert carried(logs) == 30


def test_one_byte_too_many_begins_a_new_batch() -> None:
    logs = [log_of(10), log_of(10), log_of(9)]

    assert pack(logs, limit=30) == [logs[:2], logs[2:]]


def test_a_log_as_large_as_the_limit_goes_alone() -> None:
    logs = [log_of(5), log_of(30), log_of(5)]

    assert pack(logs, limit=30) == [[logs[0]], [logs[1]], [logs[2]]]


def test_a_log_above_the_limit_goes_alone_and_whole() -> None:
    logs = [log_of(5), log_of(200_000), log_of(5)]

    assert pack(logs, limit=1000) == [[logs[0]], [logs[1]], [logs[2]]]


def test_a_limit_above_what_a_delivery_carries_is_lowered_to_that() -> None:
    logs = [log_of(60), log_of(60)]

    assert pack(logs, limit=1000, largest=100) == [[logs[0]], [logs[1]]]


def test_a_full_batch_does_not_wait_for_the_next_log() -> None:
    batches = Batches(Keeper(), limit=30)

    assert list(batches.add([log_of(30)])) == [[log_of(30)]]
    assert list(batches.rest()) == []


def test_logs_of_several_pages_share_a_batch() -> None:
    batches = Batches(Keeper(), limit=30)

    assert list(batches.add([log_of(8)])) == []
    assert list(batches.add([log_of(9)])) == []
    assert list(batches.rest()) == [[log_of(8), log_of(9)]]
    assert list(batches.rest()) == []


sizes = st.lists(st.integers(2, 120), max_size=60)


@given(pages=st.lists(sizes, max_size=5), limit=st.integers(1, 150))
def test_batches_together_are_the_logs_in_their_order(pages: list[list[int]], limit: int) -> None:
    batches = Batches(Keeper(), limit)
    logs = [
        [f"{n}.{m}".encode().ljust(size, b" ") for m, size in enumerate(page)] for n, page in enumerate(pages)
    ]

    packed = [batch for page in logs for batch in batches.add(page)] + list(batches.rest())

    assert [log for batch in packed for log in batch] == [log for page in logs for log in page]


@given(sizes=sizes, limit=st.integers(1, 150))
def test_no_batch_is_above_the_limit_and_none_could_have_taken_one_more(sizes: list[int], limit: int) -> None:
    packed = pack(map(log_of, sizes), limit=limit)

    assert all(batch for batch in packed)
    assert all(carried(batch) <= limit for batch in packed if len(batch) > 1)
    assert all(carried([*one, after[0]]) > limit for one, after in pairwise(packed))


def test_the_largest_log_fits_into_a_delivery_to_the_classifier() -> None:
    sent: list[bytes] = []

    class Client:
        def invoke(self, *, Payload: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803 (AWS's word)
            sent.append(Payload)
            return {"Payload": BytesIO()}

    (batch,) = pack([log_of(LARGEST_DELIVERY_BYTES - ENVELOPE_BYTES)], limit=MIB)
    ClassifierLambda(Client(), "x" * 140, "x" * 64).forward(batch)

    assert len(sent[0]) <= LARGEST_DELIVERY_BYTES


# Kinds of logs


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, msgspec.Raw])
def test_a_services_own_bytes_travel_untouched(kind: Callable[[bytes], Any]) -> None:
    odd = b'{ "b":1,"a" : 12345678901234567890123, "a":2.50 }'

    (batch,) = pack([kind(odd)], limit=1000)

    assert [bytes(log) for log in batch] == [odd]


def test_a_plugins_dict_is_written_as_json() -> None:
    (batch,) = pack([{"user": "Zoë", "n": 1, "deep": {"list": [1, None, True]}}], limit=1000)

    assert [json.loads(bytes(log)) for log in batch] == [
        {"user": "Zoë", "n": 1, "deep": {"list": [1, None, True]}}
    ]


def test_half_a_character_in_a_plugins_dict_does_not_cost_the_log() -> None:
    (batch,) = pack([{"user": "Zoë \ud800", "n": 1}], limit=1000)

    assert [json.loads(bytes(log)) for log in batch] == [{"user": "Zoë \ufffd", "n": 1}]


@pytest.mark.parametrize("value", [object(), {(1, 2): 3}], ids=["an object", "a key"])
def test_a_dict_that_json_can_not_hold_is_told_without_its_values(value: Any) -> None:
    with pytest.raises(ConfigError, match="A log holds what JSON can't"):
        pack([{"secret": "s3cr3t", "value": value}], limit=1000)


def test_a_dict_that_holds_itself_is_told() -> None:
    endless: dict[str, Any] = {}
    endless["self"] = endless

    with pytest.raises(ConfigError, match="RecursionError"):
        pack([endless], limit=1000)


# Too large for any delivery


def trimmed(log: bytes, *, largest: int = 1000, keeper: Keeper | None = None) -> dict[str, Any]:
    """Pack a log that is too large; return what goes on in its place."""
    batches = Batches(keeper or Keeper(), limit=500, largest=largest)
    ((copy,),) = [*batches.add([log]), *batches.rest()]
    assert len(copy) <= largest
    assert batches.truncated == 1
    decoded: dict[str, Any] = json.loads(bytes(copy))
    return decoded


def test_of_a_log_above_the_bound_a_trimmed_copy_goes_on_that_says_so() -> None:
    log = json.dumps({"id": 7, "user": "ann", "text": "x" * 5000}).encode()

    copy = trimmed(log)

    digest = hashlib.sha256(log).hexdigest()
    assert (copy["id"], copy["user"]) == (7, "ann")
    assert copy["text"] == "x" * 128
    assert copy["_truncated"] == {"bytes": len(log), "sha256": digest, "kept": f"s3://large/{digest}"}


def test_the_whole_of_it_is_kept() -> None:
    log = json.dumps({"text": "x" * 5000}).encode()
    keeper = Keeper()

    trimmed(log, keeper=keeper)

    assert keeper.kept == [log]


def test_where_the_whole_can_not_be_kept_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    log = json.dumps({"text": "x" * 5000}).encode()

    copy = trimmed(log, keeper=Keeper(place=""))

    assert copy["_truncated"]["kept"] is None
    assert hashlib.sha256(log).hexdigest() in caplog.text
    assert caplog.records[0].levelno == logging.ERROR
    assert "oversize_bucket" in caplog.text


def test_a_log_of_exactly_the_bound_is_not_trimmed() -> None:
    keeper = Keeper()
    batches = Batches(keeper, limit=500, largest=1000)

    assert list(batches.add([log_of(1000)])) == [[log_of(1000)]]
    assert keeper.kept == []


def test_a_trimmed_log_keeps_its_place() -> None:
    large = json.dumps({"text": "x" * 5000}).encode()
    batches = Batches(Keeper(), limit=2000, largest=1000)

    (batch,) = [*batches.add([b"1", large, b"3"]), *batches.rest()]

    assert (batch[0], batch[2]) == (b"1", b"3")


@pytest.mark.parametrize(
    "log",
    [
        ["x" * 100] * 100,
        "x" * 5000,
        {f"key{n}": n for n in range(5000)},
        {"k" * 5000: 1},
        {"a": {"b": {"c": ["x" * 100] * 100}}},
        {"_truncated": "by the service itself", "text": "x" * 5000},
    ],
    ids=["list", "string", "thousands of keys", "a long key", "deep inside", "same key"],
)
def test_a_log_of_any_form_is_trimmed(log: Any) -> None:
    whole = json.dumps(log).encode()

    assert trimmed(whole)["_truncated"]["bytes"] == len(whole)


@pytest.mark.parametrize(
    "log",
    [
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
        b"[" * 3000 + b"]" * 3000,
        b'{"number": 1e999, "text": "' + b"x" * 5000 + b'"}',
        b'{"half a pair": "\\ud800", "text": "' + b"x" * 5000 + b'"}',
        b'{"cut": "' + b"x" * 5000,
        b"\xff" * 5000,
    ],
    ids=["deep objects", "deep lists", "huge number", "lone surrogate", "not whole", "not text"],
)
def test_a_log_that_can_not_even_be_read_does_not_stop_the_feed(log: bytes) -> None:
    copy = trimmed(log)

    assert copy["_truncated"]["sha256"] == hashlib.sha256(log).hexdigest()


words = st.text('aé"\\', max_size=80)


@given(
    log=st.recursive(
        st.integers() | words, lambda inner: st.lists(inner) | st.dictionaries(words, inner), max_leaves=8
    )
)
@settings(max_examples=50)
def test_a_trimmed_copy_always_fits(log: Any) -> None:
    copy = trim(json.dumps(log).encode(), 200, {"bytes": 1, "sha256": "0" * 64, "kept": None})

    assert len(copy) <= 200
    assert "_truncated" in json.loads(copy)

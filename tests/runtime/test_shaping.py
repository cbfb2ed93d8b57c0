"""What a destination gets of events."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from streamalert_apps.runtime import shaping
from streamalert_apps.runtime.delivery import Outlet
from streamalert_apps.runtime.outlets import Definition
from streamalert_apps.runtime.sink import Source
from tests.runtime.doubles import World

SOURCE = Source("collector", "duo_auth", "acme_prod_duo_auth_collector_app")


def shape(**given: Any) -> Any:
    """Return the shape of a definition."""
    return shaping.shape(Definition("lake", given).common(), SOURCE)


def shaped(event: bytes, **given: Any) -> bytes:
    result = shape(**given)(event, b"\x01\x02", 1_795_694_400.5, 1_795_694_410.0)
    assert isinstance(result, bytes)
    return result


def test_without_settings_events_are_sent_as_they_are() -> None:
    assert shape() is None
    assert shape(wrap="raw") is None


# Which events


@pytest.mark.parametrize(
    ("event", "is_sent"),
    [
        (b'{"result": "failure"}', True),
        (b'{"result": "success"}', False),
        (b"{}", False),
        (b"[]", False),
        (b"{", True),
    ],
)
def test_only_those_for_which_an_expression_is_true(event: bytes, *, is_sent: bool) -> None:
    assert shaped(event, only="result == 'failure'") == (event if is_sent else b"")
    if event != b"{":
        assert shaped(event, without="result == 'failure'") == (b"" if is_sent else event)


@pytest.mark.parametrize(
    ("value", "is_true"),
    [
        (None, False), (False, False), ("", False), ([], False), ({}, False),
        (0, True), (0.0, True), (True, True), ("x", True), ([0], True), ({"a": 0}, True),
    ],
)  # fmt: skip
def test_what_is_true_is_as_jmespath_has_it(value: Any, *, is_true: bool) -> None:
    event = json.dumps({"a": value}).encode()
    assert bool(shaped(event, only="a")) is is_true
    assert bool(shaped(event, without="a")) is not is_true


def test_both_have_to_let_an_event_through() -> None:
    given = {"only": "a", "without": "b"}
    assert shaped(b'{"a": 1}', **given)
    assert not shaped(b'{"a": 1, "b": 1}', **given)
    assert not shaped(b"{}", **given)


def test_in_doubt_an_event_is_sent() -> None:
    event = b'{"user": null}'
    assert shaped(event, only="starts_with(user, 'a')") == event
    assert shaped(event, without="starts_with(user, 'a')") == event


# Without which fields


@pytest.mark.parametrize(
    ("path", "event", "left"),
    [
        ("ip", {"ip": "1.2.3.4", "n": 1}, {"ip": "[redacted]", "n": 1}),
        ("a.ip", {"a": {"ip": 1, "b": 2}}, {"a": {"ip": "[redacted]", "b": 2}}),
        ("a.ip", {"a": [{"ip": 1}, {"b": 2}, 3]}, {"a": [{"ip": "[redacted]"}, {"b": 2}, 3]}),
        ("a.ip", [[{"a": {"ip": 1}}]], [[{"a": {"ip": "[redacted]"}}]]),
        ('"a.b".c', {"a.b": {"c": 1}}, {"a.b": {"c": "[redacted]"}}),
        ("a", {"a": {"b": 1}}, {"a": "[redacted]"}),
        ("a.b", {"a": "b"}, {"a": "b"}),
        ("x", {"a": 1}, {"a": 1}),
    ],
)
def test_what_is_at_a_path_is_replaced(path: str, event: Any, left: Any) -> None:
    assert json.loads(shaped(json.dumps(event).encode(), redact=[path])) == left


def test_what_is_not_redacted_keeps_its_bytes() -> None:
    event = b'{"big":12345678901234567890123,"rate":2.50,"in":{"x": "\\u00e9" , "ip":"s3cr3t"}}'
    left = shaped(event, redact=["in.ip", "nothing"])
    assert b"12345678901234567890123" in left
    assert b"2.50" in left
    assert b'"\\u00e9"' in left
    assert b"s3cr3t" not in left


def test_a_key_that_stands_twice_hides_nothing() -> None:
    assert b"s3cr3t" not in shaped(b'{"ip": "s3cr3t", "ip": 1}', redact=["ip"])


@pytest.mark.parametrize(
    ("paths", "left"),
    [
        (["a.b", "a.c"], {"a": {"b": "[redacted]", "c": "[redacted]", "d": 3}, "e": 4}),
        (["a", "a.b"], {"a": "[redacted]", "e": 4}),
        (["a.b", "a", "e.f"], {"a": "[redacted]", "e": 4}),
        (["a.b", "a.b"], {"a": {"b": "[redacted]", "c": 2, "d": 3}, "e": 4}),
    ],
)
def test_paths_go_together(paths: list[str], left: Any) -> None:
    event = json.dumps({"a": {"b": 1, "c": 2, "d": 3}, "e": 4}).encode()
    assert json.loads(shaped(event, redact=paths)) == left


def test_an_event_is_gone_through_once_however_many_paths_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = 0
    decode = msgspec.json.decode

    def counting(*given: Any, **options: Any) -> Any:
        nonlocal decoded
        decoded += 1
        return decode(*given, **options)

    monkeypatch.setattr(msgspec.json, "decode", counting)
    event = json.dumps({"a": {f"k{number}": number for number in range(2000)}}).encode()

    left = shaped(event, redact=[f"a.k{number}" for number in range(2000)])

    assert left.count(b"[redacted]") == 2000
    assert decoded == 2


def test_of_what_can_not_be_read_nothing_is_sent() -> None:
    assert b"s3cr3t" not in shaped(b'{"ip": "s3cr3t"', redact=["ip"])
    assert b"s3cr3t" not in shaped(b'{"ip": "s3cr3t", "x": NaN}', redact=["ip"])


# In which wrapping


def test_an_envelope_says_where_an_event_is_from_and_when() -> None:
    assert shaped(b'{"n":2.50}', wrap="envelope") == (
        b'{"app":"collector","type":"duo_auth","id":"0102","event_time":"2026-11-26T12:00:00.500000+00:00",'
        b'"collected_time":"2026-11-26T12:00:10+00:00","event":{"n":2.50}}'
    )


def test_an_odd_time_costs_no_event() -> None:
    whole = shape(wrap="envelope")(b"{}", b"", -1e300, 1e300)
    assert json.loads(whole)["collected_time"].startswith("9999")


# In a run


def test_what_is_not_sent_is_passed_and_the_rest_arrives() -> None:
    world = World(total=10, page=5)
    outlet = Outlet(world.sink, shape=shape(only="n == `3` || n == `7`"))
    world.sinks = {"sink": outlet}

    outcome = world.run()

    assert world.arrived == [3, 7]
    assert outcome.status == "succeeded"
    assert (world.head.positions["sink"].events, len(world.record)) == (10, 10)


def test_where_nothing_is_sent_the_position_still_passes() -> None:
    world = World(total=10, page=5)
    world.sinks = {"sink": Outlet(world.sink, shape=shape(only="absent"))}

    world.run()

    assert world.arrived == []
    assert world.head.positions["sink"].events == 10

"""Whatever a parser is given, it answers, or says in one of our errors what is wrong."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streamalert_apps import services
from streamalert_apps.cli.terminal.options import since
from streamalert_apps.config import conf, jsonfile, rules
from streamalert_apps.errors import AppError, BadResponse, ConfigError, StateError, UsageError
from streamalert_apps.runtime import head, legacy
from streamalert_apps.runtime.credentials import parse_credentials
from streamalert_apps.runtime.event import Event
from streamalert_apps.runtime.schedule import interval
from streamalert_apps.sdk import csvfile
from streamalert_apps.sdk.app import NoMemory
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.csvfile import objects
from streamalert_apps.sdk.http import LONGEST_REST_SECONDS, Answer, Api, pinned
from streamalert_apps.sdk.mend import DEEPEST, is_deep, mended, readable
from tests.simulator.world import StillClock

EXAMPLES = int(os.environ.get("SA_APPS_FUZZ_EXAMPLES", "50"))

fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=EXAMPLES <= 50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
texts = st.text() | values.map(json.dumps) | st.binary().map(lambda data: data.decode("latin-1"))
PIECES = [
    '"',
    "\\",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "NaN",
    "-Infinity",
    "\\ud800",
    "\\u0041",
    "1e999",
    "\n",
    "é",
    "a",
]
json_like = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def _one_line(error: Exception) -> None:
    assert str(error)
    assert "\n" not in str(error)


# JSON of services


def rows(body: bytes) -> list[bytes]:
    return [bytes(row) for row in Answer("it", 200, {}, body).json(list[msgspec.Raw])]


@fuzz
@given(texts | json_like)
@example("[" * 200_000)
@example('{"a":' * 200_000)
@example("\ufeff[]")
@example('["\\ud800"]')
@example("[1e999, NaN, -Infinity]")
@example('["\x00\x1f"]')
@example('["]}{["]')
def test_an_answer_is_sliced_into_valid_json_or_refused(text: str) -> None:
    try:
        sliced = rows(text.encode("utf-8", "surrogatepass"))
    except BadResponse:
        return
    for row in sliced:
        value = json.loads(row.decode(), parse_constant=pytest.fail)
        json.dumps(value, ensure_ascii=False).encode()


@fuzz
@given(values)
def test_what_is_mended_says_the_same(value: Any) -> None:
    body = json.dumps([value]).encode()
    (row,) = rows(body)
    strict = json.loads(re.sub(rb"-?\bInfinity\b|\bNaN\b", rb'"\g<0>"', body)) if b'"' not in body else None
    if strict is not None:
        assert json.loads(row) == strict[0]


@fuzz
@given(st.lists(values, max_size=5))
def test_what_is_json_passes_byte_for_byte(given_values: list[Any]) -> None:
    texts_of_values = [json.dumps(value) for value in given_values]
    if any(word in text for text in texts_of_values for word in ("NaN", "Infinity", "\\ud")):
        return
    body = f"[{', '.join(texts_of_values)}]".encode()
    assert rows(body) == [text.encode() for text in texts_of_values]
    assert mended(body) == body


@fuzz
@given(st.integers(1, 400), st.sampled_from(["[]", "{}"]), st.text(alphabet='[]{}"a', max_size=20))
def test_depth_is_never_taken_for_less(depth: int, kind: str, noise: str) -> None:
    opens, closes = ("[", "]") if kind == "[]" else ('{"a":', "}")
    body = f"[{json.dumps(noise)}, {opens * depth}1{closes * depth}, {json.dumps(noise)}]".encode()
    if depth + 1 > DEEPEST:
        assert is_deep(body)
    assert depth + 1 > DEEPEST or mended(body) == body


@fuzz
@given(st.binary())
@example(b"\xef\xbb\xbf\xff")
def test_any_bytes_become_text(data: bytes) -> None:
    readable(data).decode()


@fuzz
@given(texts | json_like)
@example('{"time": 1e300}')
@example('{"time": -9e15}')
@example('{"time": "9999-12-31T23:59:59-23:59"}')
@example('{"time": "0001-01-01T00:00:00+23:59"}')
def test_each_event_gets_a_time_and_an_id(text: str) -> None:
    from tests.simulation.apps import _Oldest

    app = _Oldest({}, httpx.Client())  # type: ignore[arg-type]
    rows = [msgspec.Raw(text.encode("utf-8", "replace"))] * 2
    _, ids, times = app.marked(rows, Counter(), NoMemory(), 0.0)
    assert len({*ids}) == 2 or app.stamps(rows)[0].id
    assert len(times) == 2


# Headers


def answered(**headers: str) -> AppError | None:
    clock = StillClock()
    raw = [
        (name.replace("_", "-").encode(), value.encode("utf-8", "replace")) for name, value in headers.items()
    ]
    api = Api(
        clock=clock,
        deadline=Deadline(lambda: 0.5 + 1),
        transport=httpx.MockTransport(lambda _: httpx.Response(429, headers=raw)),
    )
    try:
        api.get("https://api.example.com/x")
    except AppError as error:
        return error
    return None


@fuzz
@given(
    st.text() | st.integers().map(str) | st.datetimes().map(lambda t: format_datetime(t.replace(tzinfo=UTC)))
)
@example("9" * 400)
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
@example("\u00b2")
def test_any_retry_after_is_a_wait_that_ends(value: str) -> None:
    error = answered(Retry_After=value, Date=value)
    assert error is not None
    assert 0 <= getattr(error, "retry_after", 0.0) <= LONGEST_REST_SECONDS


@fuzz
@given(st.text() | st.text().map("https://api.example.com{}".format) | st.text().map("https://{}".format))
@example("https://[")
@example("https://api.example.com@evil.test/")
@example("https://api.example.com\\@evil.test/")
@example("https://api.example.com:443@evil.test/")
@example("https://api.example.com\n.evil.test/")
@example("//api.example.com/x")
def test_a_link_is_followed_to_the_same_host_or_refused(link: str) -> None:
    try:
        kept = pinned(link, "https://api.example.com/v1")
    except BadResponse:
        return
    try:
        asked = httpx.URL(kept)
    except httpx.InvalidURL:
        return
    assert (asked.scheme, asked.host, asked.port) == ("https", "api.example.com", None)


# What is stored


WHOLE_HEAD = {"owner": "x", "birth": "b", "key": "00", "fence": 1, "format": 2}


@fuzz
@given(
    texts
    | st.dictionaries(st.sampled_from(sorted(head.Head.__struct_fields__)), values).map(
        lambda own: json.dumps(WHOLE_HEAD | own)
    )
)
@example("[" * 100_000)
@example(json.dumps(WHOLE_HEAD)[:-1] + ', "not_before": 1' + "0" * 400 + "}")
def test_a_head_is_read_or_refused(text: str) -> None:
    try:
        head.parse(text.encode("utf-8", "surrogatepass"))
    except StateError:
        return


@fuzz
@given(
    texts
    | values.map(lambda value: json.dumps({"current_state": "succeeded", "sa_apps": value}))
    | st.dictionaries(
        st.sampled_from(["checkpoint", "lease", "delivered", "requests", "not_before", "last_run", "since"]),
        values,
    ).map(lambda own: json.dumps({"current_state": "failed", "sa_apps": own}))
)
@example("[" * 100_000)
@example('{"current_state": "x", "sa_apps": {"not_before": 1' + "0" * 400 + "}}")
def test_a_state_of_an_earlier_version_is_read_or_refused(text: str) -> None:
    try:
        legacy.parse(text)
    except AppError:
        return


@fuzz
@given(texts)
@example("[" * 100_000)
@example("9" * 5000)
def test_credentials_are_an_object_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_credentials(text, "it"), dict)
    except ConfigError as error:
        _one_line(error)


# conf/


@fuzz
@given(texts | json_like)
@example('{"a": 1, "a": 2}')
@example("1e999")
@example("9" * 5000)
@example("[" * 100_000)
@example("\ufeff{}")
def test_a_file_of_conf_can_be_written_back_or_is_refused(text: str) -> None:
    try:
        value = jsonfile.parse(text)
    except ValueError as error:
        _one_line(error)
        return
    for like in ("", "{\r\n\t\u00e9}"):
        written = jsonfile.dump(value, like)
        assert jsonfile.parse(written) == value
        written.encode()


@fuzz
@given(
    st.dictionaries(st.sampled_from(["modules", "account", "sa_apps", "infrastructure", "x"]), values), values
)
def test_a_project_is_loaded_or_refused(content: dict[str, Any], entry: Any) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "conf/clusters").mkdir(parents=True)
        account = {"account": {"prefix": "acme", "aws_account_id": "1" * 12, "region": "us-east-1"}}
        (root / conf.GLOBAL).write_text(json.dumps(account | content))
        cluster = {"modules": {"streamalert_apps": {"f": entry}}} | content
        (root / "conf/clusters/prod.json").write_text(json.dumps(cluster))
        try:
            conf.load(root)
        except ConfigError as error:
            _one_line(error)


# Words


@fuzz
@given(
    st.text()
    | st.from_regex(r"rate\(\s*\d+\s+\w+\)")
    | st.from_regex(r"cron\(([0-9A-Z*?#,/-]+ ){5}[0-9*]+\)", fullmatch=True)
)
@example("cron(0 0 31W * ? *)")
@example("cron(0 0 ? * L#5 *)")
@example("rate(\u0661 hour)")
@example("rate(999999 days)")
def test_a_schedule_is_an_interval_or_refused(text: str) -> None:
    try:
        assert interval(rules.schedule_expression(text)).total_seconds() >= 1
    except (ConfigError, UsageError):
        return


@fuzz
@given(st.text() | st.from_regex(r"\d+[smhd]"))
@example("\u0661h")
@example("99999d")
def test_a_length_of_time_is_understood_or_refused(text: str) -> None:
    try:
        length = since(text)
    except UsageError:
        return
    assert re.fullmatch(r"[0-9]+[smhd]", text)
    assert (datetime.now(UTC) - length).year > 1


@fuzz
@given(values)
def test_an_event_of_lambda_is_understood_or_refused(value: Any) -> None:
    event = value if isinstance(value, dict) else {"app_type": value, "schedule_expression": value}
    try:
        Event.parse(event)
    except ConfigError:
        return


FIELDS = [field for name in services.names()[:200] for field in services.find(name).auth]
UNIQUE = list({(field.name, str(field.format)): field for field in FIELDS}.values())


@fuzz
@given(st.sampled_from(UNIQUE), texts)
@example(UNIQUE[0], "\0")
def test_a_value_of_credentials_is_taken_or_refused(field: Any, text: str) -> None:
    try:
        json.dumps(field.parse(text))
    except UsageError as error:
        if "\n" not in text:
            _one_line(error)


@fuzz
@given(st.lists(st.binary(max_size=20), max_size=10))
@example([b"\xef\xbb", b"\xbfa\n1", b"\xff"])
@example([b"a\r", b"\nb"])
@example([b"a\rb\n"])
@example([b'a\n"never closed'])
@example([b"a,a,a\n1,2,3,4\n"])
def test_the_rows_of_a_file_are_the_same_however_it_is_cut(pieces: list[bytes]) -> None:
    assert _objects(pieces) == _objects([b"".join(pieces)])


def _objects(pieces: list[bytes]) -> list[Any] | str:
    try:
        return [json.loads(row) for row in objects(pieces)]
    except BadResponse as error:
        return error.message


def test_equal_names_of_columns_lose_no_column() -> None:
    assert _objects([b"a,a,b\n1,2,3,4\n"]) == [{"a": "1", "COLUMN_2": "2", "b": "3", "COLUMN_4": "4"}]


def test_a_line_without_end_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvfile, "LARGEST", 1 << 20)
    read: list[int] = []

    def endless() -> Iterator[bytes]:
        while len(read) < 1000:
            read.append(1)
            yield b"x" * (1 << 16)

    with pytest.raises(BadResponse, match="A line of the file is larger than 1 MiB"):
        list(objects(endless()))
    assert len(read) <= 20

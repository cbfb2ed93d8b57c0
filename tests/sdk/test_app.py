"""What an app asks for, and times as StreamAlert stored them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streamalert_apps.errors import CredentialsError, UsageError
from streamalert_apps.sdk.app import AuthField, complete, parse_time, service_of
from streamalert_apps.sdk.keyfile import read_key_file, read_private_key

WORD = AuthField("word", "a word in lower case", re.compile("[a-z]+"), secret=True)


@pytest.mark.parametrize("text", ["Abc", "abc1", "abc\n", " abc", "", "abc def"])
def test_a_format_has_to_match_the_whole_input(text: str) -> None:
    with pytest.raises(UsageError, match="The value for 'word' is invalid") as raised:
        WORD.parse(text)

    assert raised.value.hint == "It should be a word in lower case."
    assert not text.strip() or text not in raised.value.message


def test_what_matches_is_stored_as_it_is() -> None:
    assert WORD.parse("abc") == "abc"


@pytest.mark.parametrize("refusal", [False, None])
def test_a_function_refuses_with_false(refusal: Any) -> None:
    with pytest.raises(UsageError):
        AuthField("file", "a file", lambda _: refusal).parse("x")


@pytest.mark.parametrize("value", [{"a": 1}, "", 0, []])
def test_a_function_returns_what_is_stored(value: Any) -> None:
    assert AuthField("file", "a file", lambda _: value).parse("x") == value


@pytest.mark.parametrize(
    "value",
    [
        1_700_000_000,
        1_700_000_000.0,
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20",
        "2023-11-14T22:13:20+00:00",
        "2023-11-15T07:13:20+09:00",
    ],
)
def test_a_time_of_streamalert_is_understood_in_each_of_its_forms(value: Any) -> None:
    assert parse_time(value) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_a_text_that_is_no_time_is_told() -> None:
    with pytest.raises(ValueError, match="soon"):
        parse_time("soon")


def test_the_service_is_the_first_word_of_an_app_type() -> None:
    assert service_of("gsuite_user_accounts") == "gsuite"


FIELDS = (
    WORD,
    AuthField("region", "'us' or 'eu'", re.compile("us|eu"), optional=True),
    AuthField("file", "a file", lambda _: {}, optional=True),
)


def test_stored_credentials_are_taken_without_what_is_null() -> None:
    stored = {"word": "As0.1.0tookIt", "region": None, "file": {"a": 1}, "other": 1}

    assert complete(stored, FIELDS, "They") == {"word": "As0.1.0tookIt", "file": {"a": 1}, "other": 1}
    assert complete({"word": "abc", "region": ""}, FIELDS, "They") == {"word": "abc"}


def test_a_key_file_that_was_stored_as_text_is_read_as_when_it_is_typed() -> None:
    fields = (AuthField("file", "a file", read_key_file),)

    assert complete({"file": ' {"a": 1}'}, fields, "They") == {"file": {"a": 1}}
    with pytest.raises(CredentialsError, match=r"^They can't be used: 'file': The text is not a JSON object"):
        complete({"file": "{a"}, fields, "They")


@pytest.mark.parametrize("read", [read_key_file, read_private_key])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_path_that_was_stored_in_place_of_a_key_is_told_and_not_shown(
    tmp_path: Path, read: Callable[[str], Any], *, is_there: bool
) -> None:
    path = tmp_path / "key.json"
    if is_there:
        path.write_text('{"private_key": "x"}')

    with pytest.raises(
        CredentialsError, match=r"^They can't be used: 'file': It should be the key itself"
    ) as raised:
        complete({"file": str(path)}, (AuthField("file", "a file", read),), "They")

    assert str(path) not in raised.value.message


@pytest.mark.parametrize("stored", [{}, {"word": None}, {"word": ""}, {"other": "abc"}])
def test_stored_credentials_that_lack_one_are_told(stored: dict[str, Any]) -> None:
    with pytest.raises(CredentialsError, match=r"^They lack word\.$") as raised:
        complete(stored, FIELDS, "They", "Give them anew.")

    assert raised.value.hint == "Give them anew."


@pytest.mark.parametrize(
    ("name", "value"),
    [*(("word", value) for value in (5, True, ["abc"], {"abc": 1}, "abc\nx", "\0")), ("region", "Mars")],
)
def test_a_stored_value_of_another_kind_is_told_and_not_shown(name: str, value: Any) -> None:
    with pytest.raises(CredentialsError, match=rf"^They can't be used: '{name}' should be ") as raised:
        complete({"word": "abc", name: value}, FIELDS, "They")

    assert "Mars" not in raised.value.message
    assert "\n" not in raised.value.message

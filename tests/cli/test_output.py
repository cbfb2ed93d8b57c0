"""Secrets that were read never leave again."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable

import pytest

from streamalert_apps.cli.terminal import output
from streamalert_apps.errors import AppError
from streamalert_apps.serve.plain import plain_json

SECRET = "hush-hush-hush"


def test_a_secret_is_masked_wherever_it_turns_up(capsys: pytest.CaptureFixture[str]) -> None:
    output.hide(SECRET)
    problem = AppError(f"it was {SECRET}", hint=f"not {SECRET}")
    output.error(problem)
    output.envelope("list", {}, errors=[problem])
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
    assert "it was ***" in said.out
    assert "it was ***" in said.err


def test_a_value_too_short_to_be_a_secret_leaves_words_whole(capsys: pytest.CaptureFixture[str]) -> None:
    output.hide("a")
    output.say("a banana")
    assert capsys.readouterr().err == "a banana\n"


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_what_aws_is_signed_in_with_is_masked_from_eight_characters_on(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "testing")
    output.say("testing testing1")
    monkeypatch.setenv(name, "testing1")
    output.say("testing testing1")
    assert capsys.readouterr().err == "testing testing1\ntesting ***\n"


HOSTILE = {
    "escape": "\x1b[2J",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "title": "\x1b]0;owned\x1b\\",
    "csi": "\x9b31m",
    "carriage return": "fine\rgone",
    "backspace": "a\x08b",
    "bell": "\x07",
    "delete": "\x7f",
    "bidi": "\u202egpj.exe",
    "isolate": "\u2066x\u2069",
    "line separator": "a\u2028b",
    "half a character": "\ud83d",
    "link": "[link=https://evil.test]here[/link]",
    "closed": "[/nope]",
    "red": "[bold red]x",
    "emoji": ":skull:",
}
HARMLESS = re.compile(
    r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]*"
)


def shown(text: str) -> str:
    """Return what a person sees of a hostile text."""
    return "".join(one if HARMLESS.fullmatch(one) else ascii(one)[1:-1] for one in text)


WAYS: dict[str, Callable[[str], None]] = {
    "data": output.data,
    "say": output.say,
    "warn": output.warn,
    "message": lambda text: output.error(AppError(text)),
    "hint": lambda text: output.error(AppError("x", hint=text)),
    "cell": lambda text: output.table(["Name", "State"], [[text, "x"], ["y", text]]),
    "Markdown": lambda text: output.markdown(text, sys.stdout),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_comes_from_outside_is_shown_and_does_nothing(
    way: Callable[[str], None], text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    way(text)
    said = "".join(capsys.readouterr())
    assert HARMLESS.fullmatch(said)
    assert shown(text) in said


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_spinner_shows_what_comes_from_outside_and_does_nothing_with_it(text: str) -> None:
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "200")
        patch.setattr("sys.stderr", stream)
        with output.working(text):
            pass
    said = stream.getvalue()
    assert shown(text) in said
    assert all(bad not in said for bad in ("\x1b[2J", "\x1b]", "\x9b", "\x07", "\u202e", "\x7f"))


def test_a_json_answer_holds_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "".join(HOSTILE.values())
    output.envelope("list", {"apps": [hostile]}, errors=[AppError(hostile)])
    said = capsys.readouterr().out
    assert HARMLESS.fullmatch(said)
    assert json.loads(said)["errors"][0]["message"].startswith("\x1b[2J")


def test_json_that_is_shown_means_what_it_meant() -> None:
    hostile = "".join(HOSTILE.values()).replace("\ud83d", "")
    said = plain_json(json.dumps(hostile, ensure_ascii=False))
    assert HARMLESS.fullmatch(said)
    assert json.loads(said) == hostile


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_without_a_terminal_work_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setenv("TERM", term)
    with output.working("Trying"):
        pass
    assert capsys.readouterr().err == "Trying …\n"


@pytest.mark.parametrize("columns", range(20, 60, 4))
def test_of_a_table_nothing_is_cut(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    output.table(("App", "Last run", "Destinations"), [("duo_prod", "12 min ago: succeeded", "lake, soc")])
    shown = capsys.readouterr().out
    assert all(text in shown for text in ("12 min ago: succeeded", "Destinations", "lake,", "soc"))
    is_table = "Last run: " not in shown
    assert is_table == (columns >= len("duo_prod  12 min ago: succeeded  Destinations"))
    assert not is_table or max(map(len, shown.splitlines())) <= columns

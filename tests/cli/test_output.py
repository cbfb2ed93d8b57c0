"""Secrets that were read never leave again."""

from __future__ import annotations

import pytest

from streamalert_apps.cli.terminal import output
from streamalert_apps.errors import AppError

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


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_without_a_terminal_work_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setenv("TERM", term)
    with output.working("Trying"):
        pass
    assert capsys.readouterr().err == "Trying …\n"

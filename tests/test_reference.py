"""docs/commands.md is what the program says of itself."""

from __future__ import annotations

import pytest

from docs import reference
from streamalert_apps.cli import app as root

WRITTEN = reference.PAGE.read_text("utf-8")


def test_the_page_is_as_the_program_is() -> None:
    assert reference.page() == WRITTEN, "docs/commands.md is out of date; `nox -s reference` writes it anew"


def test_the_page_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("SA_APPS_PROJECT_DIR", "/elsewhere")

    assert reference.page() == WRITTEN


@pytest.mark.parametrize("command", root.commands())
def test_a_command_has_options_examples_exit_codes_and_json(command: str) -> None:
    section = WRITTEN.partition(f"\n## {command}\n")[2].partition("\n## ")[0]

    assert "| `--json` |" in section
    assert f"\nsa-apps {command}" in section.partition("Examples:")[2]
    assert "Exit codes: 0, 1, 2, " in section
    assert "With `--json`:\n\n| key | is | meaning |\n" in section

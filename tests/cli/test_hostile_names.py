"""What stands in conf/ and in answers reaches a terminal as text, whichever command shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_output import HARMLESS, HOSTILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

EVERYTHING = "".join(HOSTILE.values()).replace("\ud83d", "")


@pytest.fixture
def hostile(local: Path, auth_file: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose files of conf/ hold hostile text in each value of an app."""
    monkeypatch.setattr("streamalert_apps.services.duo.app._Duo.rate", None)  # or each try waits for a minute
    arguments = ["--name", "collector", "--auth-file", str(auth_file), "--no-check"]
    assert sa_apps("new", "duo_auth", "--cluster", "prod", *arguments).code == 0
    return local


@pytest.mark.parametrize("key", ["app_name", "type", "schedule_expression", "log_level", "memory", "more"])
@pytest.mark.parametrize(
    "words", [["list"], ["status"], ["run", "collector"], ["list", "--json"]], ids=" ".join
)
def test_a_hostile_value_of_conf_is_shown_and_does_nothing(
    words: list[str], key: str, hostile: Path, sa_apps: Command
) -> None:
    path = hostile / "conf/clusters/prod.json"
    content = json.loads(path.read_text())
    (app,) = content["modules"]["streamalert_apps"].values()
    app[key] = EVERYTHING
    path.write_text(json.dumps(content))

    ran = sa_apps(*words)

    assert HARMLESS.fullmatch(ran.out + ran.err)
    assert "Something unexpected" not in ran.err

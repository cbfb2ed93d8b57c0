"""What the commands for a deployed app have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import FUNCTION, writes
from tests.proxy import Refuse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran
    from tests.proxy import Proxy

    Command = Callable[..., Ran]


@pytest.mark.parametrize("word", ["invoke", "rollback", "disable", "enable"])
def test_what_is_not_deployed_is_told(deployable: Path, sa_apps: Command, aws: Proxy, word: str) -> None:
    aws.before = lambda call: (  # moto takes any
        Refuse(404, "ResourceNotFoundException") if call.name == "lambda.Invoke" else None
    )

    ran = sa_apps(word, "collector")

    assert ran.code == 1
    assert f"{FUNCTION} is not deployed." in ran.err


@pytest.mark.parametrize("word", ["invoke", "rollback", "disable", "enable"])
def test_a_local_project_has_nothing_deployed(
    local: Path, sa_apps: Command, auth_file: Path, word: str
) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    ran = sa_apps(word, "collector")
    assert ran.code == 1
    assert "is a local project" in ran.err


def test_to_look_takes_no_packages(
    deployed: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SA_APPS_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setattr("streamalert_apps.deploy.uv.run", lambda *_: "Failed to fetch: no network")

    ran = sa_apps("status")
    assert (ran.code, "version 1, up to date" in ran.out) == (0, True)
    assert sa_apps("deploy", "--dry-run", "--exit-code").code == 0


def test_packages_that_can_not_be_had_are_told_before_anything_is_written(
    deployable: Path, sa_apps: Command, aws: Proxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SA_APPS_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setattr("streamalert_apps.deploy.uv.run", lambda *_: "Failed to fetch: no network")

    ran = sa_apps("deploy", "--yes")

    assert ran.code == 1
    assert "the index can't be reached" in ran.err
    assert [name for name in writes(aws) if name.startswith(("iam.", "lambda."))] == []

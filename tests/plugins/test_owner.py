"""What is in a folder of another user is not run: it would run with our rights."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.plugins.owner import SAFE
from tests.plugins.conftest import an_app, write_plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]
    Give = Callable[[Path, int], None]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such owner")

STRANGER = 54321
RUNS = "import pathlib\npathlib.Path('it-ran').touch()\n"


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Give:
    """Return what gives a folder to another user; who may not do so sees it as given."""
    if os.geteuid() == 0:
        return lambda path, user: os.chown(path, user, -1)
    owners: dict[str, int] = {}
    stat = os.stat

    def as_given(path: os.PathLike[str] | str, *more: object, **options: object) -> os.stat_result:
        found = stat(path, *more, **options)  # type: ignore[arg-type]
        return os.stat_result((*found[:4], owners.get(os.fspath(path), found.st_uid), *found[5:]))

    monkeypatch.setattr(os, "stat", as_given)
    return lambda path, user: owners.update({os.fspath(path): user})


@pytest.fixture
def acme(local: Path) -> Path:
    """Return a project with apps/acme/app.py, which leaves a trace of having run."""
    write_plugin(local, "acme/app", RUNS + an_app("acme_any"))
    return local


@pytest.mark.parametrize("folder", [".", "apps", "apps/acme"])
def test_a_plugin_below_a_folder_of_another_user_is_not_run(
    acme: Path, sa_apps: Command, give: Give, folder: str
) -> None:
    give(acme / folder, STRANGER)
    ran = sa_apps("types", "acme_any")

    assert ran.code == 1
    assert f"{acme / folder} belongs to another user (54321), so no plugin in it is run." in ran.err
    assert SAFE in ran.err
    assert "Traceback" not in ran.err
    assert not (acme / "it-ran").exists()


def test_a_file_of_the_shared_form_is_not_run_either(local: Path, sa_apps: Command, give: Give) -> None:
    write_plugin(local, "acme", RUNS + an_app("acme_any"))
    give(local / "apps", STRANGER)

    assert sa_apps("plugin", "check", "apps/acme.py").code == 1
    assert sa_apps("types", "acme_any").code == 1
    assert not (local / "it-ran").exists()


def test_one_line_is_enough_for_all_plugins_of_a_folder(acme: Path, sa_apps: Command, give: Give) -> None:
    write_plugin(acme, "other", RUNS + an_app("other_any"))
    give(acme / "apps", STRANGER)
    ran = sa_apps("types")

    assert ran.code == 0
    assert "duo_auth" in ran.out
    assert ran.err.count("\n") == 1


def test_a_project_without_plugins_may_be_anybodys(local: Path, sa_apps: Command, give: Give) -> None:
    give(local, STRANGER)
    ran = sa_apps("types", "duo_auth")

    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("safe", ["*", "{root}", "/nowhere:{root}/apps"])
def test_a_folder_that_is_said_to_be_safe_is(
    acme: Path, sa_apps: Command, give: Give, monkeypatch: pytest.MonkeyPatch, safe: str
) -> None:
    give(acme / "apps", STRANGER)
    monkeypatch.setenv(SAFE, safe.format(root=acme))

    assert sa_apps("types", "acme_any").code == 0


@pytest.mark.parametrize("safe", ["", "/nowhere", "{root}-2"])
def test_another_folder_that_is_safe_does_not_help(
    acme: Path, sa_apps: Command, give: Give, monkeypatch: pytest.MonkeyPatch, safe: str
) -> None:
    give(acme / "apps", STRANGER)
    monkeypatch.setenv(SAFE, safe.format(root=acme))

    assert sa_apps("types", "acme_any").code == 1


def test_under_sudo_the_callers_own_folder_is_fine(
    acme: Path, sa_apps: Command, give: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(acme / "apps", STRANGER)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", str(STRANGER))

    assert sa_apps("types", "acme_any").code == 0

"""`sa-apps plugin new`: what it writes runs at once, and nothing that is there is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.testing import load_plugin
from tests.cli.test_json import check
from tests.services.test_schemas import accepts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

FILES = [
    "apps/box/app.py",
    "apps/box/twin.py",
    "apps/box/schemas.json",
    "apps/box/setup.md",
    "apps/tests/test_box.py",
]


def test_plugin_simulator_schema_and_test_are_written(local: Path, sa_apps: Command) -> None:
    answer = check(sa_apps("plugin", "new", "box_events", "--json").out, "plugin new")

    assert answer["created"] == FILES
    assert sorted(p.relative_to(local).as_posix() for p in (local / "apps").rglob("*.*")) == sorted(FILES)
    assert answer["next"] == "sa-apps plugin check apps/box"


def test_what_is_written_passes_the_check(box: Path, sa_apps: Command) -> None:
    answer = check(sa_apps("plugin", "check", "apps/box", "--json").out, "plugin check")

    assert answer["status"] == "ok"
    assert {"form", "resume", "kill", "storm"} <= {scenario["name"] for scenario in answer["scenarios"]}


def test_its_test_passes_under_pytest(box: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist"], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout


def test_a_log_of_several_words_works_too(local: Path, sa_apps: Command) -> None:
    sa_apps("plugin", "new", "acme_admin_logins2")
    plugin = load_plugin(local / "apps/acme")

    assert [kind.__name__ for kind in plugin.apps.values()] == ["AcmeAdminLogins2"]
    assert plugin.apps.keys() == {"acme_admin_logins2"}
    assert plugin.schemas.keys() == {"acme:admin_logins2"}
    assert plugin.twin.app_type == "acme_admin_logins2"


def test_nothing_of_the_template_is_left(box: Path) -> None:
    text = "".join((box / name).read_text() for name in FILES).lower()

    assert "acme" not in text
    assert "audit" not in text


def test_the_schema_takes_what_the_simulator_sends(box: Path) -> None:
    plugin = load_plugin(box / "apps/box/app.py")
    twin = plugin.twin()
    event = twin.row(twin._random())

    assert accepts(plugin.schemas["box:events"], event)


@pytest.mark.parametrize("there", FILES)
def test_a_file_that_is_there_stays_and_no_other_is_written(
    local: Path, sa_apps: Command, there: str
) -> None:
    (local / there).parent.mkdir(parents=True)
    (local / there).write_text("mine")
    ran = sa_apps("plugin", "new", "box_events")

    assert (ran.code, (local / there).read_text()) == (2, "mine")
    assert f"{there} already exists; nothing was written." in ran.err
    assert [path for path in (local / "apps").rglob("*.*") if path.is_file()] == [local / there]


@pytest.mark.parametrize(
    ("app_type", "message"),
    [
        ("box", "'box' is not a valid app type."),
        ("Box_events", "'Box_events' is not a valid app type."),
        ("box-events", "'box-events' is not a valid app type."),
        ("../x_y", "'../x_y' is not a valid app type."),
        ("duo_auth", "There is a built-in app type 'duo_auth'"),
    ],
)
def test_a_name_that_can_t_be_is_refused(local: Path, sa_apps: Command, app_type: str, message: str) -> None:
    ran = sa_apps("plugin", "new", app_type)

    assert ran.code == 2
    assert message in ran.err
    assert not (local / "apps").exists()


def test_a_folder_that_can_t_be_written_is_said_and_left_as_it_was(local: Path, sa_apps: Command) -> None:
    (local / "apps").write_text("a file")
    ran = sa_apps("plugin", "new", "box_events")

    assert ran.code == 1
    assert "can't be written" in ran.err


def test_outside_of_a_project_init_is_named(project: Path, sa_apps: Command) -> None:
    ran = sa_apps("plugin", "new", "box_events")

    assert ran.code == 1
    assert "sa-apps init" in ran.err

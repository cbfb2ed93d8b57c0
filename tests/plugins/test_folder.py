"""A plugin is a folder: app.py, the modules that it imports from there, and what belongs to them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.deploy.package import build
from streamalert_apps.errors import PluginError
from streamalert_apps.plugins.registry import Registry
from streamalert_apps.testing import load_plugin
from tests.plugins.conftest import an_app, write_plugin
from tests.plugins.test_discovery import install, site

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

__all__ = ["site"]

SERVICES = "streamalert_apps/services/acme"


def in_zip(folder: Path) -> list[str]:
    files = build("acme_any", plugin=load_plugin(folder)).files
    return sorted(name.removeprefix(f"{SERVICES}/") for name in files if name.startswith(f"{SERVICES}/"))


@pytest.fixture
def acme(local: Path) -> Path:
    """Return apps/acme/, whose app.py imports words.py, which imports letters.py; its twin imports both."""
    app = "from .words import PURPOSE\n" + an_app("acme_any").replace("'anything'", "PURPOSE")
    folder = write_plugin(local, "acme/app", app).parent
    (folder / "words.py").write_text("from . import letters\n\nPURPOSE = letters.A * 3\n")
    (folder / "letters.py").write_text("A = 'a'\n")
    (folder / "unused.py").write_text("1 / 0\n")
    (folder / "twin.py").write_text(
        "from . import letters\nfrom .words import PURPOSE\n\nclass TWIN:\n    says = letters.A + PURPOSE\n"
    )
    return folder


def test_app_and_twin_import_the_modules_beside_them(acme: Path) -> None:
    plugin = load_plugin(acme)

    assert plugin.apps["acme_any"].collects == "aaa"
    assert plugin.twin.says == "aaaa"


def test_nothing_is_written_beside_a_plugin_that_is_run(acme: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    before = sorted(acme.rglob("*"))
    plugin = load_plugin(acme)

    assert (len(plugin.apps), plugin.twin.says) == (1, "aaaa")
    assert sorted(acme.rglob("*")) == before


def test_a_module_that_has_changed_is_read_again(acme: Path) -> None:
    assert load_plugin(acme).apps["acme_any"].collects == "aaa"
    (acme / "letters.py").write_text("A = 'b'\n")

    assert load_plugin(acme).apps["acme_any"].collects == "bbb"


def test_the_zip_holds_app_and_what_it_imports_and_nothing_else(acme: Path) -> None:
    for name in ("schemas.json", "setup.md", "lock.txt"):
        (acme / name).write_text("{}")

    assert in_zip(acme) == ["__init__.py", "app.py", "letters.py", "words.py"]


def test_an_app_that_imports_its_twin_is_refused(acme: Path) -> None:
    (acme / "letters.py").write_text("from .twin import TWIN\n")

    with pytest.raises(PluginError, match=r"apps/acme/app\.py imports twin\.py, which does not go to Lambda"):
        in_zip(acme)


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("words.py", "x =", "apps/acme/words.py, line 1: invalid syntax."),
        ("words.py", "\n1 / 0", "apps/acme/words.py, line 2: ZeroDivisionError"),
        (
            "words.py",
            "from .missing import x",
            "apps/acme/words.py, line 1: there is no missing.py beside it.",
        ),
        ("words.py", "from ..other import x", "apps/acme/words.py, line 1: there is no x here"),
        (
            "app.py",
            "from . import AppIntegration",
            "Write instead: from streamalert_apps import AppIntegration",
        ),
        ("app.py", "import none_such", "apps/acme/app.py, line 1: there is no module 'none_such' here."),
    ],
)
def test_what_is_wrong_is_said_with_its_file_and_line(
    acme: Path, sa_apps: Command, name: str, body: str, message: str
) -> None:
    (acme / name).write_text(f"{body}\n# streamalert_apps\n")
    ran = sa_apps("types")

    assert ran.code == 0
    assert ran.err.count("\n") == 1
    assert message in ran.err


def test_app_types_may_be_in_a_module_that_app_lists(local: Path) -> None:
    write_plugin(local, "acme/logs", an_app("acme_any"))
    (local / "apps/acme/app.py").write_text("from .logs import Any\n\nAPPS = (Any,)\n")

    assert Registry(local).find("acme_any").collects == "anything"
    assert "acme_any" in Registry(local).stated_names()
    assert in_zip(local / "apps/acme") == ["__init__.py", "app.py", "logs.py"]


def test_a_library_that_a_module_needs_and_lambda_lacks_is_named(box: Path, sa_apps: Command) -> None:
    text = (box / "apps/box/app.py").read_text()
    (box / "apps/box/app.py").write_text(
        text.replace("import msgspec\n", "import msgspec\nfrom . import more\n")
    )
    (box / "apps/box/more.py").write_text("import filelock\n")
    ran = sa_apps("plugin", "check", "apps/box", "--only", "form")

    assert ran.code == 1
    assert "imports filelock, which is not there in Lambda" in ran.out


@pytest.mark.parametrize("named", ["apps/box", "apps/box/", "apps/box/app.py", "box"])
def test_it_is_checked_by_folder_file_or_service(box: Path, sa_apps: Command, named: str) -> None:
    ran = sa_apps("plugin", "check", named, "--only", "form")

    assert ran.code == 0
    assert "apps/box: 1 of 1 passed." in ran.err


def test_a_name_with_both_forms_is_one_clear_error(box: Path, sa_apps: Command) -> None:
    write_plugin(box, "box", an_app("box_any"))
    both = "apps/box.py and apps/box/app.py are both the plugin 'box': keep one."

    ran = sa_apps("types")
    assert (ran.code, ran.err.count("\n"), both in ran.err) == (0, 1, True)
    ran = sa_apps("types", "box_events")
    assert (ran.code, both in ran.err) == (1, True)


def test_new_writes_no_folder_beside_a_file_of_the_same_service(local: Path, sa_apps: Command) -> None:
    write_plugin(local, "box", an_app("box_any"))
    ran = sa_apps("plugin", "new", "box_events")

    assert ran.code == 2
    assert "apps/box.py already exists; nothing was written." in ran.err
    assert not (local / "apps/box").exists()


def test_a_folder_that_plugins_share_is_no_services(local: Path, sa_apps: Command) -> None:
    assert "'simulator' can't be the name of a service." in sa_apps("plugin", "new", "simulator_x").err


@pytest.mark.parametrize("name", ["twin.py", "schemas.json", "lock.txt"])
def test_a_folder_of_a_plugin_without_app_is_told_of(local: Path, sa_apps: Command, name: str) -> None:
    (local / "apps/acme").mkdir(parents=True)
    (local / "apps/acme" / name).write_text("")
    ran = sa_apps("types")

    assert (ran.code, ran.err.count("\n")) == (0, 1)
    assert "left out: apps/acme/ has no app.py" in ran.err


@pytest.mark.parametrize("name", ["schemas", "setup", "simulator", "tests", "__pycache__", "docs", ".git"])
def test_a_folder_of_something_else_is_not_told_of(local: Path, sa_apps: Command, name: str) -> None:
    (local / "apps" / name).mkdir(parents=True)
    text = "" if name == "docs" else "import streamalert_apps\n"
    (local / "apps" / name / "acme.py").write_text(text)
    ran = sa_apps("types")

    assert (ran.code, ran.err) == (0, "")


def test_a_folder_that_is_not_named_as_a_service_is_told_of(local: Path, sa_apps: Command) -> None:
    write_plugin(local, "my_box/app", an_app("my_box"))

    assert "left out: apps/my_box/app.py, line 1: a plugin has its service's name" in sa_apps("types").err


def test_an_app_of_another_kind_in_a_folder_is_not_looked_at(local: Path, sa_apps: Command) -> None:
    (local / "apps/web").mkdir(parents=True)
    (local / "apps/web/app.py").write_text("1 / 0\n")
    ran = sa_apps("types")

    assert (ran.code, ran.err) == (0, "")


FILES = {
    "of_acme/__init__.py": "",
    "of_acme/acme/__init__.py": "",
    "of_acme/acme/app.py": f"from streamalert_apps import OldestFirst\n{an_app('acme_any')}",
    "of_acme/acme/twin.py": "TWIN = int\n",
}


def test_a_distribution_may_hold_such_a_folder(site: Path) -> None:
    install(site, "of_acme.acme.app", FILES | {"of_acme/acme/setup.md": "Set it up."})
    registry = Registry()
    plugin = registry.plugin("acme_any")

    assert plugin is not None
    assert (registry.setup("acme_any"), plugin.twin) == ("Set it up.", int)
    assert [name for name in build("acme_any", plugin=plugin).files if name.startswith("of_acme")] == [
        "of_acme/__init__.py",
        "of_acme/acme/__init__.py",
        "of_acme/acme/app.py",
    ]


def test_a_distributions_app_amid_shared_folders_stays_what_it_was(site: Path) -> None:
    install(site, "of_acme.acme.app", FILES | {"of_acme/acme/setup/acme.md": "As in 0.1.0."})

    assert Registry().setup("acme_any") == "As in 0.1.0."

"""Destinations of one's own: a plugin's SINK, in a project and in the zip of a function."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.deploy.package import build
from streamalert_apps.errors import PluginError
from streamalert_apps.plugins.registry import Registry
from streamalert_apps.plugins.sinks import Sinks
from streamalert_apps.runtime import kinds
from tests.deploy.test_package import here
from tests.deploy.test_package_dependencies import Index, index
from tests.plugins.test_discovery import install, site

if TYPE_CHECKING:
    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

__all__ = ["index", "site"]

SOURCE = """
from pathlib import Path

from streamalert_apps.runtime import setting
from streamalert_apps.runtime.delivery import Answer
from streamalert_apps.runtime.sink import Setting, Sink


class Box(Sink):
    kind = "box"
    takes = "a box of one's own"
    settings = (
        Setting("at", "where the box is", setting.text),
        Setting("deep", "how deep", setting.flag, False),
    )

    def send(self, batch):
        with Path(self.given["at"]).open("ab") as file:
            file.write(b"\\n".join(batch.events) + b"\\n")
        return Answer()


SINK = Box
"""


@pytest.fixture(autouse=True)
def _only_built_in() -> Iterator[None]:
    """Forget the kinds of another project."""
    yield
    kinds.look_also(lambda _: None)


@pytest.fixture(params=["apps/box.py", "apps/box/app.py"])
def box(request: pytest.FixtureRequest, local: Path) -> Path:
    """Return a local project with a plugin that is a file, or a folder."""
    path = local / str(request.param)
    path.parent.mkdir(parents=True)
    path.write_text(SOURCE)
    (local / "conf/destinations.json").write_text("{}")
    return local


def plugin_of(box: Path) -> Path:
    (path,) = (path for path in (box / "apps/box.py", box / "apps/box/app.py") if path.exists())
    return path


def test_a_project_has_destinations_of_its_own_kind(box: Path, sa_apps: Command) -> None:
    added = sa_apps("destination", "add", "mine", "--type", "box", "--set", f"at={box}/box.jsonl")
    assert added.code == 0, added.err
    assert sa_apps("destination", "test", "mine").code == 0
    assert json.loads((box / "box.jsonl").read_text())["destination"] == "mine"


def test_the_first_definition_may_be_of_a_plugins_kind(box: Path, sa_apps: Command) -> None:
    (box / "conf/destinations.json").unlink()
    words = ["destination", "add", "mine", "--type", "box", "--set", f"at={box}/box.jsonl"]
    assert sa_apps(*words).code == 0


def test_its_settings_are_checked_when_conf_is_read(box: Path, sa_apps: Command) -> None:
    (box / "conf/destinations.json").write_text('{"destinations": {"mine": {"type": "box"}}}')
    assert "destination mine: at is missing" in sa_apps("list").err
    defined = {"type": "box", "at": "x", "depp": True}
    (box / "conf/destinations.json").write_text(json.dumps({"destinations": {"mine": defined}}))
    assert "Did you mean 'deep'?" in sa_apps("list").err


def test_a_plugin_without_an_app_type_is_none_that_is_left_out(box: Path) -> None:
    registry = Registry(box)
    registry.names()
    assert registry.left_out == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('kind = "box"', 'kind = "bx"'), "the `kind` of Box has to be 'box'"),
        (("def send", "def sent"), "Box lacks send"),
        (("SINK = Box", "SINK = 1"), "its SINK is no subclass of Sink"),
        (("SINK = Box", "SINK = BOX"), "NameError"),
    ],
)
def test_what_is_wrong_is_told_with_the_file(box: Path, change: tuple[str, str], message: str) -> None:
    plugin_of(box).write_text(SOURCE.replace(*change))
    with pytest.raises(PluginError, match="apps/box") as caught:
        Sinks(box).find("box")
    assert message in caught.value.message


IN_THE_ZIP = """
import sys
from streamalert_apps.runtime import kinds
assert "box" in kinds.names()
print(kinds.find("box").takes)
"""


def in_zip(box: Path | None, folder: Path) -> str:
    """Build a package with the sink; return what the kind in it says, with nothing of the project there."""
    (sink,) = Sinks(box).of(["box", "http", "classifier"])
    package = build("duo_auth", *here(), None, [sink])
    assert package.digest != build("duo_auth", *here()).digest
    for name, data in package.own.items():
        path = folder / "task" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    words = [sys.executable, "-c", IN_THE_ZIP]
    ran = subprocess.run(
        words,
        cwd=folder,
        env={"PYTHONPATH": str(folder / "task")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_it_goes_into_the_zip_of_a_function(box: Path, tmp_path: Path) -> None:
    assert in_zip(box, tmp_path) == "a box of one's own"


@pytest.mark.parametrize("point", ["of_box.sink", "of_box.sink:Box"])
def test_a_distribution_brings_one_along(site: Path, tmp_path: Path, point: str) -> None:
    files = {"of_box/__init__.py": "", "of_box/sink.py": SOURCE}
    install(site, point, files, "box", group="streamalert_apps.destinations")
    assert in_zip(None, tmp_path) == "a box of one's own"


# `sa-apps plugin`


def test_one_that_has_no_app_type_is_checked(box: Path, sa_apps: Command) -> None:
    ran = sa_apps("plugin", "check", str(plugin_of(box).relative_to(box)))

    assert (ran.code, ran.out.splitlines()) == (
        0,
        ["ok      box  sink: What a kind of destination says of itself is what conf/ and the runtime need."],
    )
    assert "1 of 1 passed." in ran.err


def test_there_is_nothing_to_play_with_it(box: Path, sa_apps: Command) -> None:
    ran = sa_apps("plugin", "check", "box", "--only", "late")
    assert (ran.code, "has no app type to play that with" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('takes = "a box of one\'s own"', 'takes = ""'), "`takes` is empty"),
        (('"where the box is"', '""'), "The setting 'at' does not say what it is."),
        (('Setting("deep"', 'Setting("hold"'), "each destination has it anyway"),
        (('Setting("deep"', 'Setting("How deep"'), "small letters"),
        (("def send(self, batch)", "def send(self, batch, really)"), "`send` has to take a batch"),
        (("    def send", "    limits = 3\n\n    def send"), "`limits` is no"),
    ],
)
def test_what_is_wrong_is_found_by_the_check(
    box: Path, sa_apps: Command, change: tuple[str, str], message: str
) -> None:
    plugin_of(box).write_text(SOURCE.replace(*change))

    ran = sa_apps("plugin", "check", "box")

    assert ran.code == 1
    assert message in ran.out


def test_what_it_requires_is_locked_beside_it_and_goes_into_the_zip(
    box: Path, sa_apps: Command, index: Index
) -> None:
    index.add("tiny")
    path = plugin_of(box)
    path.write_text(f"requirements = ('tiny>=1',)\n{SOURCE}")

    locked = sa_apps("plugin", "lock", str(path.relative_to(box)))

    assert locked.code == 0, locked.err
    (sink,) = Sinks(box).of(["box"])
    package = build("duo_auth", *here(), None, [sink])
    assert package.requirements == ("tiny>=1",)
    assert any("tiny==1.0" in lock for lock in package.locks)


@pytest.mark.parametrize("point", ["of_box.sink", "of_box.sink:Box"])
def test_one_of_a_distribution_is_checked_by_its_name(site: Path, sa_apps: Command, point: str) -> None:
    files = {"of_box/__init__.py": "", "of_box/sink.py": SOURCE}
    install(site, point, files, "box", group="streamalert_apps.destinations")

    ran = sa_apps("plugin", "check", "box")

    assert ran.code == 0, ran.err

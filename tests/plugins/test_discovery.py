"""Plugins are found by every command that knows app types, and none that is broken stops any."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import PluginError, UsageError
from streamalert_apps.plugins.registry import Registry
from tests.cli.conftest import write_auth
from tests.cli.test_json import check
from tests.plugins.conftest import EVENTS, an_app, served, write_plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

MARK = "import pathlib\npathlib.Path('it-ran').touch()\n"
BROKEN = {
    "syntax": ("x = 1 +\n", "apps/broken.py, line 2: invalid syntax."),
    "import": ("import there_is_none\n", "apps/broken.py, line 2: there is no module 'there_is_none' here."),
    "raises": ("\ndef f():\n    return 1 / 0\nf()\n", "apps/broken.py, line 4: ZeroDivisionError"),
    "leaves": ("raise SystemExit(3)\n", "apps/broken.py, line 2: SystemExit: 3"),
    "no app": ("x = 1\n", "apps/broken.py, line 1: there is no App in it that says its `type`."),
    "other service": (an_app("acme_any"), "apps/broken.py, line 2: Any has the type 'acme_any'"),
    "incomplete": (
        "class Half(App):\n    type = 'broken_any'\n    collects = ''\n    auth = ()\n",
        "apps/broken.py, line 2: Half lacks check, poll, start.",
    ),
    "no auth": (
        an_app("broken_any").replace("    auth = ()\n", ""),
        "apps/broken.py, line 2: Any does not say auth.",
    ),
}
IN_STREAMALERTS_WAY = {
    "from . import AppIntegration, StreamAlertApp, get_logger": (
        "from streamalert_apps import AppIntegration, StreamAlertApp, get_logger"
    ),
    "from . import AppIntegration as Base, LOGGER": (
        "from streamalert_apps import AppIntegration as Base, LOGGER"
    ),
    "from streamalert.apps.app_base import AppIntegration, StreamAlertApp": (
        "from streamalert_apps import AppIntegration, StreamAlertApp"
    ),
    "from . import StreamAlertApp, safe_timeout": (
        "from streamalert_apps import StreamAlertApp (there is no safe_timeout here)"
    ),
}


def types(ran: Ran) -> dict[str, Any]:
    return {kind["type"]: kind for kind in check(ran.out, "types")["types"]}


def test_a_plugin_goes_through_types_new_run_and_update_auth(box: Path, sa_apps: Command) -> None:
    with served(box / "apps/box/app.py", box) as service:
        where = ["--auth-file", str(service.auth), "--simulator", service.url]
        made = check(sa_apps("new", "box_events", "-c", "prod", *where, "--json").out, "new")
        ran = check(
            sa_apps("run", "collector", "--simulator", service.url, "--to", "logs.jsonl", "--json").out, "run"
        )
        again = sa_apps("update-auth", "collector", *where)

    assert types(sa_apps("types", "--json"))["box_events"]["schemas"] == ["box:events"]
    assert (made["app"]["service"], made["schemas"]) == ("box", ["box:events"])
    assert (ran["outcome"], ran["logs"]) == ("succeeded", EVENTS)
    assert len((box / "logs.jsonl").read_bytes().splitlines()) == EVENTS
    assert again.code == 0
    assert json.loads((box / "conf/schemas/box.json").read_text())["box:events"]["parser"] == "json"


def test_schemas_may_stand_in_the_module(local: Path) -> None:
    write_plugin(local, "acme", f"SCHEMAS = {{'acme:any': {{'parser': 'json'}}}}\n{an_app('acme_any')}")

    assert Registry(local).schemas("acme_any") == {"acme:any": {"parser": "json"}}


def test_what_to_set_up_lies_beside_the_file(box: Path, sa_apps: Command) -> None:
    assert "**Settings > API tokens**" in sa_apps("types", "box_events").out


def test_a_plugin_need_not_say_what_to_set_up(local: Path, sa_apps: Command) -> None:
    write_plugin(local, "acme", an_app("acme_any"))

    assert sa_apps("types", "acme_any").out == "**acme_any** collects anything.\n"


def test_what_to_set_up_is_text_or_the_file_is_named(local: Path, sa_apps: Command) -> None:
    write_plugin(local, "acme", an_app("acme_any"))
    (local / "apps/setup").mkdir()
    (local / "apps/setup/acme.md").write_bytes(b"\xff")

    ran = sa_apps("types", "acme_any")

    assert ran.code == 1
    assert "apps/setup/acme.md is not UTF-8 text." in ran.err


def test_the_shell_completes_a_plugins_types_without_running_it(local: Path) -> None:
    write_plugin(local, "acme", MARK + an_app("acme_any"))
    asked = {"_SA_APPS_COMPLETE": "complete_bash", "COMP_WORDS": "sa-apps new acm", "COMP_CWORD": "2"}
    ran = subprocess.run(
        [sys.executable, "-m", "streamalert_apps"],
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout.split() == ["acme_any"]
    assert not (local / "it-ran").exists()


@pytest.mark.parametrize("words", [["list", "--json"], ["--help"], ["new", "--help"], ["plugin"]])
def test_what_needs_no_app_type_runs_no_plugin(local: Path, sa_apps: Command, words: list[str]) -> None:
    write_plugin(local, "acme", MARK + an_app("acme_any"))

    assert sa_apps(*words).code == 0
    assert not (local / "it-ran").exists()


def test_only_the_plugin_that_is_asked_for_is_run(local: Path) -> None:
    write_plugin(local, "acme", an_app("acme_any"))
    write_plugin(local, "other", MARK + an_app("other_any"))
    registry = Registry(local)

    assert registry.find("acme_any").type == "acme_any"
    assert registry.find("duo_auth") is services.find("duo_auth")
    assert not (local / "it-ran").exists()


def test_what_is_not_meant_for_us_is_neither_run_nor_told_of(local: Path, sa_apps: Command) -> None:
    (local / "apps").mkdir()
    (local / "apps/theirs.py").write_text(MARK)
    (local / "apps/test_theirs.py").write_text(f"import streamalert_apps\n{MARK}")
    ran = sa_apps("types", "--json")

    assert (ran.code, ran.err) == (0, "")
    assert not (local / "it-ran").exists()


def test_a_type_that_is_built_in_wins_and_that_is_said(local: Path, sa_apps: Command) -> None:
    write_plugin(local, "duo", an_app("duo_auth") + an_app("duo_own").replace("Any", "Own"))
    ran = sa_apps("types", "--json")
    registry = Registry(local)

    assert "left out: apps/duo.py: its duo_auth, because that type is built in." in ran.err
    assert check(ran.out, "types")["warnings"][0]["code"] == "plugin_error"
    assert "duo_own" in types(ran)
    assert registry.find("duo_auth") is services.find("duo_auth")
    assert registry.plugin("duo_auth") is None
    assert registry.find("duo_own").__name__ == "Own"


def test_a_file_whose_name_is_no_services_is_told_of(local: Path, sa_apps: Command) -> None:
    write_plugin(local, "my_box", an_app("my_box"))

    assert "left out: apps/my_box.py, line 1: a plugin has its service's name" in sa_apps("types").err


@pytest.mark.parametrize("body", BROKEN)
def test_a_broken_plugin_is_named_with_file_and_line_and_left_out(
    local: Path, sa_apps: Command, body: str
) -> None:
    source, message = BROKEN[body]
    write_plugin(local, "broken", source)
    write_plugin(local, "acme", an_app("acme_any"))
    ran = sa_apps("types", "--json")

    assert ran.code == 0
    assert [line for line in ran.err.splitlines() if line.startswith("warning: left out: " + message)]
    assert len(ran.err.splitlines()) == 1
    assert message in check(ran.out, "types")["warnings"][0]["message"]
    assert "acme_any" in types(ran)


@pytest.mark.parametrize("line", IN_STREAMALERTS_WAY)
def test_an_import_in_streamalerts_way_is_answered_with_the_line_to_write(local: Path, line: str) -> None:
    (local / "apps").mkdir()
    (local / "apps/broken.py").write_text(f"# StreamAlertApp\n{line}\n")

    with pytest.raises(PluginError) as caught:
        Registry(local).find("broken_any")

    assert caught.value.message == (
        "apps/broken.py, line 2: this import is StreamAlert's. Write instead: " + IN_STREAMALERTS_WAY[line]
    )


def test_what_a_plugin_prints_does_not_get_into_data(local: Path, sa_apps: Command) -> None:
    write_plugin(local, "acme", "print('hello')\n" + an_app("acme_any"))

    assert "acme_any" in types(sa_apps("types", "--json"))


def test_the_app_of_a_broken_plugin_fails_by_name(box: Path, sa_apps: Command, tmp_path: Path) -> None:
    with served(box / "apps/box/app.py", tmp_path) as service:
        sa_apps("new", "box_events", "-c", "prod", "--auth-file", str(service.auth), "--no-check")
    write_plugin(box, "box/app", "x = 1 +\n")
    ran = sa_apps("run", "collector", "--json")

    error = json.loads(ran.out)["errors"][0]
    assert (ran.code, error["code"]) == (1, "plugin_error")
    assert error["message"] == "apps/box/app.py, line 2: invalid syntax."


def test_an_unknown_type_of_a_plugin_gets_a_suggestion(local: Path) -> None:
    write_plugin(local, "acme", an_app("acme_any"))

    with pytest.raises(UsageError) as caught:
        Registry(local).find("acme_ani")

    assert "acme_any" in caught.value.hint


def test_a_broken_plugin_stops_no_other_command(aws_project: Path, sa_apps: Command, tmp_path: Path) -> None:
    write_plugin(aws_project, "broken", "x = 1 +\n")
    auth = write_auth(tmp_path / "duo.json")
    for words in (
        ["types"],
        ["new", "duo_auth", "-c", "prod", "--auth-file", str(auth), "--no-check"],
        ["list"],
        ["package", "collector", "-o", "app.zip"],
        ["deploy", "--dry-run"],
        ["update-auth", "collector", "--auth-file", str(auth), "--no-check"],
        ["plugin", "new", "box_events"],
    ):
        ran = sa_apps(*words)
        assert ran.code == 0, (words, ran.err)
        assert ran.err.count("broken.py") == (words == ["types"]), words


def test_one_broken_plugin_lets_the_other_apps_be_deployed(
    aws_project: Path, sa_apps: Command, tmp_path: Path
) -> None:
    auth = write_auth(tmp_path / "duo.json")
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth), "--no-check")
    sa_apps("plugin", "new", "box_events")
    token = tmp_path / "box.json"
    token.write_text(json.dumps({"token": "0" * 32}))
    token.chmod(0o600)
    sa_apps("new", "box_events", "-c", "prod", "-n", "box", "--auth-file", str(token), "--no-check")
    write_plugin(aws_project, "box/app", "x = 1 +\n")
    ran = sa_apps("deploy", "--dry-run", "--json")

    results = {app["name"]: app["result"] for app in json.loads(ran.out)["apps"]}
    assert (ran.code, results) == (5, {"collector": "create", "box": "failed"})
    assert "apps/box/app.py, line 2" in ran.err


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Return a folder that distributions are installed in."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0].startswith("of_")]:
        del sys.modules[name]


def install(
    site: Path, value: str, files: dict[str, str], name: str = "acme", group: str = "streamalert_apps.apps"
) -> None:
    """Install a distribution with an entry point."""
    info = site / "acme_apps-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-apps\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)


PLUGIN = "from streamalert_apps import App, OldestFirst\n"


@pytest.mark.parametrize("value", ["of_acme.apps", "of_acme.apps:Any"])
def test_an_entry_point_may_be_a_module_or_a_class(
    local: Path, site: Path, sa_apps: Command, value: str
) -> None:
    files = {"of_acme/__init__.py": "", "of_acme/apps.py": PLUGIN + an_app("acme_any")}
    install(site, value, files)

    assert "acme_any" in types(sa_apps("types", "--json"))
    assert Registry(local).find("acme_any").collects == "anything"


def test_an_entry_point_is_known_outside_of_a_project_too(
    project: Path, site: Path, sa_apps: Command
) -> None:
    install(site, "of_acme", {"of_acme.py": PLUGIN + an_app("acme_any")})

    assert "acme_any" in types(sa_apps("types", "--json"))


def test_a_file_in_apps_goes_before_a_distribution(local: Path, site: Path) -> None:
    install(site, "of_acme", {"of_acme.py": PLUGIN + an_app("acme_any")})
    write_plugin(local, "acme", an_app("acme_any").replace("anything", "mine"))

    assert Registry(local).find("acme_any").collects == "mine"


@pytest.mark.parametrize(
    ("point", "source", "message"),
    [
        ("acme = of_none", "", "acme-apps 1.0 (acme = of_none): there is no module of_none."),
        ("acme = of_acme", "1 / 0\n", "(acme = of_acme): of_acme.py, line 1: ZeroDivisionError"),
        ("acme = of_acme:None_", "", "of_acme.py, line 1: None_ is no App that says its `type`."),
        ("Acme_x = of_acme", "", "an entry point has its service's name"),
    ],
)
def test_a_broken_entry_point_is_named_and_left_out(
    local: Path, site: Path, point: str, source: str, message: str
) -> None:
    name, _, value = point.partition(" = ")
    install(site, value, {"of_acme.py": source}, name)
    registry = Registry(local)
    registry.names()
    (error,) = registry.left_out
    assert message in error.message

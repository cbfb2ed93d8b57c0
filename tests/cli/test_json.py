"""What --json writes is what docs/json.md and docs/output.schema.json say."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from streamalert_apps import errors
from streamalert_apps.cli import app as root
from streamalert_apps.runtime import store
from tests.cli.conftest import write_auth

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Duo, Ran

    Command = Callable[..., Ran]

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "json.md").read_text()
SCHEMA = json.loads((DOCS / "output.schema.json").read_text())
COMMANDS = set(root.commands())


def check(text: str, command: str) -> dict[str, Any]:
    """Return the one object that `text` holds, which has the command's form."""
    answer: dict[str, Any] = json.loads(text)
    form = "failed" if answer["status"] == "failed" and command != "doctor" else command
    Draft202012Validator({"$ref": f"#/$defs/{quote(form)}", "$defs": SCHEMA["$defs"]}).validate(answer)
    return answer


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_command_writes_one_object_of_its_documented_form(
    project: Path, sa_apps: Command, duo: Duo, tmp_path: Path
) -> None:
    keys = {key: getattr(duo, key) for key in ("api_hostname", "integration_key", "secret_key")}
    auth = ["--auth-file", str(write_auth(tmp_path / "duo.json", **keys)), "--simulator", duo.url]
    check(sa_apps("init", "--local", "--json").out, "init")
    check(sa_apps("types", "--json").out, "types")
    check(sa_apps("new", "duo_auth", "-c", "prod", *auth, "--json").out, "new")
    check(sa_apps("list", "--json").out, "list")
    check(sa_apps("update-auth", "collector", *auth, "--json").out, "update-auth")
    check(sa_apps("run", "collector", "--simulator", duo.url, "--to", "logs.jsonl", "--json").out, "run")


def test_the_demonstration_has_the_documented_form(project: Path, sa_apps: Command) -> None:
    assert check(sa_apps("demo", "--events", "100", "--json").out, "demo")["lost"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a signal ends it")
def test_the_simulator_has_the_documented_form(project: Path) -> None:
    words = [sys.executable, "-m", "streamalert_apps", "simulate", "duo", "--events", "0", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as simulator:
        assert simulator.stdout is not None
        check(simulator.stdout.readline(), "simulate")
        simulator.send_signal(signal.SIGINT)


def test_the_collector_and_its_probe_have_the_documented_form(local: Path) -> None:
    words = [sys.executable, "-m", "streamalert_apps", "serve", "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as collector:
        assert collector.stdout is not None
        url = check(collector.stdout.readline(), "serve")["url"]
        probe = [*words[:4], "--check", "--listen", url.removeprefix("http://"), "--json"]
        check(subprocess.run(probe, capture_output=True, text=True, check=True).stdout, "serve")
        collector.terminate()


@pytest.mark.parametrize("arguments", [["list"], ["new", "nothing"], ["update-auth", "--what"], ["run", "x"]])
def test_an_error_has_the_documented_form(project: Path, sa_apps: Command, arguments: list[str]) -> None:
    check(sa_apps(*arguments, "--json").out, "failed")


def test_the_document_names_every_command_and_its_keys() -> None:
    shared = {"schema", "command", "status", "errors"}
    rows = dict(re.findall(r"^\| `([a-z -]+)` \| (`.*?) \|$", TEXT, re.MULTILINE))
    written = {command: set(re.findall(r"`(\w+)`", keys)) for command, keys in rows.items()}
    assert written == {command: set(SCHEMA["$defs"][command]["properties"]) - shared for command in COMMANDS}


def test_the_document_names_every_error_code_with_its_exit_code() -> None:
    kinds = [kind for module in (errors, store) for kind in vars(module).values() if isinstance(kind, type)]
    tree = {kind.code: kind.exit_code for kind in kinds if issubclass(kind, errors.AppError)}
    tree.pop("transient_error")  # a branch of the tree, never raised itself
    rows = re.findall(r"^\| `([a-z_]+)` \| .* \| (\d+) \|$", TEXT, re.MULTILINE)
    assert {code: int(number) for code, number in rows} == tree


def test_the_documents_app_has_every_key() -> None:
    example = next(
        json.loads(block) for block in re.findall(r"^(\{\n.*?^\})$", TEXT, re.MULTILINE | re.DOTALL)
    )
    Draft202012Validator(SCHEMA["$defs"]["app"]).validate(example)

"""Every command of README.md and docs/ is run, and what it prints is held against what is written there.

A `console` block is a session in an empty folder: its commands (`$ …`) run in the order of the document,
in one shell, with AWS and Duo on loopback and Duo's credentials in duo.json. Where output is shown it has
to come, whatever the numbers; `…` stands for more of the line, and alone on a line for any lines. An `sh`
block runs in a clone of the project. A block of commands that can't be run here says why in a comment
before it, `<!-- not run: … -->`; NOT_RUN counts them.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from streamalert_apps.cli.scaffold import written
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests.bench import streamalert
from tests.deploy.streamalert import installation

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
UNLIMITED = ROOT / "tests/unlimited"
DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("src/**/services/*/page.md")])
SCHEMA = json.loads((ROOT / "docs/output.schema.json").read_text("utf-8"))
MOVING = ROOT / "docs/moving.md"  # begins in an installation of StreamAlert
BLOCK = re.compile(
    r"^(?P<mark><!-- not run: [^\n]+ -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
COMMAND = re.compile(r"^ *(\$ )?(sa-apps|nox|pytest|pip|python3?|terraform|git|uv) ", re.MULTILINE)
ARCHITECTURE_PATHS = re.findall(
    r"`((?!conf/)[a-z]+/[\w./]*)`", (ROOT / "docs/architecture.md").read_text("utf-8")
)
NOT_RUN = {
    "README.md": 1,
    "docs/README.md": 1,
    "docs/machine.md": 3,
    "docs/moving.md": 1,
    "docs/privacy.md": 1,
    "docs/simulation.md": 3,
    "docs/settings.md": 1,
    "docs/start.md": 1,
}
PREFIX, ELLIPSIS, MARK = "$ ", "…", "\x1e"
TO_SIMULATOR = """
trap 'kill $(jobs -p) 2> /dev/null || true' EXIT
sa-apps() {
  case "$1" in
    serve)
      set -- serve --simulator "$SIMULATOR" --listen "127.0.0.1:$PORT" "${@:2}"
      if [ "$BASHPID" = "$$" ]; then command sa-apps "$@"; else exec sa-apps "$@"; fi ;;
    new | run | update-auth | check | doctor) command sa-apps "$1" --simulator "$SIMULATOR" "${@:2}" ;;
    *) command sa-apps "$@" ;;
  esac
}
"""


@dataclass(frozen=True)
class Step:
    """A command and the lines that it shall print; none: anything."""

    command: str
    shown: tuple[str, ...]


def where(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def blocks(document: Path, kind: str) -> list[str]:
    found = BLOCK.finditer(document.read_text("utf-8"))
    return [block["text"] for block in found if block["kind"] == kind and not block["mark"]]


def steps(document: Path) -> list[Step]:
    found = []
    for block in blocks(document, "console"):
        for part in re.split(rf"^{re.escape(PREFIX)}", block, flags=re.MULTILINE)[1:]:
            command, _, shown = re.sub(r"\\\n", "\\\\\0", part).partition("\n")
            found.append(Step(command.replace("\0", "\n"), tuple(shown.rstrip().splitlines())))
    return found


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where built packages are kept, instead of the developer's folder; uv's own cache is used."""
    return tmp_path_factory.mktemp("packages")


@contextmanager
def duo() -> Iterator[tuple[str, dict[str, str]]]:
    """Serve a Duo with an hour of events; yield its URL and credentials."""
    clock = SystemClock()
    twin = twins.twin("duo", clock=clock, rate=None)
    end = clock.now() - timedelta(minutes=10)
    twin.seed("duo_auth", events=500, start=end - timedelta(minutes=50), end=end)
    with serve(twin) as server:
        yield server.url, dict(twin.credentials)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def shell(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def shape(line: str) -> str:
    """Return a line without what differs from run to run: numbers, and the width that they give a column."""
    return re.sub(r"\s+", " ", re.sub(r"\d[\d.,:]*", "0", line)).strip()


def matches(printed: list[str], shown: tuple[str, ...]) -> bool:
    return (
        re.fullmatch("".join(map(pattern, shown)), "".join(f"{shape(line)}\n" for line in printed))
        is not None
    )


def pattern(line: str) -> str:
    if line == ELLIPSIS:
        return "(.*\n)*"
    start = line.removesuffix(f", {ELLIPSIS}")
    return re.escape(shape(start)) + (".*\n" if start != line else "\n")


@pytest.mark.usefixtures("aws_env")
@pytest.mark.parametrize("document", [d for d in DOCUMENTS if steps(d)], ids=where)
def test_what_a_document_shows_is_what_happens(document: Path, project: Path, packages: Path) -> None:
    with duo() as (url, credentials):
        arranged = installation(project, credentials) if document == MOVING else ""
        (project / "duo.json").write_text(json.dumps(credentials))
        (project / "duo.json").chmod(0o600)
        wanted = steps(document)
        script = TO_SIMULATOR + arranged + "".join(f"{step.command}\nprintf '{MARK}'\n" for step in wanted)
        env = {
            "SIMULATOR": url,
            "PORT": str(free_port()),
            "SA_APPS_CACHE_DIR": str(packages),
            "PYTHONPATH": str(UNLIMITED),
        }
        run = shell(script, project, **env)

    assert run.returncode == 0, run.stdout
    for step, printed in zip(wanted, run.stdout.split(MARK), strict=False):
        assert not step.shown or matches(printed.rstrip().splitlines(), step.shown), (
            f"$ {step.command}\n{printed}"
        )


def test_one_command_of_the_readme_goes_from_a_clone_to_the_demo(tmp_path: Path) -> None:
    (install_and_demo,) = blocks(ROOT / "README.md", "sh")
    subprocess.run(["git", "clone", "-q", str(ROOT), "clone"], cwd=tmp_path, check=True)

    run = shell(install_and_demo, tmp_path / "clone")

    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=where)
def test_no_link_inside_the_project_is_broken(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=where)
def test_every_block_is_fenced_and_says_what_it_holds(document: Path) -> None:
    fences = re.findall(r"^```(.*)$", document.read_text("utf-8"), re.MULTILINE)
    outside = BLOCK.sub("", document.read_text("utf-8"))

    assert set(fences[::2]) <= {"console", "sh", "json", "python", "text"}
    assert set(fences[1::2]) <= {""}
    assert re.findall(r"^(?: {4}|\t)(?=\S).*$", outside, re.MULTILINE) == []


def test_a_block_with_commands_is_run_or_says_why_not() -> None:
    pages = [page for page in DOCUMENTS if page.name != "commands.md"]  # its examples go through the parser
    found = [(where(page), block) for page in pages for block in BLOCK.finditer(page.read_text("utf-8"))]

    assert Counter(page for page, block in found if block["mark"]) == NOT_RUN
    assert [
        (page, block["text"])
        for page, block in found
        if not block["mark"] and COMMAND.search(block["text"]) and block["kind"] not in {"console", "sh"}
    ] == []
    assert {page for page, block in found if block["kind"] == "sh" and not block["mark"]} == {"README.md"}


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if blocks(d, "json")], ids=where)
def test_every_json_block_is_json_and_every_answer_has_its_form(document: Path) -> None:
    for text in blocks(document, "json"):
        content = json.loads(text)
        if "schema" in content:
            Draft202012Validator(SCHEMA).validate(content)


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if blocks(d, "python")], ids=where)
def test_every_python_block_runs(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin, twin = (written("acme_events")[path] for path in ("apps/acme/app.py", "apps/acme/twin.py"))
    (tmp_path / "shown.py").write_text(f"{plugin}\n{twin}\nAcmeTwin = TWIN\n", "utf-8")
    module = ModuleType("shown")
    module.__file__ = str(tmp_path / "shown.py")
    monkeypatch.setitem(sys.modules, "shown", module)

    exec((tmp_path / "shown.py").read_text("utf-8"), vars(module))

    for text in blocks(document, "python"):
        exec(text, vars(module))


@pytest.mark.parametrize("picture", sorted(ROOT.glob("docs/**/*.svg")), ids=where)
def test_a_picture_is_whole_and_asks_nobody_for_anything(picture: Path) -> None:
    svg = picture.read_text("utf-8")

    assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert re.findall(r"url\((?!#)|@import|href=|<script", svg) == []


def test_the_architecture_has_the_layers_of_the_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = [part for layer in contracts[0]["layers"] for part in layer.split(" | ")]
    picture = (ROOT / "docs/pictures/architecture.svg").read_text("utf-8")
    page = (ROOT / "docs/architecture.md").read_text("utf-8")

    assert re.findall(r'class="name"[^>]*>(\w+)<', picture) == layers
    assert re.findall(r"`(\w+)`", page.partition("as in the picture:")[2].partition("2. **")[0]) == layers
    assert all(f"**{contract['name']}" in page.replace("`", "") for contract in contracts)


@pytest.mark.parametrize("path", sorted(set(ARCHITECTURE_PATHS)))
def test_the_architecture_names_files_that_are_there(path: str) -> None:
    assert (ROOT / "src/streamalert_apps" / path).exists() or (ROOT / path).exists()


@pytest.mark.parametrize(("page", "width"), [("README.md", 3), ("docs/benchmarks.md", 5)])
def test_the_figures_of_a_page_are_those_of_the_benchmark(page: str, width: int) -> None:
    table = "\n".join(streamalert.table(_measured(), width))

    assert table in (ROOT / page).read_text(), f"{page} shows other figures than these:\n{table}"


_measured = cache(streamalert.measured)

"""Every command of README.md and docs/ is run, and what it prints is held against what is written there.

A `console` block is a session in an empty folder: its commands (`$ …`) run in the order of the document,
in one shell, with AWS and Duo on loopback and Duo's credentials in duo.json. Where output is shown it has
to come, whatever the numbers; `…` stands for more of the line, and alone on a line for any lines. An `sh`
block runs in a clone of the project.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamalert_apps import simulator
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.simulator.server import serve
from tests.bench import streamalert

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```(?P<kind>console|sh)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PREFIX, ELLIPSIS, MARK = "$ ", "…", "\x1e"
TO_SIMULATOR = """
trap 'kill $(jobs -p) 2> /dev/null || true' EXIT
sa-apps() {
  case "$1" in
    new | run | update-auth | check) command sa-apps "$1" --simulator "$SIMULATOR" "${@:2}" ;;
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
    return [block["text"] for block in BLOCK.finditer(document.read_text()) if block["kind"] == kind]


def steps(document: Path) -> list[Step]:
    found = []
    for block in blocks(document, "console"):
        for part in re.split(rf"^{re.escape(PREFIX)}", block, flags=re.MULTILINE)[1:]:
            command, _, shown = re.sub(r"\\\n", "\\\\\0", part).partition("\n")
            found.append(Step(command.replace("\0", "\n"), tuple(shown.rstrip().splitlines())))
    return found


@contextmanager
def duo() -> Iterator[tuple[str, dict[str, str]]]:
    """Serve a Duo with an hour of events; yield its URL and credentials."""
    clock = SystemClock()
    twin = simulator.twin("duo", clock=clock, rate=None)
    end = clock.now() - timedelta(minutes=10)
    twin.seed("duo_auth", events=500, start=end - timedelta(minutes=50), end=end)
    with serve(twin) as server:
        yield server.url, dict(twin.credentials)


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
def test_what_a_document_shows_is_what_happens(document: Path, project: Path) -> None:
    with duo() as (url, credentials):
        (project / "duo.json").write_text(json.dumps(credentials))
        (project / "duo.json").chmod(0o600)
        wanted = steps(document)
        script = TO_SIMULATOR + "".join(f"{step.command}\nprintf '{MARK}'\n" for step in wanted)
        run = shell(script, project, SIMULATOR=url)

    assert run.returncode == 0, run.stdout
    for step, printed in zip(wanted, run.stdout.split(MARK), strict=False):
        assert not step.shown or matches(printed.rstrip().splitlines(), step.shown), (
            f"$ {step.command}\n{printed}"
        )


def test_one_command_of_the_readme_goes_from_a_clone_to_the_demo(tmp_path: Path) -> None:
    install_and_demo, _ = blocks(ROOT / "README.md", "sh")
    subprocess.run(["git", "clone", "-q", str(ROOT), "clone"], cwd=tmp_path, check=True)

    run = shell(install_and_demo, tmp_path / "clone")

    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=where)
def test_no_link_inside_the_project_is_broken(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=where)
def test_every_block_says_what_it_holds(document: Path) -> None:
    fences = re.findall(r"^```(.*)$", document.read_text(), re.MULTILINE)

    assert set(fences[::2]) <= {"console", "sh", "json", "python", "text"}
    assert set(fences[1::2]) <= {""}


@pytest.mark.parametrize("document", DOCUMENTS, ids=where)
def test_every_json_block_is_json(document: Path) -> None:
    for text in re.findall(r"^```json\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL):
        json.loads(text)


def test_the_figures_of_the_readme_are_those_of_the_benchmark() -> None:
    table = "\n".join(streamalert.table())

    assert table in (ROOT / "README.md").read_text(), f"README.md shows other figures than these:\n{table}"

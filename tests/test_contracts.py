"""Each import contract of pyproject.toml is broken once, in a copy, and the linter sees it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import streamalert_apps

PACKAGE = Path(streamalert_apps.__file__).parent
PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
LINT = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(cache_dir=None))"

BREACHES = [
    ("Layers point down", "sdk/app.py", "from streamalert_apps.config import conf"),
    ("Layers point down", "simulator/store.py", "from streamalert_apps.services import find"),
    ("Services do not know one another", "services/duo/app.py", "import streamalert_apps.services.box.app"),
    (
        "Services do not know one another",
        "services/duo/twin/api.py",
        "import streamalert_apps.services.box",
    ),
    (
        "What ships to Lambda needs no simulator",
        "services/duo/app.py",
        "from streamalert_apps.simulator import store",
    ),
    (
        "What ships to Lambda needs no simulator",
        "runtime/collect.py",
        "from streamalert_apps.simulator import store",
    ),
    (
        "A twin never sees the client that it tries",
        "services/duo/twin/rows.py",
        "from streamalert_apps.services.duo import app",
    ),
    ("A twin never sees the client that it tries", "simulator/store.py", "import boto3"),
    ("What ships to Lambda needs no library of the command line", "services/duo/app.py", "import pydantic"),
    ("The terminal's libraries live in cli alone", "plugins/places.py", "import rich"),
    (
        "No module imports itself in a circle, not even for its types",
        "runtime/head.py",
        "from streamalert_apps.runtime import collect",
    ),
]


def broken(root: Path) -> set[str]:
    """Return the contracts that the copy of the package in a folder breaks."""
    ran = subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = set(re.findall(r"^(.+?) BROKEN\b", ran.stdout, re.MULTILINE))
    assert ran.returncode == bool(found), ran.stdout + ran.stderr
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PYPROJECT, tmp_path)
    return tmp_path


def test_the_package_keeps_its_contracts(copy: Path) -> None:
    assert broken(copy) == set()


@pytest.mark.parametrize(("contract", "file", "breach"), BREACHES)
def test_a_breach_is_seen(copy: Path, contract: str, file: str, breach: str) -> None:
    with (copy / PACKAGE.name / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{breach}\n")

    assert contract in broken(copy)


def test_every_contract_is_broken_once() -> None:
    contracts = tomllib.loads(PYPROJECT.read_text("utf-8"))["tool"]["importlinter"]["contracts"]

    assert {contract for contract, _, _ in BREACHES} == {contract["name"] for contract in contracts}

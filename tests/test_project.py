"""What is handed out is what is here, and what is said of it is true."""

from __future__ import annotations

import re
import subprocess
import tarfile
import tomllib
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling import build

import streamalert_apps

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PYTHONS = [c.rpartition(" ")[2] for c in PYPROJECT["project"]["classifiers"] if re.search(r":: 3\.\d+$", c)]


def committed(folder: str) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return folder / build.build_wheel(str(folder))


def test_the_version_is_told_the_same_everywhere() -> None:
    assert version("streamalert-apps") == streamalert_apps.__version__


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert "streamalert_apps/py.typed" in names
    assert names == {name.removeprefix("src/") for name in committed("src")}


def test_the_wheel_needs_no_library_of_the_tests(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        needed = re.findall(r"^Requires-Dist: ([\w-]+)", archive.read(metadata).decode(), re.MULTILINE)

    assert sorted(needed) == sorted(re.match(r"[\w-]+", d)[0] for d in PYPROJECT["project"]["dependencies"])  # type: ignore[index]


def test_the_source_distribution_can_be_tested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with tarfile.open(tmp_path / build.build_sdist(str(tmp_path))) as archive:
        tops = {Path(name).parts[1] for name in archive.getnames()}

    assert {"src", "tests", "docs", "noxfile.py", "pyproject.toml", "README.md", "LICENSE"} <= tops
    assert not any(top.startswith(".") for top in tops - {".gitignore"})


def test_ci_runs_the_readmes_own_command() -> None:
    *_, command = re.findall(
        r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )

    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == command.strip()


def test_the_workflow_runs_on_every_python_that_is_promised() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()

    assert f"python: [{', '.join(f'{p!r}' for p in PYTHONS)}]".replace("'", '"') in workflow
    assert PYPROJECT["project"]["requires-python"] == f">={PYTHONS[0]}"


def test_the_workflow_pins_what_it_uses_and_may_write_nothing() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    used = re.findall(r"uses: \S+@(\S+)", workflow)

    assert used
    assert [pin for pin in used if not re.fullmatch(r"[0-9a-f]{40}", pin)] == []
    assert re.search(r"^permissions: \{\}$", workflow, re.MULTILINE)
    assert "write" not in workflow


def test_the_changelog_keeps_its_form() -> None:
    headings = re.findall(r"^(##+) (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    releases = [text for level, text in headings if level == "##"]
    sections = {text for level, text in headings if level == "###"}

    assert releases[0] == "[Unreleased]"
    assert [r for r in releases[1:] if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", r)] == []
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_a_version_that_is_released_is_in_the_changelog() -> None:
    number = streamalert_apps.__version__

    assert ".dev" in number or f"## [{number}] - " in (ROOT / "CHANGELOG.md").read_text()

"""What is handed out is what is here, and what is said of it is true."""

from __future__ import annotations

import re
import subprocess
import tarfile
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml
from hatchling import build

import streamalert_apps
from streamalert_apps import services
from tools import release

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


def test_the_source_distribution_holds_only_what_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with tarfile.open(tmp_path / build.build_sdist(str(tmp_path))) as archive:
        names = {"/".join(Path(file.name).parts[1:]) for file in archive.getmembers() if file.isfile()}

    assert names - {"PKG-INFO"} <= committed(".")


def test_the_wheel_brings_what_runs_without_a_checkout_and_no_test(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()

    inside = {name.partition("/")[2] for name in names if name.startswith("streamalert_apps/")}
    assert {"py.typed", "deploy/locks/base.txt", "deploy/locks/cryptography.txt"} <= inside
    assert "services/table.json" in inside
    for service in services.services():
        room = {name.split("/")[2] for name in inside if name.startswith(f"services/{service}/")}
        assert {"__init__.py", "app.py", "schemas.json", "setup.md", "page.md"} < room
        assert room & {"twin", "twin.py"}
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
    assert [name for name in names if re.search(r"__pycache__|\.pyc$|^tests?/|\.cache", name)] == []


def test_ci_runs_the_readmes_own_command() -> None:
    *_, command = re.findall(
        r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )

    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == command.strip()


WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())["jobs"]
    return found


def test_ci_runs_on_every_python_and_system_that_is_promised() -> None:
    matrix = jobs("ci")["check"]["strategy"]["matrix"]

    assert matrix["python"] == PYTHONS
    assert matrix["system"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert PYPROJECT["project"]["requires-python"] == f">={PYTHONS[0]}"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_pins_what_it_uses_and_may_nothing_that_a_job_does_not_name(workflow: Path) -> None:
    text = workflow.read_text()
    used = re.findall(r"uses: (.*)", text)
    whole = yaml.safe_load(text)

    assert used
    assert [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []
    assert whole["permissions"] == {}
    assert all("permissions" in job and "timeout-minutes" in job for job in whole["jobs"].values())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_only_sessions_that_there_are(workflow: Path) -> None:
    sessions = set(re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE))
    named = re.findall(r"nox -s ([\w. -]+?)(?: -- .*)?$", workflow.read_text(), re.MULTILINE)

    assert {name.partition("-")[0] for names in named for name in names.split()} <= sessions


def test_ci_may_write_nothing() -> None:
    assert "write" not in (ROOT / ".github/workflows/ci.yml").read_text()


def test_a_release_is_built_once_and_published_without_a_token() -> None:
    release = jobs("release")

    assert release["publish"]["environment"] == "pypi"
    assert release["publish"]["permissions"] == {"id-token": "write"}
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text()
    builds = [name for name, job in release.items() if "nox" in str(job["steps"])]
    assert builds == ["build"]


def test_a_releases_text_is_its_section_of_the_changelog() -> None:
    changelog = (
        "# Changelog\n\n## [Unreleased]\n\n## [1.0.1] - 2027-01-02\n\n- b\n\n## [1.0.0] - 2027-01-01\n\n- a\n"
    )

    assert release.notes("v1.0.1", "1.0.1", changelog) == "- b"
    assert release.notes("v1.0.0", "1.0.0", changelog + "\n[1.0.0]: https://example.com\n") == "- a"


@pytest.mark.parametrize(
    ("tag", "version", "told"),
    [("v1.0.1", "1.0.0", "the version 1.0.0"), ("v1.0.0", "1.0.0", "no section 1.0.0")],
)
def test_a_tag_that_is_not_ready_makes_no_release(tag: str, version: str, told: str) -> None:
    with pytest.raises(SystemExit, match=told):
        release.notes(tag, version, "# Changelog\n")


@pytest.mark.parametrize("elsewhere", ["", "https://example.com/them/theirs"])
def test_an_index_gets_links_only_to_the_repository_that_a_release_is_built_from(
    elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _, name = elsewhere.partition("/them/")
    monkeypatch.setenv("GITHUB_SERVER_URL", server)
    monkeypatch.setenv("GITHUB_REPOSITORY", f"them/{name}" if name else "")
    monkeypatch.chdir(ROOT)
    with ZipFile(tmp_path / build.build_wheel(str(tmp_path))) as archive:
        told = archive.read(next(n for n in archive.namelist() if n.endswith("METADATA"))).decode()

    head, _, readme = told.partition("\n\n")
    links = re.findall(r"^Project-URL: \w+, (.*)", head, re.MULTILINE)
    relative = [link for link in re.findall(r"\]\(([^)]+)\)", readme) if not re.match(r"https:|#", link)]
    assert len(links) == (4 if elsewhere else 0)
    assert all(link.startswith(elsewhere) for link in links)
    assert bool(relative) == (not elsewhere)


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


def test_each_release_in_the_changelog_has_its_link() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## \[(.*?)\]", changelog, re.MULTILINE)
    links = dict(re.findall(r"^\[(.*?)\]: (\S+)$", changelog, re.MULTILINE))

    assert list(links) == headings
    assert all(links[number].endswith(f"/v{number}") for number in headings[1:])

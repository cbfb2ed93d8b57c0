"""`sa-apps package`: a zip to look at, or for a pipeline of one's own."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from streamalert_apps.deploy.package import build
from tests.cli.test_json import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]


@pytest.fixture(scope="module")
def kept_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept-packages")


@pytest.fixture
def app(
    local: Path, auth_file: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch, kept_packages: Path
) -> Path:
    """Return a project with the app `collector`, the working directory."""
    monkeypatch.setenv("SA_APPS_CACHE_DIR", str(kept_packages))
    assert sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check").code == 0
    return local


def test_the_zip_is_written_and_described_in_words(app: Path, sa_apps: Command) -> None:
    ran = sa_apps("package", "collector", "--output", "app.zip")

    assert (ran.code, ran.out) == (0, "")
    assert (app / "app.zip").read_bytes() == build("duo_auth").archive
    assert "for python3.13 on arm64" in ran.err
    assert "streamalert_apps.runtime.handler.handler" in ran.err


def test_json_says_what_was_written(app: Path, sa_apps: Command) -> None:
    ran = sa_apps(
        *("package", "--name", "collector", "--cluster", "prod", "-o", "app.zip", "--json"),
        *("--runtime", "python3.14", "--architecture", "x86_64"),
    )
    answer = check(ran.out, "package")
    written = (app / "app.zip").read_bytes()

    assert answer["path"] == str(app / "app.zip")
    assert answer["bytes"] == len(written)
    assert answer["code_sha256"] == b64encode(sha256(written).digest()).decode()
    assert answer["digest"] == build("duo_auth", "python3.14", "x86_64").digest
    assert (answer["runtime"], answer["architecture"]) == ("python3.14", "x86_64")
    with ZipFile(app / "app.zip") as archive:
        assert answer["files"] == archive.namelist()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["-o", "x.zip", "--runtime", "python3.9"], 2, "'python3.9' is not a supported runtime."),
        (["-o", "x.zip", "--architecture", "arm"], 2, "'arm' is not a supported architecture."),
        (["-o", "missing/x.zip"], 2, "missing/x.zip can't be written: No such file or directory."),
        (["-o", "conf"], 2, "is a directory"),
    ],
)
def test_wrong_usage_is_said_and_nothing_is_written(
    app: Path, sa_apps: Command, options: list[str], code: int, message: str
) -> None:
    before = sorted(app.rglob("*"))
    ran = sa_apps("package", "collector", *options)

    assert ran.code == code
    assert message in ran.err
    assert sorted(app.rglob("*")) == before


def test_a_file_that_can_t_be_replaced_stays_whole(
    app: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (app / "app.zip").write_text("old")
    monkeypatch.setattr("pathlib.Path.replace", full_disk)

    assert sa_apps("package", "collector", "-o", "app.zip").code == 2
    assert (app / "app.zip").read_text() == "old"
    assert list(app.glob(".app.zip*")) == []


def full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_defaults_are_those_of_a_deploy(app: Path, sa_apps: Command) -> None:
    answer = check(sa_apps("package", "collector", "-o", "app.zip", "--json").out, "package")

    assert (answer["runtime"], answer["architecture"]) == (
        build("duo_auth").runtime,
        build("duo_auth").architecture,
    )
    assert answer["digest"] == build("duo_auth").digest


def test_without_a_file_s_name_it_is_the_apps(app: Path, sa_apps: Command) -> None:
    assert sa_apps("package", "collector").code == 0
    assert ZipFile(app / "collector.zip").namelist()

"""Locked packages: fetched by uv and hash, kept for the next build; each thing that can go wrong is said.

A folder of wheels on this machine is the index, where a test needs one of its own.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from streamalert_apps.deploy import dependencies, uv
from streamalert_apps.deploy.package import build
from streamalert_apps.errors import PackageError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
LOCKS = [path.stem for path in dependencies.LOCKS.iterdir()]
DISCARD_PORT = "http://127.0.0.1:9/simple"
HERE = ("python3.13", "arm64")


@dataclass(frozen=True)
class Index:
    """A folder that uv finds wheels in."""

    folder: Path

    def add(self, name: str, tag: str = "py3-none-any") -> str:
        """Add a package of one module; return its lock."""
        info = f"{name}-1.0.dist-info"
        files = {
            f"{name}/__init__.py": "",
            f"{name}/__init__.pyi": "",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: any\nRoot-Is-Purelib: true\nTag: {tag}\n",
            f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
        }
        files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
        wheel = self.folder / f"{name}-1.0-{tag}.whl"
        with ZipFile(wheel, "w") as archive:
            for file, text in files.items():
                archive.writestr(file, text)
        return self._lock(name, wheel)

    def add_source(self, name: str) -> str:
        """Add a package that would have to be built; return its lock."""
        source = self.folder / f"{name}-1.0.tar.gz"
        with tarfile.open(source, "w:gz") as archive:
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()
            entry = tarfile.TarInfo(f"{name}-1.0/PKG-INFO")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
        return self._lock(name, source)

    @staticmethod
    def _lock(name: str, file: Path) -> str:
        return f"{name}==1.0 --hash=sha256:{sha256(file.read_bytes()).hexdigest()}\n"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Index:
    """Return an index that is all uv knows; its cache is empty, and so is ours."""
    for name in os.environ:
        if name.startswith("UV_"):
            monkeypatch.delenv(name)
    for folder in ("wheels", "nothing"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", (tmp_path / "nothing").as_uri())
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("SA_APPS_CACHE_DIR", str(tmp_path / "cache"))
    return Index(tmp_path / "wheels")


@pytest.fixture
def without_uv(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what takes uv away."""
    return lambda: monkeypatch.setitem(sys.modules, "uv", None)


def test_a_package_is_laid_out_without_scripts_stubs_and_installers_notes(index: Index) -> None:
    files = dependencies.files(index.add("tiny"), *HERE)

    assert set(files) == {"tiny/__init__.py", "tiny-1.0.dist-info/METADATA"}


def test_a_second_build_asks_neither_uv_nor_an_index(index: Index, without_uv: Callable[[], None]) -> None:
    lock = index.add("tiny")
    first = dependencies.files(lock, *HERE)
    without_uv()

    assert dependencies.files(lock, *HERE) == first


def test_what_uv_has_in_its_cache_needs_no_network(
    index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock = index.add("tiny")
    first = dependencies.files(lock, *HERE)
    monkeypatch.setenv("SA_APPS_CACHE_DIR", str(tmp_path / "another-cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", DISCARD_PORT)

    assert dependencies.files(lock, *HERE) == first


@pytest.mark.parametrize("other", [("python3.14", "arm64"), ("python3.13", "x86_64")])
def test_what_is_kept_for_one_function_is_not_taken_for_another(
    index: Index, without_uv: Callable[[], None], other: tuple[str, str]
) -> None:
    lock = index.add("tiny")
    dependencies.files(lock, *HERE)
    without_uv()

    with pytest.raises(PackageError):
        dependencies.files(lock, *other)


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: data.replace(b"Name", b"Mane")])
def test_a_damaged_file_in_the_cache_is_made_anew(index: Index, damage: Callable[[bytes], bytes]) -> None:
    lock = index.add("tiny")
    first = dependencies.files(lock, *HERE)
    (kept,) = (dependencies.cache_folder() / "dependencies").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))

    assert dependencies.files(lock, *HERE) == first
    assert kept.read_bytes() == whole


def test_a_cache_that_can_t_be_written_keeps_nobody_from_building(
    index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SA_APPS_CACHE_DIR", str(tmp_path / "file" / "cache"))

    assert dependencies.files(index.add("tiny"), *HERE)


def test_the_cache_is_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SA_APPS_CACHE_DIR")
    for name in ("HOME", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))

    folder = dependencies.cache_folder()
    assert folder.is_relative_to(tmp_path)
    assert "sa-apps" in folder.parts


def test_another_file_than_the_locked_one_is_refused(index: Index) -> None:
    lock = index.add("tiny")

    with pytest.raises(PackageError) as caught:
        dependencies.files(re.sub("sha256:.*", f"sha256:{'0' * 64}", lock), *HERE)

    assert caught.value.message == "tiny==1.0 is not the package that was locked: its hash differs."
    assert caught.value.hint
    assert list((dependencies.cache_folder()).glob("**/*.zip")) == []


def test_a_lock_without_a_hash_is_refused(index: Index) -> None:
    index.add("tiny")

    with pytest.raises(PackageError, match=r"hash"):
        dependencies.files("tiny==1.0\n", *HERE)


def test_a_package_without_a_wheel_for_the_processor_is_named(index: Index) -> None:
    lock = index.add("tiny", "py3-none-manylinux_2_17_x86_64")

    assert dependencies.files(lock, "python3.13", "x86_64")
    with pytest.raises(PackageError) as caught:
        dependencies.files(lock, "python3.13", "arm64")

    assert caught.value.message == "There is no wheel of tiny==1.0 for python3.13 on arm64."
    assert "--architecture" in caught.value.hint


def test_a_wheel_for_a_newer_linux_than_the_runtimes_is_not_taken(index: Index) -> None:
    lock = index.add("tiny", "py3-none-manylinux_2_28_aarch64")

    assert dependencies.files(lock, "python3.12", "arm64")
    with pytest.raises(PackageError, match=r"no wheel of tiny==1\.0 for python3\.11"):
        dependencies.files(lock, "python3.11", "arm64")


def test_nothing_is_built_from_source(index: Index) -> None:
    with pytest.raises(PackageError, match=r"There is no wheel of tiny==1\.0"):
        dependencies.files(index.add_source("tiny"), *HERE)


@pytest.mark.parametrize(
    "way",
    [{"UV_DEFAULT_INDEX": DISCARD_PORT}, {"UV_OFFLINE": "1"}],
    ids=["refused", "offline"],
)
def test_no_network_and_nothing_kept_is_said(
    index: Index, monkeypatch: pytest.MonkeyPatch, way: dict[str, str]
) -> None:
    for name, value in way.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(Unavailable) as caught:
        dependencies.files(dependencies.lock_of("base"), *HERE)

    assert "not in uv's cache, and the index can't be reached" in caught.value.message
    assert "with network" in caught.value.hint
    assert "\n" not in caught.value.message


def test_an_index_that_never_answers_is_given_up(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv, "LONGEST_SECONDS", 0)

    with pytest.raises(Unavailable, match="no end after 0 seconds"):
        dependencies.files(index.add("tiny"), *HERE)


def test_a_version_that_an_index_lacks_is_named(index: Index) -> None:
    with pytest.raises(PackageError, match=r"tiny.* not found .*tiny==1\.0"):
        dependencies.files(f"tiny==1.0 --hash=sha256:{'0' * 64}", *HERE)


def test_a_machine_without_uv_is_told_what_to_install(index: Index, without_uv: Callable[[], None]) -> None:
    without_uv()

    with pytest.raises(PackageError) as caught:
        dependencies.files(index.add("tiny"), *HERE)

    assert caught.value.message.startswith("uv is missing")
    assert "pip install uv" in caught.value.hint


def test_settings_in_the_working_directory_do_not_count(
    index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("UV_NO_CONFIG")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "uv.toml").write_text("no-such-setting = 1")

    assert dependencies.files(index.add("tiny"), *HERE)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_exact_versions_and_hashes_and_no_address(name: str) -> None:
    lock = dependencies.lock_of(name)
    entries = re.sub(r"\\\n\s*", "", lock).splitlines()

    assert [
        entry for entry in entries if not re.match(r"#|[\w-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry)
    ] == []
    assert "://" not in lock


@pytest.mark.parametrize("name", LOCKS)
def test_what_is_locked_is_what_the_project_allows(name: str) -> None:
    needed = map(Requirement, tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"])
    allowed = {requirement.name: requirement.specifier for requirement in needed}
    locked = dict(re.findall(r"^([\w-]+)==([\w.]+)", dependencies.lock_of(name), re.MULTILINE))

    assert set(locked) & set(allowed)
    assert [n for n in set(locked) & set(allowed) if locked[n] not in allowed[n]] == []


def test_a_file_in_the_cache_that_somebody_changed_is_not_shipped(index: Index) -> None:
    lock = index.add("tiny")
    first = dependencies.files(lock, *HERE)
    (kept,) = (dependencies.cache_folder() / "dependencies").iterdir()
    with ZipFile(kept, "w") as archive:
        for name in first:
            archive.writestr(name, "import os; os.system('id')")

    assert dependencies.files(lock, *HERE) == first


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UV_COMPILE_BYTECODE", "1"),
        ("UV_EXCLUDE_NEWER", "2001-01-01T00:00:00Z"),
        ("UV_CONSTRAINT", "constraints.txt"),
        ("UV_OVERRIDE", "overrides.txt"),
        ("UV_BUILD_CONSTRAINT", "constraints.txt"),
        ("UV_WORKING_DIR", "elsewhere"),
        ("UV_WORKING_DIRECTORY", "elsewhere"),
        ("UV_NO_BINARY", "1"),
        ("UV_NO_INDEX", "1"),
        ("UV_NO_CACHE", "1"),
        ("UV_PYTHON", "3.99"),
        ("UV_PYTHON_PLATFORM", "windows"),
        ("UV_REQUIRE_HASHES", "0"),
        ("UV_SYSTEM_PYTHON", "1"),
        ("UV_PRERELEASE", "nonsense"),
        ("UV_LINK_MODE", "nonsense"),
        ("UV_CONFIG_FILE", "no-such-file.toml"),
        ("RUST_LOG", "trace"),
        ("VIRTUAL_ENV", "no-such-folder"),
    ],
)
def test_what_uv_is_told_elsewhere_does_not_count(
    index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    lock = index.add("tiny")
    first = dependencies.files(lock, *HERE)
    monkeypatch.setenv("SA_APPS_CACHE_DIR", str(tmp_path / "another-cache"))
    monkeypatch.setenv(name, value)

    assert dependencies.files(lock, *HERE) == first


@pytest.mark.parametrize("place", ["XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"])
def test_of_the_users_uv_toml_only_the_way_to_an_index_counts(
    index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    lock = index.add("tiny")
    monkeypatch.delenv("UV_NO_CONFIG")
    monkeypatch.delenv("UV_FIND_LINKS")
    (tmp_path / "uv").mkdir()
    links = (tmp_path / "wheels").as_posix()
    (tmp_path / "uv" / "uv.toml").write_text(
        f'required-version = "==0.0.1"\nno-index = true\nfind-links = ["{links}"]\ncompile-bytecode = true\n'
        'exclude-newer = "2001-01-01T00:00:00Z"\nno-such-setting = 1\n'
        f'[[index]]\nname = "own"\nurl = "{(tmp_path / "nothing").as_uri()}"\ndefault = true\n'
        "[pip]\nno-index = true\nrequire-hashes = false\n"
    )
    monkeypatch.setenv(place, str(tmp_path))

    assert dependencies.files(lock, *HERE)


def test_without_room_for_temporary_files_it_says_so(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = index.add("tiny")

    def nowhere(**_: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(uv, "TemporaryDirectory", nowhere)
    with pytest.raises(PackageError, match="no folder for temporary files"):
        dependencies.files(lock, *HERE)


def test_what_tells_a_package_from_others_needs_no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "files", None)
    assert len(build("duo_auth").digest) == 64

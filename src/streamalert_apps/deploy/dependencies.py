"""The packages that a function needs beside our own code.

A lock names them by version and hash. uv lays out the wheels for the function's Python and architecture,
from its own cache where it can. What is left without the files that nobody runs is kept as one file in
the user's cache folder, so that the next build asks neither uv nor an index.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

from streamalert_apps.deploy import uv
from streamalert_apps.deploy.archive import pack, unpack
from streamalert_apps.errors import AppError, PackageError, Unavailable
from streamalert_apps.runtime.files import write_private

MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
GLIBC: Final = {  # Amazon Linux 2, then 2023
    "python3.11": "2_17",
    "python3.12": "2_34",
    "python3.13": "2_34",
    "python3.14": "2_34",
}
LOCKS: Final = Path(__file__).with_name("locks")

_ONE_AT_A_TIME: Final = threading.Lock()

# Scripts (their first line holds a path of this machine), stubs, tests, what only an installer reads, and
# the compiler in cffi. Licences stay, and METADATA: vulnerability scanners know a package by it.
_UNUSED: Final = re.compile(
    r"\..*|(bin|Scripts|cffi)/.*|.*/tests/.*|.*\.pyi|.*/py\.typed"
    r"|.*\.dist-info/(RECORD|WHEEL|INSTALLER|REQUESTED|entry_points\.txt|top_level\.txt|direct_url\.json)"
)


def lock_of(name: str) -> str:
    """Return the text of a lock; raise PackageError where there is none of this name."""
    try:
        return (LOCKS / f"{name}.txt").read_text("utf-8")
    except FileNotFoundError:
        there = ", ".join(sorted(path.stem for path in LOCKS.glob("*.txt")))
        raise PackageError(
            f"There is no lock for the requirement '{name}'.", hint=f"What is locked: {there}."
        ) from None


def files(lock: str, runtime: str, architecture: str) -> dict[str, bytes]:
    """Return the files that a lock's packages run on, by name; raise Unavailable or PackageError."""
    with _ONE_AT_A_TIME:
        with suppress(OSError, RuntimeError, BadZipFile):
            return unpack(_intact(_kept(lock, runtime, architecture).read_bytes()))
        laid_out = _lay_out(lock, runtime, architecture)
        with suppress(OSError, RuntimeError):  # a machine whose disk can't be written builds all the same
            archive = pack(laid_out, compressed=False)
            write_private(_kept(lock, runtime, architecture), _digest(archive) + archive)
        return laid_out


def obtainable(lock: str, runtime: str, architecture: str) -> None:
    """Raise Unavailable or PackageError where `files` would; fetches no package."""
    with suppress(OSError, RuntimeError, BadZipFile):
        _intact(_kept(lock, runtime, architecture).read_bytes())
        return
    with uv.workplace() as folder:
        _install(folder, lock, runtime, architecture, "--dry-run")


def _kept(lock: str, runtime: str, architecture: str) -> Path:
    """Return where the files that a lock's packages run on are kept; raises as `cache_folder`."""
    return cache_folder() / "dependencies" / f"{key(lock, runtime, architecture)}.zip"


def key(lock: str, runtime: str, architecture: str) -> str:
    """Return what tells the files that a lock's packages run on from all others; asks nobody."""
    return sha256(f"{runtime} {architecture} {_UNUSED.pattern}\n{lock}".encode()).hexdigest()


def _digest(archive: bytes) -> bytes:
    return sha256(archive).hexdigest().encode()


def _intact(data: bytes) -> bytes:
    """Return the zip that follows its digest; raise BadZipFile where it is not the one that was kept."""
    digest, archive = data[:64], data[64:]
    if _digest(archive) != digest:
        raise BadZipFile
    return archive


def cache_folder() -> Path:
    """Return where this user's programs keep what can be made again; SA_APPS_CACHE_DIR names another.

    Raises RuntimeError where the user has no home.
    """
    if given := os.environ.get("SA_APPS_CACHE_DIR"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "sa-apps" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "sa-apps"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sa-apps"


def _lay_out(lock: str, runtime: str, architecture: str) -> dict[str, bytes]:
    with uv.workplace() as folder:
        _install(folder, lock, runtime, architecture)
        return _read(folder / "target")


def _install(folder: Path, lock: str, runtime: str, architecture: str, *more: str) -> None:
    """Install into `target` of a folder: from uv's cache if that can be, else from the index."""
    (folder / "lock.txt").write_text(lock, "utf-8")
    words = [
        *("pip", "install", "--requirements", "lock.txt", "--target", "target"),
        *("--require-hashes", "--no-deps", "--only-binary", ":all:"),
        *("--python", sys.executable, "--python-version", runtime.removeprefix("python")),
        *("--python-platform", f"{MACHINES[architecture]}-manylinux_{GLIBC[runtime]}"),
        *("--no-installer-metadata", "--no-compile-bytecode", *more),
    ]
    said = ""
    for mode in (["--offline"], []):
        said = uv.run([*words, *mode], folder)
        if not said:
            return
    raise _explained(said, runtime, architecture)


def _explained(said: str, runtime: str, architecture: str) -> AppError:
    """Return what uv said as an error of ours."""
    if found := re.search(r"Hash mismatch for `(.+?)`", said):
        return PackageError(
            f"{found[1]} is not the package that was locked: its hash differs.",
            hint="Find out why your package index has other files. Nothing of it was taken.",
        )
    if found := re.search(r"([\w.-]+==[\w.+-]+) has no (usable )?wheels", said):
        return PackageError(
            f"There is no wheel of {found[1]} for {runtime} on {architecture}.",
            hint="Choose another --runtime or --architecture.",
        )
    if re.search(r"Failed to fetch|Request failed|network (was|connectivity is) disabled", said):
        return Unavailable(
            f"The packages are not in uv's cache, and the index can't be reached ({uv.last_cause(said)}).",
            hint="Build once with network. UV_DEFAULT_INDEX names an index of your own.",
        )
    return PackageError(f"uv can't lay out the packages: {uv.last_cause(said)}.")


def _read(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not _UNUSED.fullmatch(name)}

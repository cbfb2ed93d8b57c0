"""The zip that an app's function runs: our own code, its one service, the locked packages.

The same inputs give the same contents on any machine, and `digest` is theirs: it tells whether a function
has to be updated. `sha256_base64` is Lambda's CodeSha256 of the zip; builds of Python compress differently
(zlib, zlib-ng), so that one may differ where the contents are the same.

There are no .pyc files: with them the zip is 1.2 MB instead of 0.65, and to write them takes an interpreter
of the function's own version, which not every machine has.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

from streamalert_apps import services
from streamalert_apps.deploy import dependencies, locking
from streamalert_apps.deploy.archive import Contents, pack
from streamalert_apps.errors import UsageError
from streamalert_apps.plugins.plugin import Plugin, content
from streamalert_apps.plugins.sinks import SinkPlugin
from streamalert_apps.sdk.app import service_of

HANDLER: Final = "streamalert_apps.runtime.handler.handler"
RUNTIMES: Final = tuple(dependencies.GLIBC)
ARCHITECTURES: Final = tuple(dependencies.MACHINES)
DEFAULT_RUNTIME: Final = "python3.13"
DEFAULT_ARCHITECTURE: Final = "arm64"

_ROOT: Final = Path(__file__).parents[1]
_OURS: Final = ("__init__.py", "errors.py", "sdk/**/*.py", "runtime/**/*.py", "services/*.py")
_ON_A_LAPTOP: Final = {
    "runtime/destinations/file.py",
    "runtime/local.py",
    "runtime/purge.py",
    "runtime/store/local.py",
    "runtime/store/memory.py",
    "services/twins.py",
}


@dataclass(frozen=True)
class Package:
    """What a function runs: code of our own and of the service, and what the locks name.

    The packages are laid out when they are asked for; what tells it from others needs none of them.
    """

    service: str
    runtime: str
    architecture: str
    requirements: tuple[str, ...]
    own: Contents
    locks: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The names inside the zip, in order."""
        return tuple(sorted(self.contents))

    @cached_property
    def contents(self) -> Contents:
        """All files by name; raises Unavailable or PackageError where packages can't be had."""
        contents = dict(self.own)
        for lock in self.locks:
            contents |= dependencies.files(lock, self.runtime, self.architecture)
        return contents

    @cached_property
    def digest(self) -> str:
        """What tells these contents from all others, in hexadecimal; a lock has the packages' hashes."""
        lines = [f"{sha256(self.own[name]).hexdigest()} {name}" for name in sorted(self.own)]
        lines += [dependencies.key(lock, self.runtime, self.architecture) for lock in self.locks]
        return sha256("\n".join((self.runtime, self.architecture, *lines)).encode()).hexdigest()

    @cached_property
    def archive(self) -> bytes:
        """The zip; made when it is asked for."""
        return pack(self.contents)

    @property
    def sha256_base64(self) -> str:
        """Lambda's CodeSha256 of the zip."""
        return b64encode(sha256(self.archive).digest()).decode()


def build(
    app_type: str,
    runtime: str = DEFAULT_RUNTIME,
    architecture: str = DEFAULT_ARCHITECTURE,
    plugin: Plugin | None = None,
    sinks: Sequence[SinkPlugin] = (),
) -> Package:
    """Return the package of an app type's service; apps of one service, or of one plugin, share it.

    `sinks`: of the plugins whose kinds of destinations it needs.
    """
    _choose(runtime, RUNTIMES, "runtime")
    _choose(architecture, ARCHITECTURES, "architecture")
    service = plugin or _built_in(app_type)
    requirements = service.requirements
    if plugin:
        locks = [locking.read(plugin)] if requirements else []
    else:
        locks = [dependencies.lock_of(name) for name in requirements]
    own = (service.contents if plugin else _room(service.service)) | _shared_files()
    for sink in sinks:
        own |= sink.contents
        if sink.plugin.requirements and sink.plugin != plugin:
            locks.append(locking.read(sink.plugin))
            requirements += sink.plugin.requirements
    every_lock = (dependencies.lock_of("base"), *locks)
    return Package(service.service, runtime, architecture, requirements, own, every_lock)


def _choose(value: str, choices: Sequence[str], what: str) -> None:
    if value not in choices:
        raise UsageError(f"'{value}' is not a supported {what}.", hint=f"One of: {', '.join(choices)}.")


def _shared_files() -> dict[str, bytes]:
    """Return our own code, but for the service, by its name in the zip."""
    found = {path.relative_to(_ROOT).as_posix(): path for pattern in _OURS for path in _ROOT.glob(pattern)}
    return {
        f"streamalert_apps/{name}": content(path) for name, path in found.items() if name not in _ON_A_LAPTOP
    }


def _room(service: str) -> dict[str, bytes]:
    """Return what a built-in service runs on, by its name in the zip: the code of its room, but no twin."""
    folder = services.room(service)
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.py")}
    return {
        f"streamalert_apps/services/{service}/{name}": content(path)
        for name, path in found.items()
        if not name.startswith(("twin/", "twin.py"))
    }


def _built_in(app_type: str) -> Plugin:
    """Return a built-in service as what it is: a file like a plugin's."""
    service = service_of(app_type)
    if service not in services.services():
        services.find(app_type)  # raises, with a suggestion
    return Plugin(service, services.room(service) / "app.py", f"services/{service}/app.py")

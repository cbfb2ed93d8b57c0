"""The zip that an app's function runs: our own code, its one service, the locked packages.

The same inputs give the same contents on any machine, and `digest` is theirs: it tells whether a function
has to be updated. `sha256_base64` is Lambda's CodeSha256 of the zip; builds of Python compress differently
(zlib, zlib-ng), so that one may differ where the contents are the same.

There are no .pyc files: with them the zip is 1.2 MB instead of 0.65, and to write them takes an interpreter
of the function's own version, which not every machine has.
"""

from __future__ import annotations

import ast
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from streamalert_apps import services
from streamalert_apps.deploy import dependencies
from streamalert_apps.deploy.archive import Contents, pack
from streamalert_apps.errors import ConfigError, UsageError
from streamalert_apps.sdk.app import service_of

HANDLER: Final = "streamalert_apps.runtime.handler.handler"
RUNTIMES: Final = tuple(dependencies.GLIBC)
ARCHITECTURES: Final = tuple(dependencies.MACHINES)
DEFAULT_RUNTIME: Final = "python3.13"
DEFAULT_ARCHITECTURE: Final = "arm64"

_ROOT: Final = Path(__file__).parents[1]
_OURS: Final = ("__init__.py", "errors.py", "sdk/*.py", "runtime/**/*.py", "services/__init__.py")
_ON_A_LAPTOP: Final = {"runtime/local.py", "runtime/destinations/jsonlines.py"}


@dataclass(frozen=True)
class Package:
    """What a function runs."""

    service: str
    runtime: str
    architecture: str
    requirements: tuple[str, ...]
    contents: Contents

    @property
    def files(self) -> tuple[str, ...]:
        """The names inside the zip, in order."""
        return tuple(sorted(self.contents))

    @cached_property
    def digest(self) -> str:
        """What tells these contents from all others, in hexadecimal; needs no zip."""
        lines = [f"{sha256(self.contents[name]).hexdigest()} {name}" for name in self.files]
        return sha256("\n".join((self.runtime, self.architecture, *lines)).encode()).hexdigest()

    @cached_property
    def archive(self) -> bytes:
        """The zip; made when it is asked for."""
        return pack(self.contents)

    @property
    def sha256_base64(self) -> str:
        """Lambda's CodeSha256 of the zip."""
        return b64encode(sha256(self.archive).digest()).decode()


def build(app_type: str, runtime: str = DEFAULT_RUNTIME, architecture: str = DEFAULT_ARCHITECTURE) -> Package:
    """Return the package of an app type's service; apps of one service share it."""
    _choose(runtime, RUNTIMES, "runtime")
    _choose(architecture, ARCHITECTURES, "architecture")
    service = service_of(app_type)
    if service not in services.services():
        services.find(app_type)  # raises, with a suggestion
    contents = _our_files(service)
    requirements = _requirements(contents[f"streamalert_apps/services/{service}.py"], service)
    for name in ("base", *requirements):
        contents |= dependencies.files(dependencies.lock_of(name), runtime, architecture)
    return Package(service, runtime, architecture, requirements, contents)


def _choose(value: str, choices: Sequence[str], what: str) -> None:
    if value not in choices:
        raise UsageError(f"'{value}' is no {what}.", hint=f"One of: {', '.join(choices)}.")


def _our_files(service: str) -> dict[str, bytes]:
    """Return our own code by its name in the zip, with the line ends that it has in the repository."""
    found = {path.relative_to(_ROOT).as_posix(): path for pattern in _OURS for path in _ROOT.glob(pattern)}
    found[f"services/{service}.py"] = _service_file(service)
    return {
        f"streamalert_apps/{name}": path.read_bytes().replace(b"\r\n", b"\n")
        for name, path in found.items()
        if name not in _ON_A_LAPTOP
    }


def _service_file(service: str) -> Path:
    spec = find_spec(f"{services.__name__}.{service}")
    if spec is None or not spec.origin or Path(spec.origin).name != f"{service}.py":
        raise ConfigError(f"The service {service} is not one file.")
    return Path(spec.origin)


def _requirements(source: bytes, service: str) -> tuple[str, ...]:
    """Return the `requirements` of a service's file, without running it: it may import what is not here."""
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name("requirements")], value=value):
                break
            case ast.AnnAssign(target=ast.Name("requirements"), value=ast.expr() as value):
                break
    else:
        return ()
    try:
        return tuple(ast.literal_eval(value))
    except ValueError:
        raise ConfigError(f"`requirements` of the service {service} is no tuple of names.") from None

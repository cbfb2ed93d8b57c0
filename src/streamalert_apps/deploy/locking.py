"""The lock of a plugin's requirements: made by its author, checked in beside it, read for each build.

What every app has (httpx, msgspec and what these need) is left out: it comes from our own lock, which the
plugin's packages are chosen to go with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from streamalert_apps.deploy import dependencies, uv
from streamalert_apps.errors import PackageError
from streamalert_apps.plugins.plugin import Plugin

OLDEST_PYTHON: Final = "3.11"

_WANTED: Final = re.compile(r"^# requirements: (.*)$", re.MULTILINE)
_PACKAGE: Final = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)


def read(plugin: Plugin) -> str:
    """Return a plugin's lock; raise PackageError where it is missing, or made for other requirements."""
    hint = f"Lock them with `sa-apps plugin lock {plugin.name}`."
    try:
        text = plugin.lock.read_text("utf-8")
    except OSError:
        asked = ", ".join(plugin.requirements)
        raise PackageError(
            f"The requirements of {plugin.shown} are not locked: {asked}.", hint=hint
        ) from None
    found = _WANTED.search(text)
    if not found or found[1] != _line(plugin.requirements):
        raise PackageError(f"{plugin.shown_beside(plugin.lock)} was made for other requirements.", hint=hint)
    return text


def made(plugin: Plugin) -> str:
    """Return a new lock of the newest packages that a plugin's requirements allow; asks the user's index."""
    base = dependencies.lock_of("base")
    ours = [name for name, _ in _PACKAGE.findall(base)]
    with uv.workplace() as folder:
        (folder / "wanted.txt").write_text("\n".join(plugin.requirements), "utf-8")
        (folder / "base.txt").write_text(base, "utf-8")
        words = [
            *("pip", "compile", "wanted.txt", "--output-file", "lock.txt", "--constraints", "base.txt"),
            *("--universal", "--python-version", OLDEST_PYTHON, "--only-binary", ":all:"),
            *("--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"),
            *(word for package in ours for word in ("--no-emit-package", package)),
        ]
        if said := uv.run(words, folder):
            raise PackageError(f"The requirements of {plugin.shown} can't be locked: {uv.last_cause(said)}.")
        locked = (folder / "lock.txt").read_text("utf-8")
    head = f"# What {plugin.service} needs in Lambda, made by `sa-apps plugin lock`."
    return f"{head}\n# requirements: {_line(plugin.requirements)}\n{locked}"


def packages(text: str) -> list[str]:
    """Return what a lock holds, as name==version."""
    return [f"{name}=={version}" for name, version in _PACKAGE.findall(text)]


def _line(requirements: Sequence[str]) -> str:
    return json.dumps(list(requirements))

"""A plugin's file, as tests need it."""

from __future__ import annotations

import os
from pathlib import Path

from streamalert_apps.errors import UsageError
from streamalert_apps.plugins.places import SERVICE
from streamalert_apps.plugins.plugin import Plugin


def load_plugin(path: str | Path) -> Plugin:
    """Return the plugin in a file: `apps` are its app types by name, `twin` is the class of its twin.

    They are loaded when they are asked for, and raise PluginError where they are wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"There is no {path}.", hint="`sa-apps plugin new` writes one.")
    if not SERVICE.fullmatch(path.stem) or path.suffix != ".py":
        raise UsageError(
            f"{path} is not named as a plugin's file.",
            hint="It has its service's name, letters and digits: box.py has the types box_….",
        )
    return Plugin(path.stem, path.absolute(), _shown(path))


def _shown(path: Path) -> str:
    """Return a path as a person in the working directory would write it."""
    if not path.is_absolute():
        return path.as_posix()
    near = Path(os.path.relpath(path)) if path.drive == Path.cwd().drive else path
    return path.as_posix() if near.parts[0] == ".." else near.as_posix()

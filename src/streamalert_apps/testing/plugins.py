"""A plugin, as tests need it."""

from __future__ import annotations

import os
from pathlib import Path

from streamalert_apps.errors import UsageError
from streamalert_apps.plugins.layout import APP, SERVICE, service_of_file
from streamalert_apps.plugins.plugin import Plugin


def load_plugin(path: str | Path) -> Plugin:
    """Return the plugin in a folder or file: `apps` are its app types by name, `twin` is its twin's class.

    They are loaded when they are asked for, and raise PluginError where they are wrong.
    """
    path = Path(path)
    file = path / APP if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"There is no {file}.", hint="`sa-apps plugin new` writes one.")
    service = service_of_file(file.absolute())
    if not SERVICE.fullmatch(service) or file.suffix != ".py":
        raise UsageError(
            f"{file} is not named as a plugin.",
            hint="It has its service's name, letters and digits: acme/app.py has the types acme_….",
        )
    return Plugin(service, file.absolute(), _shown(file))


def _shown(path: Path) -> str:
    """Return a path as a person in the working directory would write it."""
    if not path.is_absolute():
        return path.as_posix()
    near = Path(os.path.relpath(path)) if path.drive == Path.cwd().drive else path
    return path.as_posix() if near.parts[0] == ".." else near.as_posix()

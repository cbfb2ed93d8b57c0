"""Whose folder a plugin is in.

What is there runs with our rights, so it has to be ours, as git asks of a repository (`safe.directory`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from streamalert_apps.errors import PluginError

SAFE: Final = "SA_APPS_SAFE_DIRECTORY"


def check_owner(folder: Path) -> None:
    """Raise PluginError where a folder belongs to another user than us or root, and is not said to be safe.

    Windows has no such owner: nothing is checked there.
    """
    if os.name != "posix":
        return
    try:
        owner = folder.stat().st_uid
    except OSError as error:
        raise PluginError(f"{folder} can't be read: {error.strerror}.") from None
    if owner not in _ours() and not _is_safe(folder):
        raise PluginError(
            f"{folder} belongs to another user ({_name(owner)}), so no plugin in it is run.",
            hint=f"If you trust it, set {SAFE} to that folder, or make it yours with chown.",
        )


def _ours() -> set[int]:
    """Return the users whose code may run: ourselves, root, and under sudo who called it."""
    user = os.geteuid()
    caller = os.environ.get("SUDO_UID", "")
    return {user, 0, int(caller)} if user == 0 and caller.isdecimal() else {user, 0}


def _is_safe(folder: Path) -> bool:
    """Tell whether the user names the folder, or one around it, as safe; `*` names all."""
    said = [place for place in os.environ.get(SAFE, "").split(os.pathsep) if place]
    here = folder.resolve()
    return any(place == "*" or here.is_relative_to(Path(place).resolve()) for place in said)


def _name(user: int) -> str:
    import pwd  # noqa: PLC0415 (Windows has none)

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)

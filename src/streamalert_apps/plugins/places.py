"""Where plugins are: files of the project's apps/ folder, entry points of installed distributions.

Nothing is run here, and no file is read but to see whether it is meant for us.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streamalert_apps.errors import PluginError
from streamalert_apps.plugins import source
from streamalert_apps.plugins.plugin import Installed, Plugin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

FOLDER: Final = "apps"
GROUP: Final = "streamalert_apps.apps"

SERVICE: Final = re.compile(r"[a-z][a-z0-9]*")
_NO_PLUGIN: Final = re.compile(r"_.*|test_.*|.*_test|conftest")


class Places:
    """The places of a project; `root` is the folder that holds its conf/, None: there is no project."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._in_folder: dict[str, Plugin | None] = {}

    def in_folder(self, service: str) -> Plugin | None:
        """Return a service's plugin of the apps/ folder."""
        if self._root is None or not SERVICE.fullmatch(service):
            return None
        if service not in self._in_folder:
            path = self._root / FOLDER / f"{service}.py"
            plugin = Plugin(service, path, f"{FOLDER}/{path.name}")
            self._in_folder[service] = plugin if source.is_plugin(path) else None
        return self._in_folder[service]

    def installed(self, service: str) -> Plugin | None:
        """Return a service's plugin of a distribution; raise PluginError where its module is not there."""
        point = next((point for point in self._entry_points if point.name == service), None)
        return _installed(point) if point else None

    def services(self) -> tuple[str, ...]:
        """Return the services that have a plugin."""
        stems = (path.stem for path in self._files())
        names = {*stems, *(point.name for point in self._entry_points)}
        return tuple(sorted(name for name in names if SERVICE.fullmatch(name)))

    def misnamed(self) -> Iterator[PluginError]:
        """Yield what is wrong with the names of others."""
        for path in self._files():
            if not SERVICE.fullmatch(path.stem):
                yield PluginError(
                    f"{FOLDER}/{path.name}, line 1: a plugin's file has its service's name, "
                    "letters and digits: box.py has the types box_…"
                )
        for point in self._entry_points:
            if not SERVICE.fullmatch(point.name):
                yield PluginError(
                    f"{_shown(point)}: an entry point has its service's name, letters and digits"
                )

    def _files(self) -> list[Path]:
        found = sorted((self._root / FOLDER).glob("*.py")) if self._root else []
        return [path for path in found if not _NO_PLUGIN.fullmatch(path.stem) and source.is_plugin(path)]

    @cached_property
    def _entry_points(self) -> tuple[EntryPoint, ...]:
        from importlib.metadata import entry_points  # noqa: PLC0415 (takes a while, and most need none of it)

        return tuple(sorted(entry_points(group=GROUP), key=_shown))


def _installed(point: EntryPoint) -> Installed:
    try:
        spec = find_spec(point.module)
    except Exception as error:  # noqa: BLE001 (the package's own code runs)
        raise PluginError(f"{_shown(point)}: {type(error).__name__}: {error}") from None
    if spec is None or spec.origin is None:
        raise PluginError(f"{_shown(point)}: there is no module {point.module}.")
    path = Path(spec.origin)
    return Installed(point.name, path, f"{_shown(point)}: {path.name}", point.module, point.attr)


def _shown(point: EntryPoint) -> str:
    distribution = f"{point.dist.name} {point.dist.version}" if point.dist else "a distribution"
    return f"{distribution} ({point.name} = {point.value})"

"""Where plugins are: in the project's apps/ folder, and at entry points of installed distributions.

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
from streamalert_apps.plugins.layout import APP, FOLDER, SERVICE, SHARED, can_be_service, in_folder
from streamalert_apps.plugins.owner import check_owner
from streamalert_apps.plugins.plugin import Installed, Plugin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "streamalert_apps.apps"

_NO_PLUGIN: Final = re.compile(rf"[_.].*|test_.*|.*_test|conftest|{'|'.join(SHARED)}")


class Places:
    """The places of a project; `root` is the folder that holds its conf/, None: there is no project.

    `group`: that of the entry points.
    """

    def __init__(self, root: Path | None, group: str = GROUP) -> None:
        self._root = root
        self._group = group
        self._in_folder: dict[str, Plugin | None] = {}

    def in_folder(self, service: str) -> Plugin | None:
        """Return a service's plugin of the apps/ folder; raise PluginError where it can't be told which."""
        if self._root is None or not SERVICE.fullmatch(service):
            return None
        if service not in self._in_folder:
            self._in_folder[service] = _of_project(self._root, service)
        return self._in_folder[service]

    def installed(self, service: str) -> Plugin | None:
        """Return a service's plugin of a distribution; raise PluginError where its module is not there."""
        point = next((point for point in self._entry_points if point.name == service), None)
        return _installed(point) if point else None

    def services(self) -> tuple[str, ...]:
        """Return the services that have a plugin."""
        names = {*self._names_in_folder(), *(point.name for point in self._entry_points)}
        return tuple(sorted(name for name in names if SERVICE.fullmatch(name)))

    def misnamed(self) -> Iterator[PluginError]:
        """Yield what is wrong with the names of others."""
        for name, shown in self._names_in_folder().items():
            if not SERVICE.fullmatch(name):
                yield PluginError(
                    f"{FOLDER}/{shown}, line 1: a plugin has its service's name, letters and digits: "
                    f"{FOLDER}/acme/{APP} has the types acme_…"
                )
        for point in self._entry_points:
            if not SERVICE.fullmatch(point.name):
                yield PluginError(
                    f"{_shown(point)}: an entry point has its service's name, letters and digits"
                )

    def _names_in_folder(self) -> dict[str, str]:
        """Return the names of plugins in the apps/ folder, with the file of each."""
        if not self._root:
            return {}
        apps = self._root / FOLDER
        files = {path.stem: path.name for path in sorted(apps.glob("*.py")) if source.is_plugin(path)}
        folders = {path.name: f"{path.name}/{APP}" for path in sorted(apps.glob("*/")) if _is_meant(path)}
        return {name: file for name, file in (folders | files).items() if not _NO_PLUGIN.fullmatch(name)}

    @cached_property
    def _entry_points(self) -> tuple[EntryPoint, ...]:
        from importlib.metadata import entry_points  # noqa: PLC0415 (takes a while, and most need none of it)

        return tuple(sorted(entry_points(group=self._group), key=_shown))


def _of_project(root: Path, service: str) -> Plugin | None:
    apps = root / FOLDER
    file, folder = apps / f"{service}.py", apps / service
    is_file, is_folder = source.is_plugin(file), can_be_service(service) and _is_meant(folder)
    if not is_file and not is_folder:
        return None
    check_owner(root)
    check_owner(apps)
    if not is_folder or (is_file and not (folder / APP).is_file()):
        return Plugin(service, file, f"{FOLDER}/{file.name}")
    shown = f"{FOLDER}/{service}/{APP}"
    if is_file:
        raise PluginError(f"{FOLDER}/{file.name} and {shown} are both the plugin '{service}': keep one.")
    if not (folder / APP).is_file():
        raise PluginError(f"{FOLDER}/{service}/ has no {APP}, which says the app types of a plugin.")
    return Plugin(service, folder / APP, shown)


def _is_meant(folder: Path) -> bool:
    """Tell whether a folder is meant for us: it has files of a plugin, or one that mentions us."""
    return in_folder(folder).exists or any(source.is_plugin(path) for path in folder.glob("*.py"))


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

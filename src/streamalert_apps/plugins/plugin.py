"""One plugin: a service's app types, and what belongs to them (layout.py says where it is)."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from inspect import isabstract
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from streamalert_apps import services
from streamalert_apps.errors import PluginError
from streamalert_apps.plugins import layout, module, source
from streamalert_apps.plugins.module import guarded, load
from streamalert_apps.runtime.sink import Sink
from streamalert_apps.sdk.app import App, service_of

SINK: Final = "SINK"
"""What a plugin calls the class of its kind of destination."""
_NOT_FOR_LAMBDA: Final = {"__pycache__", *layout.SHARED}


@dataclass(frozen=True)
class Plugin:
    """A plugin of a project: one file, or the app.py of a folder. `shown`: how messages name that file."""

    service: str
    path: Path
    shown: str

    @property
    def name(self) -> str:
        """What `sa-apps plugin` takes for it."""
        return self.shown.removesuffix(f"/{layout.APP}") if self.has_folder else self.shown

    @cached_property
    def has_folder(self) -> bool:
        """Whether it has a folder of its own."""
        return self.path.name == layout.APP and self.path.parent.name == self.service

    @cached_property
    def apps(self) -> dict[str, type[App]]:
        """Its app types and their classes. Runs the file; raises PluginError where it is wrong."""
        return dict(self._checked())

    @cached_property
    def module(self) -> ModuleType:
        """The file, run."""
        for file, tree in self.files.items():
            source.check_imports(tree, self.shown_beside(file), self.path.parent if self.has_folder else None)
        return load(self.path, self.shown, self._package)

    @cached_property
    def files(self) -> dict[Path, ast.Module]:
        """What goes to Lambda, parsed: its file, and the modules of its folder that this one imports."""
        if not self.has_folder:
            return {self.path: source.parse(self.path, self.shown)}
        found = source.with_neighbours(self.path, self.shown)
        if self.twin_path in found:
            raise PluginError(f"{self.shown} imports {self.twin_path.name}, which does not go to Lambda.")
        return found

    @property
    def has_sink(self) -> bool:
        """Whether it has a kind of destination."""
        return hasattr(self.module, self.sink_name)

    @property
    def sink_name(self) -> str:
        """What that is called in its module."""
        return SINK

    @property
    def schemas(self) -> dict[str, Any]:
        """The classifier's schemas of its logs, by name."""
        path = self._layout.schemas
        if not path.is_file():
            return dict(getattr(self.module, "SCHEMAS", {}))
        try:
            return dict(json.loads(path.read_text("utf-8")))
        except (ValueError, TypeError) as error:
            raise PluginError(f"{self.shown_beside(path)} is no JSON object: {error}.") from None

    @property
    def setup(self) -> str:
        """What an administrator of the service sets up, in Markdown."""
        path = self._layout.setup
        try:
            return path.read_text("utf-8") if path.is_file() else ""
        except UnicodeDecodeError:
            raise PluginError(f"{self.shown_beside(path)} is not UTF-8 text.") from None

    @property
    def twin_path(self) -> Path:
        """Where its twin is, if it has one."""
        return self._layout.twin

    @property
    def twin(self) -> Any:
        """The class of its twin; raises PluginError where there is none."""
        shown = self.shown_beside(self.twin_path)
        if not self.twin_path.is_file():
            raise PluginError(f"{self.shown} has no twin: there is no {shown}.")
        twin = load(self.twin_path, shown, self._package)
        if not hasattr(twin, "TWIN"):
            raise PluginError(f"{shown}, line 1: it does not say which class is the TWIN.")
        return twin.TWIN

    @property
    def lock(self) -> Path:
        """Where its requirements are locked."""
        return self._layout.lock

    @property
    def requirements(self) -> tuple[str, ...]:
        """The packages that it needs in Lambda."""
        return source.requirements(self.files[self.path], self.shown)

    @property
    def stated_types(self) -> tuple[str, ...]:
        """Its app types as far as it states them in plain words; does not run the file."""
        return tuple(found for tree in self.files.values() for found in source.app_types(tree))

    @property
    def contents(self) -> dict[str, bytes]:
        """Its files in the zip, by name: there it is a service like any other."""
        return self._placed({
            layout.APP if file == self.path else file.name: content(file) for file in self.files
        })

    def shown_beside(self, path: Path) -> str:
        """Return how messages name a file that belongs to it."""
        return f"{self.shown.removesuffix(self.path.name)}{path.relative_to(self.path.parent).as_posix()}"

    @cached_property
    def _layout(self) -> layout.Layout:
        if self.has_folder:
            return layout.in_folder(self.path.parent)
        return layout.around(self.path, self.service)

    @cached_property
    def _package(self) -> str:
        """The package that the modules of its folder are in; one that is a single file has none."""
        return module.package(self.path.parent) if self.has_folder else ""

    def _placed(self, files: dict[str, bytes]) -> dict[str, bytes]:
        folder = f"streamalert_apps/services/{self.service}"
        return {f"{folder}/{name}": data for name, data in {"__init__.py": b"", **files}.items()}

    def _classes(self) -> dict[str, type[App]]:
        return services.of(self.module)

    def _checked(self) -> Iterator[tuple[str, type[App]]]:
        found = self._classes()
        if not found and not self.has_sink:
            raise PluginError(f"{self.shown}, line 1: there is no App in it that says its `type`.")
        for app_type, kind in found.items():
            if fault := _fault(kind, self.service):
                raise PluginError(f"{self._place_of(kind)}: {kind.__name__} {fault}.")
            yield app_type, kind

    def _place_of(self, kind: type[App]) -> str:
        """Return the file and the line where a class begins."""
        for file, tree in self.files.items():
            if line := source.line_of(tree, kind.__name__):
                return f"{self.shown_beside(file)}, line {line}"
        return f"{self.shown}, line 1"


@dataclass(frozen=True)
class Installed(Plugin):
    """A plugin that a distribution brings along: a module, or a class in one.

    In the zip its whole package is there, and a service's file that only points to it.
    """

    module_name: str
    attribute: str = ""

    @property
    def name(self) -> str:
        """What `sa-apps plugin` takes for it: its service."""
        return self.service

    @cached_property
    def module(self) -> ModuleType:
        """The module, imported."""
        return guarded(lambda: import_module(self.module_name), self.path, self.shown)

    @property
    def contents(self) -> dict[str, bytes]:
        """Its package's files, and the file that points to it."""
        pointer = f"from {self.module_name} import {self.attribute}\n\nAPPS = ({self.attribute},)\n"
        if not self.attribute:
            pointer = (
                "from importlib import import_module\n\nfrom streamalert_apps.services import of\n\n"
                f'APPS = tuple(of(import_module("{self.module_name}")).values())\n'
            )
        return self._placed({layout.APP: pointer.encode()}) | package_of(self.module_name)

    @cached_property
    def has_folder(self) -> bool:
        """Whether it has a folder of its own; app.py amid the folders that plugins share has none."""
        found = self.path.name == layout.APP and self.path.parent.name == self.service
        return found and not layout.around(self.path, self.service).exists

    @property
    def sink_name(self) -> str:
        """What its kind of destination is called in its module."""
        return self.attribute if self._names_a_sink else SINK

    @property
    def _names_a_sink(self) -> bool:
        named = getattr(self.module, self.attribute, None) if self.attribute else None
        return isinstance(named, type) and issubclass(named, Sink)

    def _classes(self) -> dict[str, type[App]]:
        if not self.attribute:
            return super()._classes()
        if self._names_a_sink:
            return {}
        kind = getattr(self.module, self.attribute, None)
        if not isinstance(kind, type) or not issubclass(kind, App) or not hasattr(kind, "type"):
            raise PluginError(f"{self.shown}, line 1: {self.attribute} is no App that says its `type`.")
        return {kind.type: kind}


def _fault(kind: type[App], service: str) -> str:
    """Say what is wrong with a class, if anything."""
    if service_of(kind.type) != service or "_" not in kind.type:
        return f"has the type '{kind.type}', which has to be '{service}_…', as the plugin's name says"
    if isabstract(kind):
        return f"lacks {', '.join(sorted(kind.__abstractmethods__))}"
    if missing := [name for name in ("auth", "collects") if not hasattr(kind, name)]:
        return f"does not say {', '.join(missing)}"
    return ignored(kind)


def ignored(kind: type[App]) -> str:
    """Say that a class has a `poll` of its own below one that collects by `walk`: nothing calls it."""
    owners = {name: next(base for base in kind.__mro__ if name in vars(base)) for name in ("poll", "walk")}
    feed = owners["walk"]
    if feed is App or issubclass(feed, owners["poll"]):
        return ""
    return f"has a `poll`, which {feed.__name__} never calls: change `fetch`, or subclass App"


def package_of(module_name: str) -> dict[str, bytes]:
    """Return the files of the package that a module is in, by name; or those of the module itself."""
    parts = module_name.split(".")
    for depth in range(1, len(parts) + 1):
        name = ".".join(parts[:depth])
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            continue  # a namespace, whose parts lie in different places
        file, place = Path(spec.origin), name.replace(".", "/")
        if not spec.submodule_search_locations:
            return {f"{place}.py": content(file)}
        folder = file.parent
        return {
            f"{place}/{path.relative_to(folder).as_posix()}": content(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
            and not _NOT_FOR_LAMBDA & set(path.relative_to(folder).parts)
            and not (path.name in layout.BESIDE_APP and path.with_name(layout.APP).is_file())
        }
    raise PluginError(f"The files of {module_name} are not found.")


def content(path: Path) -> bytes:
    """Return a file's bytes; those of a Python file with the line ends that it has in a repository."""
    data = path.read_bytes()
    return data.replace(b"\r\n", b"\n") if path.suffix == ".py" else data

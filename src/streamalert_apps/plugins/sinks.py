"""Kinds of destinations that are not built in: the SINK of a plugin, or of an installed distribution.

    apps/acme.py, apps/acme/app.py    SINK = Acme, a subclass of Sink whose `kind` is `acme`
    streamalert_apps.destinations     the group of entry points: `acme = "acme_sink:Acme"`

In the zip a plugin lies where a service does, and a file among the built-in kinds points to its SINK.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import isabstract
from pathlib import Path
from typing import Final

from streamalert_apps.errors import PluginError
from streamalert_apps.plugins.layout import SERVICE
from streamalert_apps.plugins.places import Places
from streamalert_apps.plugins.plugin import Installed, Plugin, package_of
from streamalert_apps.runtime import kinds
from streamalert_apps.runtime.names import CLASSIFIER
from streamalert_apps.runtime.sink import Sink

GROUP: Final = "streamalert_apps.destinations"


@dataclass(frozen=True)
class SinkPlugin:
    """A plugin that has a kind of destination."""

    kind: str
    plugin: Plugin

    @property
    def name(self) -> str:
        """What tells it from others."""
        return self.plugin.shown

    @cached_property
    def sink(self) -> type[Sink]:
        """Its class. Runs the plugin; raises PluginError where it is wrong."""
        sink = getattr(self.plugin.module, self.plugin.sink_name, None)
        where = f"{self.plugin.shown}, line 1"
        if not isinstance(sink, type) or not issubclass(sink, Sink):
            raise PluginError(f"{where}: its {self.plugin.sink_name} is no subclass of Sink.")
        if getattr(sink, "kind", None) != self.kind:
            raise PluginError(f"{where}: the `kind` of {sink.__name__} has to be '{self.kind}'.")
        if isabstract(sink):
            raise PluginError(
                f"{where}: {sink.__name__} lacks {', '.join(sorted(sink.__abstractmethods__))}."
            )
        if not hasattr(sink, "takes"):
            raise PluginError(f"{where}: {sink.__name__} does not say `takes`.")
        return sink

    @property
    def contents(self) -> Mapping[str, bytes]:
        """Its files in the zip, by name."""
        if isinstance(self.plugin, Installed):
            files, module = package_of(self.plugin.module_name), self.plugin.module_name
        else:
            files, module = self.plugin.contents, f"streamalert_apps.services.{self.kind}.app"
        pointer = f"from {module} import {self.plugin.sink_name} as SINK\n\n__all__ = ['SINK']\n"
        return {**files, f"streamalert_apps/runtime/destinations/{self.kind}.py": pointer.encode()}


class Sinks:
    """The kinds of destinations of a project, whose folder is `root`, besides those that are built in."""

    def __init__(self, root: Path | None) -> None:
        self._places = Places(root, GROUP)
        self._found: dict[str, SinkPlugin | None] = {}

    def plugin(self, kind: str) -> SinkPlugin | None:
        """Return the plugin of a kind, a file before a distribution; raise PluginError as Places does."""
        if kind not in self._found:
            is_name = SERVICE.fullmatch(kind) is not None
            plugin = self._places.in_folder(kind) or self._places.installed(kind) if is_name else None
            self._found[kind] = SinkPlugin(kind, plugin) if plugin else None
        return self._found[kind]

    def of(self, wanted: Iterable[str]) -> list[SinkPlugin]:
        """Return the plugins of those kinds that are not built in, each once; raises as `plugin`."""
        found = (self.plugin(kind) for kind in sorted({*wanted} - {CLASSIFIER, *kinds.names()}))
        return [plugin for plugin in found if plugin]

    def find(self, kind: str) -> type[Sink] | None:
        """Return the class of a kind, if a plugin has it."""
        plugin = self.plugin(kind)
        return plugin.sink if plugin else None

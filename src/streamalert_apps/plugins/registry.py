"""Every app type there is, built in or a plugin's. Nothing is loaded before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from streamalert_apps import services
from streamalert_apps.errors import PluginError, UsageError
from streamalert_apps.plugins.places import Places
from streamalert_apps.plugins.plugin import Plugin
from streamalert_apps.sdk.app import App, service_of
from streamalert_apps.services.table import AppType, describe


class Registry:
    """The app types of a project, whose folder is `root`.

    One that is built in goes before a plugin's of the same name, a file before a distribution. What is
    broken is left out where it was not asked for: `tell` hears of it, once, and `left_out` keeps it.
    """

    def __init__(
        self, root: Path | None = None, tell: Callable[[PluginError], None] = lambda _: None
    ) -> None:
        self.left_out: list[PluginError] = []
        self._places = Places(root)
        self._tell = tell
        self._plugins: dict[str, Plugin | None] = {}

    def names(self) -> tuple[str, ...]:
        """Return every app type. Loads every plugin, and no built-in service."""
        return tuple(self.described())

    def described(self) -> dict[str, AppType]:
        """Return what there is to say of every app type, in the order of their names. Loads as `names`."""
        found: dict[str, AppType] = {}
        for plugin in self._all:
            with self._leaving_out():
                found |= {app_type: describe(kind) for app_type, kind in plugin.apps.items()}
                self._tell_of_shadowed(plugin)
        return dict(sorted((found | services.described()).items()))

    def stated_names(self) -> tuple[str, ...]:
        """Return every app type, of plugins those that are stated in plain words. Runs no plugin."""
        found = set(services.names())
        for plugin in self._all:
            with self._leaving_out():
                found |= set(plugin.stated_types)
        return tuple(sorted(found))

    def find(self, app_type: str) -> type[App]:
        """Return the class of an app type.

        Raises UsageError where there is none, PluginError where its plugin is broken.
        """
        service = service_of(app_type)
        if built_in := services.apps(service).get(app_type):
            with self._leaving_out():
                self._tell_of_shadowed(self._places.in_folder(service))
            return built_in
        plugin = self.of_service(service)
        if plugin and app_type in plugin.apps:
            return plugin.apps[app_type]
        close = get_close_matches(app_type.replace("-", "_"), self.names(), n=1)
        raise UsageError(
            f"There is no app type '{app_type}'.",
            hint=f"Did you mean '{close[0]}'?" if close else "See `sa-apps types`.",
        )

    def plugin(self, app_type: str) -> Plugin | None:
        """Return the plugin that an app type comes from, None for one that is built in; raises as `find`."""
        service = service_of(app_type)
        plugin = self.of_service(service)
        if plugin is None and app_type in services.described():
            return None  # without loading its service
        self.find(app_type)
        return None if app_type in services.apps(service) else plugin

    def schemas(self, app_type: str) -> dict[str, Any]:
        """Return the classifier's schemas for the logs of an app type's service, by name."""
        plugin = self.plugin(app_type)
        return plugin.schemas if plugin else services.schemas(service_of(app_type))

    def setup(self, app_type: str) -> str:
        """Return what an administrator of an app type's service sets up, in Markdown."""
        plugin = self.plugin(app_type)
        return plugin.setup if plugin else services.setup(service_of(app_type))

    def of_service(self, service: str) -> Plugin | None:
        """Return a service's plugin, if there is one; looks for no other. Raises PluginError."""
        if service not in self._plugins:
            self._plugins[service] = self._places.in_folder(service) or self._places.installed(service)
        return self._plugins[service]

    @cached_property
    def _all(self) -> tuple[Plugin, ...]:
        """Every plugin that can be looked at."""
        for error in self._places.misnamed():
            self._leave_out(error)
        for service in self._places.services():
            with self._leaving_out():
                self.of_service(service)
        return tuple(plugin for plugin in self._plugins.values() if plugin)

    def _tell_of_shadowed(self, plugin: Plugin | None) -> None:
        if plugin is None:
            return
        for app_type in sorted(plugin.apps.keys() & services.apps(plugin.service).keys()):
            self._leave_out(PluginError(f"{plugin.shown}: its {app_type}, because that type is built in."))

    @contextmanager
    def _leaving_out(self) -> Iterator[None]:
        try:
            yield
        except PluginError as error:
            self._leave_out(error)

    def _leave_out(self, error: PluginError) -> None:
        if error.message not in {known.message for known in self.left_out}:
            self.left_out.append(error)
            self._tell(error)

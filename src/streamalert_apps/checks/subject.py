"""What is looked at: a project, its apps, and the account that it lives in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from streamalert_apps.aws.session import Session
from streamalert_apps.checks.told import Told
from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.deploy.place import Place
from streamalert_apps.plugins.registry import Registry
from streamalert_apps.plugins.sinks import Sinks
from streamalert_apps.runtime import names
from streamalert_apps.sdk.app import App
from streamalert_apps.sdk.clock import Clock

Ask: TypeAlias = Callable[[AppConf, type[App], Mapping[str, Any]], Told]
"""Tries an app's credentials by one cheap request; raises what the service says."""


Refer: TypeAlias = Callable[[AppConf, type[App]], Mapping[str, Any]]
"""Reads the credentials to which an app's settings refer; raises what is wrong with them."""


@dataclass(frozen=True)
class Subject:
    """A project whose conf/ can be read. `session`: signed in; None where it lives without AWS."""

    project: Project
    types: Registry
    ask: Ask
    refer: Refer
    clock: Clock
    session: Session | None = None
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.project.root

    @property
    def apps(self) -> tuple[AppConf, ...]:
        """All apps of the project."""
        return self.project.all_apps

    @property
    def place(self) -> Place:
        """Where the project lives in AWS."""
        return Place.of(self.project.account)

    @property
    def sinks(self) -> Sinks:
        """The kinds of destinations that plugins bring along."""
        return Sinks(self.root)

    def client(self, service: str) -> Any:
        """Return a client, made once: several threads can use one, but not make them side by side."""
        assert self.session is not None  # noqa: S101 (only checks of what is in AWS ask)
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self.session.client(service)
            return self._clients[service]

    @cached_property
    def _rules(self) -> dict[str, Any]:
        pages = self.client("events").get_paginator("list_rules").paginate()
        return {rule["Name"]: rule for page in pages for rule in page["Rules"]}

    @property
    def rules(self) -> Mapping[str, Any]:
        """All rules of the account's default bus, by name: a deployed app has one."""
        with self._lock:
            return self._rules

    @property
    def deployed(self) -> list[AppConf]:
        """The apps that AWS runs."""
        return [app for app in self.apps if names.rule(app.function) in self.rules]

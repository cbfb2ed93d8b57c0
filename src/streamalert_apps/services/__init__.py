"""The built-in services, one file each; a file is loaded when one of its types is asked for."""

from __future__ import annotations

import json
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.resources import files
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.app import App, service_of


def services() -> tuple[str, ...]:
    """Return the names of the services."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@cache
def apps(service: str) -> dict[str, type[App]]:
    """Return a service's app types and their classes; a service that is not here has none."""
    return of(_module(service)) if service in services() else {}


def _module(service: str) -> ModuleType:
    """Return the module with a service's app types: app.py of its folder, or its one file."""
    module = import_module(f"{__name__}.{service}")
    return import_module(f"{module.__name__}.app") if hasattr(module, "__path__") else module


def of(module: ModuleType) -> dict[str, type[App]]:
    """Return the app types of a service's module: its own classes, or those that its APPS lists."""
    own = (item for item in vars(module).values() if getattr(item, "__module__", "") == module.__name__)
    candidates = getattr(module, "APPS", own)
    found = (item for item in candidates if isinstance(item, type) and issubclass(item, App))
    return {item.type: item for item in found if hasattr(item, "type")}


def names() -> tuple[str, ...]:
    """Return every app type. Loads every service."""
    return tuple(sorted(app_type for service in services() for app_type in apps(service)))


def find(app_type: str) -> type[App]:
    """Return the class of an app type; raise UsageError for one that is not there."""
    if found := apps(service_of(app_type)).get(app_type):
        return found
    close = get_close_matches(app_type.replace("-", "_"), names(), n=1)
    raise UsageError(
        f"There is no app type '{app_type}'.",
        hint=f"Did you mean '{close[0]}'?" if close else "See `sa-apps types`.",
    )


def setup(service: str) -> str:
    """Return what an administrator of the service sets up, in Markdown."""
    path = files(__name__) / "setup" / f"{service}.md"
    return path.read_text("utf-8") if path.is_file() else ""


def schemas(service: str) -> dict[str, Any]:
    """Return the classifier's schemas for a service's logs, by name."""
    path = files(__name__) / "schemas" / f"{service}.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}

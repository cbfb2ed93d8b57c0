"""The built-in services, a room each; what is in a room is loaded when it is asked for.

duo/app.py        the app types duo_…, and what ships to Lambda
duo/twin.py       its API, simulated: TWIN is the class; or twin/, where that is much
duo/schemas.json  the classifier's schemas of its logs
duo/setup.md      what an administrator of the service sets up
duo/page.md       its page of the documentation
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.app import App, service_of
from streamalert_apps.services import table


def services() -> tuple[str, ...]:
    """Return the names of the services."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if module.ispkg))


@cache
def apps(service: str) -> dict[str, type[App]]:
    """Return a service's app types and their classes; a service that is not here has none."""
    return of(import_module(f"{__name__}.{service}.app")) if service in services() else {}


def of(module: ModuleType) -> dict[str, type[App]]:
    """Return the app types of a service's module: its own classes, or those that its APPS lists."""
    own = (item for item in vars(module).values() if getattr(item, "__module__", "") == module.__name__)
    candidates = getattr(module, "APPS", own)
    found = (item for item in candidates if isinstance(item, type) and issubclass(item, App))
    return {item.type: item for item in found if hasattr(item, "type")}


@cache
def described() -> dict[str, table.AppType]:
    """Return what there is to say of every app type, by its name. Loads no service.

    A function's zip has no table; there its one service tells.
    """
    known = table.read() if table.FILE.is_file() else map(table.describe, every())
    return {app_type.type: app_type for app_type in known}


def every() -> tuple[type[App], ...]:
    """Return the class of every app type, in the order of their names. Loads every service."""
    found = {app_type: kind for service in services() for app_type, kind in apps(service).items()}
    return tuple(found[app_type] for app_type in sorted(found))


def names() -> tuple[str, ...]:
    """Return every app type. Loads no service."""
    return tuple(sorted(described()))


def find(app_type: str) -> type[App]:
    """Return the class of an app type; raise UsageError for one that is not there."""
    if found := apps(service_of(app_type)).get(app_type):
        return found
    close = get_close_matches(app_type.replace("-", "_"), names(), n=1)
    raise UsageError(
        f"There is no app type '{app_type}'.",
        hint=f"Did you mean '{close[0]}'?" if close else "See `sa-apps types`.",
    )


def room(service: str) -> Path:
    """Return the folder of a service that is here."""
    places = (Path(place) / service for place in __path__)
    return next(place for place in places if place.is_dir())


def setup(service: str) -> str:
    """Return what an administrator of the service sets up, in Markdown."""
    return (room(service) / "setup.md").read_text("utf-8") if service in services() else ""


def schemas(service: str) -> dict[str, Any]:
    """Return the classifier's schemas for a service's logs, by name."""
    path = room(service) / "schemas.json" if service in services() else None
    return dict(json.loads(path.read_text("utf-8"))) if path and path.is_file() else {}

"""What an app type says of itself, and what its file may import."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from inspect import getfile, getmodule
from pathlib import Path
from re import Pattern
from typing import Any, Final

from streamalert_apps import services
from streamalert_apps.errors import AppError
from streamalert_apps.plugins.layout import APP
from streamalert_apps.plugins.plugin import Plugin, ignored
from streamalert_apps.sdk.app import App, AuthField, service_of
from streamalert_apps.sdk.catalogue import Catalogue
from streamalert_apps.sdk.feed.listed import Listed
from streamalert_apps.testing.kit import Trial

_OURS: Final = ("streamalert_apps", "streamalert_apps.sdk", "streamalert_apps.errors")
_LIBRARIES: Final = ("httpx", "msgspec")


def form(trial: Trial) -> None:
    """Say type, purpose and credentials; take the twin's; import only what is there in Lambda."""
    kind, twin = trial.kind, trial.world().twin
    module = getmodule(kind)
    if "_" not in kind.type:
        trial.say(f"its type is to be '<service>_<log>'; it is '{kind.type}'")
    if not getattr(kind, "collects", ""):
        trial.say("it does not say what it collects")
    if module is not None and not (module.__doc__ or "").strip():
        trial.say("its file does not begin with a docstring about the service's API")
    if fault := ignored(kind):
        trial.say(f"it {fault}")
    if issubclass(kind, Listed) and not issubclass(kind, Catalogue) and kind.lag is None:
        trial.say("it does not state a `lag`: how late the service may show an event, as it documents")
    plugin = _plugin(kind)
    built_in = services.apps(plugin.service).get(kind.type) is kind
    there = services.schemas(plugin.service) if built_in else plugin.schemas
    for message in (
        *_credentials(kind.auth, twin.credentials),
        *_schemas(kind.schemas, plugin.service, there),
    ):
        trial.say(message)
    required = {_normal(name) for name in plugin.requirements}
    room = f"{services.__name__}.{plugin.service}" if built_in else ""
    for name in sorted({name for tree in plugin.files.values() for name in _imports(tree)}):
        if not (_is_allowed(name, required) or (room and f"{name}.".startswith(f"{room}."))):
            trial.say(f"it imports {name}, which is not there in Lambda: name it in `requirements`")


def _credentials(fields: tuple[AuthField, ...], credentials: Any) -> Iterator[str]:
    if missing := {field.name for field in fields if not field.optional} - credentials.keys():
        yield f"the twin's credentials lack {', '.join(sorted(missing))}"
    if json.loads(json.dumps(dict(credentials))) != credentials:
        yield "the twin's credentials are others after a way through JSON"
    for field in fields:
        value = credentials.get(field.name)
        if value is None:
            continue
        text = value if isinstance(value, str) else json.dumps(value)
        try:
            parsed = field.parse(text)
        except AppError as error:
            yield f"the field '{field.name}' does not take the twin's value: {error.message}"
            continue
        if parsed != value:
            yield f"the field '{field.name}' makes another value of the twin's"
        if isinstance(field.format, Pattern) and field.format.fullmatch(""):
            yield f"the field '{field.name}' takes nothing for an answer"


def _schemas(names: tuple[str, ...], service: str, there: Mapping[str, Any]) -> Iterator[str]:
    for name in names:
        if name not in there:
            yield f"there is no schema '{name}'"
    for name in there:
        if not name.startswith(f"{service}:"):
            yield f"the classifier looks for '{service}:…' only; there is a schema '{name}'"


def _plugin(kind: type[App]) -> Plugin:
    """Return the plugin that an app type is in: its file, or the app.py of that file's folder."""
    file, service = Path(getfile(kind)), service_of(kind.type)
    app = file.with_name(APP)
    path = app if app.parent.name == service and app.is_file() else file
    return Plugin(service, path, path.name)


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _is_allowed(name: str, required: set[str]) -> bool:
    top = name.partition(".")[0]
    if top == "streamalert_apps":
        return name in _OURS or name.startswith(tuple(f"{ours}." for ours in _OURS[1:]))
    if top in sys.stdlib_module_names or top in _LIBRARIES:
        return True
    distributions = packages_distributions().get(top, [top]) if required else []
    return any(_normal(distribution) in required for distribution in distributions)


def _normal(requirement: str) -> str:
    """Return a distribution's name without its version, as an index compares it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()

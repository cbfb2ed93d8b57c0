"""What an app type says of itself, and what its file may import."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from inspect import getfile, getmodule
from pathlib import Path
from re import Pattern
from typing import Any, Final

from streamalert_apps import services
from streamalert_apps.errors import AppError
from streamalert_apps.sdk.app import AuthField, service_of
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
    for message in (*_credentials(kind.auth, twin.credentials), *_schemas(kind.schemas)):
        trial.say(message)
    allowed = (*_OURS, *_LIBRARIES, *getattr(module, "requirements", ()))
    for name in _imports(Path(getfile(kind))):
        if not _is_allowed(name, allowed):
            trial.say(f"its file imports {name}, which is not there in Lambda: name it in `requirements`")


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


def _schemas(schemas: tuple[str, ...]) -> Iterator[str]:
    for name in schemas:
        if name not in services.schemas(service_of(name.replace(":", "_"))):
            yield f"there is no schema '{name}'"


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _is_allowed(name: str, allowed: tuple[str, ...]) -> bool:
    if name.partition(".")[0] in sys.stdlib_module_names:
        return True
    if name.startswith("streamalert_apps"):
        return name in _OURS or name.startswith(tuple(f"{ours}." for ours in _OURS[1:]))
    return name.partition(".")[0] in allowed

"""What there is to say of every built-in app type, in a file, so that to list them loads no service.

`nox -s table` writes the file anew, after a change of an app type.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from streamalert_apps.sdk.app import App, service_of

FILE: Final = Path(__file__).with_name("table.json")


@dataclass(frozen=True, slots=True)
class Credential:
    """A value that an app type asks for."""

    name: str
    description: str
    secret: bool
    optional: bool


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class AppType:
    """An app type in plain values; `lag` and `retention` are in seconds."""

    type: str
    service: str
    collects: str
    auth: tuple[Credential, ...]
    schemas: tuple[str, ...]
    documentation: str
    rate: Limit | None
    lag: float | None
    retention: float | None


def describe(kind: type[App]) -> AppType:
    """Return what an app type's class says of itself."""
    return AppType(
        type=kind.type,
        service=service_of(kind.type),
        collects=kind.collects,
        auth=tuple(Credential(one.name, one.description, one.secret, one.optional) for one in kind.auth),
        schemas=tuple(kind.schemas),
        documentation=kind.documentation,
        rate=Limit(kind.rate.requests, kind.rate.seconds) if kind.rate else None,
        lag=kind.lag.total_seconds() if kind.lag is not None else None,
        retention=kind.retention.total_seconds() if kind.retention is not None else None,
    )


def read() -> list[AppType]:
    """Return the app types of the file."""
    return [app_type for group in json.loads(FILE.read_text("utf-8")) for app_type in _app_types(**group)]


def text(kinds: Iterable[type[App]]) -> str:
    """Return what the file says of these app types; what several have in common is there once."""
    groups: dict[str, dict[str, str]] = {}
    for kind in kinds:
        said = asdict(describe(kind))
        name, collects = said.pop("type"), said.pop("collects")
        groups.setdefault(json.dumps(said), {})[name] = collects
    content = [json.loads(common) | {"types": types} for common, types in groups.items()]
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _app_types(types: dict[str, str], **common: Any) -> Iterator[AppType]:
    rate = common["rate"]
    common["auth"] = tuple(Credential(**one) for one in common["auth"])
    common["schemas"] = tuple(common["schemas"])
    common["rate"] = Limit(**rate) if rate else None
    for name, collects in types.items():
        yield AppType(type=name, collects=collects, **common)

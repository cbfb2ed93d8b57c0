"""Merges a project's apps and schemas into the conf/ that a classifier has: what it knows, it keeps.

A pure function of what is live and what the project has. Entries come or change; what would go is told, and
it is for the caller to refuse it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from streamalert_apps.config import jsonfile

_SECTIONS: Final = (("modules", "streamalert_apps"), ("data_sources", "streamalert_app"))
_SETTINGS: Final = "modules"  # the classifier reads none of these, so an entry is one thing


@dataclass(frozen=True, slots=True)
class Difference:
    """An entry of a file that comes (+), becomes another (~) or would go (-)."""

    sign: str
    file: str
    entry: str

    def __str__(self) -> str:
        return f"{self.sign} {self.file}: {self.entry}"


def cluster(
    live: Mapping[str, Any], ours: Mapping[str, Any], file: str
) -> tuple[dict[str, Any], list[Difference]]:
    """Return a cluster's file with the apps of the project in it; all else is what is live."""
    merged: dict[str, Any] = deepcopy(dict(live))
    told: list[Difference] = []
    for outer, inner in _SECTIONS:
        for function, entry in _entries(_entries(ours, outer), inner).items():
            section = _inside(_inside(merged, outer), inner)
            there = section.get(function)
            path = f"{outer}.{inner}.{function}"
            told += (
                _whole(there, entry, file, path) if outer == _SETTINGS else _parts(there, entry, file, path)
            )
            jsonfile.insert(section, function, entry)
    return merged, told


def schemas(
    live: Mapping[str, Any], ours: Mapping[str, Any], file: str
) -> tuple[dict[str, Any], list[Difference]]:
    """Return a service's schemas with those of the project among them."""
    merged: dict[str, Any] = deepcopy(dict(live))
    told: list[Difference] = []
    for name, schema in ours.items():
        told += _parts(merged.get(name), schema, file, name)
        jsonfile.insert(merged, name, schema)
    return merged, told


def _entries(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object at a key; nothing where there is none."""
    found = parent.get(key)
    return found if isinstance(found, dict) else {}


def _inside(parent: dict[str, Any], key: str) -> dict[str, Any]:
    if not isinstance(parent.get(key), dict):
        jsonfile.insert(parent, key, {})
    section: dict[str, Any] = parent[key]
    return section


def _whole(there: Any, wanted: Any, file: str, path: str) -> Iterator[Difference]:
    if there is None or not _same(there, wanted):
        yield Difference("+" if there is None else "~", file, path)


def _parts(there: Any, wanted: Any, file: str, path: str) -> Iterator[Difference]:
    """Yield the parts in which an entry differs.

    The order of keys is one of them: in a schema it says where a field of CSV stands.
    """
    if there is None:
        yield Difference("+", file, path)
    elif isinstance(there, dict) and isinstance(wanted, dict):
        yield from (Difference("-", file, f"{path}.{key}") for key in there if key not in wanted)
        for key, value in wanted.items():
            if key in there:
                yield from _parts(there[key], value, file, f"{path}.{key}")
            else:
                yield Difference("+", file, f"{path}.{key}")
        if [key for key in there if key in wanted] != [key for key in wanted if key in there]:
            yield Difference("~", file, f"{path} (the order of its keys)")
    elif isinstance(there, list) and isinstance(wanted, list):
        yield from (
            Difference("-", file, f"{path}: {json.dumps(each)}") for each in there if each not in wanted
        )
        yield from (
            Difference("+", file, f"{path}: {json.dumps(each)}") for each in wanted if each not in there
        )
    elif there != wanted or type(there) is not type(wanted):
        yield Difference("~", file, f"{path}: {json.dumps(there)} → {json.dumps(wanted)}")


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one) == json.dumps(other)

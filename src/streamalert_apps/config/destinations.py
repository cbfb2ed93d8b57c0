"""conf/destinations.json: where events go, and which apps send there. The one place that reads it.

    {"destinations": {"lake": {"type": "s3", "bucket": "acme-lake", "hold": "5m"}},
     "clusters": {"prod": ["classifier", "lake"]}}

An app's own list, `destinations` in its cluster's file, goes before its cluster's. Without either, events go
to the classifier; in a local project to a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from streamalert_apps.config import jsonfile
from streamalert_apps.config.suggest import did_you_mean
from streamalert_apps.errors import ConfigError
from streamalert_apps.runtime import kinds
from streamalert_apps.runtime.outlets import Definition

FILE: Final = "conf/destinations.json"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Destinations:
    """What the file says."""

    defined: Mapping[str, Definition] = field(default_factory=dict)
    clusters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, names: Sequence[str], where: str) -> tuple[Definition, ...]:
        """Return the destinations of a list; raise ConfigError for one that is not defined."""
        known = {kinds.CLASSIFIER: Definition(kinds.CLASSIFIER)} | dict(self.defined)
        for name in names:
            if name not in known:
                raise ConfigError(
                    f"{where}: there is no destination '{name}'.",
                    hint=f"{did_you_mean(name, known)}Define it in {FILE}.",
                )
        return tuple(known[name] for name in dict.fromkeys(names))


def load(root: Path) -> Destinations:
    """Read the file; there need not be one. Raises ConfigError for what is wrong in it."""
    if not (root / FILE).exists():
        return Destinations()
    whole = jsonfile.read_object(root / FILE, FILE)
    defined = {name: _definition(name, given) for name, given in _object(whole, "destinations").items()}
    clusters = {
        cluster: names_in(names, f"{FILE}: clusters.{cluster}")
        for cluster, names in _object(whole, "clusters").items()
    }
    return Destinations(defined, clusters)


def names_in(value: Any, where: str) -> tuple[str, ...]:
    """Return a list of names; raise ConfigError for anything else."""
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{where} has to be a list of the names of destinations.")
    return tuple(value)


def _definition(name: str, given: Any) -> Definition:
    where = f"{FILE}: destinations.{name}"
    if not _NAME.fullmatch(name) or name == kinds.CLASSIFIER:
        raise ConfigError(
            f"{FILE}: '{name}' can't be the name of a destination.",
            hint="Use 32 lower-case letters, digits, '_' and '-' at most; `classifier` is StreamAlert's.",
        )
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        raise ConfigError(f"{where} has to be an object with a `type`.")
    definition = Definition(name, given)
    if definition.kind in kinds.names():  # else it may be a plugin's, which is not known here
        try:
            definition.settings(kinds.find(definition.kind))
        except ConfigError as error:
            raise ConfigError(f"{FILE}: {error.message}", hint=error.hint) from None
    return definition


def _object(whole: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = whole.get(key, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{FILE}: '{key}' has to be an object.")
    return value

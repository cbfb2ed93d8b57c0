"""conf/destinations.json: where events go, and which apps send there. The one place that reads it.

    {"destinations": {"lake": {"type": "s3", "bucket": "acme-lake", "hold": "5m"}},
     "clusters": {"prod": ["classifier", "lake"]}}

An app's own list, `destinations` in its cluster's file, goes before its cluster's. Without either, events go
to the classifier; in a local project to a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from streamalert_apps.config import content, schema
from streamalert_apps.config.suggest import did_you_mean
from streamalert_apps.errors import ConfigError, PluginError
from streamalert_apps.runtime import kinds, outlets
from streamalert_apps.runtime.names import CLASSIFIER
from streamalert_apps.runtime.outlets import Definition
from streamalert_apps.runtime.sink import Sink

FILE: Final = content.DESTINATIONS


@dataclass(frozen=True, slots=True)
class Destinations:
    """What the file says."""

    defined: Mapping[str, Definition] = field(default_factory=dict)
    clusters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, names: Sequence[str], where: str) -> tuple[Definition, ...]:
        """Return the destinations of a list; raise ConfigError for one that is not defined."""
        if not names:
            raise ConfigError(f"{where} names no destination.", hint="Leave it out, or name one.")
        known = {CLASSIFIER: Definition(CLASSIFIER)} | dict(self.defined)
        for name in names:
            if name not in known:
                raise ConfigError(
                    f"{where}: there is no destination '{name}'.",
                    hint=f"{did_you_mean(name, known)}Define it in {FILE}.",
                )
        return tuple(known[name] for name in dict.fromkeys(names))


def read(whole: Mapping[str, Any]) -> Destinations:
    """Return what the file says, empty where there is none; its form has been checked by the schema.

    Raises ConfigError for settings that their kind does not take.
    """
    defined = {name: _definition(name, given) for name, given in whole.get("destinations", {}).items()}
    clusters = {cluster: tuple(names) for cluster, names in whole.get("clusters", {}).items()}
    return Destinations(defined, clusters)


def unknown(whole: Mapping[str, Any]) -> Iterator[schema.Finding]:
    """Yield the keys of definitions that say nothing to their kind; the file need not be right."""
    defined = whole.get("destinations")
    for name, given in defined.items() if isinstance(defined, dict) else ():
        kind = _kind(given.get("type")) if isinstance(given, dict) else None
        if kind:
            known = [setting.name for setting in outlets.known(kind)]
            for key in Definition(name, given).unknown(kind):
                yield schema.Finding(
                    ("destinations", "destinations", name, key),
                    "is not a known key",
                    did_you_mean(key, known).strip(),
                )


def check_path(definition: Definition, users: Sequence[Mapping[str, str]]) -> None:
    """Raise ConfigError where apps would share a file whose path says that each has its own.

    `users`: what of each app a path may hold.
    """
    if definition.kind != "file" or "{" not in (path := definition.given["path"]):
        return
    seen: dict[str, str] = {}
    for app in users:
        other = seen.setdefault(path.format_map(app), app["function"])
        if other != app["function"]:
            raise ConfigError(
                f"{FILE}: destination {definition.name}: {other} and {app['function']} would share a file.",
                hint="Put {function} for {app} into its path.",
            )


def _definition(name: str, given: Mapping[str, Any]) -> Definition:
    if name == CLASSIFIER:
        raise ConfigError(
            f"{FILE}: '{name}' can't be the name of a destination.",
            hint="It is StreamAlert's classifier, which is always there.",
        )
    definition = Definition(name, given)
    if kind := _kind(definition.kind):
        try:
            definition.settings(kind)
        except ConfigError as error:
            raise ConfigError(f"{FILE}: {error.message}", hint=error.hint) from None
    return definition


def _kind(name: Any) -> type[Sink] | None:
    """Return the class of a kind; that there is none, or a plugin is broken, is told by who needs it."""
    with suppress(PluginError):
        return kinds.known(name) if isinstance(name, str) else None
    return None

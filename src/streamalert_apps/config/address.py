"""What is meant by a key like `account.region`, or by `timeout` and the name of an app."""

from __future__ import annotations

from typing import Any

from streamalert_apps.config import content, schema
from streamalert_apps.config.suggest import did_you_mean
from streamalert_apps.errors import UsageError


def keys(whole: dict[str, Any], key: str, name: str | None, cluster: str | None) -> schema.Keys:
    """Return the keys in conf/: of an app where a name is given, of a cluster's file, or of another file."""
    parts = tuple(key.split("."))
    if not all(parts):
        raise UsageError(f"'{key}' is not a key.", hint="Write it like account.region.")
    if name:
        return (*_app(whole, name, cluster), *parts)
    if cluster:
        if cluster not in whole["clusters"]:
            raise UsageError(
                f"There is no cluster '{cluster}'.", hint=did_you_mean(cluster, whole["clusters"]).strip()
            )
        return ("clusters", cluster, *parts)
    if parts[0] in schema.named("destinations")["properties"]:
        return ("destinations", *parts)
    if parts[0] in schema.named("app")["properties"]:
        raise UsageError(f"'{key}' is a setting of an app.", hint="Pass --name.")
    return ("global", *parts)


def is_app(place: schema.Keys) -> bool:
    """Tell whether these are keys of an app's entry."""
    return place[0] == "clusters" and place[2:4] == ("modules", "streamalert_apps")


def _app(whole: dict[str, Any], name: str, cluster: str | None) -> schema.Keys:
    """Return where the app of this name, or of this function name, is; its file may be wrong elsewhere."""
    apps = dict(_entries(whole, cluster))
    found = [place for place, called in apps.items() if name in {called, place[-1]}]
    if len(found) == 1:
        return found[0]
    if not found:
        near = did_you_mean(name, [called for called in apps.values() if isinstance(called, str)])
        raise UsageError(f"There is no app '{name}'.", hint=f"{near}`sa-apps list` shows all apps.")
    functions = ", ".join(place[-1] for place in found)
    raise UsageError(f"Several apps are named '{name}'.", hint=f"Pass --cluster, or one of {functions}.")


def _entries(whole: dict[str, Any], cluster: str | None) -> list[tuple[schema.Keys, Any]]:
    found: list[tuple[schema.Keys, Any]] = []
    for there in [cluster] if cluster else whole["clusters"]:
        place = ("clusters", there, "modules", "streamalert_apps")
        try:
            apps = content.get(whole, place)
        except KeyError:
            continue
        if isinstance(apps, dict):
            entries = ((function, entry) for function, entry in apps.items() if isinstance(entry, dict))
            found += [((*place, function), entry.get("app_name")) for function, entry in entries]
    return found

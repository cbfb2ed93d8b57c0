"""The tags on all that we make: whose it is can be told without a state file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy.place import Place

PREFIX: Final = "sa-apps:prefix"
CLUSTER: Final = "sa-apps:cluster"
TYPE: Final = "sa-apps:type"
APP: Final = "sa-apps:app"
REGION: Final = "sa-apps:region"  # of a role, which an account has once for all regions

_OURS: Final = {PREFIX, CLUSTER, TYPE, APP}


def tags_of(app: AppConf, place: Place) -> dict[str, str]:
    """Return the tags of an app's resources: conf/'s, and ours."""
    return {**dict(place.tags), PREFIX: place.prefix, CLUSTER: app.cluster, TYPE: app.type, APP: app.name}


def ours(tags: Mapping[str, str]) -> dict[str, str]:
    """Return those of a resource's tags that we put there; none: we did not make it."""
    return {key: value for key, value in tags.items() if key in _OURS}


def judged(tags: Mapping[str, str], place: Place) -> dict[str, str]:
    """Return those of a resource's tags that are ours to decide: ours, and those that conf/ names."""
    return ours(tags) | {key: tags[key] for key, _ in place.tags if key in tags}


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def of_list(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return tags as most services give them by their keys."""
    return {tag["Key"]: tag["Value"] for tag in tags}

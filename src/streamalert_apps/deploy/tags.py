"""The tags on all that we make: whose it is can be told without a state file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from streamalert_apps.config.conf import AppConf

PREFIX: Final = "sa-apps:prefix"
CLUSTER: Final = "sa-apps:cluster"
TYPE: Final = "sa-apps:type"
APP: Final = "sa-apps:app"


def tags_of(app: AppConf, prefix: str) -> dict[str, str]:
    """Return the tags of an app's resources."""
    return {PREFIX: prefix, CLUSTER: app.cluster, TYPE: app.type, APP: app.name}


def ours(tags: Mapping[str, str]) -> dict[str, str]:
    """Return those of a resource's tags that we put there; none: we did not make it."""
    return {key: value for key, value in tags.items() if key in {PREFIX, CLUSTER, TYPE, APP}}


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def of_list(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return ours of tags as most services give them."""
    return ours({tag["Key"]: tag["Value"] for tag in tags})

"""All of conf/ as one object, as the schema describes it; and in which file what there is to say of it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from streamalert_apps.config import jsonfile, schema
from streamalert_apps.errors import ConfigError

GLOBAL: Final = "conf/global.json"
DESTINATIONS: Final = "conf/destinations.json"


def files(root: Path) -> dict[schema.Keys, str]:
    """Return the files that the schema describes, by where they are in the object, cluster by cluster."""
    if not (root / GLOBAL).is_file():
        raise ConfigError(
            f"There is no {GLOBAL} in {root}.",
            hint="`sa-apps init` makes one; --project-dir names a project elsewhere.",
        )
    clusters = sorted(path.stem for path in (root / "conf/clusters").glob("*.json") if path.name[0] != ".")
    found: dict[schema.Keys, str] = {("global",): GLOBAL}
    found |= {("clusters", cluster): f"conf/clusters/{cluster}.json" for cluster in clusters}
    return found | ({("destinations",): DESTINATIONS} if (root / DESTINATIONS).exists() else {})


def read(root: Path) -> dict[str, Any]:
    """Return all of conf/, not checked; raise ConfigError for a file that is no JSON object."""
    whole, errors = readable(root)
    if errors:
        raise errors[0]
    return whole


def readable(root: Path) -> tuple[dict[str, Any], list[ConfigError]]:
    """Return as much of conf/ as can be read, and why the rest can't."""
    whole: dict[str, Any] = {"clusters": {}}
    errors = []
    for keys, file in files(root).items():
        try:
            put(whole, keys, jsonfile.read_object(root / file, file))
        except ConfigError as broken:
            errors.append(broken)
    return whole, errors


def get(whole: Any, keys: schema.Keys) -> Any:
    """Return what is at some keys; raise KeyError where there is nothing."""
    for key in keys:
        if not isinstance(whole, dict):
            raise KeyError(key)
        whole = whole[key]
    return whole


def put(whole: dict[str, Any], keys: schema.Keys, value: Any) -> None:
    """Set what is at some keys; objects on the way that are missing are created."""
    *way, last = keys
    for depth, key in enumerate(way):
        if key not in whole:
            jsonfile.insert(whole, key, {})
        whole = whole[key]
        if not isinstance(whole, dict):
            raise ConfigError(f"{said(schema.Finding(keys[: depth + 1], 'is not an object'))}.")
    jsonfile.insert(whole, last, value)


def check(whole: dict[str, Any]) -> None:
    """Raise ConfigError for what the schema refuses; it names the first such value."""
    errors = list(map(error, schema.refused(schema.whole(), whole)))
    if errors:
        if more := errors[1:]:
            errors[0].hint = f"{len(more)} more; `sa-apps config validate` shows all."
        raise errors[0]


def error(finding: schema.Finding) -> ConfigError:
    """Return a finding as an error."""
    return ConfigError(f"{said(finding)}.", hint=finding.hint)


def place(keys: schema.Keys) -> tuple[str, schema.Keys]:
    """Return the file that holds what is at these keys, and its keys there."""
    if keys[0] == "clusters":
        return f"conf/clusters/{keys[1]}.json", keys[2:]
    return f"conf/{keys[0]}.json", keys[1:]


def said(finding: schema.Finding) -> str:
    """Return a finding in words, with its place."""
    file, keys = place(finding.keys)
    return f"{file}: {schema.dotted(keys)} {finding.message}" if keys else f"{file} {finding.message}"


def told(findings: Iterable[schema.Finding]) -> Iterator[str]:
    """Yield findings in words; what is alike in many places is told once."""
    alike: dict[tuple[str, str], list[schema.Finding]] = {}
    for finding in findings:
        alike.setdefault((finding.keys[-1], finding.hint), []).append(finding)
    for first, *others in alike.values():
        more = f" (and {len(others)} more like it)" if others else ""
        yield f"{said(first)}{more}. {first.hint}".rstrip()

"""Generate settings.md, the page of all keys of conf/, from the schema of conf/: `nox -s reference`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from streamalert_apps.config import schema

PAGE: Final = Path(__file__).parent / "settings.md"
PUBLISHED: Final = Path(__file__).parent / "conf.schema.json"
HEAD: Final = """# Settings

All keys of `conf/`, generated from its [JSON Schema](conf.schema.json) by `nox -s reference`. `sa-apps`
validates `conf/` against the same schema whenever it reads it. A wrong type or value is an error that names
the file, the key and what is allowed. An unknown key is not an error, because StreamAlert and you may have
keys of your own; where only keys of `sa-apps` belong, it causes a warning, as it may be mistyped.

`sa-apps config validate` checks all files and shows every problem; `config get` and `config set` read and
change one key:

<!-- not run: it needs an app of that name -->
```text
sa-apps config validate
sa-apps config get timeout --name duo_prod_collector
sa-apps config set timeout 300 --name duo_prod_collector
sa-apps config set sa_apps.serve.workers 4
```

Editors that support JSON Schema can validate as you type: use `conf.schema.json#/$defs/global` for
`conf/global.json`, `#/$defs/cluster` for the files in `conf/clusters/`, and `#/$defs/destinations` for
`conf/destinations.json`.
"""
SECTIONS: Final = {
    "global": "conf/global.json",
    "cluster": "conf/clusters/&lt;cluster&gt;.json",
    "app": "An app",
    "alarm": "An alarm",
    "destinations": "conf/destinations.json",
    "destination": "A destination",
}
WITHIN: Final = ("app", "alarm", "destination")


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(_section(name, title) for name, title in SECTIONS.items())])


def _section(name: str, title: str) -> str:
    rows = "".join(f"| {' | '.join(cells)} |\n" for cells in _rows(schema.named(name)))
    return f"## {title}\n\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}"


def _rows(
    form: Mapping[str, Any], before: str = "", *, needed: bool = True
) -> Iterator[tuple[str, str, str, str]]:
    """Yield the cells of each key; an object without a section of its own is listed key by key."""
    for key, inner in form.get("properties", {}).items():
        whole, is_needed = schema.resolved(inner), needed and key in form.get("required", ())
        if "properties" in whole and _name(inner) not in WITHIN:
            yield from _rows(whole, f"{before}{key}.", needed=is_needed)
            continue
        default = f"`{json.dumps(whole['default'])}`" if "default" in whole else ""
        meaning = whole.get("description", "")
        yield f"`{before}{key}`", _value(inner), "required" if is_needed else default, _cell(meaning)


def _value(form: Mapping[str, Any]) -> str:
    """Return what a value may be; what has a section is linked."""
    if _name(form) in WITHIN:
        title = SECTIONS[_name(form)]
        return f"[{title[0].lower()}{title[1:]}](#{title.lower().replace(' ', '-')})"
    items = schema.resolved(form).get("additionalProperties")
    if isinstance(items, dict):
        return f"an object, each value {_value(items)}"
    return _cell(schema.allowed(form))


def _name(form: Mapping[str, Any]) -> str:
    return str(form.get("$ref", "")).rpartition("/")[2]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def write() -> None:
    """Write the page, and the schema beside it."""
    PAGE.write_text(page(), "utf-8", newline="\n")
    PUBLISHED.write_text(schema.FILE.read_text("utf-8"), "utf-8", newline="\n")

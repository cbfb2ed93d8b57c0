"""What differs between AWS and conf/, old and new: in short, and in lines of its own where it matters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

_SECURITY: Final = ("policy", "trust", "left_over", "tls_only")
"""Properties that say who may do what: each change of them is shown, however long."""
_LONGEST_VALUE: Final = 40


def in_short(differing: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """Return a few words for each property: old and new value where they are short, else its name."""
    return [
        f"{key} {_short(key, old)} → {_short(key, new)}" if _is_short(old) and _is_short(new) else key
        for key, (old, new) in differing.items()
    ]


def lines(differing: Mapping[str, tuple[Any, Any]], *, verbose: bool) -> Iterator[str]:
    """Yield a line for each value that goes (`-`) or comes (`+`); of what matters to security always."""
    for key, (old, new) in differing.items():
        if not verbose and key not in _SECURITY:
            continue
        before, after = dict.fromkeys(_values(key, old)), dict.fromkeys(_values(key, new))
        yield from (f"- {value}" for value in before if value not in after)
        yield from (f"+ {value}" for value in after if value not in before)


def _values(path: str, value: Any) -> Iterator[str]:
    """Yield all that a value says, each in one line with where it stands."""
    if value is None or value in ({}, [], ()):
        return
    if isinstance(value, Mapping) and ("Statement" in value or "Effect" in value):
        for statement in value.get("Statement", [value]):
            yield from (f"{path}: {told}" for told in _statement(statement))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _values(f"{path}.{key}", inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _values(path, inner)
    else:
        yield f"{path}: {value}"


def _statement(statement: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a statement of a policy says, each action and resource for itself."""
    principal = f" by {_words(statement['Principal'])}" if "Principal" in statement else ""
    condition = f" if {_words(statement['Condition'])}" if statement.get("Condition") else ""
    for action in _listed(statement.get("Action", "*")):
        for resource in _listed(statement.get("Resource", "")):
            on = f" on {resource}" if resource else ""
            yield f"{statement['Effect']} {action}{on}{principal}{condition}"


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _is_short(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _short(key: str, value: Any) -> str:
    if value is None:
        return "none"
    text = str(value)[:12] if key == "code" else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"

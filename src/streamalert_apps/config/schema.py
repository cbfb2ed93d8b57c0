"""conf.schema.json, which describes all of conf/: what it refuses, which keys it does not know, what it says.

Only those words of JSON Schema are understood that the file uses. The libraries for all of it would take
longer to import than most commands to run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from streamalert_apps.config.suggest import SIMILAR, did_you_mean

FILE: Final = Path(__file__).with_name("conf.schema.json")
LONGEST_SHOWN: Final = 60

Form: TypeAlias = Mapping[str, Any]
Keys: TypeAlias = tuple[str, ...]

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
_WORDS: Final = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}
_NEARLY_OURS: Final = 0.85
_PLAIN: Final = re.compile(r"[\w$/:-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Finding:
    """What there is to say of the value at `keys`; `hint` may be empty."""

    keys: Keys
    message: str
    hint: str = ""


@cache
def whole() -> Form:
    """Return the schema."""
    schema: Form = json.loads(FILE.read_text("utf-8"))
    return schema


def at(*keys: str) -> Form | None:
    """Return the form of what is at these keys in conf/; None where the schema does not speak of it."""
    form = whole()
    for key in keys:
        inside = _inside(form, key)
        if inside is None:
            return None
        form = inside
    return form


def named(name: str) -> Form:
    """Return one of the forms that the schema has a name for."""
    form: Form = whole()["$defs"][name]
    return form


def takes(form: Form, value: Any) -> bool:
    """Tell whether a value has this form."""
    return next(refused(form, value), None) is None


def refused(form: Form, value: Any, keys: Keys = ()) -> Iterator[Finding]:
    """Yield what a value must not be."""
    form = resolved(form)
    if not _is_allowed(form, value):
        yield Finding(keys, f"must be {allowed(form)}, not {shown(value)}")
    elif isinstance(value, dict):
        yield from _refused_of_object(form, value, keys)
    elif isinstance(value, list) and "items" in form:
        for number, item in enumerate(value):
            yield from refused(form["items"], item, (*keys, str(number)))


def unknown(form: Form, value: Any, keys: Keys = ()) -> Iterator[Finding]:
    """Yield the keys that the schema does not know: all where no others belong, else those nearly ours."""
    form = resolved(form)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        inside = _inside(form, key)
        if inside is not None:
            yield from unknown(inside, item, (*keys, key))
            continue
        near = did_you_mean(key, form.get("properties", {}), _NEARLY_OURS if is_shared(form) else SIMILAR)
        if near or not is_shared(form):
            yield Finding((*keys, key), "is not a known key", near.strip())


def is_shared(form: Form) -> bool:
    """Tell whether others have keys of their own in objects of this form."""
    return form.get("additionalProperties") is True


def resolved(form: Form) -> Form:
    """Return a form with what it refers to; what it says itself comes first."""
    if "$ref" not in form:
        return form
    return {**resolved(named(form["$ref"].rpartition("/")[2])), **form}


def allowed(form: Form) -> str:
    """Return in words what a value may be."""
    form = resolved(form)
    if "title" in form:
        return str(form["title"])
    if "const" in form:
        return json.dumps(form["const"])
    if "enum" in form:
        *most, last = map(json.dumps, form["enum"])
        return f"{', '.join(most)} or {last}"
    kind = _WORDS[form["type"]]
    if "items" in form:
        return f"{kind}, each item {allowed(form['items'])}"
    if "maximum" in form:
        return f"{kind} from {form['minimum']} to {form['maximum']}"
    return f"{kind} of at least {form['minimum']}" if "minimum" in form else kind


def shown(value: Any) -> str:
    """Return a value as JSON; of what is long, its kind alone."""
    kind = next(name for name, types in _TYPES.items() if type(value) in types)
    text = _WORDS[kind] if kind in {"array", "object"} else json.dumps(value)
    return text if len(text) <= LONGEST_SHOWN else f"{_WORDS[kind]} of {len(text):,} characters"


def dotted(keys: Keys) -> str:
    """Return keys as one writes them: with dots between them, odd ones in quotation marks."""
    return ".".join(key if _PLAIN.fullmatch(key) else json.dumps(key) for key in keys)


def _inside(form: Form, key: str) -> Form | None:
    """Return the form of what an object of a form has at a key."""
    form = resolved(form)
    other = form.get("additionalProperties")
    inside: Form | None = form.get("properties", {}).get(key, other if isinstance(other, dict) else None)
    return None if inside is None else resolved(inside)


def _is_allowed(form: Form, value: Any) -> bool:
    """Tell whether a value itself is right, whatever is in it."""
    return (
        _has_type(form, value)
        and ("enum" not in form or any(_same(value, one) for one in form["enum"]))
        and ("const" not in form or _same(value, form["const"]))
        and ("anyOf" not in form or any(takes(one, value) for one in form["anyOf"]))
        and ("pattern" not in form or not isinstance(value, str) or _matches(form["pattern"], value))
        and (isinstance(value, bool) or not isinstance(value, int | float) or _is_within(form, value))
    )


def _has_type(form: Form, value: Any) -> bool:
    if "type" not in form:
        return True
    names = [form["type"]] if isinstance(form["type"], str) else form["type"]
    return any(type(value) in _TYPES[name] for name in names)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


def _is_within(form: Form, number: float) -> bool:
    is_between = bool(form.get("minimum", number) <= number <= form.get("maximum", number))
    return is_between and number % form.get("multipleOf", number or 1) == 0


def _refused_of_object(form: Form, value: Mapping[str, Any], keys: Keys) -> Iterator[Finding]:
    for key in form.get("required", ()):
        if key not in value:
            yield Finding(keys, f"lacks {key}")
    for key, item in value.items():
        if "propertyNames" in form and not takes(form["propertyNames"], key):
            yield Finding(keys, f"has the key {shown(key)}, which must be {allowed(form['propertyNames'])}")
        inside = _inside(form, key)
        if inside is not None:
            yield from refused(inside, item, (*keys, key))
    if "if" in form:
        yield from refused(form.get("then" if takes(form["if"], value) else "else", {}), value, keys)

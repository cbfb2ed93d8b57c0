"""What a destination gets of events: which of them, without which of their fields, in which wrapping.

    only, without   JMESPath: events for which it is true alone, or not. In doubt an event is sent.
    redact          paths of fields whose content is replaced, like "user.email"; of a list, each item's.
    wrap            raw: as the service gave it; envelope: with app, type, id and times around it.

What is not redacted stays as the service wrote it, byte for byte.
https://jmespath.org/specification.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import msgspec

from streamalert_apps.errors import UsageError
from streamalert_apps.runtime import setting
from streamalert_apps.runtime.delivery import Shape
from streamalert_apps.runtime.sink import Setting, Source

REDACTED: Final = "[redacted]"
UNREADABLE: Final = msgspec.json.encode({"_redacted": "It can't be read, so nothing of it is sent."})
_LATEST: Final = 253_402_300_799.0  # the end of the year 9999
_STEP: Final = re.compile(r'"([^"]+)"|([^".\[\]*]+)')

Path: TypeAlias = tuple[str, ...]
Tree: TypeAlias = "dict[str, Tree | None]"
"""Keys that lead to what is redacted; None stands for that itself."""


def _expression(value: Any) -> str:
    """Return a JMESPath expression."""
    text = setting.text(value)
    from jmespath import compile as compiled  # noqa: PLC0415 (it comes with boto3; few need it)
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415

    try:
        compiled(text)
    except (JMESPathError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0].rstrip(".:")
        raise UsageError(
            f"It is no JMESPath expression: {reason}.", hint="Write it like result == 'failure'."
        ) from None
    return text


def _paths(value: Any) -> list[Path]:
    """Return paths, each as its keys."""
    if not isinstance(value, list) or not value:
        raise UsageError("It has to be a list of paths.", hint='Write it like ["user.email"].')
    return [_path(setting.text(one)) for one in value]


def _path(text: str) -> Path:
    keys: list[str] = []
    at = 0
    while match := _STEP.match(text, at):
        keys.append(match[1] or match[2])
        at = match.end()
        if at == len(text):
            return tuple(keys)
        if text[at] != ".":
            break
        at += 1
    raise UsageError(
        f"{text!r} is not a path.", hint='Write it like user.email or "a.b".c; a list needs no sign.'
    )


SETTINGS: Final = (
    Setting("only", "a JMESPath expression: events for which it is true are sent alone", _expression, ""),
    Setting("without", "a JMESPath expression: events for which it is true are not sent", _expression, ""),
    Setting("redact", "paths of fields whose content is replaced", _paths, ()),
    Setting("wrap", "raw or envelope", setting.choice("raw", "envelope"), "raw"),
)


def shape(given: Mapping[str, Any], source: Source) -> Shape | None:
    """Return what makes of an event what is sent, from checked settings; None: it is sent as it is."""
    wanted = _wanted(given["only"], given["without"]) if given["only"] or given["without"] else None
    tree = together(given["redact"])
    wraps = given["wrap"] == "envelope"
    if wanted is None and not tree and not wraps:
        return None

    def shaped(event: bytes, identity: bytes, time: float, got: float) -> bytes:
        if wanted is not None and not wanted(event):
            return b""
        if tree:
            event = redacted(event, tree)
        return _wrapped(event, identity, time, got, source) if wraps else event

    return shaped


def together(paths: Iterable[Path]) -> Tree:
    """Return paths as one tree: an event is gone through once, however many there are."""
    tree: Tree = {}
    for *parents, last in paths:
        inside: Tree | None = tree
        for key in parents:
            inside = None if inside is None else inside.setdefault(key, {})
        if inside is not None:  # else the whole of what it is in is replaced
            inside[last] = None
    return tree


def redacted(event: bytes, tree: Tree) -> bytes:
    """Return an event without the content of some fields."""
    try:
        return bytes(_without(msgspec.Raw(event), tree))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return UNREADABLE


def _wanted(only: str, without: str) -> Callable[[bytes], bool]:
    """Return what tells whether an event is sent."""
    from jmespath import compile as compiled  # noqa: PLC0415
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415

    first, second = (compiled(text) if text else None for text in (only, without))

    def wanted(event: bytes) -> bool:
        try:
            content = msgspec.json.decode(event)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return True
        return _fits(first, content, doubt=True) and not _fits(second, content, doubt=False)

    def _fits(expression: Any, content: Any, *, doubt: bool) -> bool:
        if expression is None:
            return doubt
        try:
            return _is_true(expression.search(content))
        except (JMESPathError, TypeError, RecursionError):  # a function was given what it does not take
            return doubt

    return wanted


def _is_true(value: Any) -> bool:
    """Tell whether JMESPath takes a value for true: all but null, false and what is empty."""
    if value is None or value is False:
        return False
    return not isinstance(value, str | list | dict) or bool(value)


def _without(value: msgspec.Raw, tree: Tree | None) -> msgspec.Raw:
    """Return a value in which what a tree leads to is replaced; all else keeps its bytes."""
    if tree is None:
        return msgspec.Raw(msgspec.json.encode(REDACTED))
    start = bytes(value).lstrip()[:1]
    if start == b"[":
        items = msgspec.json.decode(value, type=list[msgspec.Raw])
        return msgspec.Raw(msgspec.json.encode([_without(item, tree) for item in items]))
    if start != b"{":
        return value
    fields = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    found = tree.keys() & fields.keys()
    if not found:
        return value
    for key in found:
        fields[key] = _without(fields[key], tree[key])
    return msgspec.Raw(msgspec.json.encode(fields))


def _wrapped(event: bytes, identity: bytes, time: float, got: float, source: Source) -> bytes:
    return msgspec.json.encode({
        "app": source.name,
        "type": source.type,
        "id": identity.hex(),
        "event_time": _moment(time),
        "collected_time": _moment(got),
        "event": msgspec.Raw(event),
    })


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(min(max(seconds, 0.0), _LATEST), UTC).isoformat()

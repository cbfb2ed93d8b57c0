"""A copy of an event that is too large for a destination: trimmed, and marked where the whole of it is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from streamalert_apps.sdk.app import Json

_LENGTHS: Final = (65536, 8192, 1024, 128, 16, 0)


def trim(log: bytes, limit: int, mark: Mapping[str, Json]) -> bytes:
    """Return a copy of at most `limit` bytes whose long strings and lists are cut, marked `_truncated`.

    Of a log that can't be read, and of one with thousands of keys, only the mark goes on.
    """
    with suppress(msgspec.MsgspecError, ValueError, RecursionError):
        whole = msgspec.json.decode(log)
        fields = whole if isinstance(whole, dict) else {"log": whole}
        for length in _LENGTHS:
            copy = msgspec.json.encode(
                {key: _cut(value, length) for key, value in fields.items()} | {"_truncated": mark}
            )
            if len(copy) <= limit:
                return copy
    return msgspec.json.encode({"_truncated": mark})


def _cut(value: Any, length: int) -> Any:
    match value:
        case str():
            return value[:length]
        case list():
            return [_cut(item, length) for item in value[:length]]
        case dict():
            return {key: _cut(item, length) for key, item in list(value.items())[: max(length, 1)]}
        case _:
            return value

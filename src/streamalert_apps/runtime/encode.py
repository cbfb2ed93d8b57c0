"""What an app yields as JSON bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from streamalert_apps.errors import ConfigError
from streamalert_apps.sdk.app import Json, Log
from streamalert_apps.sdk.mend import mended

_BUFFERS: Final = {msgspec.Raw, bytes, bytearray, memoryview}


def as_bytes(logs: Sequence[Log]) -> list[bytes]:
    """Return logs as JSON bytes; what they are is decided for all of them at once, where they are alike."""
    if {*map(type, logs)} <= _BUFFERS:
        return list(map(bytes, logs))  # type: ignore[arg-type] # none of them is a Mapping
    return [encode(log) if isinstance(log, Mapping) else bytes(log) for log in logs]


def encode(log: Mapping[str, Json]) -> bytes:
    """Return a plugin's dict as JSON bytes; raise ConfigError for what JSON can't hold."""
    try:
        return msgspec.json.encode(log)
    except UnicodeEncodeError:  # half a surrogate pair, which Python's strings can hold
        return mended(json.dumps(log).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"A log holds what JSON can't ({type(error).__name__}).") from None

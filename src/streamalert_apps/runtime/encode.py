"""A plugin's dict as JSON bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from streamalert_apps.errors import ConfigError
from streamalert_apps.sdk.app import Json
from streamalert_apps.sdk.mend import mended


def encode(log: Mapping[str, Json]) -> bytes:
    """Return a plugin's dict as JSON bytes; raise ConfigError for what JSON can't hold."""
    try:
        return msgspec.json.encode(log)
    except UnicodeEncodeError:  # half a surrogate pair, which Python's strings can hold
        return mended(json.dumps(log).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"A log holds what JSON can't ({type(error).__name__}).") from None

"""Packing logs into batches: in one pass, each log serialised once, none above what a delivery can carry."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from streamalert_apps.errors import ConfigError
from streamalert_apps.sdk.app import Json, Log
from streamalert_apps.sdk.mend import mended

LOGGER = logging.getLogger(__name__)

DEFAULT_BATCH_BYTES: Final = 256 << 10
LARGEST_DELIVERY_BYTES: Final = 1 << 20  # of an asynchronous invocation
ENVELOPE_BYTES: Final = 512  # what a delivery holds besides its logs, at most

Bytes = bytes | bytearray | memoryview
Keep = Callable[[bytes, str], str]
"""Keeps a log that is too large for any delivery, under its SHA-256; returns where, or "" for nowhere."""

_LENGTHS: Final = (65536, 8192, 1024, 128, 16, 0)


@dataclass(slots=True)
class Batches:
    """Takes logs and yields full batches. `limit`: bytes of a batch; `largest`: of a log that goes alone."""

    keep: Keep
    limit: int = DEFAULT_BATCH_BYTES
    largest: int = LARGEST_DELIVERY_BYTES - ENVELOPE_BYTES
    truncated: int = 0
    _batch: list[Bytes] = field(default_factory=list)
    _bytes: int = 0

    def __post_init__(self) -> None:
        self.limit = min(self.limit, self.largest)

    def add(self, logs: Sequence[Log]) -> Iterator[list[Bytes]]:
        """Yield each batch that gets full; what is left over waits for more, or for `rest`."""
        for log in logs:
            data = encode(log) if isinstance(log, Mapping) else log
            size = len(data)
            if size > self.largest:
                data = self._truncate(bytes(data))
                size = len(data)
            if self._bytes + size > self.limit and self._batch:
                yield self._take()
            self._batch.append(data)
            self._bytes += size + 1
        if self._bytes >= self.limit:
            yield self._take()

    def rest(self) -> Iterator[list[Bytes]]:
        """Yield what is left over."""
        if self._batch:
            yield self._take()

    def _take(self) -> list[Bytes]:
        batch, self._batch, self._bytes = self._batch, [], 0
        return batch

    def _truncate(self, log: bytes) -> bytes:
        """Keep the whole of a log; return a trimmed copy that says so."""
        digest = hashlib.sha256(log).hexdigest()
        place = self.keep(log, digest)
        self.truncated += 1
        if not place:
            LOGGER.error(
                "a log of %d bytes (sha256 %s) is too large for a delivery; only a trimmed copy was "
                "forwarded. Name a bucket for such logs in the app's `oversize_bucket`",
                len(log),
                digest,
            )
        return trim(log, self.largest, {"bytes": len(log), "sha256": digest, "kept": place or None})


def encode(log: Mapping[str, Json]) -> bytes:
    """Return a plugin's dict as JSON bytes; raise ConfigError for what JSON can't hold."""
    try:
        return msgspec.json.encode(log)
    except UnicodeEncodeError:  # half a surrogate pair, which Python's strings can hold
        return mended(json.dumps(log).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"A log holds what JSON can't ({type(error).__name__}).") from None


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

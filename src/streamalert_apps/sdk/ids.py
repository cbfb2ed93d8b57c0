"""Short ids: eight bytes of a keyed hash, by which an event is known.

The key is of the one app alone, so that nobody can make two events that are taken for one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import Final

WIDTH: Final = 8


@cache
def hashing(key: bytes) -> Callable[[str], bytes]:
    """Return the function that shortens ids under a key."""
    copy = blake2b(key=key, digest_size=WIDTH).copy

    def short(identity: str) -> bytes:
        fresh = copy()
        fresh.update(identity.encode("utf-8", "surrogatepass"))
        return fresh.digest()

    return short

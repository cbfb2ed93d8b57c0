"""The memory of ids: which events at the edge of time were forwarded already.

An id is kept as 8 bytes of its hash, so that 224 of them fit Parameter Store beside the rest of a state.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

CAPACITY: Final = 224
_WIDTH: Final = 8


def short(identity: str) -> bytes:
    """Return the short form of an id."""
    return blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=_WIDTH).digest()


def pack(ids: Iterable[bytes]) -> str:
    """Return short ids as text for a checkpoint, in their order."""
    return b64encode(b"".join(ids)).decode()


def unpack(text: str) -> list[bytes]:
    """Return the short ids of `pack`."""
    packed = b64decode(text)
    return [packed[at : at + _WIDTH] for at in range(0, len(packed), _WIDTH)]

"""What 0.1.0 knew of an app: its checkpoint, and short ids by a hash of their own.

0.1.0 delivered without a record. What it had delivered beyond its checkpoint is known by up to 224 short
ids and, in the middle of a walk, by a span of time.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from streamalert_apps.sdk.ids import WIDTH, hashing

CAPACITY: Final = 224

short = hashing(b"")
"""Shortens an id as 0.1.0 did: without a key."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """Where to go on from, in the form of today, and what had been delivered beyond.

    `ids` are 0.1.0's. `span`: all that happened from its first time on and before its second one, in
    seconds since 1970, had been delivered.
    """

    checkpoint: dict[str, object]
    ids: Sequence[bytes] = ()
    span: tuple[float, float] | None = None


def counted(content: str, count: int) -> bytes:
    """Return the short id of an event without an id, of which `count` equal ones were met before."""
    return short(f"{short(content).hex()}\0{count}")


def pack(ids: Iterable[bytes]) -> str:
    """Return short ids as text."""
    return b64encode(b"".join(ids)).decode()


def unpack(text: str) -> list[bytes]:
    """Return the short ids of a text; raise ValueError for one that holds none."""
    packed = b64decode(text)
    return [packed[at : at + WIDTH] for at in range(0, len(packed), WIDTH)]

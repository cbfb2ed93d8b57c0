"""What has to be done once before several threads read JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from threading import Lock
from typing import Final

import msgspec

_ONE_AT_A_TIME: Final = Lock()


def prime() -> None:
    """Have msgspec look at every type that is loaded by now.

    It does so when a type is first decoded. Two threads that decode the same type for the first time at
    once crash the process (a segmentation fault, seen with 0.22 in CPython 3.11).
    """
    with _ONE_AT_A_TIME:
        for kind in _below(msgspec.Struct):
            with suppress(Exception):  # what is wrong with a type is told by who uses it
                msgspec.json.Decoder(kind)


def _below(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)

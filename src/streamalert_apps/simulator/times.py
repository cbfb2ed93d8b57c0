"""How vendors write times: what they round to, how they read one in a query, how they write one in JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from streamalert_apps.simulator.store import MILLISECOND, SECOND, micros, moment


@dataclass(frozen=True, slots=True)
class Times:
    """A form of times. `read` raises ValueError for any other; `write` returns JSON."""

    precision: int
    """What times are rounded down to, in microseconds."""
    read: Callable[[str], int]
    write: Callable[[int], str]


def _read_iso(text: str) -> int:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return micros(time)


def _iso(timespec: str) -> Callable[[int], str]:
    def write(at: int) -> str:
        return '"{}Z"'.format(moment(at).isoformat(timespec=timespec).removesuffix("+00:00"))

    return write


def _read_number(unit: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and int(text) * unit < 1 << 53):
            raise ValueError("no such time")
        return int(text) * unit

    return read


def _number(unit: int) -> Callable[[int], str]:
    return lambda at: str(at // unit)


ISO_SECONDS: Final = Times(SECOND, _read_iso, _iso("seconds"))
ISO_MILLISECONDS: Final = Times(MILLISECOND, _read_iso, _iso("milliseconds"))
ISO_MICROSECONDS: Final = Times(1, _read_iso, _iso("microseconds"))
EPOCH_SECONDS: Final = Times(SECOND, _read_number(SECOND), _number(SECOND))
EPOCH_MILLISECONDS: Final = Times(MILLISECOND, _read_number(MILLISECOND), _number(MILLISECOND))

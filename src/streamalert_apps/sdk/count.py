"""How a number of things is written."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """Return a number of things: `1 page`, `1,204 events`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"

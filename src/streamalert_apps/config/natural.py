"""The order in which a person counts: app2 before app10."""

from __future__ import annotations

import re


def natural(text: str) -> list[tuple[int, int, str]]:
    """Return a key by which texts are sorted as a person counts."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return [(0, int(part), "") if part.isdecimal() and part.isascii() else (1, 0, part) for part in parts]

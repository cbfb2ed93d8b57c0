"""What comes from outside, as text that a terminal or a page does nothing with but show it."""

from __future__ import annotations

import re
from typing import Final

# Of what controls a terminal only the line break and the tab are left; what turns text around is as bad.
_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def plain_json(text: str) -> str:
    """Return JSON whose control characters are written as JSON writes them: it means what it meant."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def plain(text: str) -> str:
    """Return text whose control characters are written out."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)

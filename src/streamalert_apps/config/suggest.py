"""What a person may have meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

SIMILAR: Final = 0.6


def did_you_mean(word: str, words: Iterable[str], similar: float = SIMILAR) -> str:
    """Return "Did you mean 'x'? " for the nearest of `words`, or nothing; `similar`: 1 is the word itself."""
    from difflib import get_close_matches  # noqa: PLC0415 (only an error needs it)

    near = get_close_matches(word, list(words), n=1, cutoff=similar)
    return f"Did you mean '{near[0]}'? " if near else ""

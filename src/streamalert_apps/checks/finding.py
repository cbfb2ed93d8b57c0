"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or will be.

    `check` is the name of the check's module, `why` says what comes of it, `fix` what mends it: a command
    wherever there is one. `pressing`: it goes wrong now; else it will, or is a risk.
    """

    check: str
    what: str
    why: str
    fix: str
    pressing: bool = True

    def text(self) -> str:
        """Return it in one line."""
        return " ".join(part for part in (self.what, self.why, self.fix) if part)

"""Whether the plugins can be loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject

CHECK: Final = "plugins"


def look(subject: Subject) -> Iterator[Finding]:
    """Yield those that can't."""
    subject.types.names()  # looks at all of them
    for error in subject.types.left_out:
        yield Finding(
            CHECK,
            error.message,
            "Its app types can't be used.",
            f"{error.hint} `sa-apps plugin check FILE` shows more.".strip(),
        )

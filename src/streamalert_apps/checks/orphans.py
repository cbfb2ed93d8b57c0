"""Whether apps run in AWS that conf/ does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.deploy import orphans

CHECK: Final = "orphans"


def look(subject: Subject) -> Iterator[Finding]:
    """Yield each of them."""
    for orphan in orphans.orphans(subject.rules, subject.project, ()):
        yield Finding(
            CHECK,
            f"{orphan.function} {orphan.state}, but is not in conf/.",
            "It collects, and costs, and no command looks after it.",
            "`sa-apps deploy --prune` deletes what sa-apps deployed.",
            pressing=False,
        )

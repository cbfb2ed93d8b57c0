"""How the apps of a collector are, for whoever asks it: looked up once for all who ask at one time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Final

from streamalert_apps.serve import condition, heads
from streamalert_apps.serve.condition import Status
from streamalert_apps.serve.page import Answer

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session
    from streamalert_apps.config.conf import Project
    from streamalert_apps.plugins.registry import Registry

FRESH_SECONDS: Final = 5.0
WORKERS: Final = 8


@dataclass(slots=True)
class Looking:
    """Reads the heads of all apps. `project` returns conf/ as it is in force."""

    project: Callable[[], Project]
    types: Callable[[Project], Registry]
    session: Callable[[Project], Session]
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    """From when on apps were to run."""
    _lock: Lock = field(default_factory=Lock)
    _seen: Sequence[Status] = ()
    _when: float = float("-inf")
    _types: Registry | None = None
    _of: Project | None = None

    def statuses(self) -> Sequence[Status]:
        """Return how all apps are, the worst first; nobody waits for what was seen a moment ago."""
        with self._lock:
            if time.monotonic() - self._when > FRESH_SECONDS:
                project = self.project()
                apps = project.all_apps
                found = heads.read_all(project, apps, lambda: self.session(project), WORKERS)
                if self._types is None or project is not self._of:
                    self._types, self._of = self.types(project), project
                read = condition.read(apps, found, self._types, self.since)
                self._seen, self._when = condition.worst_first(read), time.monotonic()
            return self._seen

    def answer(self) -> Answer:
        """Return what the status page shows."""
        apps = [status.described() for status in self.statuses()]
        return Answer(apps, [], self.project().account.prefix, datetime.now(UTC))

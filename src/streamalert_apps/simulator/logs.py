"""What a twin with several logs answers of each: it asks the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from streamalert_apps.errors import UsageError
from streamalert_apps.simulator.contract import Facts
from streamalert_apps.simulator.single import LATENESS, SingleLog

Log = TypeVar("Log", bound=SingleLog)


class Logs(Generic[Log]):
    """A twin's logs, by app type."""

    _logs: Mapping[str, Log]

    def facts(self, app_type: str) -> Facts:
        """Return what the vendor documents of a log."""
        return self._log(app_type).facts(app_type)

    def seed(
        self,
        app_type: str,
        *,
        events: int = 5000,
        burst: int = 0,
        late: int = 0,
        start: datetime | None = None,
        end: datetime | None = None,
        lateness: timedelta = LATENESS,
    ) -> None:
        """Add events, the same ones for the same seed; without times, of the last hour."""
        self._log(app_type).seed(
            app_type, events=events, burst=burst, late=late, start=start, end=end, lateness=lateness
        )

    def put(
        self, app_type: str, *, at: datetime, visible: datetime | None = None, size: int = 0, **fields: Any
    ) -> str:
        """Add one event with these fields and return its id."""
        return self._log(app_type).put(app_type, at=at, visible=visible, size=size, **fields)

    def held(
        self, app_type: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Counter[str]:
        """Count the ids of the events that happened from `since` to `until`, both inclusive."""
        return self._log(app_type).held(app_type, since=since, until=until)

    def complete(self, app_type: str) -> datetime:
        """Return the time from which on every event is visible."""
        return self._log(app_type).complete(app_type)

    def identify(self, app_type: str, log: Mapping[str, Any]) -> str:
        """Return the id of a log that arrived."""
        return self._log(app_type).identify(app_type, log)

    def _log(self, app_type: str) -> Log:
        if app_type not in self._logs:
            there = ", ".join(self._logs)
            raise UsageError(
                f"{type(self).__name__}'s simulator has no '{app_type}'.", hint=f"There are: {there}."
            )
        return self._logs[app_type]

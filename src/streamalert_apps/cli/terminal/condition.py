"""How an app is, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from streamalert_apps.cli.terminal.description import label
from streamalert_apps.errors import AppError, Unhealthy

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf
    from streamalert_apps.deploy.health import Counts
    from streamalert_apps.runtime.state import State


@dataclass(frozen=True, slots=True)
class Deployment:
    """What runs in AWS."""

    version: str
    schedule: str
    enabled: bool
    drift: list[dict[str, Any]]
    counts: Counts


@dataclass(frozen=True, slots=True)
class Status:
    """One app's. `until`: everything before has been collected."""

    app: AppConf
    now: datetime
    problems: list[str]
    state: State | None = None
    until: datetime | None = None
    deployment: Deployment | None = None

    def errors(self) -> Iterator[AppError]:
        """Yield what is wrong."""
        for problem in self.problems:
            yield Unhealthy(f"{label(self.app)}: {problem}")

    def described(self) -> dict[str, Any]:
        """Return it as --json shows it."""
        deployment, last = self.deployment, self.state.last_run if self.state else None
        return {
            "cluster": self.app.cluster,
            "name": self.app.name,
            "type": self.app.type,
            "function": self.app.function,
            "healthy": not self.problems,
            "problems": self.problems,
            "deployment": deployment
            and {
                "version": deployment.version,
                "schedule": deployment.schedule,
                "enabled": deployment.enabled,
                "drift": deployment.drift,
                **asdict(deployment.counts),
            },
            "state": self.state.status if self.state else None,
            "collected_until": self.until.isoformat() if self.until else None,
            "behind_seconds": round((self.now - self.until).total_seconds()) if self.until else None,
            "last_run": asdict(last) if last else None,
        }

    def text(self) -> str:
        """Return it in words."""
        lines = [f"{label(self.app)}: {'not well' if self.problems else 'well'}"]
        lines += [f"  ! {problem}" for problem in self.problems]
        lines += [f"  {line}" for line in (*self._deployed(), *self._collected())]
        return "\n".join(lines)

    def _deployed(self) -> Iterator[str]:
        if not self.deployment:
            return
        kinds = dict.fromkeys(change["kind"] for change in self.deployment.drift)
        drift = f"AWS differs from conf/: {', '.join(kinds)}" if kinds else "as conf/ says"
        yield f"version {self.deployment.version}, {drift}"
        yield self.deployment.schedule + ("" if self.deployment.enabled else ", disabled")
        counted = self.deployment.counts
        yield f"last 24 hours: {counted.invocations} invocations, {counted.errors} errors"

    def _collected(self) -> Iterator[str]:
        last = self.state.last_run if self.state else None
        if not self.state or not self.state.status:
            yield "has not run yet"
            return
        if last:
            ago = _length(self.now - datetime.fromisoformat(last.started))
            yield f"last run {ago} ago: {self.state.status}, {last.logs:,} logs in {last.seconds:.1f} s"
        else:
            yield f"last run: {self.state.status}"
        if self.until:
            yield f"collected until {self.until:%Y-%m-%d %H:%M:%S} UTC, {_length(self.now - self.until)} ago"


def _length(time: timedelta) -> str:
    minutes = max(0, round(time.total_seconds() / 60))
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 24 * 60 else f"{minutes // (24 * 60)} d"

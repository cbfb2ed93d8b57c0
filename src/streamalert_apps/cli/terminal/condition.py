"""How an app is, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from streamalert_apps.cli.terminal.collecting import counted
from streamalert_apps.cli.terminal.description import label
from streamalert_apps.deploy import health
from streamalert_apps.deploy.health import Progress
from streamalert_apps.errors import AppError, Unhealthy

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf
    from streamalert_apps.deploy.health import Counts
    from streamalert_apps.runtime.head import Head, Position, Run


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
    """One app's. Without `head` it has not run yet, or that can't be told. `now`: by the store's clock."""

    app: AppConf
    now: datetime
    problems: list[str]
    head: Head | None = None
    is_readable: bool = True
    progress: Progress = field(default_factory=Progress)
    deployment: Deployment | None = None

    @property
    def last_run(self) -> Run | None:
        """The last run that came to its end."""
        return self.head.runs[-1] if self.head and self.head.runs else None

    @property
    def state(self) -> str | None:
        """How the last run ended, or that one is under way."""
        if self.head and health.is_running(self.head, self.now):
            return "running"
        return self.last_run.status if self.last_run else None

    def errors(self) -> Iterator[AppError]:
        """Yield what is wrong."""
        for problem in self.problems:
            yield Unhealthy(f"{label(self.app)}: {problem}")

    def described(self) -> dict[str, Any]:
        """Return it as --json shows it."""
        deployment, last, progress = self.deployment, self.last_run, self.progress
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
            "state": self.state,
            "collected_until": _iso(progress.floor),
            "behind_seconds": self._age(progress.floor),
            "recorded_until": _iso(progress.recorded),
            "lag_seconds": self._age(progress.recorded),
            "gaps": [[since.isoformat(), until.isoformat()] for since, until in progress.gaps],
            "last_run": last
            and {
                "started": last.started.isoformat(),
                "seconds": last.seconds,
                "logs": last.events,
                "repeats": last.repeats,
                "error": last.error,
                "message": last.message,
            },
            "destinations": [self._destination(*item) for item in self._positions()],
        }

    def _positions(self) -> list[tuple[str, Position]]:
        return list(health.destinations(self.head).items()) if self.head else []

    def _destination(self, name: str, position: Position) -> dict[str, Any]:
        assert self.head is not None  # noqa: S101 (it has the positions)
        until = datetime.fromtimestamp(position.until, UTC) if position.until else None
        waiting = health.waiting(self.head, position)
        return {
            "name": name,
            "state": position.state or "ok",
            "lag_seconds": round(position.lag(self.now.timestamp())) if waiting else 0,
            "waiting_events": waiting,
            "dead": position.dead,
            "delivered_until": _iso(until),
            "error": position.error,
            "message": position.message,
        }

    def _age(self, time: datetime | None) -> int | None:
        return None if time is None else max(0, round((self.now - time).total_seconds()))

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
        last = self.last_run
        if self.state == "running":
            yield "a run is under way"
        elif not last and self.is_readable:
            yield "has not run yet"
        if last:
            ago = _length(self.now - last.started)
            yield f"last run {ago} ago: {last.status}, {last.events:,} logs in {last.seconds:.1f} s"
        if recorded := self.progress.recorded:
            yield f"collected until {recorded:%Y-%m-%d %H:%M:%S} UTC, {_length(self.now - recorded)} ago"
        for name, position in self._positions():
            yield f"{name}: {self._delivered(position)}"

    def _delivered(self, position: Position) -> str:
        assert self.head is not None  # noqa: S101 (it has the position)
        waiting = health.waiting(self.head, position)
        words = "has all that was collected"
        if waiting:
            lag = _length(timedelta(seconds=position.lag(self.now.timestamp())))
            words = f"lacks {counted(waiting, 'event')}, the oldest for {lag}"
        return words + (f"; {counted(position.dead, 'refused event')} kept" if position.dead else "")


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _length(time: timedelta) -> str:
    minutes = max(0, round(time.total_seconds() / 60))
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 24 * 60 else f"{minutes // (24 * 60)} d"

"""How apps are: what their heads tell, what is wrong, and which of them is worst."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.config.natural import natural
from streamalert_apps.deploy import health
from streamalert_apps.deploy.health import Counts, Progress
from streamalert_apps.errors import AppError
from streamalert_apps.runtime.history import HOURS, Hour, hour_of
from streamalert_apps.runtime.schedule import interval
from streamalert_apps.sdk import expiry
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf
    from streamalert_apps.plugins.registry import Registry
    from streamalert_apps.runtime.head import Head, Position, Run
    from streamalert_apps.sdk.app import Checkpoint
    from streamalert_apps.serve.heads import Found


class Health(Enum):
    """An app's health in one word, the worst first."""

    UNHEALTHY = "unhealthy"
    WARNING = "warning"
    """It works; something about it is worth a look: dead letters, events that wait, drift."""
    HEALTHY = "healthy"
    PAUSED = "paused"


_WORST_FIRST: Final = [*Health]
RUNS_SHOWN: Final = 10
HOUR_SECONDS: Final = 3_600
AUDITS_TOLD: Final = timedelta(days=14)


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
    declared: timedelta | None = None
    """How late its events may appear, by conf/ or by its type."""
    deployment: Deployment | None = None

    @property
    def last_run(self) -> Run | None:
        """The last run that came to its end."""
        return self.head.runs[-1] if self.head and self.head.runs else None

    @property
    def running_since(self) -> datetime | None:
        """When the run began that is under way; the fence is made of that time."""
        if self.head and health.is_running(self.head, self.now):
            return datetime.fromtimestamp(self.head.fence / 1000, UTC)
        return None

    @property
    def state(self) -> str | None:
        """How the last run ended, or that one is under way."""
        if self.running_since:
            return "running"
        return self.last_run.status if self.last_run else None

    @property
    def lag(self) -> timedelta | None:
        """How old the newest moment is up to which all is on record that the service showed."""
        return self.age(self.progress.recorded)

    @property
    def health(self) -> Health:
        """The app's health in one word."""
        if self.problems:
            return Health.UNHEALTHY
        if self.deployment and not self.deployment.enabled:
            return Health.PAUSED
        return Health.WARNING if self.notes else Health.HEALTHY

    @property
    def notes(self) -> list[str]:
        """What is worth a look, although the app works."""
        return [*self._drift(), *self._dead(), *self._late(), *self._credentials()]

    def _drift(self) -> Iterator[str]:
        if self.deployment and self.deployment.drift:
            kinds = dict.fromkeys(change["kind"] for change in self.deployment.drift)
            yield f"drift: {', '.join(kinds)}; `sa-apps deploy` makes AWS match conf/."

    def _dead(self) -> Iterator[str]:
        for name, position in self.positions():
            if position.dead:
                yield f"{name} refused {counted(position.dead, 'event')} for good: see `sa-apps dead list`."

    def _late(self) -> Iterator[str]:
        needed = self.needed_lag
        if needed and self.declared is not None:
            yield (
                f"The daily audit found {counted(self.found_late, 'event')} that came later than the lag of "
                f"{length(self.declared)}. A `lag` of {length(needed)} in conf/ would have been enough."
            )

    @property
    def found_late(self) -> int:
        """How many events the audits of the last two weeks found that came later than the lag."""
        return sum(found for _, found, _ in self._audits())

    @property
    def needed_lag(self) -> timedelta | None:
        """The lag, in whole hours, that would have held in the last two weeks; None: the declared one did."""
        latest = max((latest for _, _, latest in self._audits()), default=0.0)
        return timedelta(hours=-(-latest // HOUR_SECONDS)) if latest else None

    def _audits(self) -> list[tuple[float, int, float]]:
        history = self.head.audit.history if self.head else []
        since = (self.now - AUDITS_TOLD).timestamp()
        return [one for one in history if one[0] >= since]

    def _audit(self) -> dict[str, Any]:
        audit = self.head.audit if self.head else None
        return {
            "until": _iso(_moment(audit.until)) if audit and not audit.cursor else None,
            "found_late": self.found_late,
            "lag_declared_seconds": _seconds(self.declared),
            "lag_measured_seconds": _seconds(self.progress.lateness),
            "lag_needed_seconds": _seconds(self.needed_lag),
            "skipped_seconds": round(audit.skipped) if audit else 0,
            "off": audit.off if audit else "",
        }

    def _credentials(self) -> Iterator[str]:
        until = self.credentials_until
        if until and self.credentials_end_soon:
            ended = "ended" if until <= self.now else "end"
            yield f"Its credentials {ended} on {until:%Y-%m-%d}; `sa-apps update-auth` replaces them."

    @property
    def credentials_end_soon(self) -> bool:
        """Whether they have ended, or are about to."""
        until = self.credentials_until
        return until is not None and until - self.now < expiry.WARNED

    @property
    def credentials_until(self) -> datetime | None:
        """When the credentials end, by conf/ or by what they say themselves; None: nobody says."""
        if stated := self.app.credentials_expire:
            return stated
        return _moment(self.head.credentials_until) if self.head else None

    def described(self) -> dict[str, Any]:
        """Return it as --json shows it."""
        deployment, last, progress = self.deployment, self.last_run, self.progress
        return {
            "cluster": self.app.cluster,
            "name": self.app.name,
            "type": self.app.type,
            "function": self.app.function,
            "healthy": not self.problems,
            "health": self.health.value,
            "problems": self.problems,
            "notes": self.notes,
            "deployment": deployment
            and {
                "version": deployment.version,
                "schedule": deployment.schedule,
                "enabled": deployment.enabled,
                "drift": deployment.drift,
                **asdict(deployment.counts),
            },
            "state": self.state,
            "running_since": _iso(self.running_since),
            "collected_until": _iso(progress.floor),
            "behind_seconds": _seconds(self.age(progress.floor)),
            "recorded_until": _iso(progress.recorded),
            "lag_seconds": _seconds(self.lag),
            "gaps": [[since.isoformat(), until.isoformat()] for since, until in progress.gaps],
            "audit": self._audit(),
            "last_run": last and _run(last),
            "runs": [{**_run(run), "outcome": run.status} for run in reversed(self._runs()[-RUNS_SHOWN:])],
            "hours": [_hour(hour) for hour in self.hours()],
            "credentials_until": _iso(self.credentials_until),
            "destinations": self.sinks(),
        }

    def _runs(self) -> list[Run]:
        return self.head.runs if self.head else []

    def hours(self) -> list[Hour]:
        """Return what the runs of the last day did, an entry for each hour, the oldest first."""
        last = hour_of(self.now)
        known = {hour.hour: hour for hour in (self.head.hours if self.head else ())}
        return [known.get(hour, Hour(hour)) for hour in range(last - HOURS + 1, last + 1)]

    def positions(self) -> list[tuple[str, Position]]:
        """Return the destinations and their positions."""
        return list(health.destinations(self.head).items()) if self.head else []

    def waiting(self, position: Position) -> int:
        """Return how many events on record a destination does not have yet."""
        return health.waiting(self.head, position) if self.head else 0

    def sinks(self) -> list[dict[str, Any]]:
        """Return how each destination is, as --json shows it."""
        return [self._destination(*item) for item in self.positions()]

    def _destination(self, name: str, position: Position) -> dict[str, Any]:
        until = _moment(position.until)
        waiting = self.waiting(position)
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

    def age(self, time: datetime | None) -> timedelta | None:
        """Return how long ago a time was."""
        return None if time is None else max(timedelta(0), self.now - time)


def worst_first(statuses: Iterable[Status]) -> list[Status]:
    """Return them with the worst first; those that are alike as a person counts: app2 before app10."""
    return sorted(statuses, key=_badness)


def _badness(status: Status) -> tuple[int, float, list[tuple[int, int, str]], list[tuple[int, int, str]]]:
    unhealthy = status.health is Health.UNHEALTHY
    lag = status.lag.total_seconds() // 60 if status.lag is not None else float("inf")
    names = natural(status.app.cluster), natural(status.app.name)
    return _WORST_FIRST.index(status.health), -lag if unhealthy else 0.0, *names


def read(
    apps: Sequence[AppConf], found: Sequence[Found], types: Registry, since: datetime | None
) -> list[Status]:
    """Return how apps are that no Lambda runs. `since`: from when they were to run; None: nobody counts."""
    return [
        with_runs(with_type(recorded(app, types, there), types), types, since)
        for app, there in zip(apps, found, strict=True)
    ]


def recorded(app: AppConf, types: Registry, found: Found | None) -> Status:
    """Return what an app's head tells."""
    if found is None:
        return Status(app, datetime.now(UTC), [])
    if found.error:
        return Status(app, found.now, [found.error.message], is_readable=False)
    status = Status(app, found.now, [], found.head)
    if found.head is None or found.head.checkpoint is None:
        return status
    return replace(status, progress=_progress(types, app, found.head.checkpoint))


def _progress(types: Registry, app: AppConf, checkpoint: Checkpoint) -> Progress:
    """Return how far the app is; nothing for a type or a checkpoint of another version."""
    import msgspec  # noqa: PLC0415 (not needed to show help)

    from streamalert_apps.sdk.clock import SystemClock  # noqa: PLC0415
    from streamalert_apps.sdk.http import Api  # noqa: PLC0415 (httpx)

    api = Api(clock=SystemClock())
    foreign = (AppError, KeyError, ValueError, TypeError, AttributeError, msgspec.MsgspecError)
    try:
        kind = types.find(app.type).without_credentials(api)
        floor = kind.watermark(checkpoint)
        known, listed = kind.recorded(checkpoint) or floor, kind.listed(checkpoint) or floor
        return Progress(floor, known, listed, kind.gaps(checkpoint), kind.lateness(checkpoint))
    except foreign:
        return Progress()
    finally:
        api.close()


def with_type(status: Status, types: Registry) -> Status:
    """Add what is wrong with the app's type, if it is none."""
    try:
        types.find(status.app.type)
    except AppError as error:
        return replace(status, problems=[*status.problems, said(error)])
    return status


def said(error: AppError) -> str:
    """Return what is wrong and what to do, in one line."""
    return f"{error.message} {error.hint}".rstrip()


def with_runs(status: Status, types: Registry, since: datetime | None) -> Status:
    """Add what is wrong with the runs. `since`: from when on there were to be some; None: nobody counts."""
    if not status.is_readable:
        return status
    holds = {sink.name: timedelta(seconds=sink.common()["hold"]) for sink in status.app.sinks}
    pace = health.Pace(interval(status.app.schedule_expression), _lag(status.app, types), since, holds)
    runs = health.run_problems(status.head, status.progress, status.now, pace)
    return replace(status, problems=[*status.problems, *runs], declared=pace.lag)


def _lag(app: AppConf, types: Registry) -> timedelta:
    """Return how late an app's events may appear; what is not declared is an hour."""
    from streamalert_apps.sdk.feed.reader import UNDECLARED_LAG  # noqa: PLC0415

    with suppress(AppError):
        return app.lag or types.find(app.type).lag or UNDECLARED_LAG
    return UNDECLARED_LAG


def length(time: timedelta) -> str:
    """Return a length of time in short: `12 s`, `5 min`, `3 h 20 min`, `4 d`."""
    seconds = max(0, round(time.total_seconds()))
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 24 * 60 else f"{minutes // (24 * 60)} d"


def _run(run: Run) -> dict[str, Any]:
    return {
        "started": run.started.isoformat(),
        "seconds": run.seconds,
        "logs": run.events,
        "repeats": run.repeats,
        "error": run.error,
        "message": run.message,
    }


def _hour(hour: Hour) -> dict[str, Any]:
    return {
        "began": hour.began.isoformat(),
        "runs": hour.runs,
        "failed": hour.failed,
        "logs": hour.events,
        "bytes": hour.bytes,
        "lag_seconds": None if hour.lag < 0 else round(hour.lag),
    }


def _moment(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _seconds(time: timedelta | None) -> int | None:
    return None if time is None else round(time.total_seconds())


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None

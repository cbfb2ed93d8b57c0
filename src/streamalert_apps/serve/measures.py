"""What `/metrics` answers: how apps are and what their runs did, in Prometheus' text form.

Counters begin with this process, and count its own runs. Gauges come from the apps' records, so that
each of several copies tells the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streamalert_apps.config.conf import AppConf
from streamalert_apps.runtime import metrics
from streamalert_apps.runtime.collect import Outcome
from streamalert_apps.serve.condition import Status

LABELS: Final = ("cluster", "app", "type")


class Measures(Collector):
    """Counts the runs of this process; reads the rest when it is asked. `statuses` returns how apps are."""

    def __init__(self, statuses: Callable[[], Sequence[Status]]) -> None:
        self._statuses = statuses
        self._registry = CollectorRegistry()
        self._counters = {
            name: Counter(_name(name), words, LABELS, registry=self._registry)
            for name, words in COUNTED.items()
        }
        self._runs = Counter(
            "sa_apps_runs", "Runs that ended.", (*LABELS, "outcome"), registry=self._registry
        )
        self._errors = Counter(
            "sa_apps_errors", "What runs failed for.", (*LABELS, "code"), registry=self._registry
        )
        self._refused = Counter(
            _name("DestinationRefused"),
            "Events that a destination refused for good.",
            (*LABELS, "destination"),
            registry=self._registry,
        )
        self._registry.register(self)

    def note(self, app: AppConf, outcome: Outcome) -> None:
        """Count what a run did."""
        labels = _labels(app)
        for name, value in metrics.counts(outcome).items():
            self._counters[name].labels(*labels).inc(value)
        self._runs.labels(*labels, outcome.status).inc()
        if outcome.error:
            self._errors.labels(*labels, outcome.error.code).inc()
        for destination, done in outcome.delivered.items():
            self._refused.labels(*labels, destination).inc(done.dead)

    def text(self) -> str:
        """Return all of it."""
        return generate_latest(self._registry).decode()

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is to read is known when it is read."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield what the apps' records say."""
        statuses = self._statuses()
        for name, (words, value) in _OF_AN_APP.items():
            family = GaugeMetricFamily(name, words, labels=LABELS)
            for status in statuses:
                if (measured := value(status)) is not None:
                    family.add_metric(_labels(status.app), measured)
            yield family
        yield from _of_destinations(statuses)


COUNTED: Final = {
    "Events": "Events that were put on record.",
    "Bytes": "Their size.",
    "Repeats": "Events that came again and were left out.",
    "Retries": "Requests and deliveries that were made again.",
    "RateLimits": "Answers that said: too many requests.",
    "FailedRuns": "Runs that failed.",
    "FoundLate": "Events that were found missing later, and put on record.",
}


def _name(name: str) -> str:
    """Return CloudWatch's name for it as Prometheus wants names: `RateLimits`, `sa_apps_rate_limits`."""
    return "sa_apps" + "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _labels(app: AppConf) -> tuple[str, str, str]:
    return app.cluster, app.name, app.type


def _lag(status: Status) -> float | None:
    return None if status.lag is None else status.lag.total_seconds()


def _behind(status: Status) -> float | None:
    lags = [_lag(status), *(one["lag_seconds"] for one in status.sinks())]
    return max((lag for lag in lags if lag is not None), default=None)


def _problems(status: Status) -> float:
    dead = sum(position.dead for _, position in status.positions())
    found_late = status.head.audit.found if status.head else 0
    return float(dead + found_late + status.credentials_end_soon)


_OF_AN_APP: Final[dict[str, tuple[str, Callable[[Status], float | None]]]] = {
    "sa_apps_healthy": ("1: nothing is wrong with the app.", lambda status: float(not status.problems)),
    f"{_name(metrics.CURSOR_AGE)}_seconds": ("How far collection is behind.", _lag),
    f"{_name(metrics.BEHIND)}_seconds": (
        "How far the worst of collection and destinations is behind.",
        _behind,
    ),
    _name(metrics.PROBLEMS): (
        "Dead letters, events that the last audit found late, credentials near their end.",
        _problems,
    ),
    "sa_apps_lateness_seconds": (
        "How old the oldest event of the last run was when it was found.",
        lambda status: status.last_run.lateness if status.last_run else None,
    ),
    "sa_apps_last_run_timestamp_seconds": (
        "When the last run began that ended.",
        lambda status: status.last_run.started.timestamp() if status.last_run else None,
    ),
    "sa_apps_credentials_end_timestamp_seconds": (
        "When the credentials end.",
        lambda status: status.credentials_until.timestamp() if status.credentials_until else None,
    ),
}


def _of_destinations(statuses: Sequence[Status]) -> Iterator[Metric]:
    told = {
        f"{_name('DestinationLag')}_seconds": (
            "For how long events wait that it does not have.",
            "lag_seconds",
        ),
        "sa_apps_destination_waiting_events": ("Events on record that it does not have.", "waiting_events"),
        _name("DestinationDead"): ("Events that it refused for good and that are kept.", "dead"),
    }
    for name, (words, key) in told.items():
        family = GaugeMetricFamily(name, words, labels=(*LABELS, "destination"))
        for status in statuses:
            for one in status.sinks():
                if one[key] is not None:
                    family.add_metric((*_labels(status.app), one["name"]), one[key])
        yield family

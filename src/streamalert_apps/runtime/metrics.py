"""What a run did, as one log line that CloudWatch makes metrics of: its embedded metric format.

It takes no call and no permission. The namespace is StreamAlert's own, the dimension that of AWS/Lambda.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.sdk import expiry

if TYPE_CHECKING:  # deploying needs the names alone
    from streamalert_apps.runtime.collect import Outcome
    from streamalert_apps.runtime.forward import Delivered

NAMESPACE: Final = "StreamAlert"
DIMENSION: Final = "FunctionName"
DESTINATION: Final = "Destination"
CURSOR_AGE: Final = "CursorAge"
BEHIND: Final = "Behind"
PROBLEMS: Final = "Problems"
UNITS: Final = {
    BEHIND: "Seconds",
    PROBLEMS: "Count",
    "Events": "Count",
    "Bytes": "Bytes",
    "Repeats": "Count",
    "Retries": "Count",
    "RateLimits": "Count",
    "FailedRuns": "Count",
    "FoundLate": "Count",
    "Lateness": "Seconds",
    CURSOR_AGE: "Seconds",
    "DestinationLag": "Seconds",
    "DestinationRefused": "Count",
    "DestinationDead": "Count",
}
ALARMING: Final = (BEHIND, PROBLEMS)
OF_DESTINATION: Final = ("DestinationLag", "DestinationRefused", "DestinationDead")

LOGGER = logging.getLogger(__name__)
LOGGER.setLevel(logging.INFO)  # a metric is no less wanted where log lines are few


def write(outcome: Outcome, function: str, now: datetime, *, whole: bool) -> None:
    """Write the metrics that alarms go by; where the `whole` is wanted, all, with a line a destination."""
    if not whole:
        LOGGER.info("metrics", extra={"fields": alarming(outcome, function, now)})
        return
    LOGGER.info("metrics", extra={"fields": embedded(outcome, function, now)})
    for name, delivered in outcome.delivered.items():
        LOGGER.info("metrics", extra={"fields": of_destination(name, delivered, function, now)})


def counts(outcome: Outcome) -> dict[str, int]:
    """Return what is counted of a run."""
    return {
        "Events": outcome.events,
        "Bytes": outcome.bytes,
        "Repeats": outcome.repeats,
        "Retries": outcome.retries,
        "RateLimits": outcome.rate_limits,
        "FailedRuns": int(outcome.status == "failed"),
        "FoundLate": outcome.found_late,
    }


def alarming(outcome: Outcome, function: str, now: datetime) -> dict[str, Any]:
    """Return the metrics that alarms go by, and what tells CloudWatch that they are some."""
    return _line({DIMENSION: function}, _alarming(outcome, now), now)


def embedded(outcome: Outcome, function: str, now: datetime) -> dict[str, Any]:
    """Return all metrics of a run, as `alarming` does."""
    values: dict[str, float] = {**_alarming(outcome, now), **counts(outcome)}
    if outcome.lateness:
        values["Lateness"] = outcome.lateness
    if outcome.cursor:
        values[CURSOR_AGE] = _age(outcome.cursor, now)
    return _line({DIMENSION: function}, values, now)


def _alarming(outcome: Outcome, now: datetime) -> dict[str, float]:
    """Return how far the worst of collection and destinations is behind, and how much needs somebody."""
    lags = [delivered.lag for delivered in outcome.delivered.values()]
    if outcome.cursor:
        lags.append(_age(outcome.cursor, now))
    dead = sum(delivered.kept for delivered in outcome.delivered.values())
    until = outcome.credentials_until
    is_near = bool(until) and until - now.timestamp() < expiry.WARNED.total_seconds()
    behind = {BEHIND: max(lags)} if lags else {}
    return {**behind, PROBLEMS: dead + outcome.found_late + int(is_near)}


def _age(time: datetime, now: datetime) -> float:
    return max(0.0, round((now - time).total_seconds(), 3))


def of_destination(name: str, delivered: Delivered, function: str, now: datetime) -> dict[str, Any]:
    """Return the metrics of one destination in a run, as `embedded` does."""
    values = {
        "DestinationLag": delivered.lag,
        "DestinationRefused": delivered.dead,
        "DestinationDead": delivered.kept,
    }
    return _line({DIMENSION: function, DESTINATION: name}, values, now)


def _line(dimensions: dict[str, str], values: dict[str, float], now: datetime) -> dict[str, Any]:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[*dimensions]],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
    }
    about = {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": about, **dimensions, **values}

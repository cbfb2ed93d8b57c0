"""What a run did, as one log line that CloudWatch makes metrics of: its embedded metric format.

It takes no call and no permission. The namespace is StreamAlert's own, the dimension that of AWS/Lambda.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # deploying needs the names alone
    from streamalert_apps.runtime.collect import Outcome
    from streamalert_apps.runtime.forward import Delivered

NAMESPACE: Final = "StreamAlert"
DIMENSION: Final = "FunctionName"
DESTINATION: Final = "Destination"
CURSOR_AGE: Final = "CursorAge"
UNITS: Final = {
    "Events": "Count",
    "Bytes": "Bytes",
    "Repeats": "Count",
    "Retries": "Count",
    "RateLimits": "Count",
    "FailedRuns": "Count",
    CURSOR_AGE: "Seconds",
    "DestinationLag": "Seconds",
    "DestinationRefused": "Count",
    "DestinationDead": "Count",
}

LOGGER = logging.getLogger(__name__)
LOGGER.setLevel(logging.INFO)  # a metric is no less wanted where log lines are few


def write(outcome: Outcome, function: str, now: datetime) -> None:
    """Write the line, and one for each destination."""
    LOGGER.info("metrics", extra={"fields": embedded(outcome, function, now)})
    for name, delivered in outcome.delivered.items():
        LOGGER.info("metrics", extra={"fields": of_destination(name, delivered, function, now)})


def embedded(outcome: Outcome, function: str, now: datetime) -> dict[str, Any]:
    """Return the metrics of a run, and what tells CloudWatch that they are some."""
    values: dict[str, float] = {
        "Events": outcome.events,
        "Bytes": outcome.bytes,
        "Repeats": outcome.repeats,
        "Retries": outcome.retries,
        "RateLimits": outcome.rate_limits,
        "FailedRuns": int(outcome.status == "failed"),
    }
    if outcome.cursor:
        values[CURSOR_AGE] = max(0.0, round((now - outcome.cursor).total_seconds(), 3))
    return _line({DIMENSION: function}, values, now)


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

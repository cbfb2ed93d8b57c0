"""What the record costs in S3 and what CloudWatch costs: list prices of us-east-1 in dollars, no free tier.

https://aws.amazon.com/s3/pricing/, https://aws.amazon.com/cloudwatch/pricing/
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy.resources import alarm
from streamalert_apps.runtime import metrics
from streamalert_apps.runtime.schedule import parse

PUT: Final = 0.005 / 1000  # a LIST costs the same, a DELETE nothing
GET: Final = 0.0004 / 1000
GB_MONTH: Final = 0.023
ALARM_MONTH: Final = 0.10
METRIC_MONTH: Final = 0.30  # for each hour in which it is written a 720th of it
DASHBOARD_MONTH: Final = 3.00  # an account has three of them free
MONTH_DAYS: Final = 30

IDLE_PUTS: Final = 2  # the lease, the end
IDLE_GETS: Final = 2  # the head, the pace that commands share
COMMIT_PUTS: Final = 2  # the commit's events, the head
LISTS_A_DAY: Final = 96  # of the inbox at most, by the runs that there are
BUSY_GB_A_DAY: Final = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """Dollars a month: S3's, `idle` where no run finds anything, `busy` where each does; CloudWatch's."""

    idle: float
    busy: float
    watch: float

    def __str__(self) -> str:
        return (
            f"S3 costs about ${self.idle:.2f} a month when idle, ${self.busy:.2f} if every run finds events "
            f"({BUSY_GB_A_DAY * 1000:.0f} MB a day for each app). CloudWatch costs about ${self.watch:.2f} "
            "for alarms, metrics and the dashboard (list prices of us-east-1)."
        )


def monthly(apps: Iterable[AppConf]) -> Cost:
    """Return what the records of some apps cost: requests of their runs, and the journal."""
    idle = busy = watch = 0.0
    for app in apps:
        runs = MONTH_DAYS * parse(app.schedule_expression).runs_a_day
        lists = min(runs, MONTH_DAYS * LISTS_A_DAY)
        requests = runs * (IDLE_PUTS * PUT + IDLE_GETS * GET) + lists * PUT
        idle += requests
        busy += requests + runs * COMMIT_PUTS * PUT + BUSY_GB_A_DAY * app.journal_days * GB_MONTH
        watch += alarm.count(app) * ALARM_MONTH + _metrics(app) * METRIC_MONTH * min(1.0, runs / 720)
    return Cost(idle, busy, watch + DASHBOARD_MONTH)


def _metrics(app: AppConf) -> int:
    """Return how many custom metrics an app's runs write."""
    if app.extra.get("enable_custom_metrics"):
        of_each, sinks = len(metrics.OF_DESTINATION), max(1, len(app.sinks))
        return len(metrics.UNITS) - of_each + of_each * sinks
    return len(metrics.ALARMING) if alarm.needs_metrics(app) else 0

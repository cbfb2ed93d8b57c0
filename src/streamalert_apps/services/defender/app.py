"""Microsoft Defender XDR, alerts and incidents in Microsoft Graph.

Both change: they are listed by when they were last updated, and each of their states that is seen is one log.
Of neither an order is documented that can be asked for. Alerts hold what was found as evidence, much of it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from streamalert_apps.sdk.feed import AnyOrder
from streamalert_apps.sdk.graph import REFERENCE, GraphLog
from streamalert_apps.sdk.microsoft import TENANT, cloud
from streamalert_apps.sdk.pace import Rate

CLOUDS: Final = ("global", "gcc", "gcchigh", "dod")


class _List(GraphLog, AnyOrder):
    """What the app types share: all but the list."""

    auth = (*TENANT, cloud(*CLOUDS))
    rate = Rate(requests=40, seconds=60, after_429=60)  # of 50 for incidents; of 150 for alerts
    lag = timedelta(minutes=15)  # a guess: not documented
    time_field = "lastUpdateDateTime"
    id_fields = ("id", "lastUpdateDateTime")
    headers = {"Prefer": "include-unknown-enum-members"}  # noqa: RUF012 (as in GraphLog)


class DefenderAlerts(_List):
    """Alerts, each of their states."""

    type = "defender_alerts"
    collects = "alerts of Defender for Endpoint, Office 365, Identity and Cloud Apps, and their updates"
    schemas = ("defender:alerts",)
    documentation = f"{REFERENCE}/security-list-alerts_v2"
    path = "/v1.0/security/alerts_v2"


class DefenderIncidents(_List):
    """Incidents, each of their states."""

    type = "defender_incidents"
    collects = "incidents, which group alerts, and their updates"
    schemas = ("defender:incidents",)
    documentation = f"{REFERENCE}/security-list-incidents"
    path = "/v1.0/security/incidents"

"""Microsoft Intune, its audit log in Microsoft Graph. No order is documented."""

from __future__ import annotations

from datetime import timedelta

from streamalert_apps.sdk.feed import AnyOrder
from streamalert_apps.sdk.graph import HOSTS, REFERENCE, GraphLog
from streamalert_apps.sdk.microsoft import TENANT, cloud
from streamalert_apps.sdk.pace import Rate


class IntuneAudit(GraphLog, AnyOrder):
    """Audit events."""

    type = "intune_audit"
    collects = "what administrators and apps change in Intune: devices, apps, policies, scripts, roles"
    schemas = ("intune:audit",)
    auth = (*TENANT, cloud(*HOSTS))
    documentation = f"{REFERENCE}/intune-auditing-auditevent-list"
    rate = Rate(requests=10, seconds=1, after_429=20)  # of 1,000 in 20 seconds
    lag = timedelta(hours=1)  # a guess: not documented
    retention = timedelta(days=365)
    time_field = "activityDateTime"
    id_fields = ("id",)
    path = "/v1.0/deviceManagement/auditEvents"

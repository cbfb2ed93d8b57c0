"""Microsoft Entra ID, its logs in Microsoft Graph.

Each log is listed between two times, in pages that a link follows. Sign-ins come with the newest first;
of the others no order is documented. Only interactive sign-ins of users are in version 1.0 of Graph; the
other three kinds are asked for in its beta, by a filter. A detection of risk changes: each of its states,
told apart by when it was last updated, is one log.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from streamalert_apps.sdk.feed import AnyOrder, NewestFirst
from streamalert_apps.sdk.graph import HOSTS, REFERENCE, GraphLog
from streamalert_apps.sdk.microsoft import TENANT, cloud
from streamalert_apps.sdk.pace import Rate


class _Log(GraphLog):
    """What Entra's app types share: all but which log it is, and how that is filtered."""

    auth = (*TENANT, cloud(*HOSTS))
    rate = Rate(requests=5, seconds=10, after_429=10)  # for an app in a tenant
    id_fields: ClassVar[tuple[str, ...]] = ("id",)
    lag = timedelta(hours=1)  # a guess: sign-ins were seen to come 10 minutes late and more
    retention = timedelta(days=30)
    license = "Sign-ins, provisioning and risks need an Entra ID P1 or P2 license."
    kind: ClassVar[str] = ""
    """Which sign-ins, where those of interactive users are not meant."""

    def wanted(self, since: datetime, until: datetime) -> str:
        """Return the filter for what is between two times, of a kind."""
        kind = f" and signInEventTypes/any(t: t eq '{self.kind}')" if self.kind else ""
        return super().wanted(since, until) + kind


class EntraAudits(_Log, NewestFirst):
    """Changes in the directory. NewestFirst notices where that is not the order."""

    type = "entra_audits"
    collects = "changes in the directory: users, groups, roles, apps, policies"
    schemas = ("entra:audits",)
    documentation = f"{REFERENCE}/directoryaudit-list"
    time_field = "activityDateTime"
    path = "/v1.0/auditLogs/directoryAudits"
    page = 500  # the most is 999 or 1000: accounts differ


class _SignIns(_Log, NewestFirst):
    documentation = f"{REFERENCE}/signin-list"
    time_field = "createdDateTime"
    path = "/beta/auditLogs/signIns"
    page = 1000


class EntraSignIns(_SignIns):
    """Interactive sign-ins."""

    type = "entra_signins"
    collects = "interactive sign-ins of users"
    schemas = ("entra:signins",)
    path = "/v1.0/auditLogs/signIns"


class EntraNonInteractive(_SignIns):
    """Sign-ins of clients on behalf of users."""

    type = "entra_noninteractive"
    collects = "sign-ins by a client on behalf of a user, with a token instead of a password"
    schemas = ("entra:signins_beta",)
    kind = "nonInteractiveUser"


class EntraServicePrincipals(_SignIns):
    """Sign-ins of apps."""

    type = "entra_serviceprincipals"
    collects = "sign-ins of apps and service principals"
    schemas = ("entra:signins_beta",)
    kind = "servicePrincipal"


class EntraManagedIdentities(_SignIns):
    """Sign-ins of managed identities."""

    type = "entra_managedidentities"
    collects = "sign-ins of Azure's managed identities"
    schemas = ("entra:signins_beta",)
    kind = "managedIdentity"


class EntraProvisioning(_Log, AnyOrder):
    """What the provisioning service does."""

    type = "entra_provisioning"
    collects = "users and groups that were provisioned to or from other systems"
    schemas = ("entra:provisioning",)
    documentation = f"{REFERENCE}/provisioningobjectsummary-list"
    time_field = "activityDateTime"
    path = "/v1.0/auditLogs/provisioning"
    bounds = ("gt", "lt")


class EntraRisks(_Log, AnyOrder):
    """Risks that Entra ID Protection detected."""

    type = "entra_risks"
    collects = "risks that ID Protection detected, and how they were resolved"
    schemas = ("entra:risks",)
    documentation = f"{REFERENCE}/riskdetection-list"
    rate = Rate(requests=1, seconds=1, after_429=30)  # for all apps in a tenant
    time_field = "lastUpdatedDateTime"
    id_fields = ("id", "lastUpdatedDateTime")
    retention = timedelta(days=90)
    path = "/v1.0/identityProtection/riskDetections"
    page = 500

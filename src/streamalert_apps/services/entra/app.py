"""Microsoft Entra ID, its logs in Microsoft Graph.

Each log is listed between two times, in pages that a link follows. Sign-ins come with the newest first;
of the others no order is documented. Only interactive sign-ins of users are in version 1.0 of Graph; the
other three kinds are asked for in its beta, by a filter. A detection of risk changes: each of its states,
told apart by when it was last updated, is one log.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError
from streamalert_apps.sdk.app import Credentials, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import AnyOrder, Feed, NewestFirst
from streamalert_apps.sdk.http import Answer, Api, pinned, with_params
from streamalert_apps.sdk.microsoft import TENANT, cloud, signed_in
from streamalert_apps.sdk.pace import Rate

HOSTS: Final = {
    "global": "graph.microsoft.com",
    "gcc": "graph.microsoft.com",
    "gcchigh": "graph.microsoft.us",
    "dod": "dod-graph.microsoft.us",
    "china": "microsoftgraph.chinacloudapi.cn",
}
REFERENCE: Final = "https://learn.microsoft.com/en-us/graph/api"


class _Page(msgspec.Struct, rename={"rows": "value", "next": "@odata.nextLink"}):
    rows: list[Row]
    next: str | None = None


class _Log(Feed):
    """What Entra's app types share: all but which log it is, and how that is filtered."""

    auth = (*TENANT, cloud(*HOSTS))
    rate = Rate(requests=5, seconds=10, after_429=10)  # for an app in a tenant
    id_fields: ClassVar[tuple[str, ...]] = ("id",)
    precision = timedelta(seconds=1)
    lag = timedelta(hours=1)  # a guess: sign-ins were seen to come 10 minutes late and more
    retention = timedelta(days=30)
    path: ClassVar[str]
    page: ClassVar[int | None] = None
    """Rows to ask for, where the most that a page may hold is documented, or surely more."""
    bounds: ClassVar[tuple[str, str]] = ("ge", "le")
    kind: ClassVar[str] = ""
    """Which sign-ins, where those of interactive users are not meant."""

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._url = f"https://{HOSTS[credentials.get('cloud') or 'global']}"
        self._graph = signed_in(api, credentials, self._url)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for a page of what is between two times. The token is the link to the next one."""
        url = self._first(since, until) if token is None else pinned(token, to=self._url)
        page = self._graph.get(url, judge=_judge).json(_Page)
        return Fetched(page.rows, pinned(page.next, to=self._url) if page.next else None)

    def _first(self, since: datetime, until: datetime) -> str:
        low, high = self.bounds
        wanted = f"{self.time_field} {low} {iso(since)} and {self.time_field} {high} {iso(until)}"
        if self.kind:
            wanted += f" and signInEventTypes/any(t: t eq '{self.kind}')"
        params = {"$filter": wanted} | ({"$top": self.page} if self.page else {})
        return with_params(f"{self._url}{self.path}", params)


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
    collects = "sign-ins of users, interactive ones"
    schemas = ("entra:signins",)
    path = "/v1.0/auditLogs/signIns"


class EntraNonInteractive(_SignIns):
    """Sign-ins of clients on behalf of users."""

    type = "entra_noninteractive"
    collects = "sign-ins by a client on behalf of a user, with a token in place of a password"
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
    collects = "risks that ID Protection detected, and what became of them"
    schemas = ("entra:risks",)
    documentation = f"{REFERENCE}/riskdetection-list"
    rate = Rate(requests=1, seconds=1, after_429=30)  # for all apps in a tenant
    time_field = "lastUpdatedDateTime"
    id_fields = ("id", "lastUpdatedDateTime")
    retention = timedelta(days=90)
    path = "/v1.0/identityProtection/riskDetections"
    page = 500


class _Error(msgspec.Struct):
    code: str = ""


class _Failure(msgspec.Struct):
    error: _Error


def _judge(answer: Answer) -> AppError | None:
    """Tell apart what a 403 means: a license or a permission that is missing."""
    if answer.status != 403:  # noqa: PLR2004
        return None
    try:
        code = answer.json(_Failure).error.code
    except BadResponse:
        code = ""
    if re.search("NonPremiumTenant", code):
        hint = "Sign-ins, provisioning and risks need a license of Entra ID P1 or P2."
    else:
        hint = "Give the app the permissions of setup.md, as application permissions, and grant consent."
    return CredentialsError("Microsoft Graph refused access to the log (403).", hint=hint)

"""Microsoft Graph, as far as it lists Entra's logs, and the sign-in before it.

A filter names the time between two bounds and, of sign-ins in the beta, their kind; without it only those
of interactive users are shown. A link goes on after a page. Reports have one limit for an app, Identity
Protection another for a tenant, whose refusals do not say how long to wait. Other filters are not simulated
and refused, and so are `$skip` and, of sign-ins, `$orderby`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.entra.twin import rows
from streamalert_apps.simulator.contract import Refused, Request
from streamalert_apps.simulator.graph import SPAN, TIMES, GraphApi
from streamalert_apps.simulator.limit import Limit
from streamalert_apps.simulator.listapi import VENDORS
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Size
from streamalert_apps.simulator.single import Row, uuid
from streamalert_apps.simulator.times import ISO_SECONDS

SIGN_INS: Final = "/auditLogs/signIns"
INTERACTIVE: Final = "interactiveUser"
RISKS: Final = "/v1.0/identityProtection/riskDetections"
MOST: Final = 1000


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str]:
    return [f"Directory_{uuid(random)}_MCDC4_{random.getrandbits(27)}" for _ in times]


def _sign_in(kind: str) -> Callable[[Random], Row]:
    return lambda random: rows.beta(random) | {"signInEventTypes": [kind]}


_listing: Final = partial(
    Listing,
    times=TIMES,
    since=Bound("ge"),
    until=Bound("le"),
    size=Size("$top", usual=MOST, most=MOST),
    turn=Cursor("$skiptoken"),
    newest_first=True,
)
LOGS: Final = (
    _listing(
        app_type="entra_audits",
        path="/v1.0/auditLogs/directoryAudits",
        row=rows.audit,
        ids=_ids,
        text_field="resultReason",
        size=Size("$top", usual=100, most=999),
    ),
    _listing(
        app_type="entra_signins",
        path=f"/v1.0{SIGN_INS}/{INTERACTIVE}",
        row=rows.interactive,
        text_field="appDisplayName",
    ),
    *(
        _listing(
            app_type=app_type,
            path=f"/beta{SIGN_INS}/{kind}",
            row=_sign_in(kind),
            text_field="userAgent",
        )
        for app_type, kind in (
            ("entra_noninteractive", "nonInteractiveUser"),
            ("entra_serviceprincipals", "servicePrincipal"),
            ("entra_managedidentities", "managedIdentity"),
        )
    ),
    _listing(
        app_type="entra_provisioning",
        path="/v1.0/auditLogs/provisioning",
        row=rows.provisioning,
        times=ISO_SECONDS,
        since=Bound("gt", inclusive=False),
        until=Bound("lt", inclusive=False),
        text_field="jobId",
    ),
    _listing(
        app_type="entra_risks",
        path=RISKS,
        row=rows.risk,
        size=Size("$top", usual=20, most=500),
        text_field="additionalInfo",
    ),
)
FIELDS: Final = {
    RISKS: "lastUpdatedDateTime",
    LOGS[0].path: "activityDateTime",
    "/v1.0/auditLogs/provisioning": "activityDateTime",
    f"/v1.0{SIGN_INS}": "createdDateTime",
    f"/beta{SIGN_INS}": "createdDateTime",
}


class Entra(GraphApi):
    """A tenant. `rate`: requests in ten seconds for reports, instead of the vendor's (None: any number).

    `premium`: it has a license of P1 or P2. `permitted`: the app may read the logs. `newest_first`: the order
    of audits, provisioning and risks, which is not documented.
    """

    limit = 5
    span = timedelta(seconds=10)
    filter = re.compile(rf"{SPAN}( and signInEventTypes/any\(t: ?t eq '(?P<kind>\w+)'\))?")
    fields = FIELDS

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        cloud: str = "global",
        premium: bool = True,
        permitted: bool = True,
        newest_first: bool = True,
    ) -> None:
        logs = tuple(log if SIGN_INS in log.path else replace(log, newest_first=newest_first) for log in LOGS)
        super().__init__(
            clock, seed=seed, page_size=page_size, rate=rate, cloud=cloud, permitted=permitted, logs=logs
        )
        self._protection = Limit(self.clock, 1 if rate else rate, timedelta(seconds=1))
        self._premium = premium

    def place(self, path: str, wanted: re.Match[str]) -> str:
        """Return where a log is in the twin: of sign-ins, each kind has a place of its own."""
        kind = wanted["kind"]
        if not path.endswith(SIGN_INS):
            return path
        if kind is None or (path, kind) == (f"/beta{SIGN_INS}", INTERACTIVE):
            return f"/v1.0{SIGN_INS}/{INTERACTIVE}"
        if path != f"/beta{SIGN_INS}":
            raise self.wrong("signInEventTypes")
        return f"{path}/{kind}"

    def admit(self, request: Request) -> None:
        """Raise Refused unless the token is right, and both app and tenant may see the log."""
        super().admit(request)
        if not self._premium and "directoryAudits" not in request.path:
            code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
            raise Refused(self.failure(403, "The tenant doesn't have a premium license", code=code))

    def count(self) -> None:
        """Count a request against the limit of its API."""
        if self.asked.path != RISKS:
            super().count()
        elif not self._protection.take():
            raise Refused(self.failure(429))

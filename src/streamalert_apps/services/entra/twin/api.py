"""Microsoft Graph, as far as it lists Entra's logs, and the sign-in before it.

A filter names the time between two bounds and, of sign-ins in the beta, their kind; without it only those
of interactive users are shown. A link goes on after a page. Reports have one limit for an app, Identity
Protection another for a tenant, whose refusals do not say how long to wait. Other filters are not simulated
and refused, and so are `$skip` and, of sign-ins, `$orderby`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, Final
from urllib.parse import quote, urlencode

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.entra.twin import rows
from streamalert_apps.simulator.access import arguments
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.limit import Limit
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size
from streamalert_apps.simulator.microsoft import registered, sign_in
from streamalert_apps.simulator.single import Row, uuid
from streamalert_apps.simulator.times import ISO_MICROSECONDS, ISO_SECONDS, Times

CLOUDS: Final = {
    "global": ("login.microsoftonline.com", "graph.microsoft.com"),
    "gcc": ("login.microsoftonline.com", "graph.microsoft.com"),
    "gcchigh": ("login.microsoftonline.us", "graph.microsoft.us"),
    "dod": ("login.microsoftonline.us", "dod-graph.microsoft.us"),
    "china": ("login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"),
}
SIGN_INS: Final = "/auditLogs/signIns"
INTERACTIVE: Final = "interactiveUser"
RISKS: Final = "/v1.0/identityProtection/riskDetections"
MOST: Final = 1000

_FILTER: Final = re.compile(
    r"(?P<field>\w+) (?P<low>g[te]) (?P<since>\S+) and (?P=field) (?P<high>l[te]) (?P<until>\S+)"
    r"( and signInEventTypes/any\(t: ?t eq '(?P<kind>\w+)'\))?"
)
_CODES: Final = {
    400: ("BadRequest", "Invalid filter clause"),
    401: ("InvalidAuthenticationToken", "Access token has expired or is not yet valid."),
    403: ("Authentication_MSGraphPermissionMissing", "Calling principal does not have required permissions"),
    404: ("ResourceNotFound", "Resource not found for the segment."),
    429: ("TooManyRequests", "This request is throttled. Please try again later."),
}


def _hundred_nanoseconds(at: int) -> str:
    """Write a time as .NET does: seven digits of a second, without the zeros at their end."""
    text = ISO_SECONDS.write(at).strip('"').removesuffix("Z")
    fraction = at % 1_000_000
    digits = f"{fraction:06d}{fraction // 7 % 10}".rstrip("0")
    return f'"{text}.{digits}Z"' if digits else f'"{text}Z"'


TIMES: Final = Times(1, ISO_MICROSECONDS.read, _hundred_nanoseconds)


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
FIELDS: Final = {RISKS: "lastUpdatedDateTime"} | dict.fromkeys(
    (LOGS[0].path, "/v1.0/auditLogs/provisioning"), "activityDateTime"
)


class Entra(ListApi):
    """A tenant. `rate`: requests in ten seconds for reports, instead of the vendor's (None: any number).

    `premium`: it has a license of P1 or P2. `permitted`: the app may read the logs. `newest_first`: the order
    of audits, provisioning and risks, which is not documented.
    """

    limit = 5
    span = timedelta(seconds=10)
    token_seconds = 3599

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
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=logs)
        self.credentials["cloud"] = cloud
        self.hosts = CLOUDS[cloud]
        self._protection = Limit(self.clock, 1 if rate else rate, timedelta(seconds=1))
        self._premium = premium
        self._permitted = permitted
        self._asked = Request("GET", "/", {})

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a registered app."""
        return registered(random)

    @property
    def wrong_credentials(self) -> Mapping[str, Any]:
        """Credentials with the secret of another app."""
        return self.credentials | {"client_secret": self._other["client_secret"]}

    def answer(self, request: Request) -> Response:
        """Answer a request for a token, or for a log: its filter is read as bounds."""
        login, graph = self.hosts
        host = request.headers["host"].lower()
        if host == login:
            return sign_in(request, self.credentials, f"https://{graph}", self.tokens)
        self._asked = request
        given = arguments(request)
        wanted = _FILTER.fullmatch(given.pop("$filter", ""))
        if wanted is None or wanted["field"] != FIELDS.get(request.path, "createdDateTime"):
            raise self.wrong("$filter")
        path = self._place(request.path, wanted["kind"])
        bounds = {wanted["low"]: wanted["since"], wanted["high"]: wanted["until"]}
        target = f"{path}?{urlencode(given | bounds)}"
        return super().answer(replace(request, target=target))

    def _place(self, path: str, kind: str | None) -> str:
        """Return where a log is in the twin: of sign-ins, each kind has a place of its own."""
        if not path.endswith(SIGN_INS):
            return path
        if kind is None or (path, kind) == (f"/beta{SIGN_INS}", INTERACTIVE):
            return f"/v1.0{SIGN_INS}/{INTERACTIVE}"
        if path != f"/beta{SIGN_INS}":
            raise self.wrong("signInEventTypes")
        return f"{path}/{kind}"

    def admit(self, request: Request) -> None:
        """Raise Refused unless the token is right, and both app and tenant may see the log."""
        if not self.tokens.admits(request):
            raise Refused(self.failure(401))
        if not self._permitted:
            raise Refused(self.failure(403))
        if not self._premium and "directoryAudits" not in request.path:
            code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
            raise Refused(self.failure(403, "The tenant doesn't have a premium license", code=code))

    def count(self) -> None:
        """Count a request against the limit of its API."""
        if self._asked.path != RISKS:
            super().count()
        elif not self._protection.take():
            raise Refused(self.failure(429))

    def shown(self, page: Page) -> Response:
        """Return a page; the link to the next one has the filter and a token."""
        host = self._asked.headers["host"]
        path = self._asked.path
        context = f"https://{host}{path[: path.index('/', 1)]}/$metadata#auditLogs"
        more: dict[str, Any] = {"@odata.context": context}
        if page.token:
            params = {**dict(self._asked.params), "$skiptoken": page.token}
            query = urlencode(params, safe="$'/():", quote_via=quote)
            more["@odata.nextLink"] = f"https://{host}{path}?{query}"
        return Response(200, page.json("value", **more))

    def wrong(self, name: str) -> Refused:
        """Return what a wrong argument is answered with."""
        return Refused(self.failure(400, f"Invalid filter clause or argument: {name}"))

    def failure(self, status: int, message: str = "", *, code: str = "") -> Response:
        """Word an error as Graph does."""
        usual = _CODES.get(status, ("UnknownError", "An internal server error occurred."))
        now = self.clock.now()
        told = {"date": f"{now:%Y-%m-%dT%H:%M:%S}", "request-id": uuid(Random(1)), "client-request-id": ""}  # noqa: S311
        error = {"code": code or usual[0], "message": message or usual[1], "innerError": told}
        return Response(status, json.dumps({"error": error}).encode(), note=message or usual[1])

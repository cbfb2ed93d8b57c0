"""CrowdStrike Falcon, alerts.

Alerts are listed by when they were made, the oldest first, and go on from a token that ends soon. An alert
changes; it is collected once, as it was when it was first seen. Errors may come with status 200, that a token
has ended among them. Each cloud has a host of its own, and the sign-in says to which one a client belongs.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streamalert_apps.errors import (
    AppError,
    BadResponse,
    CredentialsError,
    PageTokenExpired,
    Unavailable,
)
from streamalert_apps.sdk.app import AuthField, Credentials, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.http import Answer, Api
from streamalert_apps.sdk.oauth import by_client_credentials
from streamalert_apps.sdk.pace import Rate, Wait

PAGE: Final = 1000
HOSTS: Final = {
    "us-1": "api.crowdstrike.com",
    "us-2": "api.us-2.crowdstrike.com",
    "us-3": "api.us-3.crowdstrike.com",
    "eu-1": "api.eu-1.crowdstrike.com",
    "us-gov-1": "api.laggar.gcw.crowdstrike.com",
    "us-gov-2": "api.us-gov-2.crowdstrike.mil",
}
_REFUSED: Final = {400, 401, 403}


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


class _Pagination(msgspec.Struct):
    after: str | None = None


class _Meta(msgspec.Struct):
    pagination: _Pagination = msgspec.field(default_factory=_Pagination)


class _Page(msgspec.Struct):
    resources: list[Row] = []
    meta: _Meta = msgspec.field(default_factory=_Meta)


class CrowdstrikeAlerts(OldestFirst):
    """Alerts, each once."""

    type = "crowdstrike_alerts"
    collects = "alerts of all of Falcon's products, each as it was when it was seen first"
    schemas = ("crowdstrike:alerts",)
    auth = (
        AuthField(
            "client_id",
            "the client ID of the API client, 32 digits and letters from a to f",
            re.compile(r"[0-9a-f]{32}"),
        ),
        AuthField(
            "client_secret",
            "the secret of the API client, 40 letters and digits",
            re.compile(r"(?![0-9a-f]{32}$)[A-Za-z0-9]{32,64}"),
            secret=True,
        ),
        AuthField(
            "cloud",
            f"the cloud of your tenant: {', '.join(HOSTS)} (us-1, if nothing is given)",
            re.compile("|".join(HOSTS)),
            optional=True,
        ),
        AuthField(
            "member_cid",
            "the ID of a child tenant (CID), if the API client is its parent's",
            re.compile(r"[0-9A-Fa-f]{32}"),
            optional=True,
        ),
    )
    documentation = "https://developer.crowdstrike.com/api-reference/collections/alerts"
    rate = Rate(requests=60, seconds=60, after_429=60)  # a small part of what a tenant is said to have
    waits = (Wait("X-RateLimit-RetryAfter", since="1970"),)
    precision = timedelta(seconds=1)
    lag = timedelta(minutes=15)  # a guess: not documented
    time_field = "created_timestamp"
    id_fields = ("composite_id",)

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._url = f"https://{HOSTS[_cloud(credentials)]}"
        member = credentials.get("member_cid")
        self._falcon = by_client_credentials(
            api,
            f"{self._url}/oauth2/token",
            credentials,
            judge=self._judge_token,
            **({"member_cid": member} if member else {}),
        )

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 alerts. The token is the one that the page before told."""
        asked: dict[str, Any] = {
            "filter": f"created_timestamp:>='{iso(since)}'+created_timestamp:<='{iso(until)}'",
            "sort": "created_timestamp|asc",
            "limit": PAGE,
        }
        asked |= {"after": token} if token else {}
        answer = self._falcon.post(f"{self._url}/alerts/combined/alerts/v1", json=asked, judge=_judge)
        page = answer.json(_Page)
        return Fetched(page.resources, page.meta.pagination.after or None)

    def _judge_token(self, answer: Answer) -> AppError | None:
        """Tell what is wrong with the client; it may be of another cloud, which the answer names."""
        region = answer.headers.get("X-CS-Region", "").lower()
        if region in HOSTS and region != _cloud(self.credentials):
            return CredentialsError(
                f"The API client is of the cloud {region}.", hint=f"Give {region} as cloud."
            )
        if answer.status not in _REFUSED:
            return None
        if any("authorization failed" in error.message for error in _errors(answer)):
            return CredentialsError(
                "CrowdStrike does not let this address sign in.",
                hint="Look at the tenant's allowed addresses.",
            )
        return CredentialsError(
            f"CrowdStrike refused the API client ({answer.status}).",
            hint="Check client_id, client_secret and cloud; it may have been revoked.",
        )


def _cloud(credentials: Credentials) -> str:
    return credentials.get("cloud") or "us-1"


def _errors(answer: Answer) -> list[_Error]:
    with suppress(BadResponse):
        return answer.json(_Errors).errors
    return []


def _judge(answer: Answer) -> AppError | None:
    """Read the errors of an answer, whatever its status."""
    match answer.status:
        case 403:
            return CredentialsError(
                "CrowdStrike refused access to alerts.", hint="The API client needs the scope Alerts: Read."
            )
        case status if status >= 300:  # noqa: PLR2004
            return None
    codes = {error.code for error in _errors(answer)}
    if 404 in codes:  # noqa: PLR2004
        return PageTokenExpired("CrowdStrike no longer knows the rest of the list.")
    return Unavailable("CrowdStrike has a fault.") if codes else None

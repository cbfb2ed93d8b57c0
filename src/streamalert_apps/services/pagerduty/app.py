"""PagerDuty, audit records of an account.

Records are listed between two times, at most 31 days apart, the newest first; a cursor leads to the next
page. Whether the bounds are counted in is not documented, and does not matter here. Requests carry an API
key, or a token that an app gets for itself.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.sdk.app import AuthField, Credentials, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.either import given_set
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import NewestFirst
from streamalert_apps.sdk.http import Answer, Api, with_params
from streamalert_apps.sdk.oauth import Bearer, Refusal, Token, by_client_credentials, judging_sign_in
from streamalert_apps.sdk.pace import Rate, Wait

HOSTS: Final = {"us": "api.pagerduty.com", "eu": "api.eu.pagerduty.com"}
HEADERS: Final = {
    "Accept": "application/vnd.pagerduty+json;version=2",
    "Content-Type": "application/json",  # documented as required, without a body too
}
IDENTITY: Final = "https://identity.pagerduty.com/oauth/token"
SCOPE: Final = "audit_records.read"
APP: Final = ("client_id", "client_secret", "subdomain")
PAGE: Final = 100


class _Page(msgspec.Struct):
    records: list[Row]
    next_cursor: str | None = None


class PagerdutyAudit(NewestFirst):
    """Audit records of an account."""

    type = "pagerduty_audit"
    collects = "changes to users, teams, schedules, escalation policies, services and allowed addresses"
    schemas = ("pagerduty:audit",)
    auth = (
        AuthField(
            "api_key",
            "an API key of the account, read-only, or one of a user who is an administrator; 20 characters",
            re.compile(r"[A-Za-z0-9_+-]{20,64}"),
            secret=True,
            optional=True,
        ),
        AuthField(
            "client_id",
            "the client ID of an app with the scope audit_records.read, instead of an API key",
            re.compile(r"[A-Za-z0-9-]{8,64}"),
            optional=True,
        ),
        AuthField(
            "client_secret",
            "the client secret of the app",
            re.compile(r"[A-Za-z0-9_+-]{16,128}"),
            secret=True,
            optional=True,
        ),
        AuthField(
            "subdomain",
            "the account's subdomain, like 'acme' in acme.pagerduty.com, if you use an app",
            re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"),
            optional=True,
        ),
        AuthField(
            "region",
            "the service region of the account, 'us' or 'eu' (default: 'us')",
            re.compile("|".join(HOSTS)),
            optional=True,
        ),
    )
    documentation = "https://developer.pagerduty.com/docs/audit-records-api"
    rate = Rate(requests=300, seconds=60)  # of 960
    waits = (Wait("ratelimit-reset"),)
    lag = timedelta(minutes=5)  # a guess: not documented
    precision = timedelta(milliseconds=1)
    longest = timedelta(days=31)
    time_field = "execution_time"
    id_fields = ("id",)

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        region = credentials.get("region") or "us"
        self._records = f"https://{HOSTS[region]}/audit/records"
        sets = {"an API key": ("api_key",), "an app's client ID, client secret and subdomain": APP}
        if given_set("PagerDuty", credentials, sets) == APP:
            scope = f"as_account-{region}.{credentials['subdomain']} {SCOPE}"
            self._pagerduty = by_client_credentials(
                api, IDENTITY, credentials, judge=_judge_token, scope=scope
            )
        else:
            key = Token(f"token={credentials['api_key']}")
            self._pagerduty = Bearer(api, lambda: key, scheme="Token ")

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 100 records. The token is a cursor."""
        params = {"since": iso(since, "milliseconds"), "until": iso(until, "milliseconds"), "limit": PAGE}
        url = with_params(self._records, params | ({"cursor": token} if token else {}))
        page = self._pagerduty.get(url, headers=HEADERS, judge=_judge).json(_Page)
        return Fetched(page.records, page.next_cursor or None)


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError("PagerDuty refused the credentials.", hint="Check them, and the region.")
        case 402:
            return CredentialsError("The account has no audit trail.", hint="It is included in larger plans.")
        case 403:
            return CredentialsError(
                "PagerDuty refused access to the audit records.",
                hint=f"The key must be the account's or an administrator's; an app needs the scope {SCOPE}.",
            )
        case _:
            return None


@judging_sign_in
def _judge_token(refusal: Refusal, _: Answer) -> AppError:
    if refusal.error == "invalid_scope":
        return CredentialsError(
            "PagerDuty refused the scope.", hint=f"Give the app {SCOPE}; check subdomain and region."
        )
    return CredentialsError(
        "PagerDuty refused to sign the app in.", hint="Check client ID and client secret."
    )

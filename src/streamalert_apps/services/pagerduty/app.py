"""PagerDuty, audit records of an account.

Records are listed between two times, at most 31 days apart, the newest first; a cursor leads to the next
page. Whether the bounds are counted in is not documented, and does not matter here.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.sdk.app import AuthField, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import NewestFirst
from streamalert_apps.sdk.http import Answer, with_params
from streamalert_apps.sdk.pace import Rate, Wait

HOSTS: Final = {"us": "api.pagerduty.com", "eu": "api.eu.pagerduty.com"}
HEADERS: Final = {
    "Accept": "application/vnd.pagerduty+json;version=2",
    "Content-Type": "application/json",  # documented as required, without a body too
}
PAGE: Final = 100


class _Page(msgspec.Struct):
    records: list[Row]
    next_cursor: str | None = None


class PagerdutyAudit(NewestFirst):
    """Audit records of an account."""

    type = "pagerduty_audit"
    collects = "changes of users, teams, schedules, escalation policies, services and allowed addresses"
    schemas = ("pagerduty:audit",)
    auth = (
        AuthField(
            "api_key",
            "an API key of the account, read-only, or one of a user who is an administrator; 20 characters",
            re.compile(r"[A-Za-z0-9_+-]{20,64}"),
            secret=True,
        ),
        AuthField(
            "region",
            "the service region of the account, 'us' or 'eu' ('us', if nothing is given)",
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

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 100 records. The token is a cursor."""
        params = {"since": iso(since, "milliseconds"), "until": iso(until, "milliseconds"), "limit": PAGE}
        host = HOSTS[self.credentials.get("region") or "us"]
        page = self.api.get(
            with_params(f"https://{host}/audit/records", params | ({"cursor": token} if token else {})),
            headers=HEADERS | {"Authorization": f"Token token={self.credentials['api_key']}"},
            judge=_judge,
        ).json(_Page)
        return Fetched(page.records, page.next_cursor or None)


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError("PagerDuty refused the API key.", hint="Check the key and the region.")
        case 402:
            return CredentialsError("The account has no audit trail.", hint="It is part of larger plans.")
        case 403:
            return CredentialsError(
                "PagerDuty refused access to the audit records.",
                hint="Use a key of the account, or one of an administrator or the account's owner.",
            )
        case _:
            return None

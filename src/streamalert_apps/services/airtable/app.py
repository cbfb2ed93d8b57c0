"""Airtable, audit log of an enterprise account.

Events are listed from a time on, which is counted in, to a time that is not, the oldest first where that is
asked for. The same is asked again with a token for the next page; with an end, the last page has none.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.sdk.app import AuthField, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.http import Answer, with_params
from streamalert_apps.sdk.pace import Rate

ACCOUNTS: Final = "https://api.airtable.com/v0/meta/enterpriseAccounts"
PAGE: Final = 1000


class _Pagination(msgspec.Struct):
    next: str | None = None


class _Page(msgspec.Struct):
    events: list[Row]
    pagination: _Pagination = msgspec.field(default_factory=_Pagination)


class AirtableAudit(OldestFirst):
    """Audit log of an enterprise account."""

    type = "airtable_audit"
    collects = "what users and administrators do: bases, tables, sharing, exports, members, tokens, sign-ins"
    schemas = ("airtable:audit",)
    auth = (
        AuthField(
            "enterprise_account_id",
            "the ID of the enterprise account, which starts with 'ent'",
            re.compile(r"ent[A-Za-z0-9]{14}"),
        ),
        AuthField(
            "token",
            "a personal access token of an enterprise administrator, which starts with 'pat'",
            re.compile(r"pat[A-Za-z0-9]{14}\.[A-Za-z0-9]{64}"),
            secret=True,
        ),
    )
    documentation = "https://airtable.com/developers/web/api/audit-log-events"
    rate = Rate(requests=5, seconds=1, after_429=30)  # of 50 that a user's tokens may make
    lag = timedelta(minutes=10)  # a guess: not documented
    precision = timedelta(milliseconds=1)
    retention = timedelta(days=180)
    time_field = "timestamp"
    id_fields = ("id",)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 events. The token is that of the page before."""
        params: dict[str, Any] = {"sortOrder": "ascending", "pageSize": PAGE}
        params |= {"startTime": iso(since, "milliseconds"), "endTime": iso(until, "milliseconds")}
        params |= {"next": token} if token else {}
        given = self.credentials
        page = self.api.get(
            with_params(f"{ACCOUNTS}/{given['enterprise_account_id']}/auditLogEvents", params),
            headers={"Authorization": f"Bearer {given['token']}"},
            judge=_judge,
        ).json(_Page)
        return Fetched(page.events, page.pagination.next or None)


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError("Airtable refused the token.", hint="Create a new one if it was revoked.")
        case 403 | 404:
            return CredentialsError(
                f"Airtable refused access to the audit log ({answer.status}).",
                hint="Check the account's ID; the token needs the scope enterprise.auditLogs:read, and must"
                " belong to an administrator of an Enterprise Scale account.",
            )
        case _:
            return None

"""Cursor, audit logs of a team.

Events are listed between two times at most 30 days apart, in pages that are counted. Their order is not
documented. All who read a team's log share 20 requests a minute.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.sdk.app import AuthField, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import AnyOrder
from streamalert_apps.sdk.http import Answer, with_params
from streamalert_apps.sdk.pace import Rate

URL: Final = "https://api.cursor.com/teams/audit-logs"
PAGE: Final = 100  # what is usual; the most is not documented


class _Pagination(msgspec.Struct, rename="camel"):
    has_next_page: bool = False


class _Page(msgspec.Struct):
    events: list[Row]
    pagination: _Pagination = msgspec.field(default_factory=_Pagination)


class CursorAudit(AnyOrder):
    """Audit logs."""

    type = "cursor_audit"
    collects = "what members of a team do and change: sign-ins, members, roles, keys, rules, hooks, settings"
    schemas = ("cursor:audit",)
    auth = (
        AuthField(
            "key",
            "an Admin API key of the team, which starts with 'key_'",
            re.compile(r"key_[A-Za-z0-9_-]{16,128}"),
            secret=True,
        ),
    )
    documentation = "https://cursor.com/docs/account/teams/admin-api"
    rate = Rate(requests=10, seconds=60, after_429=60)  # of 20, for all who read the team's log
    precision = timedelta(milliseconds=1)
    lag = timedelta(minutes=15)  # a guess: not documented
    retention = timedelta(days=30)
    longest = timedelta(days=29)  # of 30, as bounds are a little wider
    time_field = "timestamp"
    id_fields = ("event_id",)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 100 events. The token is the number of the page."""
        number = token or 1
        params: dict[str, Any] = {
            "startTime": iso(since, "milliseconds"),
            "endTime": iso(until, "milliseconds"),
            "page": number,
            "pageSize": PAGE,
        }
        given = b64encode(f"{self.credentials['key']}:".encode()).decode()
        answer = self.api.get(
            with_params(URL, params), headers={"Authorization": f"Basic {given}"}, judge=_judge
        )
        page = answer.json(_Page)
        return Fetched(page.events, number + 1 if page.pagination.has_next_page else None)


def _judge(answer: Answer) -> AppError | None:
    if answer.status not in {401, 403}:
        return None
    return CredentialsError(
        f"Cursor refused the key ({answer.status}).",
        hint="Use an Admin API key of a team on the Enterprise plan; this one may have been revoked.",
    )

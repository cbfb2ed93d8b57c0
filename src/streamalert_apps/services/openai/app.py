"""OpenAI, audit logs of an organization.

A list has the newest log first, as far as the examples show; the id of a page's last log leads to the next
one. What is of the tenant (single sign-on, roles, provisioning) is in a list of its own.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError
from streamalert_apps.sdk.app import AuthField, Json
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import NewestFirst
from streamalert_apps.sdk.http import Answer, with_params
from streamalert_apps.sdk.pace import Rate

LOGS: Final = "https://api.openai.com/v1/organization/audit_logs"
PAGE: Final = 100


class _Page(msgspec.Struct):
    data: list[Row]
    has_more: bool = False
    last_id: str | None = None


class _AuditLog(NewestFirst):
    """What both lists share. NewestFirst notices where that is not the order."""

    auth = (
        AuthField(
            "api_key",
            "an Admin key of the organization, which starts with 'sk-admin-'",
            re.compile(r"sk-admin-[A-Za-z0-9_-]{20,}"),
            secret=True,
        ),
    )
    schemas = ("openai:audit_log",)
    documentation = "https://platform.openai.com/docs/api-reference/audit-logs/list"
    rate = Rate(requests=2, seconds=1)  # a guess: no limit is documented
    time_field = "effective_at"
    id_fields = ("id",)
    precision = timedelta(seconds=1)
    lag = timedelta(minutes=10)  # a guess
    tenant: ClassVar[bool] = False

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 100 logs between two seconds. The token is the id of the last one before them."""
        params: dict[str, Any] = {
            "effective_at[gte]": int(since.timestamp()),
            "effective_at[lte]": int(until.timestamp()),
            "limit": PAGE,
        }
        params |= {"tenant_only": "true"} if self.tenant else {}
        params |= {"after": token} if token else {}
        key = {"Authorization": f"Bearer {self.credentials['api_key']}"}
        page = self.api.get(with_params(LOGS, params), headers=key, judge=_judge).json(_Page)
        if page.has_more and not page.last_id:
            raise BadResponse("OpenAI has more logs, but did not say which was the last.")
        return Fetched(page.data, page.last_id if page.has_more else None)


class OpenAIAudit(_AuditLog):
    """What people and keys do in an organization and its projects."""

    type = "openai_audit"
    collects = "changes to keys, projects, users, roles and limits; sign-ins and sign-outs"


class OpenAITenant(_AuditLog):
    """What is done to the tenant that an organization is in."""

    type = "openai_tenant"
    collects = "changes to the tenant: single sign-on, roles, provisioning"
    tenant = True


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError("OpenAI refused the key.", hint="Use an Admin key: 'sk-admin-…'.")
        case 403:
            return CredentialsError(
                "OpenAI refused access to the audit logs.",
                hint="The key needs 'Audit logs: read', and audit logging must be turned on.",
            )
        case _:
            return None

"""Datadog, Audit Trail of an organization.

Events are listed between two times, the oldest first where that is asked for; a cursor leads to the next
page, and the same is asked again with it. An answer may say that it ran out of time: then it is not whole.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError, Unavailable
from streamalert_apps.sdk.app import AuthField, Json, Stamp
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.http import Answer, with_params
from streamalert_apps.sdk.pace import Rate, Wait
from streamalert_apps.sdk.shapes import decode

SITE: Final = "datadoghq.com"
SITES: Final = re.compile(r"((us3|us5|ap1|ap2|uk1)\.)?datadoghq\.com|datadoghq\.eu|(us2\.)?ddog-gov\.com")
PAGE: Final = 1000


class _Attributes(msgspec.Struct):
    timestamp: datetime


class _Event(msgspec.Struct):
    id: str
    attributes: _Attributes


class _After(msgspec.Struct):
    after: str | None = None


class _Meta(msgspec.Struct):
    status: str = ""
    page: _After = msgspec.field(default_factory=_After)


class _Page(msgspec.Struct):
    data: list[Row] = []
    meta: _Meta = msgspec.field(default_factory=_Meta)


class DatadogAudit(OldestFirst):
    """Audit Trail of an organization."""

    type = "datadog_audit"
    collects = "what users and keys do in Datadog: sign-ins, requests, changes to monitors, roles, keys"
    schemas = ("datadog:audit",)
    auth = (
        AuthField(
            "api_key",
            "an API key of the organization, 32 digits and letters from a to f",
            re.compile(r"[0-9a-f]{32}"),
            secret=True,
        ),
        AuthField(
            "application_key",
            "an application key with the scope audit_logs_read: 40 digits and letters from a to f, or"
            " 'ddapp_…'",
            re.compile(r"[0-9a-f]{40}|ddapp_[A-Za-z0-9]{20,60}"),
            secret=True,
        ),
        AuthField(
            "site",
            f"the site of the organization, like 'us5.datadoghq.com' ('{SITE}', if nothing is given)",
            SITES,
            optional=True,
        ),
    )
    documentation = "https://docs.datadoghq.com/api/latest/audit/"
    rate = Rate(requests=1, seconds=1, after_429=60)  # a guess: each answer tells the limit
    waits = (Wait("X-RateLimit-Reset"),)
    lag = timedelta(minutes=10)  # a guess: not documented
    precision = timedelta(milliseconds=1)
    retention = timedelta(days=90)  # as far as is known
    time_field = "timestamp"

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 events. The token is a cursor."""
        params: dict[str, Any] = {"filter[from]": iso(since, "milliseconds"), "sort": "timestamp"}
        params |= {"filter[to]": iso(until, "milliseconds"), "page[limit]": PAGE}
        params |= {"page[cursor]": token} if token else {}
        site = self.credentials.get("site") or SITE
        page = self.api.get(
            with_params(f"https://api.{site}/api/v2/audit/events", params),
            headers={
                "DD-API-KEY": self.credentials["api_key"],
                "DD-APPLICATION-KEY": self.credentials["application_key"],
            },
            judge=_judge,
        ).json(_Page)
        return Fetched(page.data, page.meta.page.after)

    def stamp(self, row: Row) -> Stamp:
        """Return an event's time and id."""
        try:
            event = decode(row, _Event)
        except msgspec.MsgspecError as error:
            raise BadResponse(f"An event of the Audit Trail is not as documented: {error}.") from None
        return Stamp(event.attributes.timestamp, event.id)


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 200 if b'"timeout"' in answer.body and answer.json(_Page).meta.status == "timeout":
            return Unavailable("Datadog ran out of time and returned only part of the answer.")
        case 401 | 403:
            return CredentialsError(
                f"Datadog refused the keys, or access to the Audit Trail ({answer.status}).",
                hint="Check both keys and the site; the application key needs the scope audit_logs_read.",
            )
        case _:
            return None

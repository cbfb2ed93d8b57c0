"""SentinelOne, activities and threats of a management console.

Both are listed between two times, the oldest first, and go on from a cursor. A threat changes: it is listed
by when it was last updated, and each of its states that is seen is one log. Each customer has a host of its
own.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError
from streamalert_apps.sdk.app import AuthField, Json, Stamp
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.hosts import host_like
from streamalert_apps.sdk.http import Answer, with_params
from streamalert_apps.sdk.pace import Rate
from streamalert_apps.sdk.shapes import decode

PAGE: Final = 1000


class _Threat(msgspec.Struct, rename="camel"):
    updated_at: datetime | None = None


class _Event(msgspec.Struct, rename="camel"):
    id: str
    created_at: datetime | None = None
    threat_info: _Threat = msgspec.field(default_factory=_Threat)


class _Pagination(msgspec.Struct, rename="camel"):
    next_cursor: str | None = None


class _Page(msgspec.Struct):
    data: list[Row] = []
    pagination: _Pagination = msgspec.field(default_factory=_Pagination)


class _List(OldestFirst):
    """What the app types share."""

    auth = (
        AuthField(
            "host",
            "the host of your console, like 'usea1-acme.sentinelone.net'",
            host_like(
                re.compile(r"(?!console\.sentinelone\.net)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
            ),
        ),
        AuthField(
            "token",
            "the API token of a service user, 80 letters and digits, or longer and starting with 'eyJ'",
            re.compile(r"[A-Za-z0-9]{60,120}|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"),
            secret=True,
        ),
    )
    rate = Rate(requests=5, seconds=1, after_429=60)  # a guess: no limit is documented
    precision = timedelta(milliseconds=1)
    lag = timedelta(minutes=10)  # a guess: not documented
    retention = timedelta(days=365)
    documentation = "https://usea1-partners.sentinelone.net/api-doc/overview"
    path: ClassVar[str]

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 events. The token is a cursor."""
        params = {
            f"{self.time_field}__gte": iso(since, "microseconds"),
            f"{self.time_field}__lte": iso(until, "microseconds"),
            "sortBy": self.time_field,
            "sortOrder": "asc",
            "limit": PAGE,
        }
        url = f"https://{self.credentials['host']}/web/api/v2.1/{self.path}"
        headers = {"Authorization": f"ApiToken {self.credentials['token']}"}
        url = with_params(url, params | ({"cursor": token} if token else {}))
        page = self.api.get(url, headers=headers, judge=_judge).json(_Page)
        return Fetched(page.data, page.pagination.next_cursor or None)

    def stamp(self, row: Row) -> Stamp:
        """Return time and id of an event; of a threat, the time is part of the id."""
        try:
            event = decode(row, _Event)
        except msgspec.MsgspecError as error:
            raise BadResponse(f"An event of {self.type} is not as documented: {error}.") from None
        if updated := event.threat_info.updated_at:
            return Stamp(updated, f"{event.id}\0{updated.isoformat()}")
        if event.created_at is None:
            raise BadResponse(f"An event of {self.type} has no time.")
        return Stamp(event.created_at, event.id)


class SentineloneActivities(_List):
    """Activities."""

    type = "sentinelone_activities"
    collects = "what users, agents and the console do: sign-ins, changes to policies, users and agents"
    schemas = ("sentinelone:activities",)
    time_field = "createdAt"
    path = "activities"


class SentineloneThreats(_List):
    """Threats, each of their states."""

    type = "sentinelone_threats"
    collects = "threats that agents found, and how they were resolved"
    schemas = ("sentinelone:threats",)
    time_field = "updatedAt"
    path = "threats"


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError(
                "SentinelOne refused the token.",
                hint="Create a new one; this one may have expired or been revoked.",
            )
        case 403:
            return CredentialsError(
                "SentinelOne refused access to the list.",
                hint="The service user needs the role Viewer or more.",
            )
        case _:
            return None

"""Anthropic, activity feed of the Compliance API.

Activities are listed between two times, the newest first; the id of a page's last one leads to the next page.
Each request is an activity itself, so the list is never quiet: there are few requests, for many activities.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError
from streamalert_apps.sdk.app import AuthField, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import NewestFirst
from streamalert_apps.sdk.http import Answer, with_params
from streamalert_apps.sdk.pace import Rate

ACTIVITIES: Final = "https://api.anthropic.com/v1/compliance/activities"
VERSION: Final = "2023-06-01"
PAGE: Final = 1000  # of 5000: an answer must not be too large


class _Page(msgspec.Struct):
    data: list[Row]
    has_more: bool = False
    last_id: str | None = None


class AnthropicActivities(NewestFirst):
    """Activities of an organization."""

    type = "anthropic_activities"
    collects = "sign-ins, and what users and administrators of Claude do: chats, files, projects, keys"
    schemas = ("anthropic:activities",)
    auth = (
        AuthField(
            "api_key",
            "a Compliance Access Key, 'sk-ant-api01-…', or an Admin API key, 'sk-ant-admin01-…'",
            re.compile(r"sk-ant-(api01|admin01)-[A-Za-z0-9_-]{20,200}"),
            secret=True,
        ),
    )
    documentation = "https://platform.claude.com/docs/en/manage-claude/compliance-activity-feed"
    rate = Rate(requests=60, seconds=60)  # of 600, which all keys of an organization share
    lag = timedelta(minutes=5)  # documented: within a minute, and an overlap of some minutes is advised
    retention = timedelta(days=6 * 365)
    time_field = "created_at"
    id_fields = ("id",)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 activities. The token is the id of the last one before them."""
        params: dict[str, Any] = {"created_at.gte": iso(since), "created_at.lte": iso(until), "limit": PAGE}
        params |= {"after_id": token} if token else {}
        page = self.api.get(
            with_params(ACTIVITIES, params),
            headers={"x-api-key": self.credentials["api_key"], "anthropic-version": VERSION},
            judge=_judge,
        ).json(_Page)
        if page.has_more and not page.last_id:
            raise BadResponse("Anthropic has more activities, but did not say which was the last.")
        return Fetched(page.data, page.last_id if page.has_more else None)


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError(
                "Anthropic refused the key.",
                hint="Use a Compliance Access Key or an Admin API key that has not been revoked.",
            )
        case 403:
            return CredentialsError(
                "Anthropic refused access to the activity feed.",
                hint="The key needs the scope read:compliance_activities: an Admin API key has it only if it"
                " was created after the Compliance API was turned on.",
            )
        case _:
            return None

"""Intercom, admin activity logs.

Logs between two times in seconds are listed in pages that are counted, up to 250 logs each. Not documented
are their order, whether the bounds belong to them, and how late a log may show up: nothing here depends
on it. A version is asked for by header; without it, it would be that of the workspace's app. A span of a
month has been seen to end in status 500.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError, RateLimited, RequestRefused
from streamalert_apps.sdk.app import AuthField, Json
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import NewestFirst
from streamalert_apps.sdk.http import Answer, query_of, with_params
from streamalert_apps.sdk.pace import Wait

PAGE: Final = 250
VERSION: Final = "2.14"  # a workspace may know no newer one
HOSTS: Final = {"us": "api.intercom.io", "eu": "api.eu.intercom.io", "au": "api.au.intercom.io"}


class _Pages(msgspec.Struct):
    next: str | dict[str, Any] | None = None


class _Page(msgspec.Struct):
    activity_logs: list[Row]
    pages: _Pages | None = None


class IntercomAdminActivityLogs(NewestFirst):
    """What administrators of a workspace do. NewestFirst notices where that is not the order."""

    type = "intercom_admin_activity_logs"
    collects = "what administrators do: sign-ins, permissions, exports, settings"
    schemas = ("intercom:admin_activity_logs",)
    auth = (
        AuthField(
            "token",
            "the access token of your Intercom app, which usually starts with 'dG9r'",
            re.compile(r"[0-9A-Za-z+/=_-]{30,}"),
            secret=True,
        ),
        AuthField(
            "region",
            "where the workspace's data is: 'us', 'eu' or 'au' (default: us)",
            re.compile(r"us|eu|au"),
            optional=True,
        ),
    )
    documentation = "https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/admins/listactivitylogs"
    time_field = "created_at"
    id_fields = ("id",)
    precision = timedelta(seconds=1)
    lag = timedelta(minutes=10)
    longest = timedelta(days=1)
    waits = (Wait("X-RateLimit-Reset", since="1970"),)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 250 logs. The token is what the link to the next page says besides the bounds."""
        bounds = {"created_at_after": int(since.timestamp()), "created_at_before": int(until.timestamp())}
        params = {"per_page": PAGE} | (token or {}) | bounds
        host = HOSTS[self.credentials.get("region") or "us"]
        answer = self.api.get(
            with_params(f"https://{host}/admins/activity_logs", params),
            headers={"Authorization": f"Bearer {self.credentials['token']}", "Intercom-Version": VERSION},
            judge=self._judge,
        )
        page = answer.json(_Page)
        following = _following(page.pages.next if page.pages else None)
        if following is not None and following == token:
            raise BadResponse("Intercom returned a link to the next page that leads to the same page.")
        return Fetched(page.activity_logs, following)

    @staticmethod
    def _judge(answer: Answer) -> AppError | None:
        match answer.status:
            case 401:
                return CredentialsError(
                    "Intercom refused the access token.", hint="Check the token and its region."
                )
            case 403:
                return CredentialsError(
                    "Intercom refused access to the activity logs.",
                    hint="The app needs permission to read them, and the workspace a plan that includes"
                    " them.",
                )
            case 429:
                return RateLimited("Intercom's request limit is reached.")
            case 400 if b'"intercom_version_invalid"' in answer.body:
                return RequestRefused(
                    f"Intercom does not know version {VERSION} of its API.",
                    hint="Look for a newer version of streamalert-apps.",
                )
            case _:
                return None


def _following(link: str | dict[str, Any] | None) -> Json:
    """Return the next page's parameters: its link is not followed, but asked for with our own bounds."""
    if link is None:
        return None
    params = dict(parse_qsl(query_of(link))) if isinstance(link, str) else link
    return {name: value for name, value in params.items() if not name.startswith("created_at_")}

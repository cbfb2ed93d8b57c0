"""Twilio, events of an account (Monitor).

Events are listed between two times in whole seconds, the newest first, and each page has the whole address of
the next one. They are those of one account: each of its subaccounts has events of its own.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Final

import msgspec

from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.sdk.app import AuthField, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import NewestFirst
from streamalert_apps.sdk.http import Answer, pinned, with_params
from streamalert_apps.sdk.pace import Rate

PAGE: Final = 1000
HOSTS: Final = {
    "us1": "monitor.twilio.com",
    "ie1": "monitor.dublin.ie1.twilio.com",
    "au1": "monitor.sydney.au1.twilio.com",
}


class _Meta(msgspec.Struct):
    next_page_url: str | None = None


class _Page(msgspec.Struct):
    events: list[Row]
    meta: _Meta = msgspec.field(default_factory=_Meta)


class TwilioEvents(NewestFirst):
    """Events."""

    type = "twilio_events"
    collects = "what users, API keys and Twilio itself change in an account: settings, numbers, keys, users"
    schemas = ("twilio:events",)
    auth = (
        AuthField(
            "sid",
            "the SID of an API key, which starts with 'SK', or of the account ('AC')",
            re.compile(r"(AC|SK)[0-9a-f]{32}"),
        ),
        AuthField(
            "secret",
            "the secret of the API key, or the account's auth token, 32 letters and digits",
            re.compile(r"[A-Za-z0-9]{32}"),
            secret=True,
        ),
        AuthField(
            "region",
            "the region of the key: 'us1' (the default), 'ie1' or 'au1'",
            re.compile("|".join(HOSTS)),
            optional=True,
        ),
    )
    documentation = "https://www.twilio.com/docs/usage/monitor-events"
    rate = Rate(requests=5, seconds=1, after_429=10)  # a guess: what is limited is how many run at once
    precision = timedelta(seconds=1)
    lag = timedelta(minutes=10)  # a guess: not documented
    time_field = "event_date"
    id_fields = ("sid",)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 events. The token is the address of the page."""
        base = f"https://{HOSTS[self.credentials.get('region') or 'us1']}"
        params = {"StartDate": iso(since), "EndDate": iso(until), "PageSize": PAGE}
        url = with_params(f"{base}/v1/Events", params) if token is None else pinned(token, to=base)
        given = f"{self.credentials['sid']}:{self.credentials['secret']}".encode()
        headers = {"Authorization": f"Basic {b64encode(given).decode()}"}
        page = self.api.get(url, headers=headers, judge=_judge).json(_Page)
        following = page.meta.next_page_url
        return Fetched(page.events, pinned(following, to=base) if following else None)


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError(
                "Twilio refused the credentials.",
                hint="Check sid, secret and region; the key may be deleted.",
            )
        case 403:
            return CredentialsError(
                "Twilio refused access to events.", hint="A restricted key needs Monitor > Events: Read."
            )
        case _:
            return None

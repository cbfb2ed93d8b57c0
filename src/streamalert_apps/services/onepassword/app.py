"""1Password, Events API.

Each feed goes on from a cursor, which every answer has, an empty one too; a first request says from when on.
An empty page may be followed by a full one, and the answer says whether there is more. Not documented are the
order of a feed, how long a cursor is known, and whether one remembers how many events were asked for: nothing
here depends on it.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec

from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.sdk.app import AuthField
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.http import Answer
from streamalert_apps.sdk.pace import Rate
from streamalert_apps.sdk.stream import Stream

PAGE: Final = 1000
HOSTS: Final = {
    "com": "events.1password.com",
    "ca": "events.1password.ca",
    "eu": "events.1password.eu",
    "ent": "events.ent.1password.com",
}


class _Page(msgspec.Struct):
    items: list[Row]
    cursor: str | None = None
    has_more: bool | None = None


class _Token(msgspec.Struct):
    features: list[str]


class _Feed(Stream):
    """What the feeds share: all but their names."""

    auth = (
        AuthField(
            "token",
            "the bearer token of your Events Reporting integration, which starts with 'eyJ'",
            re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"),
            secret=True,
        ),
        AuthField(
            "region",
            "where the account is: 'com', 'ca' or 'eu', as in your sign-in address, or 'ent' for Enterprise",
            re.compile("|".join(HOSTS)),
        ),
    )
    rate = Rate(requests=500, seconds=60, after_429=30)  # of 600 a minute and 30,000 an hour
    lag = timedelta(minutes=5)  # not documented; matters for no event, as late ones are listed when they come
    retention = timedelta(days=120)
    time_field = "timestamp"
    id_fields = ("uuid",)
    feature: ClassVar[str]

    def begin(self, since: datetime) -> str:
        """Return what is posted for the events from a time on."""
        return json.dumps({"limit": PAGE, "start_time": iso(since, "milliseconds")})

    def check(self) -> None:
        """Ask what the token is for."""
        answer = self.api.get(f"{self._url}/v2/auth/introspect", headers=self._headers, judge=_judge)
        if self.feature not in answer.json(_Token).features:
            raise CredentialsError(
                f"The token does not cover {self.feature}.",
                hint="Create a token with that event type ticked.",
            )

    def fetch(self, position: str) -> Fetched:
        """Ask for up to 1000 events. A position is what is posted: a time to begin at, or a cursor."""
        url = f"{self._url}/v2/{self.feature}"
        answer = self.api.post(url, headers=self._headers, judge=_judge, json=json.loads(position))
        page = answer.json(_Page)
        return Fetched(
            page.items, json.dumps({"cursor": page.cursor}) if page.cursor else None, more=page.has_more
        )

    @property
    def _url(self) -> str:
        return f"https://{HOSTS[self.credentials['region']]}/api"

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.credentials['token']}"}


def _judge(answer: Answer) -> AppError | None:
    if answer.status not in {401, 403}:
        return None
    return CredentialsError(
        f"1Password refused the token ({answer.status}).",
        hint="Check the token and the region. The token may have expired, or not cover these events.",
    )


class OnepasswordSignins(_Feed):
    """Sign-in attempts."""

    type = "onepassword_signins"
    collects = "sign-in attempts, including failed ones"
    schemas = ("onepassword:signins",)
    documentation = "https://www.1password.dev/events-api/reference/sign-in-attempts"
    feature = "signinattempts"


class OnepasswordItemUsages(_Feed):
    """Item usages."""

    type = "onepassword_item_usages"
    collects = "uses of items in shared vaults: filled in, revealed, copied, exported"
    schemas = ("onepassword:item_usages",)
    documentation = "https://www.1password.dev/events-api/reference/item-usages"
    feature = "itemusages"


class OnepasswordAudit(_Feed):
    """Audit events."""

    type = "onepassword_audit"
    collects = "what team members change: vaults, groups, users, access, settings"
    schemas = ("onepassword:audit",)
    documentation = "https://www.1password.dev/events-api/reference/audit-events"
    feature = "auditevents"

"""Acme's audit log.

Acme is made up; this is what its documentation says. Put your service's in its place:

    GET https://api.acme.example/v1/audit?from=…&to=…&limit=…&cursor=…    60 requests a minute
    Authorization: Bearer <token>

answers with the events between two times, both counted in, the oldest first, up to 500 at once:

    {"entries": [{"id": "…", "time": "2026-03-10T10:00:00.000Z", …}, …], "next": "…"}

`next` is the cursor of the next page; without one, this page is the last. An event may be listed up to a
minute after it happened.
"""

import re
from datetime import datetime, timedelta

import msgspec

from streamalert_apps import AuthField, Fetched, OldestFirst, Rate
from streamalert_apps.sdk.http import with_params

URL = "https://api.acme.example/v1/audit"


class Listing(msgspec.Struct):
    """What is read of an answer. Raw leaves each event as the bytes that the service sent."""

    entries: list[msgspec.Raw]
    next: str | None = None


class AcmeAudit(OldestFirst):
    """The audit log. OldestFirst does the collecting; this says what the service is like."""

    type = "acme_audit"  # <service>_<log>; the service is the name of this folder
    collects = "what Acme's users and administrators do"
    schemas = ("acme:audit",)  # in schemas.json, for StreamAlert's classifier
    auth = (
        AuthField(
            "token", "an API token of Acme, 32 digits and letters", re.compile(r"[0-9a-f]{32}"), secret=True
        ),
    )
    rate = Rate(requests=60, seconds=60)
    time_field = "time"
    id_fields = ("id",)
    precision = timedelta(milliseconds=1)  # of the times in `from` and `to`
    lag = timedelta(minutes=2)  # a minute is documented; the other is for clocks that differ

    def fetch(self, since: datetime, until: datetime, token: str | None) -> Fetched:
        """Ask for one page; `token` is what the page before it gave as `next`."""
        query = {"from": since.isoformat(), "to": until.isoformat(), "limit": 500}
        if token:
            query["cursor"] = token
        headers = {"Authorization": f"Bearer {self.credentials['token']}"}
        listing = self.api.get(with_params(URL, query), headers=headers).json(Listing)
        return Fetched(listing.entries, listing.next)

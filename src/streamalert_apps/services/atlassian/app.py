"""Atlassian: events of an organization, audit records of Jira, audit log of Confluence.

The organization's stream goes on from a cursor, in the order in which Atlassian processed its events. Jira
and Confluence list records between two times, in an order that is not documented, in pages that are counted:
one that shows up late moves others down, and Jira has been seen to show no second page. The log of Confluence
has no ids besides. So a span that does not fit into one page is asked for in halves.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError
from streamalert_apps.sdk.app import AuthField, Json, Stamp
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import EPOCH, Fetched, Row
from streamalert_apps.sdk.feed import AnyOrder
from streamalert_apps.sdk.hosts import host_like
from streamalert_apps.sdk.http import Answer, with_params
from streamalert_apps.sdk.log import LOGGER
from streamalert_apps.sdk.pace import Rate, Wait
from streamalert_apps.sdk.shapes import decode
from streamalert_apps.sdk.stream import Stream

EVENTS: Final = 200  # of a page; 500 at most
RECORDS: Final = 1000
GOVERNMENT: Final = "atlassian-us-gov"
UUID: Final = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SITE: Final = re.compile(r"[a-z0-9][a-z0-9-]*\.(atlassian(-us-gov(-mod)?)?\.net|jira\.com)")


class _Attributes(msgspec.Struct):
    time: datetime


class _Event(msgspec.Struct):
    id: str
    attributes: _Attributes


class _Meta(msgspec.Struct):
    next: str | None = None


class _Events(msgspec.Struct):
    data: list[Row]
    meta: _Meta = msgspec.field(default_factory=_Meta)


class AtlassianOrgEvents(Stream):
    """Events of an organization."""

    type = "atlassian_org_events"
    collects = (
        "what users and administrators of an organization do: sign-ins, users, groups, access, policies"
    )
    schemas = ("atlassian:org_events",)
    auth = (
        AuthField(
            "org_id",
            "the id of the organization, as in the address of admin.atlassian.com/o/…",
            re.compile(r"[0-9A-Za-z-]{8,64}"),
        ),
        AuthField(
            "api_key",
            "an API key of the organization with the scope read:events:admin",
            re.compile(rf"(?!ATATT|{UUID}$)[A-Za-z0-9_=+/-]{{20,512}}"),
            secret=True,
        ),
        AuthField(
            "cloud",
            "'gov-mod' or 'gov', if the organization is in Atlassian Government Cloud",
            re.compile(r"gov(-mod)?"),
            optional=True,
        ),
    )
    documentation = "https://developer.atlassian.com/cloud/admin/organization/rest/api-group-events/"
    rate = Rate(requests=8, seconds=60, after_429=30)  # of 10, documented of the sister list alone
    waits = (Wait("X-RateLimit-Reset"),)
    lag = timedelta(hours=1)  # not documented; matters for no event, as late ones are listed when they come
    retention = timedelta(days=180)
    time_field = "time"

    def begin(self, since: datetime) -> str:
        """Return the query for what was processed from a time on."""
        start = int(since.timestamp() * 1000)
        return urlencode({"from": start, "sortOrder": "asc", "limit": EVENTS})

    def check(self) -> None:
        """Ask for the events of the last minute."""
        self.fetch(self.begin(self.api.clock.now() - timedelta(minutes=1)))

    def fetch(self, position: str) -> Fetched:
        """Ask for up to 200 events. A position is a query: of a time, or of the cursor that came last."""
        cloud = self.credentials.get("cloud")
        host = f"api.atlassian-us-{cloud}.com" if cloud else "api.atlassian.com"
        answer = self.api.get(
            f"https://{host}/admin/v1/orgs/{self.credentials['org_id']}/events-stream?{position}",
            headers={"Authorization": f"Bearer {self.credentials['api_key']}"},
            judge=_judge_key,
        )
        page = answer.json(_Events)
        following = urlencode({"cursor": page.meta.next, "limit": EVENTS}) if page.meta.next else None
        return Fetched(page.data, following)

    def stamp(self, row: Row) -> Stamp:
        """Return an event's time and id."""
        try:
            event = decode(row, _Event)
        except msgspec.MsgspecError as error:
            raise BadResponse(f"An event of the organization is not as documented: {error}.") from None
        return Stamp(event.attributes.time, event.id)


def _judge_key(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError(
                "Atlassian refused the API key.", hint="Create a new one; keys expire after a year at most."
            )
        case 403:
            return CredentialsError(
                "Atlassian refused access to the events.",
                hint="The key needs the scope read:events:admin, and the organization a plan with the audit"
                " log.",
            )
        case 404:
            return CredentialsError("Atlassian doesn't know this organization.", hint="Check org_id.")
        case _:
            return None


class _Site(AnyOrder):
    """What the app types of a site share."""

    auth = (
        AuthField("site", "the host of your site, like 'acme.atlassian.net'", host_like(SITE)),
        AuthField(
            "email",
            "the email address of the user whose API token it is",
            re.compile(r"[^\s@/:\"]+@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]{2,}"),
        ),
        AuthField(
            "token",
            "an API token of that user, which usually starts with 'ATATT'",
            re.compile(rf"(?!ATCTT|{UUID}$)[A-Za-z0-9_=+/-]{{20,512}}"),
            secret=True,
        ),
        AuthField(
            "cloud_id",
            "the cloud id of the site, if the token has scopes",
            re.compile(UUID),
            optional=True,
        ),
    )
    rate = Rate(requests=60, seconds=60, after_429=30)  # a guess: what a request costs is not published
    waits = (Wait("X-RateLimit-Reset"),)
    precision = timedelta(milliseconds=1)
    lag = timedelta(minutes=10)  # not documented

    @abstractmethod
    def page(self, low: int, high: int, start: int) -> tuple[Sequence[Row], bool]:
        """Ask for records between two milliseconds, both counted in; tell whether there are more of them."""

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 records. A token is a list of spans to be read, and how much of them was."""
        (low, high, start), *rest = token or [[*map(_milliseconds, (since, until)), 0]]
        rows, more = self.page(low, high, start)
        if not more:
            return Fetched(rows, rest or None)
        if low < high:
            middle = (low + high) // 2
            return Fetched([], [[low, middle, 0], [middle + 1, high, 0], *rest])
        if rows:
            return Fetched(rows, [[low, high, start + len(rows)], *rest])
        LOGGER.error("%s: the service shows only %d of the records in one millisecond", self.type, start)
        return Fetched([], rest or None)

    def _get(self, product: str, path: str, params: dict[str, Any]) -> Answer:
        given = self.credentials
        site: str = given["site"]
        url = f"https://{site}"
        if cloud_id := given.get("cloud_id"):
            domain = site.partition(".")[2].removesuffix(".net") if GOVERNMENT in site else "atlassian"
            url = f"https://api.{domain}.com/ex/{product}/{cloud_id}"
        basic = b64encode(f"{given['email']}:{given['token']}".encode()).decode()
        return self.api.get(
            with_params(f"{url}{path}", params),
            headers={"Authorization": f"Basic {basic}"},
            judge=_judge_site,
        )


def _judge_site(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError(
                "Atlassian refused the API token.",
                hint="Check email and token. A token with scopes also needs the site's cloud_id.",
            )
        case 403:
            return CredentialsError(
                "Atlassian refused access to the audit log.",
                hint="The user must be an administrator of the product, which must be on a paid plan.",
            )
        case 404:
            return CredentialsError(
                "Atlassian has no such product at this site.", hint="Check site and cloud_id."
            )
        case _:
            return None


class _Records(msgspec.Struct):
    records: list[Row]
    total: int


class AtlassianJira(_Site):
    """Audit records of Jira."""

    type = "atlassian_jira"
    collects = "what administrators of Jira change: users, groups, permissions, projects, workflows"
    schemas = ("atlassian:jira",)
    documentation = "https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-audit-records/"
    retention = timedelta(days=90)
    time_field = "created"
    id_fields = ("id",)

    def page(self, low: int, high: int, start: int) -> tuple[Sequence[Row], bool]:
        """Ask for records, of which Jira says how many there are."""
        bounds = {"from": _iso(low), "to": _iso(high)}
        params = bounds | {"offset": start, "limit": RECORDS}
        page = self._get("jira", "/rest/api/3/auditing/record", params).json(_Records)
        return page.records, start + len(page.records) < page.total


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _iso(milliseconds: int) -> str:
    return iso(EPOCH + timedelta(milliseconds=milliseconds), "milliseconds")


class _Links(msgspec.Struct):
    next: str | None = None


class _Log(msgspec.Struct):
    results: list[Row]
    links: _Links = msgspec.field(name="_links", default_factory=_Links)


class AtlassianConfluence(_Site):
    """Audit log of Confluence."""

    type = "atlassian_confluence"
    collects = "what users and administrators of Confluence change: spaces, permissions, users, settings"
    schemas = ("atlassian:confluence",)
    documentation = "https://developer.atlassian.com/cloud/confluence/rest/v1/api-group-audit/"
    time_field = "creationDate"
    time_unit = "ms"

    def page(self, low: int, high: int, start: int) -> tuple[Sequence[Row], bool]:
        """Ask for records, of which Confluence says whether there are more."""
        params = {"startDate": low, "endDate": high, "start": start, "limit": RECORDS}
        page = self._get("confluence", "/wiki/rest/api/audit", params).json(_Log)
        return page.results, bool(page.links.next)

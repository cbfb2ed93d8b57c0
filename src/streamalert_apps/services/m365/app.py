"""Microsoft 365, Office 365 Management Activity API.

What is published of a content type, once it is subscribed to, is in blobs: arrays of records in no order.
Blobs are listed by when they became available, for 24 hours at a time and 7 days back; a header has the
address of the next page. The same record may be in two blobs. A limit is told with status 403.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar, Final

import msgspec

from streamalert_apps.errors import (
    BadResponse,
    CredentialsError,
    PageTokenExpired,
    RateLimited,
    RequestRefused,
    Unavailable,
)
from streamalert_apps.sdk.app import App, Credentials, Json, Log
from streamalert_apps.sdk.catalogue import Catalogue
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.http import Answer, Api, pinned, with_params
from streamalert_apps.sdk.microsoft import TENANT, cloud, signed_in
from streamalert_apps.sdk.pace import Rate
from streamalert_apps.sdk.refusals import by_code
from streamalert_apps.sdk.shapes import decode

HOSTS: Final = {
    "global": "manage.office.com",
    "gcc": "manage-gcc.office.com",
    "gcchigh": "manage.office365.us",
    "dod": "manage.protection.apps.mil",
}
LONGEST: Final = timedelta(hours=24)
KEPT: Final = timedelta(days=7)
SECOND: Final = "%Y-%m-%dT%H:%M:%S"

LOGGER = logging.getLogger(__name__)


class _Blob(msgspec.Struct, rename={"url": "contentUri"}):
    url: str


class _Error(msgspec.Struct):
    code: str = ""


class _Failure(msgspec.Struct):
    error: _Error


class _NotSubscribedError(RequestRefused):
    """The content type is not subscribed to."""


class _SubscribedError(RequestRefused):
    """The content type is subscribed to already."""


class _ExpiredError(RequestRefused):
    """A blob is older than seven days."""


class _Content(Catalogue):
    """What the content types share: all but their name."""

    auth = (*TENANT, cloud(*HOSTS))
    schemas = ("m365:activity",)
    documentation = "https://learn.microsoft.com/en-us/office/office-365-management-api/office-365-management-activity-api-reference"
    rate = Rate(requests=30, seconds=1, after_429=60)  # 1,800 of the 2,000 a minute that each tenant has
    time_field = "contentCreated"
    id_fields = ("contentId",)
    precision = timedelta(seconds=1)
    lag = timedelta(hours=1)  # from contentCreated until a blob is listed; a guess
    retention = KEPT - timedelta(minutes=5)
    content_type: ClassVar[str]

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._host = f"https://{HOSTS[credentials.get('cloud') or 'global']}"
        self._office = signed_in(api, credentials, self._host)
        self._feed = f"{self._host}/api/v1.0/{credentials['tenant_id']}/activity/feed"
        self._publisher = {"PublisherIdentifier": credentials["tenant_id"]}  # or all share one small quota

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """List blobs that became available between two seconds, 24 hours at a time.

        A token has where those begin, and the address of the next page of them. A content type that is
        not subscribed to is subscribed to: nothing was published before.
        """
        start, page = (datetime.fromisoformat(token[0]), token[1]) if token else (since, None)
        until = min(until, self.api.clock.now() - self.api.ahead + self.precision)
        end = min(start + LONGEST, until)
        try:
            answer = self._office.get(page or self._listing(start, end), judge=_judge)
        except _NotSubscribedError:
            self._subscribe()
            return Fetched([])
        blobs = answer.json(list[Row])
        if following := answer.headers.get("NextPageUri"):
            url = with_params(pinned(following, to=self._host), self._publisher)
            return Fetched(blobs, [start.isoformat(), url])
        return Fetched(blobs, [end.isoformat(), None] if end < until else None)

    def open(self, file: Row) -> Iterator[Log]:
        """Return the records of a blob."""
        try:
            url = decode(file, _Blob).url
        except msgspec.ValidationError:
            raise BadResponse("Microsoft listed a blob without its address.") from None
        try:
            answer = self._office.get(with_params(pinned(url, to=self._host), self._publisher), judge=_judge)
        except _ExpiredError:
            LOGGER.warning("a blob is older than seven days, and can't be had any more")
            return iter(())
        return iter(Fetched(answer.json(list[Row])).rows)

    def _listing(self, start: datetime, end: datetime) -> str:
        span = {"startTime": f"{start:{SECOND}}", "endTime": f"{end:{SECOND}}"}
        return with_params(
            f"{self._feed}/subscriptions/content",
            {"contentType": self.content_type, **span, **self._publisher},
        )

    def _subscribe(self) -> None:
        LOGGER.warning("%s is subscribed to now: it may be 12 hours until there is any", self.content_type)
        asked = {"contentType": self.content_type, **self._publisher}
        url = with_params(f"{self._feed}/subscriptions/start", asked)
        try:
            self._office.post(url, judge=_judge)
        except _SubscribedError:
            return


def _code(answer: Answer) -> str:
    return answer.json(_Failure).error.code


_TENANT: Final = "Check tenant_id and cloud, and that auditing is turned on (Purview > Audit)."
_judge = by_code(
    _code,
    {
        "AF429": partial(RateLimited, "Microsoft received too many requests."),
        "AF50000": partial(Unavailable, "Microsoft has a server error."),
        "AF10001": partial(
            CredentialsError,
            "Microsoft does not let the app read activities.",
            hint="It needs ActivityFeed.Read of the Office 365 Management APIs, with consent.",
        ),
        **{
            code: partial(CredentialsError, f"Microsoft does not know the tenant ({code}).", hint=_TENANT)
            for code in ("AF20010", "AF20011", "AF20012", "AF20013")
        },
        "AF20022": partial(_NotSubscribedError, "The content type is not subscribed to."),
        "AF20023": partial(
            CredentialsError,
            "An administrator has disabled the subscription of the content type.",
            hint="Ask for it to be enabled again, or remove the app.",
        ),
        "AF20024": partial(_SubscribedError, "The content type is subscribed to already."),
        "AF20031": partial(PageTokenExpired, "Microsoft no longer knows the rest of the list."),
        "AF20051": partial(_ExpiredError, "The blob is older than seven days."),
    },
)


def _app(name: str, content: str, what: str) -> type[App]:
    class Content(_Content):
        type = f"m365_{name}"
        collects = what
        content_type = content

    return Content


APPS: Final = tuple(
    _app(name, content, what)
    for name, content, what in (
        ("entra", "Audit.AzureActiveDirectory", "Entra ID: sign-ins, users, groups, apps, roles"),
        ("exchange", "Audit.Exchange", "Exchange: mailboxes, and what administrators do"),
        ("sharepoint", "Audit.SharePoint", "SharePoint and OneDrive: files, sites, sharing"),
        ("general", "Audit.General", "Teams, Defender, Purview, Power Platform and all other services"),
        ("dlp", "DLP.All", "matches of data loss prevention rules"),
    )
)

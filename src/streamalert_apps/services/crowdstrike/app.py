"""CrowdStrike Falcon, alerts and event streams.

Alerts are listed by when they were made, the oldest first, and go on from a token that ends soon. An alert
changes; it is collected once, as it was when it was first seen. Errors may come with status 200, that a token
has ended among them. Each cloud has a host of its own, and the sign-in says to which one a client belongs.

Event streams are what users, API clients and Falcon itself do. A stream has partitions, whose events are
numbered each for itself; whoever asks under a label gets a feed of each, from a number on, which does not end
by itself. While somebody reads under a label, and for a while after that, there is no feed under it: there
are three labels, of which one is free. It is read until nothing comes for a moment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from streamalert_apps.errors import (
    AppError,
    BadResponse,
    CredentialsError,
    OutOfTime,
    PageTokenExpired,
    RateLimited,
    Unavailable,
)
from streamalert_apps.sdk.app import AuthField, Credentials, Json, Stamp
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import EPOCH, Events, Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.http import Answer, Api, with_params
from streamalert_apps.sdk.log import LOGGER
from streamalert_apps.sdk.oauth import by_client_credentials
from streamalert_apps.sdk.pace import Rate, Wait
from streamalert_apps.sdk.shapes import decode
from streamalert_apps.sdk.stream import Stream

PAGE: Final = 1000
HOSTS: Final = {
    "us-1": "api.crowdstrike.com",
    "us-2": "api.us-2.crowdstrike.com",
    "us-3": "api.us-3.crowdstrike.com",
    "eu-1": "api.eu-1.crowdstrike.com",
    "us-gov-1": "api.laggar.gcw.crowdstrike.com",
    "us-gov-2": "api.us-gov-2.crowdstrike.mil",
}
REFERENCE: Final = "https://developer.crowdstrike.com/api-reference/collections"
LABELS: Final = ("streamalert1", "streamalert2", "streamalert3")
FEED_HOST: Final = re.compile(r"([a-z0-9-]+\.)+crowdstrike\.(com|mil)(:443)?")
MOST: Final = 2000
LONGEST: Final = timedelta(seconds=20)
SILENCE_SECONDS: Final = 5.0
_REFUSED: Final = {400, 401, 403}


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


class _Pagination(msgspec.Struct):
    after: str | None = None


class _Meta(msgspec.Struct):
    pagination: _Pagination = msgspec.field(default_factory=_Pagination)


class _Page(msgspec.Struct):
    resources: list[Row] = []
    meta: _Meta = msgspec.field(default_factory=_Meta)


class _Falcon(Events):
    """What the app types share: the sign-in."""

    auth = (
        AuthField(
            "client_id",
            "the client ID of the API client, 32 digits and letters from a to f",
            re.compile(r"[0-9a-f]{32}"),
        ),
        AuthField(
            "client_secret",
            "the secret of the API client, 40 letters and digits",
            re.compile(r"(?![0-9a-f]{32}$)[A-Za-z0-9]{32,64}"),
            secret=True,
        ),
        AuthField(
            "cloud",
            f"the cloud of your tenant: {', '.join(HOSTS)} (default: us-1)",
            re.compile("|".join(HOSTS)),
            optional=True,
        ),
        AuthField(
            "member_cid",
            "the ID of a child tenant (CID), if the API client belongs to its parent",
            re.compile(r"[0-9A-Fa-f]{32}"),
            optional=True,
        ),
    )
    rate = Rate(requests=60, seconds=60, after_429=60)  # a small part of what a tenant is said to have
    waits = (Wait("X-RateLimit-RetryAfter", since="1970"),)

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._url = f"https://{HOSTS[_cloud(credentials)]}"
        member = credentials.get("member_cid")
        self._falcon = by_client_credentials(
            api,
            f"{self._url}/oauth2/token",
            credentials,
            judge=self._judge_token,
            **({"member_cid": member} if member else {}),
        )

    def _judge_token(self, answer: Answer) -> AppError | None:
        """Tell what is wrong with the client; it may be of another cloud, which the answer names."""
        region = answer.headers.get("X-CS-Region", "").lower()
        if region in HOSTS and region != _cloud(self.credentials):
            return CredentialsError(
                f"The API client belongs to the cloud {region}.", hint=f"Give {region} as cloud."
            )
        if answer.status not in _REFUSED:
            return None
        if any("authorization failed" in error.message for error in _errors(answer)):
            return CredentialsError(
                "CrowdStrike does not allow sign-ins from this address.",
                hint="Check the tenant's allowed addresses.",
            )
        return CredentialsError(
            f"CrowdStrike refused the API client ({answer.status}).",
            hint="Check client_id, client_secret and cloud; it may have been revoked.",
        )


class CrowdstrikeAlerts(_Falcon, OldestFirst):
    """Alerts, each once."""

    type = "crowdstrike_alerts"
    collects = "alerts of all Falcon products, each as it was when first seen"
    schemas = ("crowdstrike:alerts",)
    documentation = f"{REFERENCE}/alerts"
    precision = timedelta(seconds=1)
    lag = timedelta(minutes=15)  # a guess: not documented
    time_field = "created_timestamp"
    id_fields = ("composite_id",)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 alerts. The token is the one that the page before told."""
        asked: dict[str, Any] = {
            "filter": f"created_timestamp:>='{iso(since)}'+created_timestamp:<='{iso(until)}'",
            "sort": "created_timestamp|asc",
            "limit": PAGE,
        }
        asked |= {"after": token} if token else {}
        answer = self._falcon.post(f"{self._url}/alerts/combined/alerts/v1", json=asked, judge=_judge)
        page = answer.json(_Page)
        return Fetched(page.resources, page.meta.pagination.after or None)


class _Session(msgspec.Struct):
    token: str

    def __repr__(self) -> str:
        return "_Session(…)"


class _Feed(msgspec.Struct, rename={"url": "dataFeedURL", "session": "sessionToken"}):
    url: str
    session: _Session

    @property
    def partition(self) -> str:
        return urlsplit(self.url).path.rpartition("/")[2]


class _Feeds(msgspec.Struct):
    resources: list[_Feed] = []


class _Metadata(msgspec.Struct, rename="camel"):
    offset: int
    event_creation_time: int = 0


class _Event(msgspec.Struct):
    metadata: _Metadata


class CrowdstrikeEvents(_Falcon, Stream):
    """Event streams. A position is the number of the last event that was read of each partition."""

    type = "crowdstrike_events"
    collects = "what users, API clients and Falcon do: sign-ins, settings, remote responses, detections"
    schemas = ("crowdstrike:events",)
    documentation = f"{REFERENCE}/event-streams"
    lag = timedelta(minutes=5)  # a guess; matters for no event, as late ones are listed when they come
    retention = timedelta(days=7)  # commonly cited
    time_field = "metadata"

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._feeds: list[_Feed] = []

    def check(self) -> None:
        """Ask for feeds, under a label of its own."""
        self._asked_for("streamalertcheck")

    def fetch(self, position: str) -> Fetched:
        """Read what there is now of each partition, up to 2000 events."""
        numbers: dict[str, int] = json.loads(position or "{}")
        self._feeds = self._feeds or self._free()
        rows: list[Row] = []
        before = dict(numbers)
        for feed in self._feeds:
            for row, number in self._events(feed, numbers.get(feed.partition, -1)):
                rows.append(row)
                numbers[feed.partition] = number
        return Fetched(rows, json.dumps(numbers, sort_keys=True), more=numbers != before)

    def stamp(self, row: Row) -> Stamp:
        """Return an event's time; what tells it from others is what it says, as partitions number alike."""
        try:
            milliseconds = decode(row, _Event).metadata.event_creation_time
            return Stamp(EPOCH + timedelta(milliseconds=milliseconds))
        except (msgspec.MsgspecError, OverflowError) as error:
            raise BadResponse(f"An event of the stream is not as documented: {error}.") from None

    def _free(self) -> list[_Feed]:
        """Return the feeds under a label that is free."""
        for label in LABELS:
            if feeds := self._asked_for(label):
                return feeds
        raise RateLimited("CrowdStrike has no free stream at the moment.", retry_after=60)

    def _asked_for(self, label: str) -> list[_Feed]:
        url = with_params(f"{self._url}/sensors/entities/datafeed/v2", {"appId": label, "format": "json"})
        return self._falcon.get(url, judge=_judge_streams).json(_Feeds).resources

    def _events(self, feed: _Feed, last: int) -> Iterator[tuple[Row, int]]:
        """Yield events after the last one that was read, each with its number.

        Whether a feed begins at the number that is asked for or after it is not documented.
        """
        if not FEED_HOST.fullmatch(urlsplit(feed.url).netloc) or not feed.url.startswith("https://"):
            raise BadResponse("CrowdStrike named a feed outside its own domains, which is not read.")
        headers = {"Authorization": f"Token {feed.session.token}"}
        url = with_params(feed.url, {"offset": max(last, 0)})
        began, count = self.api.clock.now(), 0
        odd: list[Row] = []
        for line in _lines(self.api.stream(url, headers=headers, silence=SILENCE_SECONDS)):
            try:
                number = decode(line, _Event).metadata.offset
            except msgspec.MsgspecError:
                LOGGER.warning("a line of the stream is no event with a number")
                odd += _objects(line)
                continue
            if number != last:
                rows = [*odd, msgspec.Raw(line)]  # what has no number comes again until one follows it
                yield from ((row, number) for row in rows)
                count += len(rows)
            odd.clear()
            if count >= MOST or self.api.clock.now() - began > LONGEST:
                return


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield whole lines that are not blank, until the feed ends, breaks off, or falls silent."""
    rest = b""
    with suppress(Unavailable, OutOfTime):
        for piece in pieces:
            *whole, rest = (rest + piece).split(b"\n")
            yield from filter(None, map(bytes.strip, whole))
    with suppress(msgspec.MsgspecError):
        msgspec.json.decode(rest)  # of a line that broke off, nothing is taken
        yield rest.strip()


def _objects(line: bytes) -> list[Row]:
    """Return a line that is a JSON object; nothing for another one."""
    with suppress(msgspec.MsgspecError):
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        return [msgspec.Raw(line)]
    return []


def _cloud(credentials: Credentials) -> str:
    return credentials.get("cloud") or "us-1"


def _errors(answer: Answer) -> list[_Error]:
    with suppress(BadResponse):
        return answer.json(_Errors).errors
    return []


def _judge(answer: Answer) -> AppError | None:
    """Read the errors of an answer, whatever its status."""
    match answer.status:
        case 403:
            return CredentialsError(
                "CrowdStrike refused access to alerts.", hint="The API client needs the scope Alerts: Read."
            )
        case status if status >= 300:  # noqa: PLR2004
            return None
    codes = {error.code for error in _errors(answer)}
    if 404 in codes:  # noqa: PLR2004
        return PageTokenExpired("CrowdStrike no longer knows the rest of the list.")
    return Unavailable("CrowdStrike has a server error.") if codes else None


def _judge_streams(answer: Answer) -> AppError | None:
    if answer.status != 403:  # noqa: PLR2004
        return None
    return CredentialsError(
        "CrowdStrike refused access to event streams.",
        hint="The API client needs the scope Event streams: Read.",
    )

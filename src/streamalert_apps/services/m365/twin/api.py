"""The Office 365 Management Activity API: subscriptions, lists of blobs, and the blobs.

A content type has to be subscribed to; what was published before is not shown. Requests that name no
publisher share one small quota. Throttling is told with status 403.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from streamalert_apps.sdk.clock import Clock, SystemClock
from streamalert_apps.services.m365.twin.blobs import Blob, BlobLog
from streamalert_apps.services.m365.twin.rows import CONTENT, encode
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.limit import Limit
from streamalert_apps.simulator.listapi import VENDORS
from streamalert_apps.simulator.logs import Logs
from streamalert_apps.simulator.microsoft import registered, sign_in
from streamalert_apps.simulator.oauth import Tokens
from streamalert_apps.simulator.store import micros, moment, seeded

CLOUDS: Final = {
    "global": ("login.microsoftonline.com", "manage.office.com"),
    "gcc": ("login.microsoftonline.com", "manage-gcc.office.com"),
    "gcchigh": ("login.microsoftonline.us", "manage.office365.us"),
    "dod": ("login.microsoftonline.us", "manage.protection.apps.mil"),
}
KEPT: Final = timedelta(days=7)
LONGEST: Final = timedelta(hours=24)
PAGE: Final = 200
APPS: Final = {content: app_type for app_type, (content, _) in CONTENT.items()}
_PATH: Final = re.compile(
    r"/api/v1\.0/(?P<tenant>[^/]+)/activity/feed/(?P<what>audit|subscriptions)/(?P<name>[\w$]+)"
)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?")
_CODES: Final = {
    400: ("AF20001", "Missing parameter."),
    401: ("AF10002", "Authorization has been denied for this request."),
    403: ("AF10001", "The permission set sent in the request did not include the expected permission."),
    404: ("AF20050", "The specified content does not exist."),
    429: ("AF429", "Too many requests."),
}


class M365(Logs[BlobLog]):
    """A tenant. `rate`: requests in a minute, instead of the vendor's (None: any number).

    `subscribed`: to all content types, long ago; else blobs appear `first` after a subscription. `delay`: how
    long after it happened a record is in a blob. `permitted`: the app may read activities. `disabled`: an
    administrator has disabled the subscriptions. `throttled`: the status of one request too many.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        cloud: str = "global",
        subscribed: bool = True,
        first: timedelta = timedelta(hours=12),
        delay: timedelta = timedelta(minutes=15),
        permitted: bool = True,
        disabled: bool = False,
        throttled: int = 403,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.credentials = registered(seeded(seed)) | {"cloud": cloud}
        self._other = registered(seeded(seed, "another"))
        self._hosts = CLOUDS[cloud]
        minute = timedelta(minutes=1)
        self._own = Limit(self.clock, 2000 if rate == VENDORS else rate, minute)
        self._shared = Limit(self.clock, 10, minute)
        self._tokens = Tokens(self.clock, f"t{seed}-", 3599)
        self._page_size = min(page_size or PAGE, PAGE)
        self._logs = {
            app_type: BlobLog(self.clock, app_type, make, seed=seed, page=self._page_size, delay=delay)
            for app_type, (_, make) in CONTENT.items()
        }
        self._since: dict[str, int] = dict.fromkeys(APPS, 0) if subscribed else {}
        self._first = first // timedelta(microseconds=1)
        self._permitted = permitted
        self._disabled = disabled
        self._throttled = throttled

    @property
    def wrong_credentials(self) -> Mapping[str, Any]:
        """Credentials with the secret of another app."""
        return self.credentials | {"client_secret": self._other["client_secret"]}

    def revoke_tokens(self) -> None:
        """Make every access token that was given out invalid."""
        self._tokens.revoke()

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        login, api = self._hosts
        host = request.headers.get("host", "").lower()
        try:
            if host == login:
                return sign_in(request, self.credentials, f"https://{api}", self._tokens)
            if host != api:
                raise self._refused(404)
            return self._answer(request)
        except Refused as refused:
            return refused.response

    def failure(self, status: int) -> Response:
        """Word an answer of this status the way Microsoft does."""
        return _failure(status, *_CODES.get(status, ("AF50000", "An internal server error occurred.")))

    def _answer(self, request: Request) -> Response:
        match, given = _PATH.fullmatch(request.path), dict(request.params)
        if not match:
            raise self._refused(404)
        self._admit(request, match["tenant"], given)
        if match["what"] == "audit" and request.method == "GET":
            return self._blob(match["name"])
        if match["what"] == "subscriptions" and match["name"] == "list":
            return Response(200, encode([_subscription(content) for content in self._since]))
        content = given.get("contentType", "")
        if content not in APPS:
            raise Refused(_failure(400, "AF20020", "The specified content type is not valid."))
        if self._disabled:
            raise Refused(_failure(400, "AF20023", "The subscription was disabled by an administrator."))
        match request.method, match["name"]:
            case "POST", "start":
                return self._start(content)
            case "POST", "stop":
                self._since.pop(content, None)
                return Response(200, b"")
            case "GET", "content":
                return self._content(content, given)
        raise self._refused(404)

    def _admit(self, request: Request, tenant: str, given: Mapping[str, str]) -> None:
        if not self._tokens.admits(request):
            raise self._refused(401)
        if tenant.lower() != self.credentials["tenant_id"]:
            raise Refused(_failure(400, "AF20010", "The tenant ID does not match that of the token."))
        if not self._permitted:
            raise self._refused(403)
        limit = self._own if given.get("PublisherIdentifier") else self._shared
        if not limit.take():
            raise Refused(_failure(self._throttled, "AF429", "Too many requests. Method=GetBlob"))

    def _start(self, content: str) -> Response:
        if content in self._since:
            raise Refused(_failure(400, "AF20024", "The subscription is already enabled."))
        self._since[content] = micros(self.clock.now()) + self._first
        return Response(200, encode(_subscription(content)))

    def _content(self, content: str, given: Mapping[str, str]) -> Response:
        if content not in self._since:
            raise Refused(_failure(400, "AF20022", "No subscription found for the specified content type."))
        start, end = self._span(given)
        low, high = micros(start), micros(end)
        there = [blob for blob in self._available(content) if low <= blob.created < high]
        first = 0
        if "nextPage" in given:
            names = [blob.id for blob in there]
            if given["nextPage"] not in names:
                raise Refused(_failure(400, "AF20031", "Invalid nextPage Input."))
            first = names.index(given["nextPage"])
        last = first + self._page_size
        headers: tuple[tuple[str, str], ...] = ()
        if last < len(there):
            params = {name: given[name] for name in ("contentType", "startTime", "endTime") if name in given}
            query = urlencode({**params, "nextPage": there[last].id})
            place = f"https://{self._hosts[1]}/api/v1.0/{self.credentials['tenant_id']}"
            headers = (("NextPageUri", f"{place}/activity/feed/subscriptions/content?{query}"),)
        return Response(200, encode([self._shown(content, blob) for blob in there[first:last]]), headers)

    def _span(self, given: Mapping[str, str]) -> tuple[datetime, datetime]:
        now, named = self.clock.now(), ("startTime" in given, "endTime" in given)
        if named == (False, False):
            return now - LONGEST, now
        if not all(named) or not all(_TIME.fullmatch(given[name]) for name in ("startTime", "endTime")):
            raise Refused(_failure(400, "AF20030", "Start time and end time must both be specified."))
        start, end = (
            datetime.fromisoformat(given[name]).replace(tzinfo=UTC) for name in ("startTime", "endTime")
        )
        if not start < end <= start + LONGEST or start < now - KEPT:
            message = "Start and end are at most 24 hours apart, the start no more than 7 days ago."
            raise Refused(_failure(400, "AF20030", message))
        return start, end

    def _available(self, content: str) -> list[Blob]:
        since = self._since[content]
        return [blob for blob in self._logs[APPS[content]].blobs() if blob.created >= since]

    def _shown(self, content: str, blob: Blob) -> dict[str, str]:
        created = moment(blob.created)
        place = f"https://{self._hosts[1]}/api/v1.0/{self.credentials['tenant_id']}/activity/feed/audit"
        return {
            "contentType": content,
            "contentId": blob.id,
            "contentUri": f"{place}/{blob.id}",
            "contentCreated": _milliseconds(created),
            "contentExpiration": _milliseconds(created + KEPT),
        }

    def _blob(self, name: str) -> Response:
        blobs = (blob for content in self._since for blob in self._available(content) if blob.id == name)
        blob = next(blobs, None)
        if blob is None:
            raise self._refused(404)
        if moment(blob.created) + KEPT <= self.clock.now():
            raise Refused(_failure(400, "AF20051", "Content older than 7 days cannot be retrieved."))
        return Response(200, b"[%b]" % b",".join(event.body for event in blob.events))

    def _refused(self, status: int) -> Refused:
        return Refused(self.failure(status))


def _failure(status: int, code: str, message: str) -> Response:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return Response(status, body, note=message)


def _subscription(content: str) -> dict[str, Any]:
    return {"contentType": content, "status": "enabled", "webhook": None}


def _milliseconds(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Intercom's REST API, as far as it lists what administrators did.

Pages are counted, so that a log that comes in at the top pushes the others down. What Intercom does not
document can be had either way: the order, whether the bounds of a query belong to it, whether per_page is
kept to, and the form of the link to the next page. The search endpoint is not simulated.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.intercom.twin import rows
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.single import Row, SingleLog, uuid
from streamalert_apps.simulator.store import SECOND, micros, seeded

PATH: Final = "/admins/activity_logs"
HOSTS: Final = {"us": "api.intercom.io", "eu": "api.eu.intercom.io", "au": "api.au.intercom.io"}
VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3", "1.4", *(f"2.{number}" for number in range(18)))
PARAMETERS: Final = frozenset({"created_at_after", "created_at_before", "page", "per_page"})
SLICE: Final = 10 * SECOND
USUAL_PAGE: Final = 20
USUAL_RANGE: Final = timedelta(days=30)

_USUAL: Final = {
    400: ("parameter_invalid", "bad 'created_at_after' parameter"),
    401: ("unauthorized", "Access Token Invalid"),
    403: ("api_plan_restricted", "This feature is not yet available to your app"),
    404: ("not_found", "Resource Not Found"),
    406: ("not_acceptable", "Not Acceptable"),
    429: ("rate_limit_exceeded", "Exceeded rate limit"),
    503: ("service_unavailable", "Sorry, the API service is temporarily unavailable"),
}


class Refused(Exception):
    """A request is answered with an error."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Intercom(SingleLog):
    """A workspace. `rate` requests in ten seconds are answered (None: any number).

    `order`: newest or oldest first. `inclusive`: the bounds belong to a query. `version`: that of its
    app, for requests that name none. `plan`: it has activity logs. `longest`: a span that is longer ends
    in a fault. `per_page`: false, and pages have 20 logs whatever is asked for. `linked`: false, and
    `pages.next` is an object in place of a link.
    """

    app_type = "intercom_admin_activity_logs"
    id_field = "id"
    text_field = "activity_description"
    precision = SECOND
    page = 250

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        region: str = "us",
        order: str = "newest",
        inclusive: bool = True,
        rate: int | None = 1666,
        version: str = "1.0",
        plan: bool = True,
        longest: timedelta | None = None,
        per_page: bool = True,
        linked: bool = True,
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size)
        self.credentials = {"token": _token(seeded(seed)), "region": region}
        self._host = HOSTS[region]
        self._newest_first = order == "newest"
        self._edge = 0 if inclusive else SECOND
        self._rate = rate
        self._version = version
        self._plan = plan
        self._longest = longest
        self._per_page = per_page
        self._linked = linked
        self._asked: deque[int] = deque()

    @property
    def wrong_credentials(self) -> Mapping[str, str]:
        """Credentials with another token."""
        return self.credentials | {"token": _token(seeded(self._seed, "another"))}

    def revoke_tokens(self) -> None:
        """Do nothing: the one token does not end."""

    def row(self, random: Random) -> Row:
        """Return a row."""
        return rows.log(random)

    def written(self, time: datetime) -> str:
        """Return a time in JSON: seconds since 1970."""
        return str(int(time.timestamp()))

    def ids(self, random: Random, times: Sequence[tuple[int, int]]) -> Sequence[str]:
        """Return UUIDs, and now and then a number, as older logs have."""
        return [
            str(random.getrandbits(60)) if random.random() < 0.05 else uuid(random)  # noqa: PLR2004 (a share)
            for _ in times
        ]

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        host = request.headers.get("host", "").lower()
        if host not in {self._host, HOSTS["us"]}:
            return failure(401, note=f"the host is {host!r}, the workspace is at {self._host!r}")
        try:
            return self._answer(request)
        except Refused as refused:
            return refused.response

    def failure(self, status: int) -> Response:
        """Word an answer of this status the way Intercom does."""
        return failure(status)

    def _answer(self, request: Request) -> Response:
        if (request.method, request.path) != ("GET", PATH):
            raise Refused(failure(404))
        if "application/json" not in request.headers.get("accept", ""):
            raise Refused(failure(406))
        version = request.headers.get("intercom-version", self._version)
        if version not in VERSIONS:
            message = "The requested version could not be found"
            raise Refused(failure(400, code="intercom_version_invalid", message=message))
        if request.headers.get("authorization") != f"Bearer {self.credentials['token']}":
            raise Refused(failure(401))
        limits = self._count()
        if not self._plan:
            raise Refused(failure(403))
        params = dict(request.params)
        for name in params:
            if name not in PARAMETERS:
                raise Refused(failure(400, message=f"unknown parameter '{name}'"))
        if version != VERSIONS[-1] and "created_at_after" not in params:
            message = "Please provide the following parameters: created_at_after"
            raise Refused(failure(404, code="parameter_not_found", message=message))
        return Response(200, self._page(params), limits)

    def _count(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell of the limit; refuse what exceeds it within ten seconds."""
        now = micros(self.clock.now())
        while self._asked and self._asked[0] <= now - SLICE:
            self._asked.popleft()
        limit = self._rate if self._rate is not None else 1666
        reset = -(-((self._asked[0] if self._asked else now) + SLICE) // SECOND)
        exceeded = self._rate is not None and len(self._asked) >= self._rate
        if not exceeded:
            self._asked.append(now)
        headers = (
            ("X-RateLimit-Limit", str(limit)),
            ("X-RateLimit-Remaining", str(max(0, limit - len(self._asked)))),
            ("X-RateLimit-Reset", str(reset)),
        )
        if exceeded:
            refused = failure(429, message=f"Exceeded rate limit of {limit} in 10_seconds")
            raise Refused(Response(refused.status, refused.body, headers, note=refused.note))
        return headers

    def _page(self, params: Mapping[str, str]) -> bytes:
        now = int(self.clock.now().timestamp())
        after = _number(params, "created_at_after", now - int(USUAL_RANGE.total_seconds()))
        before = _number(params, "created_at_before", now)
        number, size = _number(params, "page", 1), _number(params, "per_page", USUAL_PAGE)
        if number < 1 or not 1 <= size <= self.page:
            raise Refused(failure(400, message="page and per_page must be in range"))
        if self._longest is not None and timedelta(seconds=before - after) > self._longest:
            raise Refused(failure(500, note="the span is too long"))
        size = min(size if self._per_page else USUAL_PAGE, self.page_size)
        found = self.feed.page(
            low=after * SECOND + self._edge,
            high=before * SECOND - self._edge,
            limit=1 << 40,
            newest_first=self._newest_first,
        ).events
        listed = found[(number - 1) * size : number * size]
        total = max(1, -(-len(found) // size))
        following: Any = None
        if number < total:
            place = {"page": str(number + 1), "per_page": str(size)}
            query = urlencode({"created_at_after": after, "created_at_before": before, **place})
            following = f"https://{self._host}{PATH}?{query}" if self._linked else place
        head = {
            "type": "activity_log.list",
            "pages": {
                "type": "pages",
                "next": following,
                "page": number,
                "per_page": size,
                "total_pages": total,
            },
        }
        logs = b",".join(event.body for event in listed)
        return b'%b,"activity_logs":[%b]}' % (json.dumps(head).encode()[:-1], logs)


def failure(status: int, *, code: str = "", message: str = "", note: str = "") -> Response:
    """Word an error as Intercom does; code and message are those usual for the status, or others."""
    usual = _USUAL.get(status, ("server_error", "Sorry, something went wrong"))
    message = message or usual[1]
    errors = [{"code": code or usual[0], "message": message}]
    body = {"type": "error.list", "request_id": "b2f8c0de00000000", "errors": errors}
    return Response(status, json.dumps(body).encode(), note=note or message)


def _number(params: Mapping[str, str], name: str, usual: int) -> int:
    value = params.get(name, str(usual))
    if not (value.isascii() and value.isdecimal() and len(value) <= len("1700000000")):
        raise Refused(failure(400, message=f"bad '{name}' parameter"))
    return int(value)


def _token(random: Random) -> str:
    return b64encode(f"tok:{uuid(random).replace('-', '_')}:1:0".encode()).decode()

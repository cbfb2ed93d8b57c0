"""CrowdStrike's alerts and event streams, and the sign-in before them.

A filter names the time between two bounds; others are not simulated and refused. The token of the next page
belongs to its filter and its order, and ends after two minutes, which is told with status 200.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any, Final
from urllib.parse import urlencode

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.crowdstrike.twin.streams import EVENTS, Streams
from streamalert_apps.simulator.access import arguments, client
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size, Sort
from streamalert_apps.simulator.single import ID, TIME, Row, chance
from streamalert_apps.simulator.store import moment
from streamalert_apps.simulator.times import ISO_MICROSECONDS, ISO_SECONDS, Times

HOSTS: Final = {
    "us-1": "api.crowdstrike.com",
    "us-2": "api.us-2.crowdstrike.com",
    "us-3": "api.us-3.crowdstrike.com",
    "eu-1": "api.eu-1.crowdstrike.com",
    "us-gov-1": "api.laggar.gcw.crowdstrike.com",
    "us-gov-2": "api.us-gov-2.crowdstrike.mil",
}
PATH: Final = "/alerts/combined/alerts/v1"
TENANT: Final = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
_FILTER: Final = re.compile(r"created_timestamp:>='(?P<since>[^']+)'\+created_timestamp:<='(?P<until>[^']+)'")
_MESSAGES: Final = {
    400: "invalid request",
    401: "access denied, invalid bearer token",
    403: "access denied, scope not permitted",
    404: "404: Page Not Found",
    429: "API rate limit exceeded.",
}


def _nanoseconds(at: int) -> str:
    return f'"{moment(at):%Y-%m-%dT%H:%M:%S.%f}123Z"'


def alert(random: Random) -> Row:
    """Return an alert of one of two products."""
    identity = chance(random, 0.3)
    row: Row = {
        "cid": TENANT,
        "composite_id": ID,
        "created_timestamp": TIME,
        "timestamp": TIME,
        "updated_timestamp": TIME,
        "product": "idp" if identity else "epp",
        "type": "idp-user-endpoint-app-info" if identity else "ldt",
        "display_name": random.choice(["Büro 100% locked", 'A "suspicious" script', "渡辺"]),
        "severity": random.randint(10, 90),
        "severity_name": random.choice(["Low", "Medium", "High"]),
        "status": "new",
        "show_in_ui": True,
        "tactic": "Credential Access",
        "technique": "Brute Force",
        "description": "",
    }
    if not identity:
        row["device"] = {"device_id": f"{random.getrandbits(128):032x}", "hostname": "laptop-7"}
    return row


def _ids(random: Random, times: Any) -> list[str | int]:
    return [f"{TENANT}:ind:{random.getrandbits(128):032x}:{number}-10304" for number, _ in enumerate(times)]


ALERTS: Final = Listing(
    app_type="crowdstrike_alerts",
    path=PATH,
    method="POST",
    row=alert,
    ids=_ids,
    times=Times(1, ISO_MICROSECONDS.read, _nanoseconds),
    bounds=ISO_SECONDS,
    since=Bound("since"),
    until=Bound("until"),
    size=Size("limit", usual=100, most=1000),
    turn=Cursor("after", life=timedelta(seconds=120)),
    sort=Sort("sort", "created_timestamp|asc", "created_timestamp|desc"),
    newest_first=True,
    id_field="composite_id",
)


class Crowdstrike(ListApi):
    """A tenant. `permitted`: the client may read. `region`: the cloud that the tenant is really in.

    `partitions`: of its stream. `inclusive`: a feed begins at the number that is asked for, not after it.
    `busy`: seconds for which a label is not free after it was used.
    """

    limit = 6000
    token_path = "/oauth2/token"  # noqa: S105 (where one is to be had)
    token_seconds = 1799
    logs = (ALERTS, EVENTS)

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        cloud: str = "us-1",
        region: str = "",
        permitted: bool = True,
        partitions: int = 2,
        inclusive: bool = True,
        busy: float = 0,
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate)
        self.credentials["cloud"] = cloud
        self._firehose = f"firehose.{HOSTS[cloud].removeprefix('api.')}"
        self.hosts = (HOSTS[cloud], self._firehose)
        self.streams = Streams(
            self._log(EVENTS.app_type),
            (HOSTS[cloud], self._firehose),
            partitions,
            busy=busy,
            inclusive=inclusive,
        )
        self._region = region or cloud
        self._permitted = permitted

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an API client."""
        secret = "".join(random.choices(ascii_letters + digits, k=40))
        return {"client_id": f"{random.getrandbits(128):032x}", "client_secret": secret}

    def grant(self, request: Request) -> Response:
        """Answer a request for a token; the answer says where the tenant is."""
        if client(request) != (self.credentials["client_id"], self.credentials["client_secret"]):
            raise Refused(self.failure(403, "access denied, invalid client"))
        granted = {"access_token": self.tokens.issue(), "token_type": "bearer", "expires_in": 1799}
        return Response(201, json.dumps(granted).encode(), (("X-Cs-Region", self._region),))

    def admit(self, request: Request) -> None:
        """Raise Refused unless the token is right, and the client may read alerts."""
        super().admit(request)
        if not self._permitted:
            raise Refused(self.failure(403))

    def answer(self, request: Request) -> Response:
        """Answer a request; the filter of alerts is read as bounds."""
        if request.headers["host"].lower() == self._firehose:
            return self.streams.feed(request) or self.failure(401)
        if request.path == self.streams.path:
            self.admit(request)
            self.count()
            return self.streams.feeds(request) or self.failure(400)
        if request.path != PATH:
            return super().answer(request)
        given = arguments(request)
        wanted = _FILTER.fullmatch(given.pop("filter", ""))
        if wanted is None:
            self.admit(request)
            raise self.wrong("filter")
        target = f"{PATH}?{urlencode(given | wanted.groupdict())}"
        return super().answer(replace(request, target=target, body=b""))

    def identify(self, app_type: str, log: Mapping[str, Any]) -> str:
        """Return the id of a log that arrived."""
        return self.streams.identify(log) if app_type == EVENTS.app_type else super().identify(app_type, log)

    def shown(self, page: Page) -> Response:
        """Return a page; the last one has no token."""
        turn: dict[str, Any] = {"limit": page.size, "total": page.total}
        turn |= {"after": page.token} if page.token else {}
        meta = {"query_time": 0.012, "pagination": turn, "powered_by": "detectsapi", "trace_id": "7f0c1a52"}
        return Response(200, page.json("resources", meta=meta, errors=[]))

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell of the limit."""
        return (("X-Ratelimit-Limit", "6000"), ("X-Ratelimit-Remaining", str(self.requests.left())))

    def throttled(self) -> Response:
        """Return the answer to one request too many: until when is told in a header of CrowdStrike's own."""
        refused = self.failure(429)
        return replace(refused, headers=(("X-RateLimit-RetryAfter", str(self.requests.resets())),))

    def wrong(self, name: str) -> Refused:
        """Return what a wrong argument is answered with; that a token has ended, with status 200."""
        if name == "after":
            answer = self.failure(404, "Search context expired, please restart the search.")
            return Refused(replace(answer, status=200))
        return super().wrong(name)

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as CrowdStrike does."""
        said = message or _MESSAGES.get(status, "Internal Server Error")
        body = {
            "meta": {"trace_id": "7f0c1a52"},
            "errors": [{"code": status, "message": said}],
            "resources": [],
        }
        return Response(status, json.dumps(body).encode(), note=said)

"""A management console of SentinelOne: its activities, and its threats by when they were last updated.

`siteIds`, `accountIds` and other filters are not simulated and refused, as is `skip`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size, Sort
from streamalert_apps.simulator.single import ID, TIME, Row, chance, uuid
from streamalert_apps.simulator.times import ISO_MICROSECONDS

_BASE: Final = "/web/api/v2.1"
_ERRORS: Final = {
    400: (4000040, "Validation Error"),
    401: (4010010, "Authentication Failed"),
    403: (4030010, "Insufficient permissions"),
    404: (4040010, "Resource not found"),
    429: (4290010, "Too many requests"),
}
_PEOPLE: Final = ("Dana Reyes", "Zoë Łukasz", "渡辺 悠", 'Pat "O" Brien')


def _ids(random: Random, times: Any) -> list[str | int]:
    return [str(10**18 + number) for number in random.sample(range(10**18), len(times))]


def activity(random: Random) -> Row:
    """Return an activity: a sign-in of a user, or something of an agent."""
    name = random.choice(_PEOPLE)
    of_agent = chance(random, 0.4)
    return {
        "id": ID,
        "activityType": 90 if of_agent else 27,
        "activityUuid": uuid(random),
        "accountId": "123456789012345678",
        "accountName": "Acme",
        "siteId": random.choice(["223456789012345678", None]),
        "siteName": "Büro 100%",
        "groupId": None,
        "userId": None if of_agent else "323456789012345678",
        "agentId": "423456789012345678" if of_agent else None,
        "threatId": None,
        "primaryDescription": "Agent started a scan."
        if of_agent
        else f"The management user {name} logged in.",
        "secondaryDescription": None,
        "data": {"username": name, "ipAddress": f"203.0.113.{random.randint(1, 254)}"},
        "createdAt": TIME,
        "updatedAt": TIME,
    }


def threat(random: Random) -> Row:
    """Return a state of a threat."""
    return {
        "id": ID,
        "agentDetectionInfo": {"accountId": "123456789012345678", "siteName": "Default site"},
        "agentRealtimeInfo": {"agentComputerName": "laptop-7", "agentOsName": "Windows 11"},
        "containerInfo": {},
        "indicators": [],
        "kubernetesInfo": {},
        "mitigationStatus": [],
        "threatInfo": {
            "createdAt": "2023-11-21T09:12:25.271483Z",
            "updatedAt": TIME,
            "incidentStatus": random.choice(["unresolved", "in_progress", "resolved"]),
            "threatName": random.choice(["eicar.com", "ünïcode.exe"]),
        },
        "whiteningOptions": ["hash"],
    }


def _listing(app_type: str, path: str, row: Any, by: str, text_field: str) -> Listing:
    return Listing(
        app_type=app_type,
        path=f"{_BASE}/{path}",
        row=row,
        ids=_ids,
        times=ISO_MICROSECONDS,
        since=Bound(f"{by}__gte"),
        until=Bound(f"{by}__lte"),
        size=Size("limit", usual=10, most=1000),
        turn=Cursor("cursor", life=timedelta(hours=1)),
        sort=Sort("sortOrder"),
        ignored=frozenset({"sortBy"}),
        text_field=text_field,
    )


class Sentinelone(ListApi):
    """A console. `permitted`: the user may read the lists. `null`: what is empty is null."""

    limit = 1000
    logs = (
        _listing("sentinelone_activities", "activities", activity, "createdAt", "secondaryDescription"),
        _listing("sentinelone_threats", "threats", threat, "updatedAt", "whiteningOptions"),
    )

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        host: str = "usea1-acme.sentinelone.net",
        permitted: bool = True,
        null: bool = False,
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate)
        self.hosts = (host,)
        self.credentials["host"] = host
        self._permitted = permitted
        self._null = null

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a service user's token."""
        return {"token": "".join(random.choices(ascii_letters + digits, k=80))}

    def admit(self, request: Request) -> None:
        """Raise Refused unless the token is right, and its user may read the lists."""
        if request.headers.get("authorization", "") != f"ApiToken {self.credentials['token']}":
            raise Refused(self.failure(401))
        if not self._permitted:
            raise Refused(self.failure(403))

    def answer(self, request: Request) -> Response:
        """Answer a request; a list is sorted by what it is asked between."""
        sorted_by = dict(request.params).get("sortBy", "")
        if sorted_by and f"{sorted_by}__gte" not in dict(request.params):
            raise self.wrong("sortBy")
        return super().answer(request)

    def shown(self, page: Page) -> Response:
        """Return a page."""
        pagination = {"nextCursor": page.token or None, "totalItems": page.total}
        if self._null and not page.events:
            return Response(200, json.dumps({"data": None, "pagination": pagination}).encode())
        return Response(200, page.json("data", pagination=pagination))

    def throttled(self) -> Response:
        """Return the answer to one request too many; it does not say how long to wait."""
        return replace(super().throttled(), headers=())

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as SentinelOne does."""
        code, title = _ERRORS.get(status, (5000010, "Internal Server Error"))
        errors = [{"code": code, "detail": message or None, "title": title}]
        return Response(status, json.dumps({"errors": errors}).encode(), note=message or title)


TWIN = Sentinelone

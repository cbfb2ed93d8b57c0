"""Cursor's audit logs: pages are counted, so that an event that comes in moves the others.

Filters by kind and user, and a search, are not simulated and refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import basic
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Listing, Number, Page, Size
from streamalert_apps.simulator.single import ID, TIME, Row, chance
from streamalert_apps.simulator.times import ISO_MILLISECONDS

_MESSAGES: Final = {
    400: "Date range cannot exceed 30 days",
    401: "Invalid API key",
    403: "This endpoint requires an Enterprise plan",
    404: "Not found",
    429: "Too many requests",
}
_PEOPLE: Final = ("dana@example.com", "zoë.łukasz@example.com", "渡辺@example.jp", "unknown")


def event(random: Random) -> Row:
    """Return an event; of some, neither user nor address is known."""
    person = random.choice(_PEOPLE)
    unknown = person == "unknown"
    return {
        "event_id": ID,
        "timestamp": TIME,
        "ip_address": "unknown" if unknown else f"203.0.113.{random.randint(1, 254)}",
        "user_email": person,
        "event_type": random.choice(["login", "logout", "add_user", "team_api_key", "team_hook"]),
        "event_data": {"action": "create", "name": 'Büro "a" 100%'} if chance(random, 0.7) else {},
    }


AUDIT: Final = Listing(
    app_type="cursor_audit",
    path="/teams/audit-logs",
    row=event,
    times=ISO_MILLISECONDS,
    since=Bound("startTime", usual=timedelta(days=7)),
    until=Bound("endTime"),
    size=Size("pageSize", usual=100, most=500),
    turn=Number("page"),
    longest=timedelta(days=30),
    id_field="event_id",
    text_field="user_email",
)


class Cursor(ListApi):
    """A team. `newest_first`: the order of its log. `enterprise`: it has the plan that the log is for."""

    limit = 20
    hosts = ("api.cursor.com",)
    proof = "key"
    logs = (AUDIT,)

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        newest_first: bool = True,
        enterprise: bool = True,
    ) -> None:
        listing = replace(AUDIT, newest_first=newest_first)
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=(listing,))
        self._enterprise = enterprise

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an Admin API key."""
        return {"key": f"key_{random.getrandbits(256):064x}"}

    def admit(self, request: Request) -> None:
        """Raise Refused unless the key is right, and the team has the plan."""
        if basic(request) != (self.credentials["key"], ""):
            raise Refused(self.failure(401))
        if not self._enterprise:
            raise Refused(self.failure(403))

    def shown(self, page: Page) -> Response:
        """Return a page."""
        pagination = {
            "page": page.number,
            "pageSize": page.size,
            "totalCount": page.total,
            "totalPages": -(-page.total // page.size),
            "hasNextPage": page.more,
            "hasPreviousPage": page.number > 1,
        }
        params = {"teamId": 12345, "startDate": "2023-11-20", "endDate": "2023-11-21"}
        return Response(200, page.json("events", pagination=pagination, params=params))

    def throttled(self) -> Response:
        """Return the answer to one request too many; it does not say how long to wait."""
        return replace(super().throttled(), headers=())

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Cursor does."""
        said = message or _MESSAGES.get(status, "Internal server error")
        return Response(status, json.dumps({"error": said}).encode(), note=said)


TWIN = Cursor

"""Zoom's reports of activities and of operations.

Days are asked for, of which what is longer than a date is cut off; they begin at midnight of the account's
time zone. The newest row comes first, unless it is to be otherwise: no order is documented. Rows have no id.
A page token is known for 15 minutes. What is more than six months ago is refused with status 300.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any, Final
from urllib.parse import urlencode

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import arguments, basic
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size
from streamalert_apps.simulator.single import TIME, Row
from streamalert_apps.simulator.times import ISO_SECONDS

PAGE: Final = 300
MONTH: Final = timedelta(days=31)
KEPT: Final = timedelta(days=182)
TOKEN: Final = "/oauth/token"  # noqa: S105 (where one is to be had)
KEYS: Final = {"/v2/report/activities": "activity_logs", "/v2/report/operationlogs": "operation_logs"}
_PEOPLE: Final = ("dana@example.com", "zoë.łukasz@example.com", "渡辺@example.jp", "o'neil@example.com")
_CODES: Final = {
    300: (300, "Only provide report in recent 6 months."),
    400: (300, "Invalid parameter."),
    401: (124, "Invalid access token."),
    403: (4711, "Invalid access token, does not contain scopes:[report:read:admin]."),
    404: (2300, "This API endpoint is not recognized."),
    429: (429, "You have reached the maximum per-second rate limit for this API. Try again later."),
}


def activity(random: Random) -> Row:
    """Return a sign-in or a sign-out; of some the version is not known."""
    return {
        "email": random.choice(_PEOPLE),
        "time": TIME,
        "type": random.choice(["Sign in", "Sign out"]),
        "ip_address": f"203.0.113.{random.randint(1, 9)}",
        "client_type": random.choice(["Browser", "mac", "Büro “100%”"]),
        "version": random.choice(["-", "5.16.6.24664"]),
    }


def operation(random: Random) -> Row:
    """Return what an administrator did."""
    return {
        "action": random.choice(["Add", "Update", "Delete"]),
        "category_type": random.choice(["User", "Account", "Role"]),
        "operation_detail": f"Change Role {random.choice(_PEOPLE)}: from Member to Admin, 100%",
        "operator": random.choice(_PEOPLE),
        "time": TIME,
    }


def _listing(app_type: str, path: str, row: Any, text_field: str) -> Listing:
    return Listing(
        app_type=app_type,
        path=path,
        row=row,
        times=ISO_SECONDS,
        since=Bound("from", required=True),
        until=Bound("to", required=True),
        size=Size("page_size", usual=30, most=PAGE, cut=True),
        turn=Cursor("next_page_token", life=timedelta(minutes=15)),
        ignored=frozenset({"category_type"}),
        id_field="",
        text_field=text_field,
        newest_first=True,
    )


LOGS: Final = (
    _listing("zoom_activities", "/v2/report/activities", activity, "client_type"),
    _listing("zoom_operations", "/v2/report/operationlogs", operation, "operation_detail"),
)


class Zoom(ListApi):
    """An account. `rate`: requests in a second, instead of those of a Pro account (None: any number).

    `zone`: the hours by which its days are ahead of UTC. `newest_first`: the order. `scoped`: the status with
    which an app without the scope is refused (0: it has it). `paid`: it has reports. `cluster`: what its API
    is called in the answer to a sign-in (empty: the answer does not say).
    """

    limit = 10
    span = timedelta(seconds=1)
    token_seconds = 3599
    proof = "client_secret"

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        domain: str = "zoom.us",
        zone: int = 0,
        newest_first: bool = True,
        scoped: int = 0,
        paid: bool = True,
        cluster: str = "api",
    ) -> None:
        logs = tuple(replace(log, newest_first=newest_first) for log in LOGS)
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=logs)
        self.credentials["domain"] = domain
        self.hosts = {domain, f"{cluster or 'api'}.{domain}"}
        self._api = f"https://{cluster}.{domain}" if cluster else ""
        self._zone = timedelta(hours=zone)
        self._scoped = scoped
        self._paid = paid
        self._days: Mapping[str, str] = {}

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a Server-to-Server OAuth app."""
        made = {"account_id": 22, "client_id": 22, "client_secret": 32}
        return {name: "".join(random.choices(ascii_letters + digits, k=k)) for name, k in made.items()}

    def answer(self, request: Request) -> Response:
        """Answer a request for a token, or for a report of some days."""
        domain = self.credentials["domain"]
        if (request.headers["host"].lower() == domain) != (request.path == TOKEN):
            raise Refused(self.failure(404))
        if request.path == TOKEN:
            return self._sign_in(request)
        given = arguments(request)
        self._days = {name: given[name] for name in ("from", "to") if name in given}
        low, high = (self._day(given, name) for name in ("from", "to"))
        if not low <= high <= low + MONTH:
            raise self.wrong("to")
        if low < self.clock.now() - KEPT:
            raise Refused(self.failure(300))
        bounds = {
            "from": f"{low:%Y-%m-%dT%H:%M:%SZ}",
            "to": f"{high + timedelta(hours=24, seconds=-1):%Y-%m-%dT%H:%M:%SZ}",
        }
        return super().answer(replace(request, target=f"{request.path}?{urlencode(given | bounds)}"))

    def _day(self, given: Mapping[str, str], name: str) -> datetime:
        text = given.get(name, "")[:10]
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            raise self.wrong(name)
        return datetime.fromisoformat(text).replace(tzinfo=UTC) - self._zone

    def _sign_in(self, request: Request) -> Response:
        given = arguments(request)
        if given.get("grant_type") != "account_credentials":
            raise Refused(_sign_in_failure(400, "unsupported_grant_type", "Unsupported grant type"))
        if basic(request) != (self.credentials["client_id"], self.credentials["client_secret"]):
            raise Refused(_sign_in_failure(400, "invalid_client", "Invalid client_id or client_secret"))
        if given.get("account_id") != self.credentials["account_id"]:
            raise Refused(_sign_in_failure(400, "invalid_request", "Bad Request"))
        granted = {
            "access_token": self.tokens.issue(),
            "token_type": "bearer",
            "expires_in": self.tokens.seconds,
            "scope": "report:read:admin",
        }
        return Response(200, json.dumps(granted | ({"api_url": self._api} if self._api else {})).encode())

    def admit(self, request: Request) -> None:
        """Raise Refused unless the token is right, and has the scope."""
        if not self.tokens.admits(request):
            raise Refused(self.failure(401))
        if self._scoped:
            code, message = _CODES[403]
            raise Refused(_failure(self._scoped, code, message))
        if not self._paid:
            raise Refused(_failure(400, 200, "Only available for Paid account."))

    def shown(self, page: Page) -> Response:
        """Return a page; on the last one the token is empty."""
        more = {**self._days, "page_size": page.size, "next_page_token": page.token}
        return Response(200, page.json(KEYS[page.listing.path], **more))

    def throttled(self) -> Response:
        """Return the answer to one request too many, which does not say how long to wait."""
        return self.failure(429)

    def wrong(self, name: str) -> Refused:
        """Return what a wrong argument is answered with; a token that has expired has status 300."""
        return Refused(
            _failure(300 if name == "next_page_token" else 400, 300, f"Invalid parameter: {name}.")
        )

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Zoom does."""
        code, usual = _CODES.get(status, (status, "Internal error."))
        return _failure(status, code, message or usual)


def _failure(status: int, code: int, message: str) -> Response:
    return Response(status, json.dumps({"code": code, "message": message}).encode(), note=message)


def _sign_in_failure(status: int, error: str, reason: str) -> Response:
    return Response(status, json.dumps({"reason": reason, "error": error}).encode(), note=reason)


TWIN = Zoom

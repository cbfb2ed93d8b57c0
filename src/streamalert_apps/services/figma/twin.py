"""Figma's activity logs: by cursor, the oldest first unless something else is asked for.

Both bounds are counted in. A cursor is no more than a place, so none ends; the last page has one, too.
Filters are not simulated and refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import arguments, basic
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size, Sort
from streamalert_apps.simulator.single import ID, TIME, Row, chance
from streamalert_apps.simulator.times import EPOCH_SECONDS

HOSTS: Final = {"global": "api.figma.com", "gov": "api.figma-gov.com"}
_PEOPLE: Final = (("Dana", "dana@example.com"), ("Zoë", "zoë.łukasz@example.com"), ("渡辺", "y@example.jp"))
_USUAL: Final = {401: "Token missing or incorrect", 403: "Invalid scope(s)", 429: "Rate limit exceeded"}


def _user(random: Random) -> dict[str, Any]:
    name, email = random.choice(_PEOPLE)
    return {"type": "user", "id": f"{random.getrandbits(60)}", "name": name, "email": email}


def event(random: Random) -> Row:
    """Return an event; some have no actor."""
    team = {"type": "team", "id": "77", "name": "Büro 100%"}
    return {
        "id": ID,
        "timestamp": TIME,
        "actor": _user(random) if chance(random, 0.9) else None,
        "action": {
            "type": random.choice(["org_user_create", "fig_file_link_access_change", "team_rename"]),
            "details": random.choice([{"email": "kim@example.com"}, {}, None]),
        },
        "entity": random.choice([_user(random), team]),
        "context": {
            "client_name": None,
            "ip_address": f"203.0.113.{random.randint(1, 254)}",
            "is_figma_support_team_action": False,
            "org_id": "77",
            "team_id": random.choice([None, "78"]),
        },
    }


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str]:
    return [f"{random.getrandbits(80):020x}" for _ in times]


EVENTS: Final = Listing(
    app_type="figma_activity",
    path="/v1/activity_logs",
    row=event,
    ids=_ids,
    times=EPOCH_SECONDS,
    since=Bound("start_time", usual=timedelta(days=365)),
    until=Bound("end_time"),
    size=Size("limit", usual=1000, most=1000),
    turn=Cursor("cursor", bound=False, always=True),
    sort=Sort("order"),
    text_field="context",
)


class Figma(ListApi):
    """An organization in a cloud. `sign_in`: with a plan access token, or as an OAuth app.

    `permitted`: the token has the scope.
    """

    limit = 150
    logs = (EVENTS,)
    token_path = "/v1/oauth/refresh"  # noqa: S105 (where one is to be had)
    token_seconds = 90 * 86400

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        sign_in: str = "token",
        cloud: str = "global",
        permitted: bool = True,
    ) -> None:
        self._is_app = sign_in == "app"
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate)
        self.credentials |= {} if cloud == "global" else {"cloud": cloud}
        self.hosts = (HOSTS[cloud],)
        self._permitted = permitted

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a plan access token, or an OAuth app and its refresh token."""

        def letters(count: int) -> str:
            return "".join(random.choices(ascii_letters + digits, k=count))

        if not self._is_app:
            return {"token": f"figp_{letters(40)}"}
        return {
            "client_id": letters(22),
            "client_secret": letters(30),
            "refresh_token": f"figur_{letters(40)}",
        }

    @property
    def wrong_credentials(self) -> Mapping[str, Any]:
        """Another token, or another app."""
        return {**self.credentials, **self._other}

    def grant(self, request: Request) -> Response:
        """Answer a request for a token of a refresh token, which stays as it is."""
        given = self.credentials
        if not self._is_app or basic(request) != (given["client_id"], given["client_secret"]):
            raise Refused(self.failure(401, "Invalid client credentials"))
        if arguments(request).get("refresh_token") != given["refresh_token"]:
            raise Refused(self.failure(400, "Invalid refresh token"))
        token, seconds = self.tokens.issue(), self.tokens.seconds
        granted = {"access_token": token, "token_type": "bearer", "expires_in": seconds}
        return Response(200, json.dumps(granted).encode())

    def admit(self, request: Request) -> None:
        """Raise Refused unless the token is right, and has the scope."""
        sent = request.headers.get("x-figma-token")
        if not (self.tokens.admits(request) if self._is_app else sent == self.credentials["token"]):
            raise Refused(self.failure(401))
        if not self._permitted:
            raise Refused(self.failure(403))

    def shown(self, page: Page) -> Response:
        """Return a page, with a cursor wherever it has an event."""
        more = json.dumps(page.more).encode()
        cursor = json.dumps(page.token if page.events else None).encode()
        meta = b'{"activity_logs":%b,"cursor":%b,"next_page":%b}' % (page.rows, cursor, more)
        return Response(200, b'{"status":200,"error":false,"meta":%b}' % meta)

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Figma does."""
        message = message or _USUAL.get(status, "Internal server error")
        body = {"status": status, "error": True, "message": message}
        return Response(status, json.dumps(body).encode(), note=message)


TWIN = Figma

"""PagerDuty's audit records: the newest first, by cursor; and its identity provider for apps.

Filters are not simulated and refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from string import ascii_letters, ascii_uppercase, digits
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import arguments
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size
from streamalert_apps.simulator.single import ID, TIME, Row, chance, uuid
from streamalert_apps.simulator.times import ISO_MILLISECONDS

HOSTS: Final = {"us": "api.pagerduty.com", "eu": "api.eu.pagerduty.com"}
IDENTITY: Final = "identity.pagerduty.com"
VERSION: Final = "application/vnd.pagerduty+json;version=2"
_PEOPLE: Final = ("Dana Reyes", "Zoë Łukasz", "渡辺 悠", 'Pat "O"')
_ERRORS: Final = {
    400: (2001, "Invalid Input Provided"),
    401: (2006, "Unauthorized"),
    402: (2014, "Account does not have the abilities to perform the action."),
    403: (2010, "Access Denied"),
    404: (2100, "Not Found"),
    429: (2020, "Rate Limit Exceeded"),
}


def _reference(random: Random, kind: str) -> dict[str, Any]:
    name = "".join(random.choices(ascii_uppercase + digits, k=6))
    return {"id": f"P{name}", "type": f"{kind}_reference", "summary": random.choice(_PEOPLE)}


def record(random: Random) -> Row:
    """Return a record; most of it may be missing or null."""
    kind = random.choice(["user", "team", "schedule", "service"])
    root = _reference(random, kind)
    row: Row = {
        "id": ID,
        "self": None,
        "execution_time": TIME,
        "execution_context": {
            "request_id": f"{random.getrandbits(128):032x}",
            "remote_address": f"203.0.113.{random.randint(1, 254)}",
        },
        "actors": [_reference(random, "user")],
        "method": {
            "type": random.choice(["browser", "oauth", "api_token", "identity_provider", "other"]),
            "truncated_token": random.choice(["3xyz", None]),
            "description": None,
        },
        "root_resource": root,
        "action": random.choice(["create", "update", "delete"]),
    }
    if chance(random, 0.2):
        row |= {"execution_context": None, "actors": None}
    if chance(random, 0.8):
        change = {"name": "name", "description": None, "before_value": "Infra", "value": "Büro 100%"}
        member = {"name": "members", "added": [_reference(random, "user")], "removed": None}
        row["details"] = {"resource": root, "fields": [change], "references": [member]}
    return row


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str]:
    return [f"PD{random.getrandbits(64):016X}_TEAM_UPDATE" for _ in times]


RECORDS: Final = Listing(
    app_type="pagerduty_audit",
    path="/audit/records",
    row=record,
    ids=_ids,
    times=ISO_MILLISECONDS,
    since=Bound("since", usual=timedelta(days=1)),
    until=Bound("until"),
    size=Size("limit", usual=100, most=100, cut=True),
    turn=Cursor("cursor", bound=False),
    newest_first=True,
    longest=timedelta(days=31),
    text_field="action",
)


class Pagerduty(ListApi):
    """An account in a region. `sign_in`: with an API key, or as an app.

    `inclusive`: bounds are counted in. `permitted`: the key may read records, or the app may have the scope.
    """

    limit = 960
    token_path = "/oauth/token"  # noqa: S105 (where one is to be had)
    token_seconds = 30 * 86400

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        region: str = "us",
        sign_in: str = "key",
        inclusive: bool = True,
        permitted: bool = True,
    ) -> None:
        self._is_app = sign_in == "app"
        until = Bound("until", inclusive)
        since = Bound("since", inclusive, usual=timedelta(days=1))
        log = replace(RECORDS, since=since, until=until)
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=(log,))
        self.credentials |= {} if region == "us" else {"region": region}
        self.hosts = (HOSTS[region], IDENTITY)
        self._scope = f"as_account-{region}.acme audit_records.read"
        self._permitted = permitted

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a read-only key of the account, or an app."""
        if self._is_app:
            secret = "".join(random.choices(ascii_letters + digits, k=43))
            return {"client_id": uuid(random), "client_secret": secret, "subdomain": "acme"}
        return {"api_key": "".join(random.choices(f"{ascii_letters}{digits}_+-", k=20))}

    @property
    def wrong_credentials(self) -> Mapping[str, Any]:
        """Another key, or another app."""
        return {**self.credentials, **self._other}

    def grant(self, request: Request) -> Response:
        """Answer a request for a token, which has to name the account and the scope."""
        if not self._is_app or arguments(request).get("scope") != self._scope or not self._permitted:
            body = {"error": "invalid_scope", "error_description": "The requested scope is invalid."}
            raise Refused(Response(400, json.dumps(body).encode(), note="invalid_scope"))
        try:
            return super().grant(request)
        except Refused as refused:
            body = {"error": "invalid_client", "error_description": "The client is not known."}
            raise Refused(Response(refused.response.status, json.dumps(body).encode())) from None

    def admit(self, request: Request) -> None:
        """Raise Refused unless the key is right, may read records, and the version is asked for."""
        headers = request.headers
        key = f"Token token={self.credentials.get('api_key')}"
        if not (self.tokens.admits(request) if self._is_app else headers.get("authorization") == key):
            raise Refused(self.failure(401))
        if not self._permitted:
            raise Refused(self.failure(403))
        if headers.get("accept") != VERSION:
            raise Refused(self.failure(400, "The header Accept is required"))

    def shown(self, page: Page) -> Response:
        """Return a page with the cursor of the next one."""
        more: dict[str, Any] = {
            "next_cursor": page.token or None,
            "limit": page.size,
            "response_metadata": {"messages": []},
        }
        return Response(200, page.json("records", **more))

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell of the limit."""
        return (
            ("ratelimit-limit", str(self.requests.requests or self.limit)),
            ("ratelimit-remaining", str(self.requests.left())),
            ("ratelimit-reset", str(self.requests.wait())),
        )

    def throttled(self) -> Response:
        """Return the answer to one request too many, which says in its headers when to come again."""
        refused = self.failure(429)
        return Response(429, refused.body, self.told(), note=refused.note)

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as PagerDuty does."""
        code, usual = _ERRORS.get(status, (2000, "Internal Server Error"))
        error = {"code": code, "message": usual, "errors": [message] if message else []}
        return Response(status, json.dumps({"error": error}).encode(), note=message or usual)


TWIN = Pagerduty

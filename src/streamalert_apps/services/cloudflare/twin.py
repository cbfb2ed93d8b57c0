"""Cloudflare's audit log, version 2, and its sign-ins of Access.

What is told in different ways can be had either way: where the cursor stands, and whether bounds are counted
in. The last page has a cursor, too. Filters are not simulated and refused.
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
from streamalert_apps.simulator.contract import Facts, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Number, Page, Size, Sort
from streamalert_apps.simulator.single import ID, TIME, Row, chance
from streamalert_apps.simulator.store import seeded
from streamalert_apps.simulator.times import ISO_SECONDS

HOSTS: Final = {"global": "api.cloudflare.com", "fed": "api.fed.cloudflare.com"}
ACCESS: Final = "cloudflare_access"
_ERRORS: Final = {
    400: (10001, "Invalid parameter"),
    401: (10000, "Authentication error"),
    403: (10000, "Authentication error"),
    404: (7003, "Could not route to the request, perhaps your object identifier is invalid?"),
    429: (971, "Please wait and consider throttling your request speed"),
}
_PEOPLE: Final = ("dana@example.com", "zoe.lukasz@example.com", "渡辺@example.jp", 'pat "o"@example.com')


def entry(random: Random) -> Row:
    """Return an entry of the audit log; much of it may be empty."""
    user = chance(random, 0.8)
    return {
        "id": ID,
        "account": {"id": f"{random.getrandbits(128):032x}", "name": "Büro 100%"},
        "action": {
            "description": random.choice(["Add Member", "Update DNS record", ""]),
            "result": random.choice(["success", "failure"]),
            "time": TIME,
            "type": random.choice(["create", "update", "delete", "view"]),
        },
        "actor": {
            "id": f"{random.getrandbits(128):032x}",
            "context": random.choice(["dash", "api_token", "api_key"]),
            "email": random.choice(_PEOPLE) if user else None,
            "ip_address": f"203.0.113.{random.randint(1, 254)}",
            "token_id": None,
            "token_name": None,
            "type": "user" if user else "system",
        },
        "raw": {
            "cf_ray_id": f"{random.getrandbits(64):016x}",
            "method": "POST",
            "status_code": 200,
            "uri": "/accounts/9f3c/members",
            "user_agent": "Mozilla/5.0",
        },
        "resource": {"id": "member-1", "product": "members", "request": {}, "response": {}, "type": "member"},
        "zone": {"id": None, "name": None},
    }


def sign_in(random: Random) -> Row:
    """Return a sign-in; one that was refused may have no user."""
    allowed = chance(random, 0.9)
    return {
        "action": random.choice(["login", "logout"]),
        "allowed": allowed,
        "app_domain": "wiki.acme.example",
        "app_uid": "df7e2w5f-02b7-4d9d-af26-8d1988fca630",
        "connection": random.choice(["saml", "onetimepin"]),
        "created_at": TIME,
        "ip_address": f"203.0.113.{random.randint(1, 254)}",
        "ray_id": ID,
        "user_email": random.choice(_PEOPLE) if allowed else "",
    }


AUDIT: Final = Listing(
    app_type="cloudflare_audit",
    path="",
    row=entry,
    times=ISO_SECONDS,
    size=Size("limit", usual=100, most=1000),
    turn=Cursor("cursor", always=True),
    sort=Sort("direction"),
    newest_first=True,
    text_field="zone",
)
SIGN_INS: Final = Listing(
    app_type=ACCESS,
    path="",
    row=sign_in,
    times=ISO_SECONDS,
    size=Size("limit", usual=25, most=1000),
    turn=Number("page"),
    sort=Sort("direction"),
    newest_first=True,
    id_field="ray_id",
    text_field="app_domain",
)


class Cloudflare(ListApi):
    """An account in a cloud. `inclusive`: bounds are counted in. `nested`: the cursor is `cursors.after`."""

    limit = 1200
    span = timedelta(minutes=5)

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        cloud: str = "global",
        inclusive: bool = True,
        nested: bool = False,
    ) -> None:
        account = f"{seeded(seed, 'account').getrandbits(128):032x}"
        base = f"/client/v4/accounts/{account}"
        audit = replace(
            AUDIT,
            path=f"{base}/logs/audit",
            since=Bound("since", inclusive, required=True),
            until=Bound("before", inclusive, required=True),
        )
        sign_ins = replace(
            SIGN_INS,
            path=f"{base}/access/logs/access_requests",
            since=Bound("since", inclusive),
            until=Bound("until", inclusive),
        )
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=(audit, sign_ins))
        self.credentials |= {"account_id": account} | ({} if cloud == "global" else {"cloud": cloud})
        self.hosts = (HOSTS[cloud],)
        self._nested = nested

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an API token."""
        return {"token": "".join(random.choices(f"{ascii_letters}{digits}_-", k=40))}

    def facts(self, app_type: str) -> Facts:
        """Return what is documented of a log: of one second, no more sign-ins can be had than a page."""
        facts = super().facts(app_type)
        return replace(facts, in_one_second=facts.page) if app_type == ACCESS else facts

    def shown(self, page: Page) -> Response:
        """Return a page; of the audit log, with a cursor."""
        envelope: dict[str, Any] = {"success": True, "errors": [], "messages": []}
        if page.listing.app_type != ACCESS:
            cursor = {"cursors": {"after": page.token}} if self._nested else {"cursor": page.token}
            envelope["result_info"] = {"count": len(page.events), "per_page": page.size} | cursor
        return Response(200, page.json("result", **envelope))

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell of the limit."""
        left, wait = self.requests.left(), self.requests.wait()
        return (("Ratelimit", f'"default";r={left};t={wait}'), ("Ratelimit-Policy", '"default";q=1200;w=300'))

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Cloudflare does."""
        code, usual = _ERRORS.get(status, (10002, "Internal server error"))
        errors = [{"code": code, "message": message or usual}]
        body = {"success": False, "errors": errors, "messages": [], "result": None}
        return Response(status, json.dumps(body).encode(), note=message or usual)


TWIN = Cloudflare

"""JumpCloud's Directory Insights: a list for each service, one for all, and all paging in headers.

A limit or an order that makes no sense is taken for the usual one. Filters are not simulated and refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import arguments
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size, Sort
from streamalert_apps.simulator.single import ID, TIME, Row, chance, uuid
from streamalert_apps.simulator.store import micros
from streamalert_apps.simulator.times import ISO_MILLISECONDS

PATH: Final = "/insights/directory/v1/events"
HOSTS: Final = {
    "us": ("api.jumpcloud.com", "admin-oauth.id.jumpcloud.com"),
    "eu": ("api.eu.jumpcloud.com", "admin-oauth.id.eu.jumpcloud.com"),
    "in": ("api.in.jumpcloud.com", "admin-oauth.id.in.jumpcloud.com"),
}
APPS: Final = {
    "all": "jumpcloud_all",
    "directory": "jumpcloud_directory",
    "sso": "jumpcloud_sso",
    "radius": "jumpcloud_radius",
    "ldap": "jumpcloud_ldap",
    "systems": "jumpcloud_systems",
    "mdm": "jumpcloud_mdm",
    "software": "jumpcloud_software",
    "password_manager": "jumpcloud_passwords",
}
KINDS: Final[dict[str, dict[str, Any]]] = {
    "directory": {"event_type": "admin_login_attempt", "mfa": True, "provider": None},
    "sso": {"event_type": "sso_auth", "application": {"name": "Payroll", "sso_url": "https://sso.example"}},
    "radius": {
        "event_type": "radius_auth_attempt",
        "auth_type": "eap",
        "eap_type": "PEAP",
        "username": "dana",
    },
    "ldap": {"event_type": "ldap_bind", "tls_established": True, "dn": "uid=zoë,ou=Users", "error_code": 0},
    "systems": {
        "event_type": "user_login_attempt",
        "process_name": "/usr/sbin/sshd",
        "src_ip": "203.0.113.9",
    },
    "mdm": {"event_type": "mdm_command_result", "mdm_type": "apple", "error_chain": None},
    "software": {"event_type": "software_add", "name": "Büro 100%", "version": "1.2"},
    "password_manager": {"event_type": "passwordmanager_item_create", "resource": {"type": "item"}},
}
ASKED: Final = {"service", "start_time", "end_time", "sort", "limit", "search_after"}
_PEOPLE: Final = ("dana@example.com", "zoë.łukasz@example.com", "渡辺@example.jp")


def event(service: str, random: Random) -> Row:
    """Return an event; what it has besides time and id differs with its kind."""
    chosen = random.choice([*KINDS]) if service == "all" else service
    row: Row = {
        "id": ID,
        "timestamp": TIME,
        "service": chosen,
        "organization": f"{random.getrandbits(96):024x}",
        "@version": "1",
        "success": chance(random, 0.9),
    }
    if chance(random, 0.7):
        administrator = f"{random.getrandbits(96):024x}"
        row["initiated_by"] = {"type": "admin", "id": administrator, "email": random.choice(_PEOPLE)}
        row["client_ip"] = f"203.0.113.{random.randint(1, 254)}"
        row["geoip"] = {"country_code": "US", "latitude": 42.28, "longitude": -83.74}
    return row | KINDS[chosen]


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str]:
    return [f"{random.getrandbits(96):024x}" for _ in times]


def _listing(service: str) -> Listing:
    return Listing(
        app_type=APPS[service],
        path=f"{PATH}/{service}",
        method="POST",
        row=partial(event, service),
        ids=_ids,
        times=ISO_MILLISECONDS,
        since=Bound("start_time", required=True),
        until=Bound("end_time"),
        size=Size("limit", usual=1000, most=10_000, cut=True),
        turn=Cursor("search_after", always=True),
        sort=Sort("sort", "ASC", "DESC"),
        text_field="event_type",
    )


class Jumpcloud(ListApi):
    """An organization in a region. `org_id`: its provider has to name it.

    `sign_in`: with an administrator's key, or as a service account, whose secret has to be in a header.
    `permitted`: the role suffices. `sized`: pages say how large they may be.
    """

    limit = 600
    token_path = "/oauth2/token"  # noqa: S105 (where one is to be had)
    logs = tuple(map(_listing, APPS))

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        region: str = "us",
        org_id: str = "",
        sign_in: str = "key",
        permitted: bool = True,
        sized: bool = True,
    ) -> None:
        self._is_account = sign_in == "account"
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate)
        self.credentials |= {"region": region} | ({"org_id": org_id} if org_id else {})
        self.hosts = HOSTS[region]
        self._org_id = org_id
        self._permitted = permitted
        self._sized = sized
        self._places: dict[str, str] = {}  # the twin's own page tokens, by what is told of a place

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an administrator's key, or a service account."""
        if self._is_account:
            return {"client_id": uuid(random), "client_secret": f"{random.getrandbits(160):040x}"}
        return {"api_key": f"{random.getrandbits(160):040x}"}

    @property
    def wrong_credentials(self) -> Mapping[str, Any]:
        """Another key, or another service account."""
        return {**self.credentials, **self._other}

    def grant(self, request: Request) -> Response:
        """Answer a request for a token, which a client posts nothing of its own for but the scope."""
        given = arguments(request)
        if not self._is_account or "client_secret" in given or given.get("scope") != "api":
            raise Refused(Response(401, b'{"error":"invalid_client"}'))
        try:
            return super().grant(request)
        except Refused as refused:
            raise Refused(Response(refused.response.status, b'{"error":"invalid_client"}')) from None

    def admit(self, request: Request) -> None:
        """Raise Refused unless the key is right, and may read the organization's events."""
        key = request.headers.get("x-api-key")
        if not (self.tokens.admits(request) if self._is_account else key == self.credentials["api_key"]):
            raise Refused(self.failure(401))
        if not self._permitted or request.headers.get("x-org-id", "") != self._org_id:
            raise Refused(self.failure(403))

    def answer(self, request: Request) -> Response:
        """Answer a request for the events of a service."""
        if (request.method, request.path) != ("POST", PATH):
            return super().answer(request)
        given = arguments(request)
        service = (json.loads(given.pop("service", "[]")) or [""])[0]
        if service not in APPS:
            raise Refused(self.failure(400, f"service must be one of {', '.join(APPS)}"))
        if given.get("sort", "").upper() not in {"ASC", "DESC"}:
            given.pop("sort", None)
        if not given.get("limit", "").isdecimal():
            given.pop("limit", None)
        self._check_span(given)
        if place := given.get("search_after"):
            given["search_after"] = self._places.get(place, place)
        return super().answer(replace(request, target=f"{PATH}/{service}", body=json.dumps(given).encode()))

    def _check_span(self, given: Mapping[str, str]) -> None:
        """Raise Refused where a span begins in the future, or ends before it begins."""
        read = ISO_MILLISECONDS.read
        try:
            begins = read(given.get("start_time", ""))
            ends = read(given["end_time"]) if "end_time" in given else begins
        except ValueError:
            raise self.wrong("start_time") from None
        if begins > micros(self.clock.now() + timedelta(seconds=5)) or ends < begins:
            raise self.wrong("start_time")

    def shown(self, page: Page) -> Response:
        """Return a bare array; headers tell the rest."""
        place = json.dumps([0, ""])
        if page.events:
            last = page.events[-1]
            place = json.dumps([last.at // 1000, last.id])
            self._places[place] = page.token
        headers = {"X-Result-Count": str(len(page.events)), "X-Sort": "ASC", "X-Search_after": place}
        headers |= {"X-Limit": str(page.size)} if self._sized else {}
        return Response(200, page.rows, tuple(headers.items()))

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as JumpCloud does."""
        usual = {401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests"}
        message = message or usual.get(status, "Internal Server Error")
        return Response(status, json.dumps({"message": message}).encode(), note=message)


TWIN = Jumpcloud

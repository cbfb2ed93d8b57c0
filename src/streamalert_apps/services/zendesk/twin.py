"""Zendesk's audit log: by cursor, the newest first unless something else is asked for.

A span of time is two values of one parameter. Paging by offset, and other filters, are not simulated and
refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from string import ascii_letters, digits
from typing import Any, Final
from urllib.parse import urlencode

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import arguments, basic
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size, Sort
from streamalert_apps.simulator.single import ID, TIME, Row
from streamalert_apps.simulator.times import ISO_SECONDS

PATH: Final = "/api/v2/audit_logs"
SPAN: Final = ("filter[created_at][]", "filter[created_at]")
EMAIL: Final = "avery@acme.example"
_ACTIONS: Final = (
    ("create", "Erstellt"),
    ("update", "Aktualisiert"),
    ("destroy", "Gelöscht"),
    ("login", "Anmeldung"),
    ("exported", "Exportiert"),
)
_SOURCES: Final = ("user", "rule", "account_setting", "ticket_field", "apps", "sharing_agreement")
_NAMES: Final = ("Dana Reyes", "Zoë Łukasz", "渡辺 悠", 'Pat "O\'Neil"', "Zendesk", "")


def log(random: Random) -> Row:
    """Return a log; the action's label is in the account's language."""
    action, label = random.choice(_ACTIONS)
    by_zendesk = random.random() < 0.1  # noqa: PLR2004 (a share)
    return {
        "url": "https://acme.zendesk.com/api/v2/audit_logs/498483.json",
        "id": ID,
        "action": action,
        "action_label": label,
        "actor_id": -1 if by_zendesk else random.getrandbits(40),
        "actor_name": "Zendesk" if by_zendesk else random.choice(_NAMES),
        "source_id": random.getrandbits(40),
        "source_type": random.choice(_SOURCES),
        "source_label": random.choice(["Team member: Lee", "Büro 100%", ""]),
        "change_description": random.choice(["Role changed from Agent to Admin", "Enabled", ""]),
        "ip_address": None if by_zendesk else f"203.0.113.{random.randint(1, 254)}",
        "created_at": TIME,
    }


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[int]:
    first = random.getrandbits(44)
    return [first + n for n in range(len(times))]


LOGS: Final = Listing(
    app_type="zendesk_audit",
    path=PATH,
    row=log,
    ids=_ids,
    times=ISO_SECONDS,
    size=Size("page[size]", usual=100, most=100),
    turn=Cursor("page[after]", bound=False, always=True),
    sort=Sort("sort", "created_at", "-created_at"),
    text_field="change_description",
    newest_first=True,
)


class Zendesk(ListApi):
    """An account at `host`. Its client is an OAuth client, or with `sign_in="token"` has an API token.

    `permitted`: the administrator may see the log. `scoped`: the client may have the scope. `inclusive`:
    bounds are counted in.
    """

    limit = 700
    token_path = "/oauth/tokens"  # noqa: S105 (where one is to be had)
    token_seconds = 1800

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        host: str = "acme.zendesk.com",
        sign_in: str = "client",
        permitted: bool = True,
        scoped: bool = True,
        inclusive: bool = True,
    ) -> None:
        self._by_token = sign_in == "token"
        logs = replace(LOGS, since=Bound("since", inclusive), until=Bound("until", inclusive))
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=(logs,))
        self.credentials["host"] = host
        self.hosts = (host,)
        self._permitted = permitted
        self._scoped = scoped

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an OAuth client, or an API token and whose it is."""
        if self._by_token:
            return {"email": EMAIL, "api_token": "".join(random.choices(ascii_letters + digits, k=40))}
        return {"client_id": "audit_collector", "client_secret": f"{random.getrandbits(256):064x}"}

    @property
    def wrong_credentials(self) -> Mapping[str, Any]:
        """Credentials with another secret."""
        return {**self.credentials, **self._other}

    def grant(self, request: Request) -> Response:
        """Answer a request for a token, which has to ask for a scope that the client may have."""
        if not self._scoped:
            raise Refused(self.failure(400, "invalid_scope"))
        return super().grant(request)

    def admit(self, request: Request) -> None:
        """Raise Refused unless a request is signed in by one who may see the log."""
        pair = (f"{EMAIL}/token", self.credentials.get("api_token"))
        if not (basic(request) == pair if self._by_token else self.tokens.admits(request)):
            raise Refused(self.failure(401))
        if not self._permitted:
            raise Refused(self.failure(403))

    def answer(self, request: Request) -> Response:
        """Answer a request for a token or for logs; a span is told by two values of one parameter."""
        if request.method != "GET":
            return super().answer(request)
        given, path = arguments(request), request.path.removesuffix(".json")
        span = [value for name, value in request.params if name in SPAN]
        given = {name: value for name, value in given.items() if name not in SPAN}
        if len(span) not in {0, 2}:
            raise self.wrong("filter[created_at]")
        given |= zip(("since", "until"), span, strict=False)
        return super().answer(replace(request, target=f"{path}?{urlencode(given)}"))

    def shown(self, page: Page) -> Response:
        """Return a page, with a cursor wherever it has a log."""
        cursor = page.token if page.events else None
        meta = {"has_more": page.more, "after_cursor": cursor, "before_cursor": cursor}
        links = {"prev": None, "next": page.url or None}
        return Response(200, page.json("audit_logs", meta=meta, links=links))

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Zendesk does."""
        error: Any = message or "Couldn't authenticate you"
        if status not in {400, 401}:
            error = {"title": "Forbidden", "message": message or "You do not have access to this page."}
        return Response(status, json.dumps({"error": error}).encode(), note=message)


TWIN = Zendesk

"""Airtable's audit log: by token, the newest first unless something else is asked for.

Without an end each page has a token, an empty one too, to go on from later. Paging towards older events, and
filters, are not simulated and refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size, Sort
from streamalert_apps.simulator.single import ID, TIME, Row
from streamalert_apps.simulator.store import seeded
from streamalert_apps.simulator.times import ISO_MILLISECONDS

_PEOPLE: Final = (
    ("Dana Reyes", "dana@example.com"),
    ("Zoë Łukasz", "zoë.łukasz@example.com"),
    ("渡辺 悠", "y@example.jp"),
)
_KINDS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("createBase", "base", {"name": "Büro 100%"}),
    ("loginUser", "user", {}),
    ("deleteWorkspaceInvite", "workspace", {"inviteId": "invAbC"}),
)
_ERRORS: Final = {
    401: ("AUTHENTICATION_REQUIRED", "Authentication required"),
    403: ("INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "Invalid permissions, or the model was not found."),
    404: ("NOT_FOUND", "Not found"),
    422: ("INVALID_REQUEST_UNKNOWN", "Invalid request: parameter validation failed."),
    429: ("RATE_LIMIT_REACHED", "Rate limit exceeded. Please try again later"),
}


def _named(random: Random, prefix: str) -> str:
    return prefix + "".join(random.choices(ascii_letters + digits, k=14))


def event(random: Random) -> Row:
    """Return an event; what is in it differs with its action."""
    action, kind, payload = random.choice(_KINDS)
    name, email = random.choice(_PEOPLE)
    user = {"type": "user", "user": {"id": _named(random, "usr"), "email": email, "name": name}}
    context = {"actionId": _named(random, "act"), "enterpriseAccountId": "entAbCdEfGhIjKlMn"}
    return {
        "id": ID,
        "timestamp": TIME,
        "action": action,
        "actor": random.choice([user, {"type": "anonymousUser"}]),
        "modelId": _named(random, "app"),
        "modelType": kind,
        "payload": payload,
        "payloadVersion": "1.0",
        "context": context | random.choice([{"baseId": _named(random, "app")}, {}]),
        "origin": {"ipAddress": f"203.0.113.{random.randint(1, 254)}", "userAgent": "Mozilla/5.0"},
    }


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str]:
    return [_named(random, "aev") for _ in times]


EVENTS: Final = Listing(
    app_type="airtable_audit",
    path="",
    row=event,
    ids=_ids,
    times=ISO_MILLISECONDS,
    since=Bound("startTime", usual=timedelta(days=180)),
    until=Bound("endTime", inclusive=False),
    size=Size("pageSize", usual=10, most=1000),
    turn=Cursor("next", bound=False, always=True),
    sort=Sort("sortOrder", "ascending", "descending"),
    newest_first=True,
    text_field="action",
)


class Airtable(ListApi):
    """An enterprise account. `permitted`: the token has the scope, and is of an administrator."""

    limit = 50
    span = timedelta(seconds=1)
    hosts = ("api.airtable.com",)

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        permitted: bool = True,
    ) -> None:
        account = _named(seeded(seed, "account"), "ent")
        log = replace(EVENTS, path=f"/v0/meta/enterpriseAccounts/{account}/auditLogEvents")
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=(log,))
        self.credentials["enterprise_account_id"] = account
        self._permitted = permitted
        self._has_end = False

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a personal access token."""
        return {"token": f"{_named(random, 'pat')}.{random.getrandbits(256):064x}"}

    def admit(self, request: Request) -> None:
        """Raise Refused unless the token is right, and may read the log."""
        super().admit(request)
        if not self._permitted:
            raise Refused(self.failure(403))

    def answer(self, request: Request) -> Response:
        """Answer a request, and note whether it asks for an end."""
        self._has_end = "endTime" in dict(request.params)
        return super().answer(request)

    def shown(self, page: Page) -> Response:
        """Return a page, with the token of the next one."""
        token = page.token if page.more or not self._has_end else None
        return Response(200, page.json("events", pagination={"next": token, "previous": None}))

    def throttled(self) -> Response:
        """Return the answer to one request too many, which does not say when to come again."""
        return self.failure(429)

    def wrong(self, name: str) -> Refused:
        """Return what a wrong argument is answered with."""
        return Refused(self.failure(422, f"Invalid request: {name}"))

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Airtable does."""
        kind, usual = _ERRORS.get(status, ("SERVER_ERROR", "Internal server error"))
        error = {"type": kind, "message": message or usual}
        return Response(status, json.dumps({"error": error}).encode(), note=message or usual)


TWIN = Airtable

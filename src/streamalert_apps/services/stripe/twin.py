"""Stripe's events: the newest first, each page after an event's id.

Filters by type are not simulated and refused, as is `ending_before`. `pending_webhooks` is another number
each time that an event is shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from random import Random
from string import ascii_letters, digits
from typing import Any, Final
from urllib.parse import urlencode

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import basic, bearer
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Listing, Offset, Page, Size
from streamalert_apps.simulator.paging import ListedLog
from streamalert_apps.simulator.single import ID, TIME, Row
from streamalert_apps.simulator.times import EPOCH_SECONDS

EVENTS: Final = "stripe_events"
_ERRORS: Final = {
    400: ("invalid_request_error", "parameter_unknown", "Received unknown parameter"),
    401: ("invalid_request_error", "", "Invalid API Key provided"),
    403: ("invalid_request_error", "more_permissions_required", "The provided key does not have access"),
    404: ("invalid_request_error", "url_invalid", "Unrecognized request URL"),
    429: ("invalid_request_error", "rate_limit", "Request rate limit exceeded."),
}
_KINDS: Final = ("customer", "charge", "payout", "account")


def event(random: Random) -> Row:
    """Return an event."""
    kind = random.choice(_KINDS)
    return {
        "id": ID,
        "object": "event",
        "api_version": "2026-08-26",
        "created": TIME,
        "data": {
            "object": {"id": f"{kind}_1", "object": kind, "description": 'Büro 100% "a" 渡辺'},
            "previous_attributes": {"email": "old@example.com"},
        },
        "livemode": True,
        "pending_webhooks": 0,
        "request": {"id": random.choice(["req_1", None]), "idempotency_key": None},
        "type": f"{kind}.updated",
    }


def _ids(random: Random, times: Any) -> list[str | int]:
    return [f"evt_1{''.join(random.choices(ascii_letters + digits, k=23))}" for _ in times]


LISTING: Final = Listing(
    app_type=EVENTS,
    path="/v1/events",
    row=event,
    ids=_ids,
    times=EPOCH_SECONDS,
    since=Bound("created[gte]"),
    until=Bound("created[lte]"),
    size=Size("limit", usual=10, most=100),
    turn=Offset("starting_after"),
    text_field="type",
    newest_first=True,
)


class Stripe(ListApi):
    """An account. `permitted`: the key may read events. `account`: a connected one, whose events it has."""

    limit = 100
    span = timedelta(seconds=1)
    hosts = ("api.stripe.com",)
    proof = "key"
    logs = (LISTING,)

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        permitted: bool = True,
        account: str = "",
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate)
        self.credentials |= {"account": account} if account else {}
        self._account = account
        self._permitted = permitted
        self._shown = count()

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a restricted key."""
        return {"key": f"rk_live_51{''.join(random.choices(ascii_letters + digits, k=97))}"}

    def admit(self, request: Request) -> None:
        """Raise Refused unless the key is right, and may read the account's events."""
        key = self.credentials["key"]
        if bearer(request) != key and basic(request) != (key, ""):
            raise Refused(self.failure(401))
        if not self._permitted or request.headers.get("stripe-account", "") != self._account:
            raise Refused(self.failure(403))

    def listed(self, log: ListedLog, request: Request) -> Response:
        """Answer a request for a page: that after an event is where it stands in the list."""
        given = dict(request.params)
        after = log.feed.find(given.get("starting_after", ""))
        if "starting_after" not in given:
            return super().listed(log, request)
        if after is None:
            raise Refused(self.failure(400, "No such event", code="resource_missing"))
        high = EPOCH_SECONDS.read(given.get("created[lte]", str(1 << 31))) + 999_999
        before = log.feed.page(low=after.at, high=high, limit=1 << 40, newest_first=True).events
        start = next(place for place, one in enumerate(before, 1) if one.id == after.id)
        return super().listed(log, _with(request, starting_after=str(start)))

    def shown(self, page: Page) -> Response:
        """Return a page; whoever has still to be told of an event is another number each time."""
        rows = page.rows.replace(b'"pending_webhooks":0', b'"pending_webhooks":%d' % (next(self._shown) % 3))
        more = b"true" if page.more else b"false"
        return Response(200, b'{"object":"list","url":"/v1/events","has_more":%b,"data":%b}' % (more, rows))

    def throttled(self) -> Response:
        """Return the answer to one request too many; it does not say how long to wait."""
        return replace(self.failure(429), headers=(("Stripe-Rate-Limited-Reason", "global-rate"),))

    def failure(self, status: int, message: str = "", *, code: str = "") -> Response:
        """Word an error as Stripe does."""
        kind, usual, said = _ERRORS.get(status, ("api_error", "", "An unknown error occurred"))
        error = {"type": kind, "message": message or said} | (
            {"code": code or usual} if code or usual else {}
        )
        return Response(status, json.dumps({"error": error}).encode(), note=message or said)


def _with(request: Request, **changed: str) -> Request:
    return replace(request, target=f"{request.path}?{urlencode(dict(request.params) | changed)}")


TWIN = Stripe

"""Twilio's events: the newest first, each page with the address of the next one.

Filters by actor, kind, resource and address are not simulated and refused. A page is had by its token alone,
not by its number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from string import ascii_letters, digits
from typing import Any, Final
from urllib.parse import urlencode

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import basic
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size
from streamalert_apps.simulator.single import ID, TIME, Row, chance
from streamalert_apps.simulator.times import ISO_SECONDS

HOSTS: Final = {
    "us1": "monitor.twilio.com",
    "ie1": "monitor.dublin.ie1.twilio.com",
    "au1": "monitor.sydney.au1.twilio.com",
}
ACCOUNT: Final = f"AC{7:032x}"
_ERRORS: Final = {
    400: (20001, "Bad request"),
    401: (20003, "Authenticate"),
    403: (20403, "Forbidden"),
    404: (20404, "The requested resource was not found"),
    429: (20429, "Too Many Requests"),
}


def _sid(random: Random, prefix: str) -> str:
    return f"{prefix}{random.getrandbits(128):032x}"


def event(random: Random) -> Row:
    """Return an event; many fields may be null."""
    by_user = chance(random, 0.7)
    return {
        "sid": ID,
        "account_sid": ACCOUNT,
        "actor_sid": _sid(random, "US") if by_user else None,
        "actor_type": "user" if by_user else "account",
        "description": None,
        "event_data": {
            "resource_properties": {"friendly_name": {"previous": "Büro", "updated": 'a "渡辺" 100%'}}
        },
        "event_date": TIME,
        "event_type": random.choice(["account.updated", "api-key.created", "phone-number.deleted"]),
        "resource_sid": ACCOUNT,
        "resource_type": random.choice(["account", "api-key"]),
        "source": "web" if by_user else "twilio",
        "source_ip_address": f"203.0.113.{random.randint(1, 254)}" if by_user else None,
        "url": "https://monitor.twilio.com/v1/Events/AE1",
        "links": {"actor": None, "resource": None},
    }


def _ids(random: Random, times: Any) -> list[str | int]:
    return [_sid(random, "AE") for _ in times]


EVENTS: Final = Listing(
    app_type="twilio_events",
    path="/v1/Events",
    row=event,
    ids=_ids,
    times=ISO_SECONDS,
    since=Bound("StartDate"),
    until=Bound("EndDate"),
    size=Size("PageSize", usual=50, most=1000),
    turn=Cursor("PageToken"),
    id_field="sid",
    newest_first=True,
)


class Twilio(ListApi):
    """An account. `permitted`: the key may read events. `by_key`: a key signs in, not the account."""

    limit = 600
    proof = "secret"
    logs = (EVENTS,)

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        region: str = "us1",
        permitted: bool = True,
        by_key: bool = True,
    ) -> None:
        self._prefix = "SK" if by_key else "AC"
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate)
        self.hosts = (HOSTS[region],)
        self.credentials["region"] = region
        self._permitted = permitted
        self._host = HOSTS[region]
        self._number = 0

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an API key."""
        secret = "".join(random.choices(ascii_letters + digits, k=32))
        return {"sid": _sid(random, self._prefix), "secret": secret}

    def admit(self, request: Request) -> None:
        """Raise Refused unless sid and secret are right, and may read events."""
        if basic(request) != (self.credentials["sid"], self.credentials["secret"]):
            raise Refused(self.failure(401))
        if not self._permitted:
            raise Refused(self.failure(403))

    def answer(self, request: Request) -> Response:
        """Answer a request; a page that has a number only is not had."""
        given = dict(request.params)
        self._number = int(given.pop("Page", "0"))
        if self._number and "PageToken" not in given:
            raise self.wrong("Page")
        return super().answer(replace(request, target=f"{request.path}?{urlencode(given)}"))

    def shown(self, page: Page) -> Response:
        """Return a page, with where it and the next one are."""
        base = f"https://{self._host}/v1/Events?"
        meta = {
            "page": self._number,
            "page_size": page.size,
            "first_page_url": f"{base}PageSize={page.size}&Page=0",
            "previous_page_url": None,
            "url": f"{base}PageSize={page.size}&Page={self._number}",
            "next_page_url": f"{page.url}&Page={self._number + 1}" if page.token else None,
            "key": "events",
        }
        return Response(200, page.json("events", meta=meta))

    def throttled(self) -> Response:
        """Return the answer to one request too many; it does not say how long to wait."""
        return replace(super().throttled(), headers=())

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Twilio does."""
        code, usual = _ERRORS.get(status, (20500, "An internal server error has occurred"))
        more = f"https://www.twilio.com/docs/errors/{code}"
        body = {"code": code, "message": message or usual, "more_info": more, "status": status}
        return Response(status, json.dumps(body).encode(), note=message or usual)


TWIN = Twilio

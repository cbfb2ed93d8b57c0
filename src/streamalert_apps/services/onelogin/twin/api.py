"""OneLogin's API: tokens of client credentials, the limit of an hour, and the events.

Events are listed by their number, which is given out in the order in which they happen or show up. What
OneLogin does not document can be had either way: the order of the list, whether the bounds of a query
belong to it, and the status that tells of too many calls. Filters are not simulated and refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count, islice
from random import Random
from string import ascii_lowercase, digits
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.onelogin.twin import rows
from streamalert_apps.services.onelogin.twin.access import AuthServer, failure
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size, Sort
from streamalert_apps.simulator.store import Event
from streamalert_apps.simulator.times import ISO_MILLISECONDS

HOUR: Final = timedelta(hours=1)
FIRST_ID: Final = 9_812_000_000  # more than 32 bits
PAIR: Final = ("client_id", "client_secret")
SUCCESS: Final = {"error": False, "code": 200, "type": "success", "message": "Success"}
INVALID: Final = {
    "since": "date",
    "until": "date",
    "limit": "limit",
    "after_cursor": "cursor",
    "sort": "sort",
}


def _by_number(event: Event) -> tuple[int, str]:
    return int(event.id), ""


EVENTS: Final = Listing(
    app_type="onelogin_events",
    path="/api/1/events",
    row=rows.event,
    times=ISO_MILLISECONDS,
    size=Size("limit", usual=50, most=50, cut=True),
    turn=Cursor("after_cursor", bound=False, always=True),
    sort=Sort("sort", "+id", "-id"),
    text_field="notes",
    order=_by_number,
)


@dataclass(slots=True)
class Window:
    """An hour of calls."""

    ends: datetime
    calls: int = 0


class Onelogin(ListApi):
    """An account, reached at its subdomain and at the old host of its region.

    `order` is that of the list where none is asked for: oldest or newest first. `limited` is the status
    of a call beyond `rate` in an hour (None: any number). A token lives `token_seconds`, a cursor
    `cursor_seconds` (None: for ever). `permitted` says whether the credential may read events,
    `numbered_on_arrival` whether an event gets its number when it shows up. `empty_last_page`: what
    looks like more may be an empty page. `last_cursor`: the last page has a cursor, too.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        subdomain: str = "acme",
        region: str = "us",
        order: str = "oldest",
        inclusive: bool = True,
        rate: int | None = 5000,
        limited: int = 400,
        token_seconds: float = 36000,
        cursor_seconds: float | None = None,
        permitted: bool = True,
        numbered_on_arrival: bool = False,
        empty_last_page: bool = True,
        last_cursor: bool = False,
    ) -> None:
        life = None if cursor_seconds is None else timedelta(seconds=cursor_seconds)
        events = replace(
            EVENTS,
            since=Bound("since", inclusive),
            until=Bound("until", inclusive),
            turn=Cursor("after_cursor", life, bound=False, always=True),
            newest_first=order == "newest",
            ids=self._ids,
        )
        super().__init__(clock, seed=seed, page_size=page_size, logs=(events,))
        self.credentials["subdomain"] = subdomain
        self.hosts = {f"{subdomain}.onelogin.com", f"api.{region}.onelogin.com"}
        self._auth = AuthServer(self.clock, self.credentials, token_seconds)
        self._rate = rate
        self._limited = limited
        self._permitted = permitted
        self._numbered_on_arrival = numbered_on_arrival
        self._empty_last_page = empty_last_page
        self._last_cursor = last_cursor
        self._numbers = count(FIRST_ID, 3)
        self._window = Window(self.clock.now() + HOUR)

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an API credential."""
        return {name: "".join(random.choices(ascii_lowercase + digits, k=64)) for name in PAIR}

    @property
    def wrong_credentials(self) -> Mapping[str, Any]:
        """Credentials with another secret."""
        return self.credentials | {"client_secret": self.credentials["client_secret"][::-1]}

    def revoke_tokens(self) -> None:
        """Make the token that was given out invalid."""
        self._auth.revoke()

    def answer(self, request: Request) -> Response:
        """Answer a request for a token, for the limit, or for events."""
        match request.method, request.path:
            case "POST", "/auth/oauth2/v2/token":
                return self._auth.grant(request)
            case "GET", "/auth/rate_limit":
                self.admit(request)
                return Response(200, json.dumps({"status": SUCCESS, "data": self._limits()}).encode())
            case _:
                return super().answer(request)

    def admit(self, request: Request) -> None:
        """Raise Refused unless a request carries the token."""
        self._auth.admit(request)

    def count(self) -> None:
        """Refuse who may not read events, and what exceeds the rate within the hour."""
        if not self._permitted:
            raise Refused(failure(403))
        now = self.clock.now()
        if now >= self._window.ends:
            self._window = Window(now + HOUR)
        if self._rate is not None and self._window.calls >= self._rate:
            refused = failure(self._limited, message="rate_limit_exceeded")
            raise Refused(Response(refused.status, refused.body, self.told(), note=refused.note))
        self._window.calls += 1

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell of the limit."""
        return tuple((name, str(value)) for name, value in self._limits().items())

    def shown(self, page: Page) -> Response:
        """Return a page; what looks like more has a link and a cursor."""
        more = page.more or (self._empty_last_page and len(page.events) == page.size)
        pagination = {
            "before_cursor": None,
            "after_cursor": page.token if more or self._last_cursor else None,
            "previous_link": None,
            "next_link": page.url if more else None,
        }
        return Response(200, page.json("data", status=SUCCESS, pagination=pagination))

    def wrong(self, name: str) -> Refused:
        """Return what a wrong or an unknown parameter is answered with."""
        message = f"Invalid {INVALID[name]}" if name in INVALID else f"Unknown parameter: {name}"
        return Refused(failure(400, message=message))

    def failure(self, status: int, message: str = "") -> Response:
        """Word an answer of this status the way OneLogin does."""
        return failure(status, message=message)

    def _limits(self) -> dict[str, int]:
        limit, left = self._rate or 5000, self._window.ends - self.clock.now()
        return {
            "X-RateLimit-Limit": limit,
            "X-RateLimit-Remaining": max(0, limit - self._window.calls),
            "X-RateLimit-Reset": max(0, -(-left // timedelta(seconds=1))),
        }

    def _ids(self, random: Random, times: Sequence[tuple[int, int]]) -> list[int]:  # noqa: ARG002 (a hook)
        """Return rising numbers, with gaps."""
        ranks = range(len(times))
        if self._numbered_on_arrival:
            ranked = sorted(ranks, key=lambda place: times[place][1])
            numbers = dict(zip(ranked, self._numbers, strict=False))
            return [numbers[place] for place in ranks]
        return list(islice(self._numbers, len(times)))

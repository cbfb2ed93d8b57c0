"""1Password's Events API: three feeds, each in the order in which its events became known.

Every answer has a cursor, and now and then one is empty though more follows. How an error is worded is not
the same in all of 1Password's documents; `plain` chooses the other form.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.onepassword.twin import rows
from streamalert_apps.simulator.access import arguments
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size
from streamalert_apps.simulator.paging import ListedLog
from streamalert_apps.simulator.single import Row
from streamalert_apps.simulator.store import by_arrival
from streamalert_apps.simulator.times import ISO_MICROSECONDS

FEATURES: Final = ("signinattempts", "itemusages", "auditevents")
HOSTS: Final = {
    "com": "events.1password.com",
    "ca": "events.1password.ca",
    "eu": "events.1password.eu",
    "ent": "events.ent.1password.com",
}
EVERY_TH_EMPTY: Final = 5
_AGAIN: Final = re.compile(rb'"again\d+-')
_MESSAGES: Final = {
    400: "Bad Request",
    401: "Unauthorized access",
    404: "Not Found",
    429: "Too Many Requests",
}


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str]:
    return [rows.uuid(random) for _ in times]


def _nanoseconds(at: int) -> str:
    return ISO_MICROSECONDS.write(at).replace('Z"', '144Z"')


def _feed(name: str, feature: str, row: Callable[[Random], Row], text: str) -> Listing:
    return Listing(
        app_type=f"onepassword_{name}",
        path=f"/api/v2/{feature}",
        method="POST",
        row=row,
        ids=_ids,
        times=replace(ISO_MICROSECONDS, write=_nanoseconds),
        since=Bound("start_time", required=True),
        until=Bound("end_time"),
        size=Size("limit", usual=100, most=1000),
        turn=Cursor("cursor", always=True),
        order=by_arrival,
        id_field="uuid",
        text_field=text,
    )


class Onepassword(ListApi):
    """An account in a region. `features`: the events that its token is for."""

    limit = 600
    logs = (
        _feed("signins", "signinattempts", rows.attempt, "country"),
        _feed("item_usages", "itemusages", rows.usage, "action"),
        _feed("audit", "auditevents", rows.audit, "aux_info"),
    )

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        region: str = "com",
        features: Collection[str] = FEATURES,
        plain: bool = False,
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate)
        self.credentials["region"] = region
        self.hosts = (HOSTS[region],)
        self._features = features
        self._plain = plain
        self._answers = count(1)

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a bearer token, which is a JWT."""
        parts = [
            f'{{"alg":"ES256","n":{random.getrandbits(128)}}}',
            '{"aud":["com.1password.streamingservice"]}',
        ]
        signature = f"{random.getrandbits(256):064x}"
        return {
            "token": ".".join([
                *(urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts),
                signature,
            ])
        }

    def answer(self, request: Request) -> Response:
        """Answer a request for what the token is for, or for events."""
        if (request.method, request.path) == ("GET", "/api/v2/auth/introspect"):
            self.admit(request)
            told = {"uuid": "K7Q2M9X4B1C6H3V5T8R0W2Y6N4", "issued_at": "2023-11-01T08:00:00Z"}
            return Response(200, json.dumps(told | {"features": list(self._features)}).encode())
        return super().answer(request)

    def listed(self, log: ListedLog, request: Request) -> Response:
        """Return a page; now and then an empty one, though more may follow."""
        if log.listing.path.rpartition("/")[2] not in self._features:
            raise Refused(self.failure(401))
        asked = replace(request, body=_AGAIN.sub(b'"', request.body))
        cursor = arguments(asked).get("cursor")
        if cursor and (number := next(self._answers)) % EVERY_TH_EMPTY == 0:
            empty = {"cursor": f"again{number}-{cursor}", "has_more": True, "items": []}
            return Response(200, json.dumps(empty).encode())
        return super().listed(log, asked)

    def shown(self, page: Page) -> Response:
        """Return a page; after a full one there may be more."""
        more = page.more or len(page.events) == page.size
        return Response(200, page.json("items", cursor=page.token, has_more=more))

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as 1Password does."""
        said = message or _MESSAGES.get(status, "Internal Server Error")
        body = {"status": status, "message": said} if self._plain else {"Error": {"Message": said}}
        return Response(status, json.dumps(body).encode(), note=said)

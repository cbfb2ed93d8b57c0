"""Datadog's Audit Trail: by cursor, the newest first unless something else is asked for.

A cursor belongs to its query. Now and then, if that is wanted, an answer has run out of time and holds a part
of its page. Queries are not simulated and refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size, Sort
from streamalert_apps.simulator.single import ID, TIME, Row
from streamalert_apps.simulator.times import ISO_MILLISECONDS

PATH: Final = "/api/v2/audit/events"
_PEOPLE: Final = ("dana@example.com", "zoë.łukasz@example.com", "渡辺@example.jp")
_KINDS: Final = (
    ("Access Management", "modified", {"type": "role", "name": "Büro 100%"}),
    ("Authentication", "login", {"type": "user"}),
    ("Request", "accessed", {"type": "api_request"}),
)


def event(random: Random) -> Row:
    """Return an event; its attributes differ with its kind."""
    name, action, asset = random.choice(_KINDS)
    attributes = {
        "evt": {"name": name, "actor": {"type": "USER"}},
        "action": action,
        "asset": asset,
        "usr": {"id": f"{random.getrandbits(64):x}", "email": random.choice(_PEOPLE)},
        "network": {"client": {"ip": f"203.0.113.{random.randint(1, 254)}"}},
    }
    said = {
        "timestamp": TIME,
        "service": "audit",
        "message": random.choice(["", "A role was changed"]),
        "tags": ["source:datadog"],
        "attributes": attributes,
    }
    return {"id": ID, "type": "audit", "attributes": said}


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str]:
    return [f"AgAAAY{random.getrandbits(96):024x}" for _ in times]


EVENTS: Final = Listing(
    app_type="datadog_audit",
    path=PATH,
    row=event,
    ids=_ids,
    times=ISO_MILLISECONDS,
    size=Size("page[limit]", usual=10, most=1000),
    turn=Cursor("page[cursor]"),
    sort=Sort("sort", "timestamp", "-timestamp"),
    newest_first=True,
    text_field="type",
)


class Datadog(ListApi):
    """An organization at a site. `inclusive`: bounds are counted in. `permitted`: the key has the scope.

    `every_th_in_part`: one answer of so many has run out of time; 0: none.
    """

    limit = 300
    proof = "application_key"

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        site: str = "datadoghq.com",
        inclusive: bool = True,
        permitted: bool = True,
        every_th_in_part: int = 0,
    ) -> None:
        since = Bound("filter[from]", inclusive, usual=timedelta(minutes=15))
        log = replace(EVENTS, since=since, until=Bound("filter[to]", inclusive))
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=(log,))
        self.credentials |= {} if site == "datadoghq.com" else {"site": site}
        self.hosts = (f"api.{site}",)
        self._permitted = permitted
        self._every = every_th_in_part
        self._answers = count(1)

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return two keys."""
        lengths = {"api_key": 32, "application_key": 40}
        return {name: f"{random.getrandbits(4 * size):0{size}x}" for name, size in lengths.items()}

    def admit(self, request: Request) -> None:
        """Raise Refused unless both keys are right, and may read the Audit Trail."""
        sent = [request.headers.get(name) for name in ("dd-api-key", "dd-application-key")]
        right = [self.credentials[name] for name in ("api_key", "application_key")]
        if sent != right or not self._permitted:
            raise Refused(self.failure(403))

    def shown(self, page: Page) -> Response:
        """Return a page, or a part of it."""
        meta: dict[str, Any] = {
            "elapsed": 132,
            "request_id": "MWlFUjVaWGZTTTZPYzM0VXp1OXU2d3xL",
            "status": "done",
        }
        if self._every and next(self._answers) % self._every == 0:
            meta["status"] = "timeout"
            return Response(200, json.dumps({"data": [], "meta": meta}).encode())
        if page.token:
            meta["page"] = {"after": page.token}
        links = {"links": {"next": page.url}} if page.url else {}
        return Response(200, page.json("data", meta=meta, **links))

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell of the limit."""
        return (
            ("X-RateLimit-Limit", str(self.requests.requests or self.limit)),
            ("X-RateLimit-Period", "60"),
            ("X-RateLimit-Remaining", str(self.requests.left())),
            ("X-RateLimit-Reset", str(self.requests.wait())),
            ("X-RateLimit-Name", "audit_search"),
        )

    def throttled(self) -> Response:
        """Return the answer to one request too many, which says in its headers when to come again."""
        refused = self.failure(429)
        return Response(429, refused.body, self.told(), note=refused.note)

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Datadog does."""
        usual = {401: "Unauthorized", 403: "Forbidden", 404: "Not found", 429: "Too many requests"}
        message = message or usual.get(status, "Internal error")
        return Response(status, json.dumps({"errors": [message]}).encode(), note=message)


TWIN = Datadog

"""Acme's twin: the service as it is documented, with made-up events, for tests and `sa-apps simulate`.

It is written from the documentation, not from the client, and as strict as the service: what it lets pass
by mistake is a mistake that no test finds.
"""

import json
from datetime import datetime
from random import Random
from typing import Any

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.single import ID, TIME, SingleLog
from streamalert_apps.simulator.store import MILLISECOND, micros

ACTIONS = ("signed in", "shared a file", "changed a role", "made a token")


class Acme(SingleLog):
    """SingleLog keeps the events, each of which appears up to a minute after it happened."""

    app_type = "acme_audit"
    id_field = "id"
    text_field = "comment"  # free text, where a large event has room
    precision = MILLISECOND
    page = 500

    def __init__(self, clock: Clock | None = None, *, seed: int = 1, page_size: int | None = None) -> None:
        super().__init__(clock, seed=seed, page_size=page_size)
        self.credentials = {"token": f"{seed:032x}"}
        self.wrong_credentials = {"token": f"{seed + 1:032x}"}  # of the right form, and refused

    def revoke_tokens(self) -> None:
        """Do nothing: Acme hands out no tokens that end."""

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        if request.headers.get("authorization") != f"Bearer {self.credentials['token']}":
            return self.failure(401)
        if (request.method, request.path) != ("GET", "/v1/audit"):
            return self.failure(404)
        asked = dict(request.params)
        try:
            low, high = (micros(datetime.fromisoformat(asked[name])) for name in ("from", "to"))
            limit = int(asked.get("limit", self.page))
        except (KeyError, ValueError, TypeError):
            return self.failure(400)
        last = self.feed.find(asked["cursor"]) if "cursor" in asked else None
        page = self.feed.page(low=low, high=high, limit=min(limit, self.page_size), after=last)
        after = json.dumps(page.events[-1].id if page.more else None).encode()
        entries = b",".join(event.body for event in page.events)
        return Response(200, b'{"entries":[%b],"next":%b}' % (entries, after))

    def failure(self, status: int) -> Response:
        """Word an error as Acme does."""
        return Response(status, json.dumps({"error": {"status": status}}).encode())

    def row(self, random: Random) -> dict[str, Any]:
        """Return an event; its time and its id come where the two marks are."""
        number = random.randint(1, 50)
        return {
            "id": ID,
            "time": TIME,
            "action": random.choice(ACTIONS),
            "actor": {"id": number, "email": f"user{number}@acme.example"},
            "comment": "",
        }

    def written(self, time: datetime) -> str:
        """Return a time as Acme writes it in JSON."""
        return json.dumps(time.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


TWIN = Acme

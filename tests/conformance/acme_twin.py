"""A service made up for tests: one list of events, oldest first, whose times are whole seconds."""

# ruff: noqa: ARG002 (it has one list, whatever is asked for)

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Facts, Request, Response
from streamalert_apps.simulator.oauth import Tokens, form
from streamalert_apps.simulator.store import SECOND, Event, Feed, Plan, micros, moment, seeded

LAG: Final = timedelta(minutes=2)


class AcmeTwin:
    """Takes `GET /events?since=…&until=…&after=…` with a token that `POST /token` gives for a secret."""

    def __init__(self, clock: Clock, *, seed: int = 1, page_size: int = 100) -> None:
        self.clock = clock
        self.credentials = {"secret": f"acme-secret-{seed:08}"}
        self.wrong_credentials: Mapping[str, Any] = {"secret": "acme-secret-of-nobody"}
        self._random = seeded(seed)
        self._page_size = page_size
        self._feed = Feed(clock)
        self._tokens = Tokens(clock, "acme-token-", 3600)
        self._count = 0

    def facts(self, app_type: str) -> Facts:
        return Facts(self._page_size, LAG)

    def revoke_tokens(self) -> None:
        self._tokens.revoke()

    def seed(
        self,
        app_type: str,
        *,
        events: int,
        burst: int = 0,
        late: int = 0,
        start: datetime | None = None,
        end: datetime | None = None,
        lateness: timedelta = LAG,
    ) -> None:
        end = end or self.clock.now()
        plan = Plan(
            events, start or end - timedelta(hours=1), end, burst, late, lateness=lateness, precision=SECOND
        )
        self._feed.add([self._event(at, visible) for at, visible in plan.times(self._random)])

    def put(
        self, app_type: str, *, at: datetime, visible: datetime | None = None, size: int = 0, **fields: Any
    ) -> str:
        event = self._event(micros(at.replace(microsecond=0)), micros(visible or at), text="x" * size)
        self._feed.add([event])
        return event.id

    def complete(self, app_type: str) -> datetime:
        return self._feed.complete()

    def held(
        self, app_type: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Counter[str]:
        return self._feed.count(since, until)

    def identify(self, app_type: str, log: Mapping[str, Any]) -> str:
        return str(log["id"])

    def failure(self, status: int) -> Response:
        return Response(status, b'{"error": "no"}')

    def handle(self, request: Request) -> Response:
        if request.path == "/token":
            if form(request).get("secret") != self.credentials["secret"]:
                return self.failure(401)
            return Response(
                200, json.dumps({"access_token": self._tokens.issue(), "expires_in": 3600}).encode()
            )
        if not self._tokens.admits(request):
            return self.failure(401)
        params = dict(request.params)
        page = self._feed.page(
            low=int(params["since"]) * SECOND,
            high=int(params["until"]) * SECOND + SECOND - 1,
            limit=self._page_size,
            after=self._feed.find(params["after"]) if "after" in params else None,
        )
        after = page.events[-1].id if page.more else None
        events = b",".join(event.body for event in page.events)
        return Response(200, b'{"events":[%b],"after":%b}' % (events, json.dumps(after).encode()))

    def _event(self, at: int, visible: int, text: str = "") -> Event:
        self._count += 1
        name = f"event-{self._count:06}"
        body = {"id": name, "time": moment(at).isoformat(), "text": text}
        return Event(at, name, visible, json.dumps(body).encode())

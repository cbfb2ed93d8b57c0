"""Anthropic's activity feed: the newest first, those of one second by id.

A page is gone on with after the id of its last activity. Paging towards newer ones, and filters, are not
simulated and refused. If it is wanted, each request is an activity itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any, Final
from urllib.parse import urlencode

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import arguments
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size
from streamalert_apps.simulator.single import ID, TIME, Row, chance
from streamalert_apps.simulator.store import SECOND
from streamalert_apps.simulator.times import EPOCH_SECONDS, ISO_SECONDS

APP: Final = "anthropic_activities"
PATH: Final = "/v1/compliance/activities"
VERSION: Final = "2023-06-01"
BOUNDS: Final = {"created_at.gte": 0, "created_at.gt": 1, "created_at.lte": 0, "created_at.lt": -1}
_PEOPLE: Final = ("dana@example.com", "zoë.łukasz@example.com", "渡辺@example.jp")
_KINDS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("sso_login_succeeded", {}),
    ("claude_chat_created", {"claude_chat_id": "claude_chat_01AbCd", "claude_project_id": None}),
    ("claude_file_uploaded", {"claude_file_id": "claude_file_01Ef", "filename": "Büro 100%.pdf"}),
    ("role_assignment_granted", {"role_id": "role_01Gh"}),
)
_ERRORS: Final = {
    400: ("invalid_request_error", "Invalid request"),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Missing required scopes. Needed: ['read:compliance_activities']"),
    404: ("not_found_error", "Not found"),
    429: ("rate_limit_error", "Too many requests"),
}


def activity(random: Random) -> Row:
    """Return an activity; what it has at its end differs with its type."""
    kind, more = random.choice(_KINDS)
    user = {
        "type": "user_actor",
        "email_address": random.choice(_PEOPLE),
        "user_id": f"user_01{random.getrandbits(60):x}",
        "ip_address": f"203.0.113.{random.randint(1, 254)}",
        "user_agent": "Mozilla/5.0",
    }
    key = {"type": "api_actor", "api_key_id": f"apikey_01{random.getrandbits(60):x}"}
    within = chance(random, 0.9)
    return {
        "id": ID,
        "created_at": TIME,
        "organization_id": "org_01Wv6QeBcD" if within else None,
        "organization_uuid": "abcdef01-2345-6789-abcd-ef0123456789" if within else None,
        "actor": random.choice([user, key]),
        "type": kind,
        **more,
    }


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str]:
    return [f"activity_01{random.getrandbits(100):025x}" for _ in times]


ACTIVITIES: Final = Listing(
    app_type=APP,
    path=PATH,
    row=activity,
    ids=_ids,
    times=ISO_SECONDS,
    bounds=EPOCH_SECONDS,
    since=Bound("since"),
    until=Bound("until"),
    size=Size("limit", usual=100, most=5000),
    turn=Cursor("after_id", bound=False),
    newest_first=True,
    delay=timedelta(seconds=10),
    text_field="type",
)


class Anthropic(ListApi):
    """An organization. `permitted`: the key has the scope. `watched`: each request is an activity, too."""

    limit = 600
    logs = (ACTIVITIES,)
    hosts = ("api.anthropic.com",)
    proof = "api_key"

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        permitted: bool = True,
        watched: bool = False,
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate)
        self._permitted = permitted
        self._watched = watched
        self._places: dict[str, str] = {}  # the twin's own page tokens, by the last id of the page

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a Compliance Access Key."""
        return {"api_key": f"sk-ant-api01-{''.join(random.choices(ascii_letters + digits, k=86))}"}

    def admit(self, request: Request) -> None:
        """Raise Refused unless the key is right, has the scope, and the version is named."""
        if request.headers.get("x-api-key") != self.credentials["api_key"]:
            raise Refused(self.failure(401))
        if not self._permitted:
            raise Refused(self.failure(403))
        if request.headers.get("anthropic-version") != VERSION:
            raise Refused(self.failure(400, "anthropic-version: header is required"))

    def answer(self, request: Request) -> Response:
        """Answer a request for activities: of bounds of one side, the narrower counts."""
        given = arguments(request)
        sides: dict[str, list[int]] = {"since": [], "until": []}
        for name, more in BOUNDS.items():
            if text := given.pop(name, ""):
                side = "since" if ".g" in name else "until"
                sides[side].append(self._second(text) + more)
        span = {"since": sorted(sides["since"])[-1:], "until": sorted(sides["until"])[:1]}
        given |= {side: f"{bounds[0]}" for side, bounds in span.items() if bounds}
        if after := given.get("after_id"):
            given["after_id"] = self._places.get(after, after)
        if self._watched and request.path == PATH:
            self.put(APP, at=self.clock.now(), type="compliance_api_accessed")
        return super().answer(replace(request, target=f"{request.path}?{urlencode(given)}"))

    def shown(self, page: Page) -> Response:
        """Return a page, with the ids of its first and its last activity."""
        first, last = (page.events[0].id, page.events[-1].id) if page.events else (None, None)
        if last and page.token:
            self._places[last] = page.token
        return Response(200, page.json("data", has_more=page.more, first_id=first, last_id=last))

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Anthropic does."""
        kind, usual = _ERRORS.get(status, ("api_error", "Internal server error"))
        error = {"type": kind, "message": message or usual}
        return Response(status, json.dumps({"type": "error", "error": error}).encode(), note=message or usual)

    def _second(self, text: str) -> int:
        try:
            return ISO_SECONDS.read(text) // SECOND
        except ValueError:
            raise self.wrong("created_at") from None


TWIN = Anthropic

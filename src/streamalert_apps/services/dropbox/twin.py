"""Dropbox's events of a team: from a time on, and then by cursor, as they became known.

Each answer has another cursor, now and then one is empty though more events follow, and an old cursor is
refused with the time of what it had shown. Categories and other filters are not simulated and refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from random import Random
from string import ascii_letters, ascii_lowercase, digits
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock, iso
from streamalert_apps.simulator.access import arguments
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size
from streamalert_apps.simulator.single import TIME, Row, chance
from streamalert_apps.simulator.store import Event, Key
from streamalert_apps.simulator.times import ISO_SECONDS

PATH: Final = "/2/team_log/get_events"
EVERY_TH_EMPTY: Final = 5
_AGAIN: Final = re.compile(r"^again\d+-")
_PEOPLE: Final = (
    ("Dana Reyes", "dana@example.com"),
    ("Zoë Łukasz", "zoe.lukasz@example.com"),
    ("渡辺 悠", "y@example.jp"),
)
_TAGS: Final = {
    400: "invalid_filters",
    401: "invalid_access_token",
    403: "invalid_account_type",
    409: "invalid_time_range",
}


def _member(random: Random) -> dict[str, Any]:
    name, email = random.choice(_PEOPLE)
    ids = {"account_id": f"dbid:AAB{email:x>32}", "team_member_id": f"dbmid:AAD{email}"}
    return {".tag": "team_member", "display_name": name, "email": email} | ids


_PLACE: Final = {"city": "Ann Arbor", "region": "Michigan", "country": "US", "ip_address": "203.0.113.14"}
_WEB: Final = {".tag": "end_user", "end_user": {".tag": "web", "session_id": "dbwsid:1234567890"}}
_PATH: Final = {
    "contextual": "/Plan.docx",
    "namespace_relative": {"ns_id": "1234", "is_shared_namespace": False},
}
_KINDS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "login_success": (
        "logins",
        {"login_method": {".tag": "two_factor_authentication"}, "is_emm_managed": False},
    ),
    "login_fail": (
        "logins",
        {"login_method": {".tag": "password"}, "error_details": {"user_friendly_message": "Wrong"}},
    ),
    "member_change_status": (
        "members",
        {"previous_value": {".tag": "invited"}, "new_value": {".tag": "active"}},
    ),
    "file_add": ("file_operations", {}),
}


def event(random: Random) -> Row:
    """Return an event; details differ with its kind, and much may be missing."""
    member = _member(random)
    kind = random.choice([*_KINDS])
    category, details = _KINDS[kind]
    row: Row = {
        "timestamp": TIME,
        "event_category": {".tag": category},
        "event_type": {".tag": kind, "description": random.choice(["Signed in", "Büro 100%"])},
        "details": {".tag": f"{kind}_details", **details},
    }
    if chance(random, 0.2):
        return row
    file = {".tag": "file", "display_name": "Plan.docx", "path": _PATH}
    return row | {
        "actor": {".tag": "user", "user": member},
        "origin": {"geo_location": _PLACE, "access_method": _WEB},
        "involve_non_team_member": False,
        "context": member,
        "participants": [{".tag": "user", "user": member}] if category == "members" else [],
        "assets": [file] if category == "file_operations" else [],
    }


def _as_known(event: Event) -> Key:
    return event.visible, event.id


EVENTS: Final = Listing(
    app_type="dropbox_team",
    path=PATH,
    method="POST",
    row=event,
    times=ISO_SECONDS,
    since=Bound("start_time"),
    until=Bound("end_time", inclusive=False),
    size=Size("limit", usual=1000, most=1000),
    turn=Cursor("cursor", life=timedelta(days=5), always=True),
    order=_as_known,
    id_field="",
    text_field="details",
)


class Dropbox(ListApi):
    """A team. `pkce`: the app was authorized without its secret. `scoped`: its token may read events."""

    limit = 1000
    logs = (EVENTS,)
    hosts = ("api.dropboxapi.com",)
    proof = "refresh_token"
    token_path = "/oauth2/token"  # noqa: S105 (where one is to be had)
    token_seconds = 14400

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        pkce: bool = False,
        scoped: bool = True,
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate)
        if pkce:
            del self.credentials["app_secret"]
        self._scoped = scoped
        self._answers = count(1)

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an app, and the refresh token that an administrator got for it."""
        key, secret = ("".join(random.choices(ascii_lowercase + digits, k=15)) for _ in range(2))
        token = "".join(random.choices(f"{ascii_letters}{digits}_-", k=64))
        return {"app_key": key, "app_secret": secret, "refresh_token": token}

    def grant(self, request: Request) -> Response:
        """Answer a request for a token of a refresh token."""
        given = arguments(request)
        if given.get("grant_type") != "refresh_token":
            raise self._no_token("unsupported_grant_type", "grant_type must be refresh_token")
        if (given.get("client_id"), given.get("client_secret")) != (
            self.credentials["app_key"],
            self.credentials.get("app_secret"),
        ):
            raise self._no_token("invalid_client", "Invalid client_id or client_secret")
        if given.get("refresh_token") != self.credentials["refresh_token"]:
            raise self._no_token("invalid_grant", "refresh token is invalid or revoked")
        granted = {
            "access_token": self.tokens.issue(),
            "token_type": "bearer",
            "expires_in": self.tokens.seconds,
        }
        return Response(200, json.dumps(granted).encode())

    def answer(self, request: Request) -> Response:
        """Answer a request for a token, for events from a time on, or for those after a cursor."""
        if not request.path.startswith(PATH):
            return super().answer(request)
        given: dict[str, Any] = dict(arguments(request))
        if request.path == f"{PATH}/continue":
            given = {"cursor": _AGAIN.sub("", given.get("cursor", ""))}
            number = next(self._answers)
        elif "cursor" in given:
            raise self.wrong("cursor")
        else:
            given |= json.loads(given.pop("time", "{}"))
            number = 1
        asked = replace(request, target=PATH, body=json.dumps(given).encode())
        answer = super().answer(asked)
        if number % EVERY_TH_EMPTY == 0:
            empty = {"events": [], "cursor": f"again{number}-{given['cursor']}", "has_more": True}
            return Response(200, json.dumps(empty).encode())
        return answer

    def admit(self, request: Request) -> None:
        """Raise Refused unless the token is right, and may read events."""
        super().admit(request)
        if not self._scoped:
            scope = {".tag": "missing_scope", "required_scope": "events.read"}
            raise Refused(self._told(401, "missing_scope/.", scope))

    def shown(self, page: Page) -> Response:
        """Return a page with the cursor to go on from."""
        return Response(200, page.json("events", cursor=page.token, has_more=page.more))

    def wrong(self, name: str) -> Refused:
        """Return what is answered to a cursor that is not known, or to an argument that is wrong."""
        if name == "cursor":
            reset = iso(self.clock.now() - timedelta(days=1))
            return Refused(self._told(409, "reset/.", {".tag": "reset", "reset": reset}))
        text = f'Error in call to API function "team_log/get_events": {name}'
        return Refused(Response(400, text.encode(), content_type="text/plain", note=text))

    def throttled(self) -> Response:
        """Return the answer to one request too many, which says in its body when to come again."""
        error = {"reason": {".tag": "too_many_requests"}, "retry_after": self.requests.wait()}
        return self._told(429, "too_many_requests/.", error)

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Dropbox does."""
        tag = message or _TAGS.get(status, "other")
        return self._told(status, f"{tag}/.", {".tag": tag})

    def _told(self, status: int, summary: str, error: dict[str, Any]) -> Response:
        body = {"error_summary": summary, "error": error}
        return Response(status, json.dumps(body).encode(), note=summary)

    def _no_token(self, error: str, description: str) -> Refused:
        body = {"error": error, "error_description": description}
        return Refused(Response(400, json.dumps(body).encode(), note=description))


TWIN = Dropbox

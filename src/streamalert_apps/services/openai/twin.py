"""OpenAI's audit logs: those of the organization, and, only where they are asked for, those of the tenant.

The newest come first, those of one second in any order. A page is gone on with after the id of its last log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import arguments, bearer
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size
from streamalert_apps.simulator.single import ID, TIME, Row
from streamalert_apps.simulator.times import EPOCH_SECONDS

Kinds: TypeAlias = Sequence[tuple[str, dict[str, Any]]]

PATH: Final = "/v1/organization/audit_logs"
BOUNDS: Final = {"gt": 1, "gte": 0, "lt": -1, "lte": 0}
_AGENT: Final = "Mozilla/5.0 (Macintosh) “Büro”"
_ORGANIZATION: Final[Kinds] = (
    ("api_key.created", {"id": "key_9Tz", "data": {"scopes": ["api.model.request"]}}),
    ("project.archived", {"id": "proj_7Hn2"}),
    ("user.updated", {"id": "user-4kW", "changes_requested": {"role": "owner"}}),
    ("invite.sent", {"id": "invite-1", "data": {"email": "zoë.łukasz@example.com", "role": "reader"}}),
    ("logout.succeeded", {}),
)
_TENANT: Final = (
    ("scim.enabled", {"id": "scim-1"}),
    ("role.created", {"id": "role-1", "role_name": "Büro 100%"}),
)
_USUAL: Final = {
    400: ("invalid_request_error", None, "Invalid parameter."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", None, "You have insufficient permissions for this operation."),
    404: ("invalid_request_error", None, "Invalid URL."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached."),
}


def _log(kinds: Kinds, random: Random) -> Row:
    kind, payload = random.choice(kinds)
    user = {
        "id": f"user-{random.getrandbits(40):x}",
        "email": random.choice(["dana@example.com", "渡辺@example.jp"]),
    }
    session = {"user": user, "ip_address": f"203.0.113.{random.randint(1, 254)}", "user_agent": _AGENT}
    key = {
        "id": f"key_{random.getrandbits(40):x}",
        "type": "service_account",
        "service_account": {"id": "svc-1"},
    }
    actors = ({"type": "session", "session": session}, {"type": "api_key", "api_key": key})
    project = {"id": "proj_7Hn2", "name": "Default project"}
    return {
        "id": ID,
        "type": kind,
        "effective_at": TIME,
        **({"project": project} if random.random() < 0.5 else {}),  # noqa: PLR2004 (a share)
        "actor": random.choice(actors),
        kind: payload,
    }


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str]:
    return [f"audit_log-{random.getrandbits(80):020x}" for _ in times]


def _listing(app_type: str, path: str, kinds: Kinds) -> Listing:
    return Listing(
        app_type=app_type,
        path=path,
        row=lambda random: _log(kinds, random),
        ids=_ids,
        times=EPOCH_SECONDS,
        since=Bound("since"),
        until=Bound("until"),
        size=Size("limit", usual=20, most=100),
        turn=Cursor("after", bound=False),
        text_field="type",
        newest_first=True,
    )


LOGS: Final = (
    _listing("openai_audit", PATH, _ORGANIZATION),
    _listing("openai_tenant", f"{PATH}/tenant", _TENANT),
)


class OpenAI(ListApi):
    """An organization. `rate`: requests in a second (a guess; None: any number).

    `newest_first`: the order, which is only shown. `permitted`: the key may read audit logs.
    """

    limit = 10
    span = timedelta(seconds=1)
    hosts = ("api.openai.com",)
    proof = "api_key"

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        newest_first: bool = True,
        permitted: bool = True,
    ) -> None:
        logs = tuple(replace(log, newest_first=newest_first) for log in LOGS)
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=logs)
        self._permitted = permitted
        self._places: dict[str, str] = {}  # the twin's own page tokens, by the last id of the page

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an Admin key."""
        return {"api_key": f"sk-admin-{''.join(random.choices(ascii_letters + digits, k=64))}"}

    def admit(self, request: Request) -> None:
        """Raise Refused unless the key is right, and may read audit logs."""
        if bearer(request) != self.credentials["api_key"]:
            raise Refused(self.failure(401))
        if not self._permitted:
            raise Refused(self.failure(403))

    def answer(self, request: Request) -> Response:
        """Answer a request for one of the lists: of either bound, what is narrower counts."""
        given = arguments(request)
        path = request.path
        if path == PATH and given.pop("tenant_only", "false") == "true":
            path = f"{PATH}/tenant"
        bounds: dict[str, list[int]] = {"since": [], "until": []}
        for name, more in BOUNDS.items():
            if (text := given.pop(f"effective_at[{name}]", "")) and text.isdecimal():
                bounds["since" if name.startswith("g") else "until"].append(int(text) + more)
            elif text:
                raise self.wrong("effective_at")
        for found in bounds.values():
            found.sort()
        narrowest = {"since": bounds["since"][-1:], "until": bounds["until"][:1]}
        if after := given.get("after"):
            given["after"] = self._places.get(after, after)
        target = f"{path}?{urlencode(given | narrowest, doseq=True)}"
        return super().answer(replace(request, target=target))

    def shown(self, page: Page) -> Response:
        """Return a page, with the ids of its first and its last log."""
        first, last = (page.events[0].id, page.events[-1].id) if page.events else (None, None)
        if last and page.token:
            self._places[last] = page.token
        body = page.json("data", object="list", first_id=first, last_id=last, has_more=page.more)
        return Response(200, body)

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as OpenAI does."""
        kind, code, usual = _USUAL.get(status, ("server_error", None, "The server had an error."))
        error = {"message": message or usual, "type": kind, "param": None, "code": code}
        return Response(status, json.dumps({"error": error}).encode(), note=message or usual)


TWIN = OpenAI

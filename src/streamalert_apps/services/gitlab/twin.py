"""GitLab's audit events, of an instance, a group and a project: by keyset, the highest number first.

Of events that are written in one second, numbers and times need not agree. Paging by offset is not simulated
and refused, as are other orders.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from string import ascii_letters, digits
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import bearer
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size
from streamalert_apps.simulator.single import ID, TIME, Row
from streamalert_apps.simulator.store import SECOND, Event, Key, by_time
from streamalert_apps.simulator.times import ISO_MILLISECONDS

ORDER: Final = {"pagination": "keyset", "order_by": "id", "sort": "desc"}
GROUP, PROJECT = "acme/platform", "acme/platform/api"
PATHS: Final = {
    "gitlab_instance": "/api/v4/audit_events",
    "gitlab_group": "/api/v4/groups/acme%2Fplatform/audit_events",
    "gitlab_project": "/api/v4/projects/acme%2Fplatform%2Fapi/audit_events",
}
_ENTITIES: Final = {
    "gitlab_instance": ("Gitlab::Audit::InstanceScope", "gitlab_instance"),
    "gitlab_group": ("Group", GROUP),
    "gitlab_project": ("Project", PROJECT),
}
_PEOPLE: Final = ("Dana Reyes", "Zoë Łukasz", "渡辺 悠", 'Pat "O"', "(deploy key)")
_BEGIN: Final = 1_600_000_000  # events of before have no numbers
_USUAL: Final = {401: "401 Unauthorized", 403: "403 Forbidden", 404: "404 Group Not Found"}


def event(app_type: str, random: Random) -> Row:
    """Return an event; those of an instance tell some details twice."""
    entity_type, path = _ENTITIES[app_type]
    author = random.choice(_PEOPLE)
    details: dict[str, Any] = {
        "author_name": author,
        "author_email": random.choice(["dana@example.com", None]),
        "author_class": "User",
        "target_id": random.choice([51, "acme/platform", None]),
        "target_type": random.choice(["User", "Project", "ApplicationSetting"]),
        "target_details": random.choice(["Lee", "unknown", "Büro 100%"]),
        "ip_address": random.choice([f"203.0.113.{random.randint(1, 254)}", None]),
        "entity_path": path,
    }
    details |= random.choice([
        {"custom_message": "Added user lee"},
        {"add": "group"},
        {"change": "visibility", "from": "Private", "to": "Public"},
    ])
    row: Row = {
        "id": ID,
        "author_id": random.randint(-3, 99),
        "entity_id": 60,
        "entity_type": entity_type,
        "details": details,
        "created_at": TIME,
        "event_type": random.choice(["member_created", "group_visibility_level_updated"]),
    }
    if app_type == "gitlab_instance":
        row |= {
            name: details[name] for name in ("ip_address", "author_name", "entity_path", "target_details")
        }
    return row


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[int]:
    """Return numbers in the order of the seconds in which events were written; within one, in any."""
    return [
        (visible // SECOND - _BEGIN) * 10**9 + n % 1000 * 10**6 + random.randrange(10**6)
        for n, (_, visible) in enumerate(times)
    ]


def _by_number(event: Event) -> Key:
    return int(event.id), ""


def _listing(app_type: str) -> Listing:
    return Listing(
        app_type=app_type,
        path=PATHS[app_type],
        row=partial(event, app_type),
        ids=_ids,
        times=ISO_MILLISECONDS,
        since=Bound("created_after"),
        until=Bound("created_before"),
        size=Size("per_page", usual=20, most=100, cut=True),
        turn=Cursor("cursor", bound=False, always=True),
        ignored=frozenset(ORDER),
        order=_by_number,
        newest_first=True,
        longest=timedelta(days=30) if app_type == "gitlab_instance" else None,
        text_field="event_type",
    )


class Gitlab(ListApi):
    """GitLab at `host`. `by_number`: the order, else by time. `exact`: the last page has no link.

    `permitted`: the token's user has the role, and there is a license.
    """

    limit = 200

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        host: str = "gitlab.acme.example",
        by_number: bool = True,
        exact: bool = False,
        permitted: bool = True,
    ) -> None:
        order = _by_number if by_number else by_time
        logs = tuple(replace(_listing(app_type), order=order) for app_type in PATHS)
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=logs)
        self.credentials |= {"host": host, "group": GROUP, "project": PROJECT}
        self.hosts = (host,)
        self._exact = exact
        self._permitted = permitted

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a personal access token."""
        return {"token": f"glpat-{''.join(random.choices(ascii_letters + digits, k=20))}"}

    def admit(self, request: Request) -> None:
        """Raise Refused unless the token is right, and may read events in the one order that there is."""
        if self.credentials["token"] not in {request.headers.get("private-token"), bearer(request)}:
            raise Refused(self.failure(401))
        if not self._permitted:
            raise Refused(self.failure(403))
        if not ORDER.items() <= dict(request.params).items():
            raise Refused(
                self.failure(405, "Keyset pagination is not yet available for this type of request")
            )

    def shown(self, page: Page) -> Response:
        """Return a page; one with events leads to another one, which may be empty."""
        ends = not page.events or (self._exact and not page.more)
        link = () if ends else (("Link", f'<{page.url}>; rel="next"'),)
        return Response(200, page.rows, link)

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell of the limit."""
        return (
            ("RateLimit-Limit", str(self.requests.requests or self.limit)),
            ("RateLimit-Remaining", str(self.requests.left())),
            ("RateLimit-Reset", str(self.requests.resets())),
        )

    def throttled(self) -> Response:
        """Return the answer to one request too many, which is a plain text."""
        headers = (*self.told(), ("Retry-After", str(self.requests.wait())))
        return Response(429, b"Retry later\n", headers, content_type="text/plain", note="Retry later")

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as GitLab does."""
        message = message or _USUAL.get(status, f"{status} Error")
        key = "error" if status in {400, 405} else "message"
        return Response(status, json.dumps({key: message}).encode(), note=message)


TWIN = Gitlab

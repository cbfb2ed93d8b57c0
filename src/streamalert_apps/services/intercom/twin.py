"""Intercom's REST API, as far as it lists what administrators did.

Pages are counted, so that a log that comes in at the top pushes the others down. What Intercom does not
document can be had either way: the order, whether the bounds of a query belong to it, whether per_page is
kept to, and the form of the link to the next page. The search endpoint is not simulated.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Listing, Number, Page, Size
from streamalert_apps.simulator.single import ID, TIME, Row, uuid
from streamalert_apps.simulator.times import EPOCH_SECONDS

HOSTS: Final = {"us": "api.intercom.io", "eu": "api.eu.intercom.io", "au": "api.au.intercom.io"}
VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3", "1.4", *(f"2.{number}" for number in range(17)))
USUAL_PAGE: Final = 20

_USUAL: Final = {
    400: ("parameter_invalid", "bad 'created_at_after' parameter"),
    401: ("unauthorized", "Access Token Invalid"),
    403: ("api_plan_restricted", "This feature is not yet available to your app"),
    404: ("not_found", "Resource Not Found"),
    406: ("not_acceptable", "Not Acceptable"),
    429: ("rate_limit_exceeded", "Exceeded rate limit"),
    503: ("service_unavailable", "Sorry, the API service is temporarily unavailable"),
}

_ADMINS: Final = (
    ("991201", "avery@example.com", "Avery Admin"),
    ("991202", "zoe.lukasz@example.com", "Zoë Łukasz"),
    ("991203", "y.watanabe@example.jp", "渡辺 悠"),
    ("991204", "pat@example.com", 'Pat "O\'Neil"'),
)
_ACTIVITIES: Final[tuple[tuple[str, str, Any], ...]] = (
    ("admin_login_success", "{} successfully logged in.", {}),
    ("admin_login_failure", "{} failed to log in.", {}),
    (
        "app_name_change",
        "{} changed your app name from Acme to “Acme 100%”.",
        {"before": "Acme", "after": "Acme 100%"},
    ),
    (
        "admin_permission_change",
        "{} changed permissions.",
        {"before": {"can": False}, "after": {"can": True}},
    ),
    ("app_data_export", "{} exported conversations.", {"export_id": 12345678901234567890}),
    (
        "message_state_change",
        "{} changed your salt&vinegar message.",
        {"message": {"id": 123, "title": "salt&vinegar"}},
    ),
    ("security_settings_change", "{} changed security settings.", None),
)


def log(random: Random) -> Row:
    """Return a log; of some the address is not known."""
    number, email, name = random.choice(_ADMINS)
    kind, description, metadata = random.choice(_ACTIVITIES)
    admin: Row = {"type": "admin", "id": number, "email": email}
    if random.random() < 0.9:  # noqa: PLR2004 (a share)
        admin["ip"] = f"203.0.113.{random.randint(1, 254)}"
    return {
        "id": ID,
        "performed_by": admin,
        "metadata": metadata,
        "created_at": TIME,
        "activity_type": kind,
        "activity_description": description.format(name),
    }


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str]:
    """Return UUIDs, and now and then a number, as older logs have."""
    return [
        str(random.getrandbits(60)) if random.random() < 0.05 else uuid(random)  # noqa: PLR2004 (a share)
        for _ in times
    ]


SINCE: Final = Bound("created_at_after", usual=timedelta(days=30))
UNTIL: Final = Bound("created_at_before")
LOGS: Final = Listing(
    app_type="intercom_admin_activity_logs",
    path="/admins/activity_logs",
    row=log,
    ids=_ids,
    times=EPOCH_SECONDS,
    since=SINCE,
    until=UNTIL,
    size=Size("per_page", usual=USUAL_PAGE, most=250),
    turn=Number("page"),
    text_field="activity_description",
)


class Intercom(ListApi):
    """A workspace. `rate` requests in ten seconds are answered (None: any number).

    `order`: newest or oldest first. `inclusive`: the bounds belong to a query. `version`: that of its
    app, for requests that name none. `plan`: it has activity logs. `longest`: a span that is longer ends
    in a fault. `per_page`: false, and pages have 20 logs whatever is asked for. `linked`: false, and
    `pages.next` is an object in place of a link.
    """

    limit = 1666
    span = timedelta(seconds=10)

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        region: str = "us",
        order: str = "newest",
        inclusive: bool = True,
        rate: int | None = VENDORS,
        version: str = "1.0",
        plan: bool = True,
        longest: timedelta | None = None,
        per_page: bool = True,
        linked: bool = True,
    ) -> None:
        logs = replace(
            LOGS,
            newest_first=order == "newest",
            since=replace(SINCE, inclusive=inclusive),
            until=replace(UNTIL, inclusive=inclusive),
            longest=longest,
        )
        most = page_size if per_page else min(page_size or USUAL_PAGE, USUAL_PAGE)
        super().__init__(clock, seed=seed, page_size=most, rate=rate, logs=(logs,))
        self.credentials["region"] = region
        self.hosts = {HOSTS[region], HOSTS["us"]}
        self._version = version
        self._plan = plan
        self._linked = linked

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an access token."""
        return {"token": b64encode(f"tok:{uuid(random).replace('-', '_')}:1:0".encode()).decode()}

    def handle(self, request: Request) -> Response:
        """Answer a request; a workspace is not known at the host of another region."""
        if request.headers.get("host", "").lower() not in self.hosts:
            return self.failure(401)
        return super().handle(request)

    def admit(self, request: Request) -> None:
        """Raise Refused unless form, version, token and plan are right."""
        accepted = request.headers.get("accept", "*/*")
        if "application/json" not in accepted and "*/*" not in accepted:
            raise Refused(self.failure(406))
        version = request.headers.get("intercom-version", self._version)
        if version not in VERSIONS:
            raise Refused(
                self.failure(400, "The requested version could not be found", code="intercom_version_invalid")
            )
        super().admit(request)
        if not self._plan:
            raise Refused(self.failure(403))
        if version != VERSIONS[-1] and "created_at_after" not in dict(request.params):
            message = "Please provide the following parameters: created_at_after"
            raise Refused(self.failure(404, message, code="parameter_not_found"))

    def shown(self, page: Page) -> Response:
        """Return a page, whose number of all is as of now."""
        place = {"page": page.token, "per_page": str(page.size)}
        pages = {
            "type": "pages",
            "next": (page.url if self._linked else place) if page.token else None,
            "page": page.number,
            "per_page": page.size,
            "total_pages": max(1, -(-page.total // page.size)),
        }
        return Response(200, page.json("activity_logs", type="activity_log.list", pages=pages))

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell of the limit."""
        return (
            ("X-RateLimit-Limit", str(self.requests.requests or self.limit)),
            ("X-RateLimit-Remaining", str(self.requests.left())),
            ("X-RateLimit-Reset", str(self.requests.resets())),
        )

    def throttled(self) -> Response:
        """Return the answer to one request too many, which says in its headers when to come again."""
        message = f"Exceeded rate limit of {self.requests.requests} in 10_seconds"
        refused = self.failure(429, message)
        return Response(429, refused.body, self.told(), note=refused.note)

    def wrong(self, name: str) -> Refused:
        """Return what a wrong argument is answered with."""
        return Refused(self.failure(400, f"bad '{name}' parameter"))

    def too_long(self) -> Refused:
        """Return what a span that is too long is answered with."""
        return Refused(self.failure(500))

    def failure(self, status: int, message: str = "", *, code: str = "") -> Response:
        """Word an error as Intercom does; code and message are those usual for the status, or others."""
        usual = _USUAL.get(status, ("server_error", "Sorry, something went wrong"))
        message = message or usual[1]
        errors = [{"code": code or usual[0], "message": message}]
        body = {"type": "error.list", "request_id": "b2f8c0de00000000", "errors": errors}
        return Response(status, json.dumps(body).encode(), note=message)


TWIN = Intercom

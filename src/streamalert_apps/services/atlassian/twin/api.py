"""Atlassian's cloud: the events of an organization, and the audit logs of a site with Jira and Confluence.

What Atlassian does not document can be had either way: the order of the audit logs, and whether Jira shows
more than the first page of a span. A site is asked at its own host, or by its cloud id at the API's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.atlassian.twin import rows
from streamalert_apps.simulator.access import arguments, basic, bearer
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.limit import Limit
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Offset, Page, Size, Sort
from streamalert_apps.simulator.paging import ListedLog
from streamalert_apps.simulator.single import uuid
from streamalert_apps.simulator.store import by_arrival, moment, seeded
from streamalert_apps.simulator.times import EPOCH_MILLISECONDS, ISO_MILLISECONDS

JIRA: Final = "/rest/api/3/auditing/record"
CONFLUENCE: Final = "/wiki/rest/api/audit"
MINUTE: Final = timedelta(minutes=1)


def _event_time(at: int) -> str:
    return ISO_MILLISECONDS.write(at).replace(".000Z", "Z")


def _record_time(at: int) -> str:
    return ISO_MILLISECONDS.write(at).replace("Z", "+0000")


def _numbers(random: Random, times: Sequence[tuple[int, int]]) -> list[int]:
    return [random.getrandbits(52) for _ in times]


EVENTS: Final = Listing(
    app_type="atlassian_org_events",
    path="",
    row=rows.event,
    times=replace(ISO_MILLISECONDS, write=_event_time),
    bounds=EPOCH_MILLISECONDS,
    since=Bound("from"),
    until=Bound("to"),
    size=Size("limit", usual=100, most=500),
    turn=Cursor("cursor", always=True),
    sort=Sort("sortOrder", "asc", "desc"),
    order=by_arrival,
    text_field="message",
)
RECORDS: Final = Listing(
    app_type="atlassian_jira",
    path=JIRA,
    row=rows.record,
    ids=_numbers,
    times=replace(ISO_MILLISECONDS, write=_record_time),
    since=Bound("from"),
    until=Bound("to"),
    size=Size("limit", usual=1000, most=1000, cut=True),
    turn=Offset("offset"),
    ignored=frozenset({"filter"}),
    text_field="summary",
)
LOG: Final = Listing(
    app_type="atlassian_confluence",
    path=CONFLUENCE,
    row=rows.audited,
    times=EPOCH_MILLISECONDS,
    since=Bound("startDate"),
    until=Bound("endDate"),
    size=Size("limit", usual=1000, most=1000, cut=True),
    turn=Offset("start"),
    ignored=frozenset({"searchString"}),
    id_field="",
    text_field="summary",
)


class Atlassian(ListApi):
    """An organization with a site, in the cloud `domain`. `rate`: requests a minute to the stream of events.

    `site_rate`: requests a minute to the site. `newest_first`: the order of the audit logs. `capped`: Jira
    shows the first page of a span alone. `scoped`: the user's token has scopes, and is good at the API's host
    alone. `permitted`: the user is an administrator, and products are on paid plans. `last_cursor`: the last
    page of the stream has a cursor, too.
    """

    limit = 10

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        site_rate: int | None = None,
        domain: str = "atlassian",
        newest_first: bool = True,
        capped: bool = False,
        scoped: bool = False,
        permitted: bool = True,
        last_cursor: bool = True,
    ) -> None:
        organization = uuid(seeded(seed, "organization"))
        self._stream = f"/admin/v1/orgs/{organization}/events-stream"
        logs = (
            replace(EVENTS, path=self._stream),
            *(replace(log, newest_first=newest_first) for log in (RECORDS, LOG)),
        )
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=logs)
        self._site, self._api = f"acme.{domain}.net", f"api.{domain}.com"
        self.hosts = {self._site, self._api}
        self.credentials |= {"org_id": organization, "site": self._site}
        self.cloud_id = uuid(seeded(seed, "site"))
        if scoped:
            self.credentials["cloud_id"] = self.cloud_id
        self._site_requests = Limit(self.clock, site_rate, MINUTE)
        self._capped = capped
        self._scoped = scoped
        self._permitted = permitted
        self._last_cursor = last_cursor
        self._given: Mapping[str, str] = {}

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an API key of the organization, and a user's API token."""
        key, token = ("".join(random.choices(ascii_letters + digits, k=180)) for _ in range(2))
        return {"api_key": f"ATCTT3{key}", "email": "avery@example.com", "token": f"ATATT3{token}"}

    @property
    def wrong_credentials(self) -> Mapping[str, Any]:
        """Credentials with another key and another token."""
        return self.credentials | {name: self._other[name] for name in ("api_key", "token")}

    def answer(self, request: Request) -> Response:
        """Answer a request to the host that it belongs to."""
        at_api = request.headers["host"].lower() == self._api
        for product, path in (("jira", JIRA), ("confluence", CONFLUENCE)):
            if at_api and request.path == f"/ex/{product}/{self.cloud_id}{path}":
                return super().answer(
                    replace(request, target=request.target.removeprefix(f"/ex/{product}/{self.cloud_id}"))
                )
        if at_api != (request.path == self._stream):
            raise Refused(self.failure(404))
        if not at_api and self._scoped:
            raise Refused(self.failure(401))
        return super().answer(request)

    def admit(self, request: Request) -> None:
        """Raise Refused unless a request carries the key, or the token of somebody who may see the log."""
        given = self.credentials
        if request.path == self._stream:
            if bearer(request) != given["api_key"]:
                raise Refused(self.failure(401))
        elif basic(request) != (given["email"], given["token"]):
            raise Refused(self.failure(401))
        if not self._permitted:
            raise Refused(self.failure(403))

    def count(self) -> None:
        """Count nothing: which limit a request is of is known when it is listed."""

    def listed(self, log: ListedLog, request: Request) -> Response:
        """Return a page within the limit of its host; what was asked for is needed to word it."""
        if request.path == self._stream:
            super().count()
        elif not self._site_requests.take():
            refused = self.failure(429)
            wait = str(self._site_requests.wait())
            raise Refused(Response(429, refused.body, (("Retry-After", wait),), note=refused.note))
        self._given = arguments(request)
        return super().listed(log, request)

    def shown(self, page: Page) -> Response:
        """Return a page as each of the three words it."""
        if page.listing.path == self._stream:
            token = page.token if page.more or self._last_cursor else ""
            meta = {"page_size": len(page.events)} | ({"next": token} if token else {})
            links = {"self": f"https://{self._api}{self._stream}", "next": page.url or None, "prev": None}
            return Response(200, page.json("data", meta=meta, links=links), self._told())
        if page.listing.path == JIRA:
            offset = int(self._given.get("offset", "0"))
            shown = replace(page, events=[]) if self._capped and offset else page
            return Response(200, shown.json("records", offset=offset, limit=page.size, total=page.total))
        base = {"base": f"https://{self._site}/wiki", "context": "/wiki"}
        following = {"next": f"/rest/api/audit?start={page.token}&limit={page.size}"} if page.token else {}
        place = {"start": int(self._given.get("start", "0")), "limit": page.size, "size": len(page.events)}
        return Response(200, page.json("results", **place, _links=base | following))

    def _told(self) -> tuple[tuple[str, str], ...]:
        """Return what the stream says of its limit; the moment has no seconds."""
        resets = moment(-(-self.requests.resets() // 60) * 60 * 1_000_000)
        return (
            ("X-RateLimit-Limit", str(self.requests.requests or self.limit)),
            ("X-RateLimit-Remaining", str(self.requests.left())),
            ("X-RateLimit-Reset", f"{resets:%Y-%m-%dT%H:%MZ}"),
        )

    def throttled(self) -> Response:
        """Return the answer to one request too many to the stream."""
        refused = self.failure(429)
        return Response(429, refused.body, self._told(), note=refused.note)

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error, in the fields that the organization's API has and those of a site's."""
        said = message or {401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}.get(status, "error")
        body = {"code": status, "message": said, "errorMessages": [said], "errors": {}}
        return Response(status, json.dumps(body).encode(), note=said)

"""Auth0's tenant logs: by checkpoint in the order of their ids, and by search for a few of them.

An id begins with the time at which its log was stored. A search shows a thousand logs at most, and knows no
query but a range of dates. `keeps` is how long the plan keeps logs; `refuses_old`: an id that is no longer
kept is refused, instead of being taken for the oldest one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import arguments
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Listing, Number, Size
from streamalert_apps.simulator.paging import ListedLog, whole
from streamalert_apps.simulator.single import ID, TIME, Row, chance
from streamalert_apps.simulator.store import Event, by_arrival, by_time, micros, moment
from streamalert_apps.simulator.times import ISO_MILLISECONDS

MOST_FOUND: Final = 1000
IGNORED: Final = {"fields", "include_fields", "include_totals"}
_RANGE: Final = re.compile(r"date:\[(\S+) TO (\S+)\]")
_WORDS: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
}
_KINDS: Final = (
    ("s", ""),
    ("f", "Wrong email or password."),
    ("sapi", "Update a client"),
    ("limit_wc", "100%"),
    ("ss", ""),
)
_PEOPLE: Final = ("dana@example.com", "zoe.lukasz@example.com", "渡辺@example.jp", 'pat "o"@example.com')


def log(random: Random) -> Row:
    """Return a log with TIME and ID in their places; fields differ with its kind."""
    kind, description = random.choice(_KINDS)
    row: Row = {
        "log_id": ID,
        "_id": ID,
        "date": TIME,
        "type": kind,
        "description": description,
        "client_id": f"{random.getrandbits(128):032x}",
        "client_name": random.choice(["Payroll", "Büro", ""]),
        "ip": f"203.0.113.{random.randint(1, 254)}",
        "user_agent": "Chrome 119.0.0 / Mac OS X 10.15.7",
        "isMobile": chance(random, 0.2),
        "tenant_name": "acme",
    }
    if kind in {"s", "f", "ss"}:
        row |= {"connection": "corp-db", "connection_id": "con_7Qm2xT9dLkWc4RbV", "strategy": "auth0"}
        row |= {"user_id": "auth0|655c7a39", "user_name": random.choice(_PEOPLE), "strategy_type": "database"}
    if chance(random, 0.5):
        row["details"] = {"prompts": [], "session_id": f"{random.getrandbits(64):016x}"}
    return row


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str]:
    stored = (f"{moment(visible):%Y%m%d%H%M%S%f}" for _, visible in times)
    return [f"900{time}{random.randrange(10**33):033d}" for time in stored]


LOGS: Final = Listing(
    app_type="auth0_logs",
    path="/api/v2/logs",
    row=log,
    ids=_ids,
    times=ISO_MILLISECONDS,
    size=Size("take", usual=50, most=100),
    turn=Number("page", first=0),
    order=by_arrival,
    id_field="log_id",
    text_field="description",
)


class Auth0(ListApi):
    """A tenant at `domain`. `permitted`: its application has the permission read:logs."""

    logs = (LOGS,)
    limit = 10
    span = timedelta(seconds=5)
    token_path = "/oauth/token"  # noqa: S105 (where one is to be had)
    token_seconds = 86400

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        domain: str = "acme.eu.auth0.com",
        permitted: bool = True,
        keeps: timedelta = timedelta(days=30),
        refuses_old: bool = True,
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate)
        self.credentials["domain"] = domain
        self.hosts = (domain,)
        self._permitted = permitted
        self._keeps = keeps
        self._refuses_old = refuses_old

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a machine-to-machine application."""
        lengths = {"client_id": 32, "client_secret": 64}
        return {
            name: "".join(random.choices(ascii_letters + digits, k=size)) for name, size in lengths.items()
        }

    def grant(self, request: Request) -> Response:
        """Answer a request for a token, which has to be for the Management API."""
        if arguments(request).get("audience") != f"https://{self.credentials['domain']}/api/v2/":
            raise self._refused(403, "access_denied", "Service not enabled within domain")
        try:
            return super().grant(request)
        except Refused as refused:
            raise self._refused(refused.response.status, "access_denied", "Unauthorized") from None

    def admit(self, request: Request) -> None:
        """Raise Refused unless a request carries a token with the scope."""
        super().admit(request)
        if not self._permitted:
            raise Refused(self.failure(403, "Insufficient scope, expected any of: read:logs"))

    def listed(self, log: ListedLog, request: Request) -> Response:
        """Return logs from an id on, or those that a search finds."""
        given = dict(request.params)
        now = micros(self.clock.now())
        kept = now - self._keeps // timedelta(microseconds=1)
        if "from" in given:
            return self._newer(log, given, kept)
        return self._found(log, given, (kept, now))

    def _newer(self, log: ListedLog, given: Mapping[str, str], kept: int) -> Response:
        after = log.feed.find(given["from"])
        if after is None or (self._refuses_old and after.at < kept):
            raise self.wrong("from")
        size = min(self._whole(given, "take", 50), log.page_size)
        page = log.feed.page(low=kept, high=1 << 62, limit=size, after=after)
        last = page.events[-1].id if page.events else given["from"]
        link = f"https://{self.credentials['domain']}{LOGS.path}?from={last}&take={given.get('take', '50')}"
        return self._answer(page.events, (("Link", f'<{link}>; rel="next"'),))

    def _found(self, log: ListedLog, given: Mapping[str, str], kept: tuple[int, int]) -> Response:
        for name in given.keys() - {"q", "sort", "page", "per_page"} - IGNORED:
            raise self.wrong(name)
        low, high = kept
        if query := given.get("q"):
            asked = _RANGE.fullmatch(query)
            if asked is None:
                raise self.wrong("q")
            low, high = (
                kept[n] if end == "*" else ISO_MILLISECONDS.read(end) for n, end in enumerate(asked.groups())
            )
        size, number = self._whole(given, "per_page", 50), self._whole(given, "page", 0)
        if (number + 1) * size > MOST_FOUND:
            raise Refused(self.failure(400, "The page exceeds the allowed maximum of 1000 records"))
        shown = log.feed.page(low=0, high=1 << 62, limit=1 << 40).events
        found = sorted((event for event in shown if max(low, kept[0]) <= event.at <= high), key=by_time)
        if given.get("sort", "date:-1") == "date:-1":
            found.reverse()
        return self._answer(found[number * size :][:size])

    def _whole(self, given: Mapping[str, str], name: str, usual: int) -> int:
        try:
            number = whole(given.get(name, str(usual)))
        except ValueError:
            raise self.wrong(name) from None
        if number > LOGS.size.most:
            raise self.wrong(name)
        return number

    def _answer(self, events: Sequence[Event], links: tuple[tuple[str, str], ...] = ()) -> Response:
        return Response(200, b"[%b]" % b",".join(event.body for event in events), (*links, *self.told()))

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell of the limit."""
        return (
            ("x-ratelimit-limit", str(self.requests.requests or self.limit)),
            ("x-ratelimit-remaining", str(self.requests.left())),
            ("x-ratelimit-reset", str(self.requests.resets())),
        )

    def throttled(self) -> Response:
        """Return the answer to one request too many, which says in its headers when to come again."""
        refused = self.failure(429, "Global limit has been reached")
        return Response(429, refused.body, self.told(), note=refused.note)

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as the Management API does."""
        error = _WORDS.get(status, "Internal Server Error")
        body = {"statusCode": status, "error": error, "message": message or error}
        return Response(status, json.dumps(body).encode(), note=message or error)

    def _refused(self, status: int, error: str, description: str) -> Refused:
        body = {"error": error, "error_description": description}
        return Refused(Response(status, json.dumps(body).encode(), note=description))


TWIN = Auth0

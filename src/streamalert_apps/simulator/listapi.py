"""The twin of a plain list API: one or more logs, each listed between two times, page by page.

That is what most vendors have. Their twins say what differs, and no more:

    EVENTS = Listing(
        app_type="acme_audit",
        path="/v1/audit",
        row=event,                               # Random → a dict, with TIME and ID in their places
        times=ISO_MILLISECONDS,                  # how rows and bounds write a time; see times.py
        since=Bound("from"),
        until=Bound("to", inclusive=False),
        size=Size("limit", usual=100, most=1000),
        turn=Cursor("cursor"),                   # or Number("page"), Offset("offset")
        newest_first=True,
    )

    class Acme(ListApi):
        logs = (EVENTS,)
        hosts = ("api.acme.example",)
        limit = 60                               # requests in `span`, a minute where nothing is said

        def sign_up(self, random):               # the credentials that it accepts
            return {"token": f"{random.getrandbits(128):032x}"}

        def failure(self, status, message=""):   # an error as Acme words it
            return Response(status, json.dumps({"error": {"code": status, "message": message}}).encode())

        def shown(self, page):                   # a page as Acme writes it
            return Response(200, page.json("entries", next_cursor=page.token or None))

    TWIN = Acme

By itself it checks host, method, path, token and rate, refuses parameters that are not named, bounds and
sizes that are wrong, and page tokens that it did not give out. What can be said besides:

- **Signing in.** A bearer token, the credential `token`, unless `admit` checks something else (access.py
  reads headers and what is posted) or `token_path` says where OAuth clients get a token for `client_id` and
  `client_secret`. Where the secret has another name, `proof` says so.
- **Asking.** `method="POST"` in a Listing takes arguments from a form or a JSON object; `ignored` names
  parameters that change nothing; `sort` names one that chooses the order.
- **A page.** A bare array with a `Link` header, unless `shown` writes something else; `Page` has the rows,
  the token and the whole link. What stands deeper: `b'{"data":{"items":%b}}' % page.rows`.
- **Too many requests.** Status 429 with `Retry-After` in seconds, unless `throttled` says so in another way;
  `told` adds headers to every page.
- **A wrong argument.** Status 400, unless `wrong` says so in another way.
- **Anything else.** `answer` is asked first: override it for another endpoint, and leave the rest to super.

Options of a vendor that is not sure of something (an order, whether a bound is inclusive) are arguments of
the twin's own `__init__`: it hands `logs=(replace(EVENTS, newest_first=newest_first),)` to super.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from streamalert_apps.sdk.clock import Clock, SystemClock
from streamalert_apps.simulator.access import arguments, bearer, client
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.limit import Limit
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page
from streamalert_apps.simulator.logs import Logs
from streamalert_apps.simulator.oauth import Tokens
from streamalert_apps.simulator.paging import ListedLog, Query, whole
from streamalert_apps.simulator.store import Feed, micros, moment, seeded
from streamalert_apps.simulator.times import Times

VENDORS: Final = -1
"""As a rate: the vendor's own."""


class ListApi(Logs[ListedLog], ABC):
    """A vendor with plain lists. `rate`: requests in `span`, instead of the vendor's; None: any number."""

    logs: ClassVar[tuple[Listing, ...]] = ()
    hosts: Collection[str] = ()
    limit: ClassVar[int | None] = None
    span: ClassVar[timedelta] = timedelta(minutes=1)
    proof: str = ""
    """The credential that is another one among the wrong ones; else the client's secret, or the token."""
    token_path: ClassVar[str] = ""
    token_seconds: float = 3600

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        logs: Sequence[Listing] = (),
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.credentials = dict(self.sign_up(seeded(seed)))
        self.requests = Limit(self.clock, self.limit if rate == VENDORS else rate, self.span)
        self.tokens = Tokens(self.clock, f"t{seed}-", self.token_seconds)
        self._other = dict(self.sign_up(seeded(seed, "another")))
        self._logs = {
            listing.app_type: ListedLog(listing, self.clock, seed, page_size) for listing in logs or self.logs
        }

    @abstractmethod
    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return credentials that the vendor could hand out."""

    @abstractmethod
    def failure(self, status: int, message: str = "") -> Response:
        """Word an answer of this status the way the vendor does."""

    @property
    def wrong_credentials(self) -> Mapping[str, Any]:
        """Credentials with another secret."""
        secret = self.proof or ("client_secret" if self.token_path else "token")
        return self.credentials | {secret: self._other[secret]}

    def admit(self, request: Request) -> None:
        """Raise Refused unless a request is signed in."""
        if self.token_path:
            admitted = self.tokens.admits(request)
        else:
            admitted = bearer(request) == self.credentials["token"]
        if not admitted:
            raise Refused(self.failure(401))

    def answer(self, request: Request) -> Response:
        """Answer a request to a host of the vendor's; raise Refused for an error."""
        if self.token_path and (request.method, request.path) == ("POST", self.token_path):
            return self.grant(request)
        for log in self._logs.values():
            if (request.method, request.path) == (log.listing.method, log.listing.path):
                self.admit(request)
                self.count()
                return self.listed(log, request)
        raise Refused(self.failure(404))

    def count(self) -> None:
        """Count a request for a list; raise Refused for one too many."""
        if not self.requests.take():
            raise Refused(self.throttled())

    def grant(self, request: Request) -> Response:
        """Answer a request for a token of client credentials, as RFC 6749 has it."""
        if arguments(request).get("grant_type") != "client_credentials":
            raise Refused(self.failure(400, "unsupported_grant_type"))
        if client(request) != (self.credentials["client_id"], self.credentials["client_secret"]):
            raise Refused(self.failure(401, "invalid_client"))
        answer = {
            "access_token": self.tokens.issue(),
            "token_type": "Bearer",
            "expires_in": self.tokens.seconds,
        }
        return Response(200, json.dumps(answer).encode())

    def shown(self, page: Page) -> Response:
        """Return a page as the vendor writes it."""
        link = (("Link", f'<{page.url}>; rel="next"'),) if page.url else ()
        return Response(200, page.rows, link)

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return headers of every page: what the vendor says of its limit."""
        return ()

    def throttled(self) -> Response:
        """Return the answer to one request too many."""
        refused = self.failure(429)
        headers = (*self.told(), ("Retry-After", str(self.requests.wait())))
        return Response(429, refused.body, headers, refused.content_type, refused.note)

    def wrong(self, name: str) -> Refused:
        """Return what a wrong, an unknown or a missing argument is answered with."""
        return Refused(self.failure(400, f"Invalid parameter: {name}"))

    def too_long(self) -> Refused:
        """Return what a span that is too long is answered with."""
        return Refused(self.failure(400, "The span is too long"))

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        if request.headers.get("host", "").lower() not in self.hosts:
            return self.failure(404, f"the host is not one of {', '.join(self.hosts)}")
        try:
            return self.answer(request)
        except Refused as refused:
            return refused.response

    def listed(self, log: ListedLog, request: Request) -> Response:
        """Answer a request for a page of a log."""
        listing, given = log.listing, arguments(request)
        bounds = [bound.name for bound in (listing.since, listing.until) if bound]
        known = {*bounds, listing.size.name, listing.turn.name, *listing.ignored}
        known |= {listing.sort.name} if listing.sort else set()
        for name in sorted(given.keys() - known):
            raise self.wrong(name)
        low, high = self._bounds(listing, given)
        query = Query(low, high, self._size(log, given), given, self._newest_first(listing, given))
        try:
            turned = log.turn(query)
        except ValueError:
            raise self.wrong(listing.turn.name) from None
        url = ""
        if turned.token:
            params = urlencode({**given, listing.turn.name: turned.token})
            url = f"https://{request.headers['host']}{listing.path}?{params}"
        found = turned.slice
        page = Page(
            listing, found.events, found.more, found.total, turned.number, query.size, turned.token, url
        )
        answer = self.shown(page)
        headers = (*answer.headers, *self.told())
        return Response(answer.status, answer.body, headers, answer.content_type, answer.note)

    def revoke_tokens(self) -> None:
        """Make every access token that was given out invalid."""
        self.tokens.revoke()

    def forget_cursors(self) -> None:
        """Make every page token that was given out invalid."""
        for log in self._logs.values():
            log.forget()

    def feed(self, app_type: str) -> Feed:
        """Return the events of a log."""
        return self._log(app_type).feed

    def _newest_first(self, listing: Listing, given: Mapping[str, str]) -> bool:
        sort = listing.sort
        if sort is None or sort.name not in given:
            return listing.newest_first
        if given[sort.name] not in {sort.oldest_first, sort.newest_first}:
            raise self.wrong(sort.name)
        return given[sort.name] == sort.newest_first

    def _bounds(self, listing: Listing, given: Mapping[str, str]) -> tuple[int, int]:
        now = micros(self.clock.now())
        times = listing.bounds or listing.times
        low, high = 0, now
        if isinstance(listing.turn, Cursor) and listing.turn.bound and given.get(listing.turn.name):
            return low, high  # those that the token came with count
        if listing.since:
            low = self._bound(listing.since, times, given, low)
        if listing.until:
            high = self._bound(listing.until, times, given, high)
        if listing.longest is not None and moment(high) - moment(low) > listing.longest:
            raise self.too_long()
        low += times.precision if listing.since and not listing.since.inclusive else 0
        high -= times.precision if listing.until and not listing.until.inclusive else 0
        return low, high

    def _bound(self, bound: Bound, times: Times, given: Mapping[str, str], default: int) -> int:
        if bound.name not in given:
            if bound.required:
                raise self.wrong(bound.name)
            return micros(self.clock.now() - bound.usual) if bound.usual is not None else default
        try:
            return times.read(given[bound.name])
        except ValueError:
            raise self.wrong(bound.name) from None

    def _size(self, log: ListedLog, given: Mapping[str, str]) -> int:
        size = log.listing.size
        try:
            asked = whole(given.get(size.name, str(size.usual)))
        except ValueError:
            raise self.wrong(size.name) from None
        if asked < 1 or (asked > size.most and not size.cut):
            raise self.wrong(size.name)
        return min(asked, log.page_size)

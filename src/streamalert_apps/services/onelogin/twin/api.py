"""OneLogin's API: tokens of client credentials, the limit of an hour, and the events.

Events are listed by their number, which is given out in the order in which they happen or show up. What
OneLogin does not document can be had either way: the order of the list, whether the bounds of a query
belong to it, and the status that tells of too many calls. Filters are not simulated and refused.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from random import Random
from string import ascii_lowercase, digits
from typing import Final
from urllib.parse import urlencode

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.onelogin.twin import rows
from streamalert_apps.services.onelogin.twin.access import AuthServer, failure, iso
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.single import Row, SingleLog
from streamalert_apps.simulator.store import MILLISECOND, Event, micros, seeded

HOUR: Final = timedelta(hours=1)
FIRST_ID: Final = 9_812_000_000  # more than 32 bits
SUCCESS: Final = {"error": False, "code": 200, "type": "success", "message": "Success"}
PARAMETERS: Final = frozenset({"since", "until", "limit", "after_cursor", "sort"})


@dataclass(slots=True)
class Window:
    """An hour of calls."""

    ends: datetime
    calls: int = 0


class Onelogin(SingleLog):
    """An account, reached at its subdomain and at the old host of its region.

    `order` is that of the list where none is asked for: oldest or newest first. `limited` is the status
    of a call beyond `rate` in an hour (None: any number). A token lives `token_seconds`, a cursor
    `cursor_seconds` (None: for ever). `permitted` says whether the credential may read events,
    `numbered_on_arrival` whether an event gets its number when it shows up. `empty_last_page`: what
    looks like more may be an empty page.
    """

    app_type = "onelogin_events"
    id_field = "id"
    text_field = "notes"
    precision = MILLISECOND
    page = 50

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        subdomain: str = "acme",
        region: str = "us",
        order: str = "oldest",
        inclusive: bool = True,
        rate: int | None = 5000,
        limited: int = 400,
        token_seconds: float = 36000,
        cursor_seconds: float | None = None,
        permitted: bool = True,
        numbered_on_arrival: bool = False,
        empty_last_page: bool = True,
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size, order=_by_number)
        random = seeded(seed)
        self.credentials = {"client_id": _key(random), "client_secret": _key(random), "subdomain": subdomain}
        self._auth = AuthServer(self.clock, self.credentials, token_seconds)
        self._hosts = {f"{subdomain}.onelogin.com", f"api.{region}.onelogin.com"}
        self._newest_first = order == "newest"
        self._edge = 0 if inclusive else 1
        self._rate = rate
        self._limited = limited
        self._cursor_seconds = cursor_seconds
        self._permitted = permitted
        self._numbered_on_arrival = numbered_on_arrival
        self._empty_last_page = empty_last_page
        self._numbers = count(FIRST_ID, 3)
        self._cursors: dict[str, datetime] = {}
        self._window = Window(self.clock.now() + HOUR)

    @property
    def wrong_credentials(self) -> Mapping[str, str]:
        """Credentials with another secret."""
        return self.credentials | {"client_secret": self.credentials["client_secret"][::-1]}

    def revoke_tokens(self) -> None:
        """Make the token that was given out invalid."""
        self._auth.revoke()

    def row(self, random: Random) -> Row:
        """Return a row."""
        return rows.event(random)

    def written(self, time: datetime) -> str:
        """Return a time in JSON: milliseconds, with a Z."""
        return f'"{iso(time)}"'

    def ids(self, random: Random, times: Sequence[tuple[int, int]]) -> Sequence[int]:  # noqa: ARG002
        """Return rising numbers, with gaps."""
        ranks = range(len(times))
        if self._numbered_on_arrival:
            ranked = sorted(ranks, key=lambda place: times[place][1])
            numbers = dict(zip(ranked, self._numbers, strict=False))
            return [numbers[place] for place in ranks]
        return list(islice(self._numbers, len(times)))

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        host = request.headers.get("host", "").lower()
        if host not in self._hosts:
            return failure(404, note=f"the host is {host!r}, not one of {', '.join(sorted(self._hosts))}")
        try:
            match request.method, request.path:
                case "POST", "/auth/oauth2/v2/token":
                    return self._auth.grant(request)
                case "GET", "/auth/rate_limit":
                    self._auth.admit(request)
                    answer = {"status": SUCCESS, "data": self._limits()}
                    return Response(200, json.dumps(answer).encode())
                case "GET", "/api/1/events":
                    self._auth.admit(request)
                    self._count()
                    return self._events(request, host)
                case _:
                    return failure(404)
        except Refused as refused:
            return refused.response

    def failure(self, status: int) -> Response:
        """Word an answer of this status the way OneLogin does."""
        return failure(status)

    def _count(self) -> None:
        """Refuse who may not read events, and what exceeds the rate within the hour."""
        if not self._permitted:
            raise Refused(failure(403))
        now = self.clock.now()
        if now >= self._window.ends:
            self._window = Window(now + HOUR)
        if self._rate is not None and self._window.calls >= self._rate:
            headers = tuple((name, str(value)) for name, value in self._limits().items())
            refused = failure(self._limited, message="rate_limit_exceeded")
            raise Refused(Response(refused.status, refused.body, headers, note=refused.note))
        self._window.calls += 1

    def _limits(self) -> dict[str, int]:
        limit, left = self._rate or 5000, self._window.ends - self.clock.now()
        return {
            "X-RateLimit-Limit": limit,
            "X-RateLimit-Remaining": max(0, limit - self._window.calls),
            "X-RateLimit-Reset": max(0, -(-left // timedelta(seconds=1))),
        }

    def _events(self, request: Request, host: str) -> Response:
        params = dict(request.params)
        for name in params:
            if name not in PARAMETERS:
                raise Refused(failure(400, message=f"Unknown parameter: {name}"))
        limit = min(_limit(params), self.page_size)
        found = list(islice(self._listed(params), limit + 1))
        listed, more = found[:limit], len(found) > limit
        cursor = self._cursor(listed[-1]) if listed else params.get("after_cursor")
        link = None
        if more or (self._empty_last_page and len(listed) == limit):
            query = urlencode({**params, "after_cursor": cursor})
            link = f"https://{host}/api/1/events?{query}"
        head = {
            "status": SUCCESS,
            "pagination": {
                "before_cursor": None,
                "after_cursor": cursor,
                "previous_link": None,
                "next_link": link,
            },
        }
        data = b",".join(event.body for event in listed)
        headers = tuple((name, str(value)) for name, value in self._limits().items())
        return Response(200, b'%b,"data":[%b]}' % (json.dumps(head).encode()[:-1], data), headers)

    def _listed(self, params: Mapping[str, str]) -> Iterator[Event]:
        """Yield the events between the bounds, from the cursor on, by number."""
        low = _time(params.get("since", iso(datetime.fromtimestamp(0, UTC)))) + self._edge * MILLISECOND
        high = _time(params.get("until", iso(self.clock.now()))) - self._edge * MILLISECOND
        newest_first = {"": self._newest_first, "+id": False, "-id": True}.get(params.get("sort", ""))
        if newest_first is None:
            raise Refused(failure(400, message="Invalid sort"))
        after, more = self._after(params), True
        while more:
            part = self.feed.page(low=0, high=1 << 62, limit=500, after=after, newest_first=newest_first)
            yield from (event for event in part.events if low <= event.at <= high)
            more = part.more
            after = part.events[-1] if part.events else after

    def _cursor(self, event: Event) -> str:
        cursor = b64encode(f"{rows.ACCOUNT}:{event.id}".encode()).decode()
        self._cursors[cursor] = self.clock.now()
        return cursor

    def _after(self, params: Mapping[str, str]) -> Event | None:
        if "after_cursor" not in params:
            return None
        given = self._cursors.get(params["after_cursor"])
        life = timedelta.max if self._cursor_seconds is None else timedelta(seconds=self._cursor_seconds)
        if given is None or self.clock.now() - given > life:
            raise Refused(failure(400, message="Invalid cursor"))
        return self.feed.find(b64decode(params["after_cursor"]).decode().partition(":")[2])


def _limit(params: Mapping[str, str]) -> int:
    value = params.get("limit", "50")
    if not (value.isascii() and value.isdecimal() and int(value)):
        raise Refused(failure(400, message="Invalid limit"))
    return min(int(value), Onelogin.page)


def _time(text: str) -> int:
    try:
        return micros(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC))
    except ValueError:
        raise Refused(failure(400, message="Invalid date")) from None


def _by_number(event: Event) -> tuple[int, str]:
    return int(event.id), ""


def _key(random: Random) -> str:
    return "".join(random.choices(ascii_lowercase + digits, k=64))

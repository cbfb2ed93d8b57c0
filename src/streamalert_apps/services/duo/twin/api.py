"""Duo's Admin API: the log endpoints of https://duo.com/docs/adminapi.

v2 logs (authentication, activity, telephony) take milliseconds, page by next_offset and hide the
last two minutes. v1 logs (administrator, the old authentication) take seconds and return the
earliest 1,000 rows at or after mintime, without a way to page inside one second. Filters
(users, factors, …) are not simulated and refused like any unknown parameter.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from string import ascii_letters, ascii_uppercase, digits
from typing import Any, Final

from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.clock import Clock, SystemClock
from streamalert_apps.services.duo.twin import rows
from streamalert_apps.services.duo.twin.access import authenticate, encode, failure
from streamalert_apps.services.duo.twin.query import PAGE, first_version, offset, second_version
from streamalert_apps.simulator.contract import Facts, Refused, Request, Response
from streamalert_apps.simulator.limit import Limit
from streamalert_apps.simulator.store import SECOND, Event, Feed, Plan, micros, moment, seeded

DELAY: Final = timedelta(minutes=2)
LATENESS: Final = timedelta(minutes=1)  # on top of it, now and then
SHAPES: Final = 400  # different rows that a seeded feed is made of


@dataclass(frozen=True, slots=True)
class Log:
    """One of Duo's logs: what a row is, its free text, when it can be read, its times, its id."""

    row: Callable[[Random], rows.Row]
    text_field: str
    delay: timedelta = DELAY
    precision: int = 1
    id_field: str = ""


LOGS: Final = {
    "duo_auth": Log(rows.authentication, "alias", id_field="txid"),
    "duo_admin": Log(rows.administrator, "object", delay=timedelta(0), precision=SECOND),
    "duo_activity": Log(rows.activity, "akey", id_field="activity_id"),
    "duo_telephony": Log(rows.telephony, "context", id_field="telephony_id"),
}


class Duo:
    """A tenant. `rate` requests a minute are answered on each path (None: any number).

    `read_log` says whether the application has the permission; `page_size` is the most that a page
    of v2 holds, whatever the limit says.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        credentials: Mapping[str, str] | None = None,
        rate: int | None = 2,
        read_log: bool = True,
        page_size: int = PAGE,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.credentials = dict(credentials or _credentials(seeded(seed)))
        self._seed = seed
        self._read_log = read_log
        self._page_size = page_size
        self._feeds = {app_type: Feed(self.clock) for app_type in LOGS}
        self._additions: Counter[str] = Counter()
        self._equal_rows: Counter[str] = Counter()
        self._answers: dict[str, Callable[[Request], bytes]] = {
            "/admin/v2/logs/authentication": self._authentication,
            "/admin/v2/logs/activity": self._activity,
            "/admin/v2/logs/telephony": self._telephony,
            "/admin/v1/logs/administrator": self._administrator,
            "/admin/v1/logs/authentication": self._authentication_v1,
        }
        self._requests = {path: Limit(self.clock, rate, timedelta(minutes=1)) for path in self._answers}

    @property
    def wrong_credentials(self) -> Mapping[str, str]:
        """Credentials with another secret key."""
        return self.credentials | {"secret_key": self.credentials["secret_key"][::-1]}

    def facts(self, app_type: str) -> Facts:
        """Return what Duo documents of a log; version 1 has pages of 1,000 and no way to turn one."""
        lag = _log(app_type).delay + LATENESS
        if app_type == "duo_admin":
            return Facts(PAGE, lag, in_one_second=PAGE - 1)
        return Facts(self._page_size, lag)

    def revoke_tokens(self) -> None:
        """Do nothing: each request is signed."""

    def seed(
        self,
        app_type: str,
        *,
        events: int = 5000,
        burst: int = 0,
        late: int = 0,
        start: datetime | None = None,
        end: datetime | None = None,
        lateness: timedelta = LATENESS,
    ) -> None:
        """Add events to a feed, the same ones for the same seed; without times, of the last hour."""
        log, random = _log(app_type), self._random(app_type)
        end = end or self.clock.now()
        start = start or end - timedelta(hours=1)
        times = Plan(events, start, end, burst, late, log.delay, lateness, log.precision).times(random)
        shapes = [rows.shape(log.row(random)) for _ in range(min(SHAPES, events))]
        self._feeds[app_type].add(
            self._event(log, random.choice(shapes), at, visible, random) for at, visible in times
        )

    def put(
        self, app_type: str, *, at: datetime, visible: datetime | None = None, size: int = 0, **fields: Any
    ) -> str:
        """Add one event with these fields and return its id."""
        log, random = _log(app_type), self._random(app_type)
        text = {log.text_field: "x" * size} if size else {}
        shape = rows.shape(log.row(random) | text | fields)
        whole = micros(at) - micros(at) % log.precision
        event = self._event(log, shape, whole, micros(visible or at + log.delay), random)
        self._feeds[app_type].add([event])
        return _public(event.id)

    def held(
        self, app_type: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Counter[str]:
        """Count the ids of the events that happened from `since` to `until`, both inclusive."""
        _log(app_type)
        return Counter(_public(name) for name in self._feeds[app_type].count(since, until))

    def identify(self, app_type: str, log: Mapping[str, Any]) -> str:
        """Return the id of a log that arrived; of an administrator's action, a hash of its content."""
        field = _log(app_type).id_field
        return str(log.get(field)) if field else _content(log)

    def complete(self, app_type: str) -> datetime:
        """Return the time from which on every event of the feed is visible."""
        _log(app_type)
        return self._feeds[app_type].complete()

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        try:
            authenticate(request, self.credentials, self.clock.now())
            return Response(200, self._answer(request))
        except Refused as refused:
            return refused.response

    def failure(self, status: int) -> Response:
        """Word an answer of this status the way Duo does."""
        return failure(status)

    def _random(self, app_type: str) -> Random:
        """Return other numbers for each addition to a feed, so that none repeats the ids of another."""
        self._additions[app_type] += 1
        return seeded(self._seed, app_type, self._additions[app_type])

    def _event(self, log: Log, shape: str, at: int, visible: int, random: Random) -> Event:
        name = rows.new_id(random)
        body = rows.stamp(shape, moment(at), name, fraction=log.precision == 1)
        if not log.id_field:
            content = _content(json.loads(body))
            self._equal_rows[content] += 1
            name = f"{content}#{self._equal_rows[content]}"
        return Event(at, name, visible, body)

    def _answer(self, request: Request) -> bytes:
        if request.path not in self._answers:
            raise Refused(failure(404))
        if request.method != "GET":
            raise Refused(failure(405))
        if not self._read_log:
            raise Refused(failure(403))
        self._count(request.path)
        return self._answers[request.path](request)

    def _count(self, path: str) -> None:
        """Refuse what exceeds the rate within any 60 seconds."""
        if not self._requests[path].take():
            raise Refused(failure(429))

    def _authentication(self, request: Request) -> bytes:
        listed, last, total = self._page("duo_auth", request)
        after = offset(last).split(",") if last else None
        return _answer("authlogs", listed, {"next_offset": after, "total_objects": total})

    def _activity(self, request: Request) -> bytes:
        listed, last, total = self._page("duo_activity", request)
        count = {"relation": "eq", "value": total}
        return _answer(
            "items", listed, {"next_offset": offset(last) if last else None, "total_objects": count}
        )

    def _telephony(self, request: Request) -> bytes:
        listed, last, total = self._page("duo_telephony", request)
        metadata: dict[str, Any] = {"next_offset": offset(last)} if last else {}
        return _answer("items", listed, metadata | {"total_objects": total})

    def _administrator(self, request: Request) -> bytes:
        return b'{"response":[%b],"stat":"OK"}' % b",".join(self._earliest("duo_admin", request))

    def _authentication_v1(self, request: Request) -> bytes:
        listed = [rows.as_v1(json.loads(body)) for body in self._earliest("duo_auth", request)]
        return encode({"response": listed, "stat": "OK"})

    def _page(self, app_type: str, request: Request) -> tuple[list[Event], Event | None, int]:
        """Return a page, its last event if another page follows, and how many events there are in all."""
        feed = self._feeds[app_type]
        query = second_version(request, feed, self.clock.now())
        page = feed.page(
            low=query.low,
            high=query.high,
            limit=min(query.limit, self._page_size),
            after=query.after,
            newest_first=query.newest_first,
        )
        return page.events, page.events[-1] if page.more else None, page.total

    def _earliest(self, app_type: str, request: Request) -> list[bytes]:
        low, high = first_version(request), micros(self.clock.now())
        page = self._feeds[app_type].page(low=low, high=high, limit=PAGE)
        return [event.body for event in page.events]


def _answer(key: str, listed: list[Event], metadata: dict[str, Any]) -> bytes:
    bodies = b",".join(event.body for event in listed)
    return b'{"response":{"%b":[%b],"metadata":%b},"stat":"OK"}' % (key.encode(), bodies, encode(metadata))


def _log(app_type: str) -> Log:
    if app_type not in LOGS:
        raise UsageError(f"Duo's simulator has no '{app_type}'.", hint=f"There are: {', '.join(LOGS)}.")
    return LOGS[app_type]


def _content(log: Mapping[str, Any]) -> str:
    return hashlib.sha256(encode(log)).hexdigest()[:32]


def _public(name: str) -> str:
    """Return an id as a client can know it: without the number that tells equal rows apart."""
    return name.partition("#")[0]


def _credentials(random: Random) -> dict[str, str]:
    return {
        "api_hostname": f"api-{random.getrandbits(32):08x}.duosecurity.com",
        "integration_key": "DI" + "".join(random.choices(ascii_uppercase + digits, k=18)),
        "secret_key": "".join(random.choices(ascii_letters + digits, k=40)),
    }

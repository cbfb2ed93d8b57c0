"""The Admin SDK's Reports API: activities.list, one report per application; and the Alert Center.

Events are listed newest first and show up out of order: some at once, others of the same moment
minutes or hours later. Filters, and users other than all, are not simulated and refused.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, Final

from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.clock import Clock, SystemClock
from streamalert_apps.services.gsuite.twin import alerts, rows
from streamalert_apps.services.gsuite.twin.access import SCOPE, AuthServer, failure, key_file
from streamalert_apps.services.gsuite.twin.query import PAGE, PageTokens, Query, read
from streamalert_apps.simulator.contract import Facts, Refused, Request, Response
from streamalert_apps.simulator.limit import Limit
from streamalert_apps.simulator.store import MILLISECOND, Event, Feed, Plan, micros, moment, seeded

SHAPES: Final = 200  # different rows that a seeded report is made of
ADMIN: Final = "auditor@example.com"
LATENESS: Final = timedelta(seconds=60)
PROMPT: Final = timedelta(minutes=2)
SLOW: Final = timedelta(hours=2)
DELAYS: Final = {  # within which an event shows up, where that is not prompt
    "calendar": SLOW,
    "cloud_search": timedelta(hours=3),
    "groups": SLOW,
    "token": SLOW,
    "user_accounts": SLOW,
}

_PATH: Final = re.compile(r"/admin/reports/v1/activity/users/([^/]+)/applications/([^/]+)")
_HOSTS: Final = frozenset({"admin.googleapis.com", "www.googleapis.com"})
_DENIED: Final = "Access denied. You are not authorized to read activity records."


class Gsuite:
    """A Workspace account with one service account. `rate` requests a minute are answered (None: any number).

    `delegated` says whether the service account may act for users, `privilege` whether the
    administrator may read reports, `api_enabled` whether the project uses the API. A page holds
    `page_size` at most, a page token is known for `page_token_seconds` (None: for ever), an access
    token lives `token_seconds`. `stuck_token`: the last page hands out a token, whose page is empty
    and hands it out again, as has been seen.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        rate: int | None = 2400,
        delegated: bool = True,
        privilege: bool = True,
        api_enabled: bool = True,
        page_size: int | None = None,
        page_token_seconds: float | None = None,
        token_seconds: float = 3599,
        stuck_token: bool = False,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        key = key_file(seeded(seed))
        self.credentials: dict[str, Any] = {"delegation_email": ADMIN, "keyfile": key}
        self.wrong_credentials = self.credentials | {"delegation_email": "nobody@example.com"}
        scopes = frozenset({SCOPE, alerts.SCOPE} if delegated else ())
        self._auth = AuthServer(self.clock, key, frozenset({ADMIN}), scopes, token_seconds)
        self._seed = seed
        self._privilege = privilege
        self._api_enabled = api_enabled
        self._page_size = min(page_size or PAGE, PAGE)
        self._tokens = PageTokens(page_token_seconds)
        self._stuck_token = stuck_token
        self._feeds = {f"gsuite_{application}": Feed(self.clock) for application in rows.EVENTS}
        self._plans: defaultdict[str, list[Callable[[], Iterable[Event]]]] = defaultdict(list)
        self._additions: Counter[str] = Counter()
        self._requests = Limit(self.clock, rate, timedelta(minutes=1))
        self._alerts = alerts.Alerts(self.clock, seed=seed, page_size=page_size, rate=None)

    def facts(self, app_type: str) -> Facts:
        """Return what Google documents of a report; the time to appear is what is usual."""
        if app_type == alerts.APP_TYPE:
            return self._alerts.facts(app_type)
        delay = DELAYS.get(self._application(app_type), PROMPT)
        return Facts(self._page_size, delay + LATENESS)

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
        """Add events to a report, the same ones for the same seed; without times, of the last hour.

        Every event shows up at a moment of its own within the delay of its application. They are made
        when the report is first looked at: there are 42 of them.
        """
        if app_type == alerts.APP_TYPE:
            self._alerts.seed(
                app_type, events=events, burst=burst, late=late, start=start, end=end, lateness=lateness
            )
            return
        application, random = self._application(app_type), self._random(app_type)
        end = end or self.clock.now()
        start = start or end - timedelta(hours=1)
        plan = Plan(events, start, end, burst, late, timedelta(0), lateness, MILLISECOND)
        self._plans[app_type].append(partial(_made, application, plan, random))

    def put(
        self,
        app_type: str,
        *,
        at: datetime,
        visible: datetime | None = None,
        size: int = 0,
        qualifier: str = "",
        **fields: Any,
    ) -> str:
        """Add one event with these fields and return its id; without `visible` it can be seen at once."""
        if app_type == alerts.APP_TYPE:
            return self._alerts.put(app_type, at=at, visible=visible, size=size, **fields)
        application, random = self._application(app_type), self._random(app_type)
        row = rows.activity(random, application)
        if size:
            row["events"].append(rows.long_event(application, size))
        shape = rows.shape(row | fields)
        whole = micros(at) - micros(at) % MILLISECOND
        event = _event(shape, whole, micros(visible or at), qualifier or rows.new_qualifier(random))
        self._feed(app_type).add([event])
        return event.id

    def held(
        self, app_type: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Counter[str]:
        """Count the ids of the events that happened from `since` to `until`, both inclusive."""
        if app_type == alerts.APP_TYPE:
            return self._alerts.held(app_type, since=since, until=until)
        self._application(app_type)
        return self._feed(app_type).count(since, until)

    def identify(self, app_type: str, log: Mapping[str, Any]) -> str:
        """Return the id of a log that arrived."""
        if app_type == alerts.APP_TYPE:
            return self._alerts.identify(app_type, log)
        self._application(app_type)
        found = log.get("id", {})
        return f"{found.get('time')} {found.get('uniqueQualifier')}"

    def complete(self, app_type: str) -> datetime:
        """Return the time from which on every event of the report is visible."""
        if app_type == alerts.APP_TYPE:
            return self._alerts.complete(app_type)
        self._application(app_type)
        return self._feed(app_type).complete()

    def revoke_tokens(self) -> None:
        """Make every access token that was issued so far invalid."""
        self._auth.tokens.revoke()

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        host = request.headers.get("host", "").lower()
        if host == "oauth2.googleapis.com" and request.path == "/token":
            return self._auth.answer(request)
        path = _PATH.fullmatch(request.path)
        if host == alerts.HOST:
            return self._alert_center(request)
        if host not in _HOSTS or request.method != "GET" or not path:
            return failure(404, note=f"{request.method} {host}{request.path} is not simulated")
        try:
            self._admit(request)
            return Response(200, self._page(path[1], path[2], request))
        except Refused as refused:
            return refused.response

    def forget_page_tokens(self) -> None:
        """Make every page token of the Alert Center invalid that was given out."""
        self._alerts.forget_cursors()

    def _alert_center(self, request: Request) -> Response:
        try:
            self._admit(request)
        except Refused as refused:
            return refused.response
        return self._alerts.handle(request)

    def failure(self, status: int) -> Response:
        """Word an answer of this status the way Google does."""
        return failure(status)

    def _application(self, app_type: str) -> str:
        if app_type not in self._feeds:
            raise UsageError(
                f"Google's simulator has no '{app_type}'.", hint=f"There are: {', '.join(self._feeds)}."
            )
        return app_type.removeprefix("gsuite_")

    def _feed(self, app_type: str) -> Feed:
        feed, plans = self._feeds[app_type], self._plans.pop(app_type, [])
        for made in plans:
            feed.add(made())
        return feed

    def _random(self, app_type: str) -> Random:
        """Return other numbers for each addition to a report, so that none repeats the ids of another."""
        self._additions[app_type] += 1
        return seeded(self._seed, app_type, self._additions[app_type])

    def _admit(self, request: Request) -> None:
        if not self._auth.tokens.admits(request):
            raise Refused(failure(401, note="no access token, or one that is not valid any more"))
        if not self._api_enabled:
            message = "Admin SDK API has not been used in this project before or it is disabled."
            raise Refused(failure(403, message=message, reason="accessNotConfigured"))
        if not self._privilege:
            raise Refused(failure(401, message=_DENIED))
        if not self._requests.take():
            raise Refused(failure(429))

    def _page(self, user: str, application: str, request: Request) -> bytes:
        if user != "all":
            raise Refused(failure(400, note="only the userKey all is simulated"))
        if application not in rows.EVENTS:
            raise Refused(failure(400, message=f"Invalid value at 'application_name': \"{application}\""))
        query = read(request, application, self._tokens, self.clock.now())
        page = self._feed(f"gsuite_{application}").page(
            low=query.low,
            high=query.high,
            limit=min(query.limit, self._page_size),
            after=query.after,
            newest_first=True,
        )
        token = ""
        if page.more or (self._stuck_token and page.events):
            token = self._tokens.issue(page.events[-1], query.asked, self.clock.now())
        elif self._stuck_token:
            token = dict(request.params).get("pageToken", "")
        return _answer(page.events, token, query)


def _made(application: str, plan: Plan, random: Random) -> Iterable[Event]:
    """Make the events of a plan."""
    shapes = [rows.shape(rows.activity(random, application)) for _ in range(min(SHAPES, plan.events))]
    delay = DELAYS.get(application, PROMPT) // timedelta(microseconds=1)
    qualifiers = [rows.new_qualifier(random) for _ in range(plan.events)]
    qualifiers[1::40] = qualifiers[0:-1:40]  # a qualifier tells apart events of the same time, no more
    made: dict[str, Event] = {}
    for (at, visible), qualifier in zip(plan.times(random), qualifiers, strict=True):
        event = _event(random.choice(shapes), at, visible + random.randint(0, delay), qualifier)
        if event.id in made:
            event = _event(random.choice(shapes), at, event.visible, rows.new_qualifier(random))
        made[event.id] = event
    return made.values()


def _event(shape: str, at: int, visible: int, qualifier: str) -> Event:
    time = moment(at)
    return Event(at, f"{rows.iso(time)} {qualifier}", visible, rows.stamp(shape, time, qualifier))


def _answer(events: list[Event], token: str, query: Query) -> bytes:
    parts = ['"kind":"admin#reports#activities"', f'"etag":"\\"{query.high:x}/{len(events):x}\\""']
    if token:
        parts.append(f'"nextPageToken":"{token}"')
    head = ",".join(parts).encode()
    if not events:
        return b"{%b}" % head  # without items, not with none
    return b'{%b,"items":[%b]}' % (head, b",".join(event.body for event in events))

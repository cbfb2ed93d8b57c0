"""Slack: team.accessLogs and team.integrationLogs of the Web API, and the Audit Logs API.

Filters (app_id, user, action …) are not simulated and refused like any unknown argument.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.clock import Clock, SystemClock
from streamalert_apps.services.slack.twin import rows
from streamalert_apps.services.slack.twin.access import (
    ARGUMENTS,
    Tenant,
    admit_audit,
    admit_web,
    audit,
    encode,
    failure,
    number,
    web,
)
from streamalert_apps.services.slack.twin.listing import Listing, Row, State
from streamalert_apps.simulator.contract import Facts, Refused, Request, Response
from streamalert_apps.simulator.limit import Limit
from streamalert_apps.simulator.oauth import form
from streamalert_apps.simulator.store import SECOND, Event, Feed, Plan, micros, moment, seeded

PAGE: Final = 1000
PAGES: Final = 100
AUDIT_PAGE: Final = 9999
LATENESS: Final = timedelta(minutes=1)
AUDIT: Final = "slack_audit"
AUDIT_PATH: Final = "/audit/v1/logs"
METHODS: Final = {
    "/api/team.accessLogs": ("slack_access", "logins"),
    "/api/team.integrationLogs": ("slack_integration", "logs"),
}


class Slack:
    """A workspace, and the organisation that it is part of.

    `rate`: requests a minute on each method of the Web API (the Audit Logs API takes 2.5 times as
    many; None: any number on both). `page_size`: the most that a page holds. Where the documentation
    does not say: `by_last` sorts access rows, and reads `before`, by date_last instead of date_first;
    `newest_first` is about integration rows; `pages` is how many can be asked for.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        credentials: Mapping[str, str] | None = None,
        tenant: Tenant | None = None,
        rate: int | None = 20,
        page_size: int = AUDIT_PAGE,
        pages: int = PAGES,
        by_last: bool = False,
        newest_first: bool = True,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.tenant = tenant or Tenant()
        self.credentials = dict(credentials or _credentials(seeded(seed, "slack"), self.tenant))
        self._seed = seed
        self._page_size = page_size
        self._pages = pages
        self._lists = {
            "slack_access": Listing(self.clock, by_last=by_last),
            "slack_integration": Listing(self.clock, newest_first=newest_first),
        }
        self._audit = Feed(self.clock)
        self._additions: Counter[str] = Counter()
        self._requests = {path: Limit(self.clock, rate, timedelta(minutes=1)) for path in METHODS}
        self._requests[AUDIT_PATH] = Limit(self.clock, rate and rate * 5 // 2, timedelta(minutes=1))
        self._cursors: dict[str, Event] = {}

    @property
    def wrong_credentials(self) -> Mapping[str, str]:
        """Credentials with another token."""
        return self.credentials | {"auth_token": f"{self.credentials['auth_token'][:-8]}00000000"}

    def facts(self, app_type: str) -> Facts:
        """Return what Slack documents of a log: nothing of how late its events may be."""
        most = AUDIT_PAGE if _known(app_type) == AUDIT else PAGE
        return Facts(min(self._page_size, most), LATENESS)

    def revoke_tokens(self) -> None:
        """Do nothing: the token is the credential."""

    def forget_cursors(self) -> None:
        """Make every cursor of the Audit Logs API that was given out invalid."""
        self._cursors.clear()

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
        """Add events to a log, the same ones for the same seed; without times, of the last hour.

        Each access is a row of its own; `access_again` changes one.
        """
        random = self._random(app_type)
        end = end or self.clock.now()
        start = start or end - timedelta(hours=1)
        plan = Plan(events, start, end, burst, late, timedelta(0), lateness, SECOND)
        contents: list[tuple[rows.Content, int, int]] = []
        now = micros(self.clock.now())
        for at, visible in plan.times(random):
            began = 0 if visible > now else random.choice([0, 0, 5, 600, 86400 * 3])
            content = _content(app_type, at // SECOND, random, began=began)
            if contents and contents[-1][0].get("date", "") == content.get("date") and random.randrange(2):
                content = contents[-1][0]  # now and then somebody does the same thing twice in a second
            contents.append((content, at, visible))
        self._add(app_type, contents, random)

    def put(
        self, app_type: str, *, at: datetime, visible: datetime | None = None, size: int = 0, **fields: Any
    ) -> str:
        """Add one event with these fields and return its id."""
        random = self._random(app_type)
        second = micros(at) // SECOND
        content = _content(app_type, second, random)
        if size and app_type == AUDIT:
            content["context"]["ua"] = "x" * size
        elif size:
            content["user_agent" if app_type == "slack_access" else "scope"] = "x" * size
        content |= fields
        self._add(app_type, [(content, second * SECOND, micros(visible or at))], random)
        return self.identify(app_type, content)

    def access_again(self, name: str, *, at: datetime, visible: datetime | None = None) -> str:
        """Let a row of the access log, known by one of its ids, be used once more; return its new id."""
        listing = self._lists["slack_access"]
        row = next(row for row in listing.rows() if any(state.id == name for state in row.states))
        content = json.loads(row.states[-1].body)
        content |= {"date_last": micros(at) // SECOND, "count": content["count"] + 1}
        state = _state(content, micros(at), micros(visible or at))
        listing.change(row.name, state)
        return state.id

    def same_again(self, name: str) -> None:
        """Let what an integration row tells, known by its id, be done once more in the same second."""
        listing = self._lists["slack_integration"]
        state = next(state for row in listing.rows() for state in row.states if state.id == name)
        random = self._random("slack_integration")
        self._add("slack_integration", [(json.loads(state.body), state.at, state.visible)], random)

    def held(
        self, app_type: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Counter[str]:
        """Count the ids of the events from `since` to `until`, both inclusive; of a row, its last state."""
        if _known(app_type) == AUDIT:
            return self._audit.count(since, until)
        low = micros(since) if since else 0
        high = micros(until) if until else None
        states = (row.states[-1] for row in self._lists[app_type].rows())
        return Counter(state.id for state in states if low <= state.at and (high is None or state.at <= high))

    def identify(self, app_type: str, log: Mapping[str, Any]) -> str:
        """Return the id of a log that arrived; of rows that have none, a hash of what they say."""
        return str(log.get("id")) if _known(app_type) == AUDIT else _hash(log)

    def complete(self, app_type: str) -> datetime:
        """Return the time from which on every event of the log can be seen, in its last state."""
        if _known(app_type) == AUDIT:
            return self._audit.complete()
        states = (row.states[-1] for row in self._lists[app_type].rows())
        return moment(max((state.visible for state in states), default=0))

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        try:
            return self._answer(request)
        except Refused as refused:
            return refused.response

    def failure(self, status: int) -> Response:
        """Word an answer of this status the way Slack does."""
        return failure(status)

    def _answer(self, request: Request) -> Response:
        host = request.headers.get("host", "")
        arguments = dict(request.params) | dict(form(request))
        if host == "api.slack.com" and request.path == AUDIT_PATH:
            admit_audit(request, self.tenant, self.credentials, arguments)
            self._count(request.path)
            return self._entries(arguments)
        if host == "slack.com" and request.path in METHODS:
            app_type, key = METHODS[request.path]
            admit_web(request, self.tenant, self.credentials, arguments, app_type)
            self._count(request.path)
            return self._list(app_type, key, arguments)
        raise web("unknown_method") if host == "slack.com" else audit(404)

    def _count(self, path: str) -> None:
        """Refuse what exceeds the rate within any 60 seconds."""
        if not self._requests[path].take():
            raise Refused(failure(429, ("Retry-After", str(self._requests[path].wait()))))

    def _list(self, app_type: str, key: str, arguments: Mapping[str, str]) -> Response:
        """Return a page of a list as it is now: counted from its top, or after a cursor."""
        given = arguments.get("before", "now") != "now"
        before = (number(arguments, "before", 0) + 1) * SECOND - 1 if given else None
        states = self._lists[app_type].shown(before)
        if "limit" in arguments or "cursor" in arguments:
            return self._after_cursor(key, arguments, states)
        count, page = number(arguments, "count", 100), max(number(arguments, "page", 1), 1)
        if count > PAGE or page > self._pages:
            raise web("over_pagination_limit")
        count = min(count or 100, self._page_size)
        start = (page - 1) * count
        paging = {"count": count, "total": len(states), "page": page, "pages": -(-len(states) // count)}
        return _listed(key, states[start : start + count], {"paging": paging, "ok": True})

    def _after_cursor(self, key: str, arguments: Mapping[str, str], states: list[State]) -> Response:
        limit = number(arguments, "limit", 100)
        if not 0 < limit < PAGE:
            raise web("invalid_limit")
        start = 0
        if cursor := arguments.get("cursor"):
            start = next((n for n, state in enumerate(states, 1) if _cursor(state.id) == cursor), 0)
            if not start:
                raise web("invalid_cursor")
        shown = states[start : start + min(limit, self._page_size)]
        more = start + len(shown) < len(states)
        metadata = {"next_cursor": _cursor(shown[-1].id) if more else ""}
        return _listed(key, shown, {"response_metadata": metadata, "ok": True})

    def _entries(self, arguments: Mapping[str, str]) -> Response:
        """Return a page of the audit logs."""
        limit, cursor = number(arguments, "limit", 100), arguments.get("cursor", "")
        if not 0 < limit <= AUDIT_PAGE:
            raise audit(400, "invalid_limit")
        if cursor and cursor not in self._cursors:
            raise audit(400, "invalid_cursor")
        now = micros(self.clock.now()) // SECOND
        page = self._audit.page(
            low=number(arguments, "oldest", 0) * SECOND,
            high=number(arguments, "latest", now) * SECOND + SECOND - 1,
            limit=min(limit, self._page_size),
            after=self._cursors.get(cursor),
            newest_first=True,
        )
        following = ""
        if page.more:
            following = _cursor(page.events[-1].id)
            self._cursors[following] = page.events[-1]
        return _listed("entries", page.events, {"response_metadata": {"next_cursor": following}})

    def _random(self, app_type: str) -> Random:
        """Return other numbers for each addition to a log."""
        self._additions[_known(app_type)] += 1
        return seeded(self._seed, app_type, self._additions[app_type])

    def _add(self, app_type: str, contents: Sequence[tuple[rows.Content, int, int]], random: Random) -> None:
        if app_type == AUDIT:
            self._audit.add(
                Event(at, str(content["id"]), visible, encode(content)) for content, at, visible in contents
            )
            return
        self._lists[app_type].add(
            Row(
                rows.uuid(random),
                int(content.get("date_first", at // SECOND)) * SECOND,
                [_state(content, at, visible)],
            )
            for content, at, visible in contents
        )


def _known(app_type: str) -> str:
    if app_type not in ARGUMENTS:
        raise UsageError(
            f"Slack's simulator has no '{app_type}'.", hint=f"There are: {', '.join(ARGUMENTS)}."
        )
    return app_type


def _content(app_type: str, at: int, random: Random, *, began: int = 0) -> rows.Content:
    if app_type == "slack_access":
        return rows.access(random, at - began, at)
    if app_type == "slack_integration":
        return rows.integration(random, at)
    return rows.audit(random, at, rows.uuid(random))


def _state(content: Mapping[str, Any], at: int, visible: int) -> State:
    return State(visible, at, _hash(content), encode(content))


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _cursor(name: str) -> str:
    return b64encode(f"next:{name}".encode()).decode()


def _listed(key: str, events: Sequence[State | Event], more: Mapping[str, Any]) -> Response:
    bodies = b",".join(event.body for event in events)
    return Response(200, b'{"%b":[%b],%b' % (key.encode(), bodies, encode(more)[1:]))


def _credentials(random: Random, tenant: Tenant) -> dict[str, str]:
    numbers = "-".join(str(random.randint(10**11, 10**12)) for _ in range(3))
    credentials = {"auth_token": f"xoxp-{numbers}-{random.getrandbits(128):032x}"}
    return credentials | ({"team_id": rows.identifier(random, "T")} if tenant.organisation else {})

"""The service: lists its events as the plan says, gives page tokens and forgets them, limits and refuses."""

from __future__ import annotations

import json
from bisect import insort
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

import httpx

from tests.simulation.events import Event, events
from tests.simulation.plan import Plan
from tests.simulation.timeline import START, moment

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answers."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Token:
    """What the service remembers of a page token that it gave."""

    query: tuple[str, str]
    issued: float
    after: tuple[int, int] | None = None
    offset: int = 0
    snapshot: tuple[Event, ...] | None = None
    circle: tuple[Event, ...] | None = None
    """The rows that come again and again, under a new token each time."""


class Vendor:
    """A service that has one feed."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.every = events(plan)
        self.closed_until = 0.0  # what a Retry-After said
        self.unreadable: set[str] = set()  # files that can't be had for now
        self._requests: deque[float] = deque()
        self._luck = Random(f"{plan.seed}:vendor")
        self.published = 0
        self._in_order: list[tuple[int, int, Event]] = []
        self._tokens: dict[str, _Token] = {}
        self._given: set[str] = set()

    def too_early(self, now: float) -> float:
        """Count a request; return the seconds that it came too early by the service's limit."""
        if self.plan.rate is None:
            return 0.0
        count, seconds = self.plan.rate
        while self._requests and self._requests[0] <= now - seconds:
            self._requests.popleft()
        if len(self._requests) >= count:
            return self._requests[-count] + seconds - now
        self._requests.append(now)
        return 0.0

    def close(self, now: float, seconds: float) -> Reply:
        """Answer that there were too many requests, and for how long none is wanted."""
        seconds = max(seconds, self.closed_until - now)
        self.closed_until = now + seconds
        after = str(int(seconds)) if self._luck.random() < 0.5 else format_datetime(moment(now + seconds))
        return Reply(429, headers={"Retry-After": after})

    def answer(self, request: httpx.Request, now: float, *, forget: bool, circle: bool) -> Reply:
        """Answer a request. `forget`: its page token has just expired; `circle`: it leads in a circle."""
        self._publish(now)
        asked = dict(request.url.params)
        match request.url.path:
            case "/events":
                return self._page(asked, now, forget=forget, circle=circle)
            case "/numbered":
                return self._numbered(int(asked["page"]), self._size(int(asked["limit"]), now))
            case "/seconds":
                return self._second(int(asked["since"]), self._size(int(asked["limit"]), now))
            case "/stream":
                return self._stream(int(asked["position"]), int(asked["limit"]), forget=forget)
            case "/after":
                return self._after(asked["after"], int(asked["limit"]))
            case path:
                return self._file(path.removeprefix("/files/"))

    def _publish(self, now: float) -> None:
        while self.published < len(self.every) and self.every[self.published].published <= now:
            event = self.every[self.published]
            if event.replaces is not None:
                self._in_order = [entry for entry in self._in_order if entry[2].id != event.id]
            insort(self._in_order, (event.time, event.tie, event))
            self.published += 1

    def _size(self, limit: int, now: float) -> int:
        return limit if now < self.plan.shrinks_at else max(1, limit // 2)

    def _page(self, asked: dict[str, str], now: float, *, forget: bool, circle: bool) -> Reply:
        query = (asked["since"], asked["until"])
        token = _Token(query, now)
        if name := asked.get("token"):
            if name not in self._given:
                return Reply(400, b'{"error": "no such token"}')
            known = self._tokens.get(name)
            if known is None or forget or known.issued + self.plan.token_life < now:
                self._tokens.pop(name, None)
                return Reply(410, b'{"error": "token expired"}')
            if self.plan.strict and known.query != query:
                return Reply(400, b'{"error": "token of another query"}')
            if self.plan.single_use:
                del self._tokens[name]
            token = known
        if token.circle is not None:
            return _reply(token.circle, self._named(token))
        rows = self._listed(query, token, now)
        limit = self._size(int(asked["limit"]), now)
        if self.plan.empty_pages and self._luck.random() < 0.2:
            limit = 0
        page, rest = rows[:limit], rows[limit:]
        if circle and page:
            return _reply(page, self._named(_Token(query, now, circle=tuple(page))))
        if not rest and not (page and self._luck.random() < 0.3):
            return _reply(page, None)
        return _reply(page, self._give(token, query, rows, len(page), now))

    def _listed(self, query: tuple[str, str], token: _Token, now: float) -> list[Event]:
        """Return the events that a query lists from a token on."""
        if token.snapshot is not None:
            return list(token.snapshot[token.offset :])
        plan = self.plan
        since, until = map(self._bound, query)
        rows = [
            event
            for time, _, event in self._in_order
            if (plan.no_since or since <= time // plan.unit - (not plan.since_counts))
            and (plan.no_until or time // plan.unit + (not plan.until_counts) <= until)
        ]
        if (plan.shape == "newest first") is not (now >= plan.turns_at):
            rows.reverse()
        if plan.shape in {"any order", "catalogue"}:
            Random("".join(query)).shuffle(rows)
        if token.after is None:
            return rows[token.offset :]
        if plan.shape == "newest first":
            return [row for row in rows if (row.time, row.tie) < token.after]
        return [row for row in rows if (row.time, row.tie) > token.after]

    def _bound(self, bound: str) -> int:
        """Return a bound in the unit in which the service compares times."""
        microseconds = (datetime.fromisoformat(bound) - START) // MICROSECOND
        return (microseconds + self.plan.unit // 2 * self.plan.rounds) // self.plan.unit

    def _give(self, token: _Token, query: tuple[str, str], rows: list[Event], count: int, now: float) -> Any:
        """Return a new page token: what comes after the first `count` of `rows`."""
        made = _Token(query, now, offset=token.offset + count)
        if self.plan.tokens == "snapshot" or self.plan.shape in {"any order", "catalogue"}:
            made = _Token(query, now, offset=token.offset + count, snapshot=token.snapshot or tuple(rows))
        elif self.plan.tokens == "cursor":
            last = (rows[count - 1].time, rows[count - 1].tie) if count else token.after
            made = _Token(query, now, after=last, offset=0 if last else token.offset)
        return self._named(made)

    def _named(self, token: _Token) -> Any:
        random = self._luck.getrandbits(59)
        name = random + (1 << 60) if self.plan.numbers else f"t{random:x}"
        self._tokens[str(name)] = token
        self._given.add(str(name))
        return name

    def _numbered(self, number: int, limit: int) -> Reply:
        """List all there is by page number; what was published last stands first."""
        rows = [event for event in self.every[: self.published] if event.replaces is None][::-1]
        pages = -(-len(rows) // limit)
        listed = b",".join(event.row for event in rows[(number - 1) * limit : number * limit])
        return Reply(200, b'{"rows":[%b],"pages":%d}' % (listed, pages))

    def _second(self, since: int, limit: int) -> Reply:
        """List the earliest events from a second on, and no more than a page of them."""
        start = (since - int(START.timestamp())) * 1_000_000
        rows = [event for time, _, event in self._in_order if time >= start]
        return _reply(rows[:limit], None)

    def _stream(self, position: int, limit: int, *, forget: bool) -> Reply:
        if forget and position:
            return Reply(410, b'{"error": "position too old"}')
        ahead = min(position + limit, self.published)
        back = self._luck.choice((0, 0, 0, 2)) if ahead > position else 0  # at least once
        return _reply(self.every[max(0, position - back) : ahead], str(max(position, ahead)))

    def _after(self, after: str, limit: int) -> Reply:
        bound = self._bound(after)
        rows = [event for time, _, event in self._in_order if time // self.plan.unit > bound]
        return _reply(rows[:limit], len(rows) > limit)

    def _file(self, name: str) -> Reply:
        if name in self.unreadable:
            return Reply(400, b'{"error": "this file is damaged"}')
        logs = next(event.logs for event in self.every if event.id == name)
        return Reply(200, b"[" + b",".join(logs) + b"]")


def _reply(rows: list[Event] | tuple[Event, ...], after: Any) -> Reply:
    listed = b",".join(event.row for event in rows)
    return Reply(200, b'{"rows":[' + listed + b'],"next":' + json.dumps(after).encode() + b"}")

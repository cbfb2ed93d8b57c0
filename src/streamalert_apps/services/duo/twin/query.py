"""What is asked for: the parameters of Duo's log endpoints, refused by name where they are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from streamalert_apps.services.duo.twin.access import failure
from streamalert_apps.simulator.contract import Refused, Request
from streamalert_apps.simulator.store import MILLISECOND, SECOND, Event, Feed, micros

PAGE: Final = 1000
RETENTION: Final = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Query:
    """A request for a page of a v2 log, times in microseconds and inclusive."""

    low: int
    high: int
    limit: int
    after: Event | None
    newest_first: bool


def second_version(request: Request, feed: Feed, now: datetime) -> Query:
    """Read the parameters of a v2 log, whose times are milliseconds."""
    params = _params(request, {"mintime", "maxtime", "limit", "sort", "next_offset"})
    low, high = _number(params, "mintime"), _number(params, "maxtime")
    if low >= high or high - low > RETENTION // timedelta(milliseconds=1):
        raise _wrong("mintime")
    return Query(
        max(low * MILLISECOND, micros(now - RETENTION)),
        high * MILLISECOND + MILLISECOND - 1,
        _limit(params),
        _after(params, feed),
        newest_first=_newest_first(params),
    )


def first_version(request: Request) -> int:
    """Return the mintime of a v1 log, which is in seconds, in microseconds."""
    params = _params(request, {"mintime"})
    return _number(params, "mintime") * SECOND if params else 0


def offset(event: Event) -> str:
    """Return the next_offset that goes on after an event."""
    return f"{event.at // MILLISECOND},{event.id}"


def _params(request: Request, known: set[str]) -> dict[str, str]:
    """Return the parameters by name; next_offset may also come as two values."""
    params: dict[str, str] = {}
    for name, value in request.params:
        if name not in known or (name in params and name != "next_offset"):
            raise _wrong(name)
        params[name] = f"{params[name]},{value}" if name in params else value
    return params


def _number(params: Mapping[str, str], name: str) -> int:
    value = params.get(name, "")
    if not (value.isascii() and value.isdecimal() and len(value) <= len("1700000000000000")):
        raise _wrong(name)
    return int(value)


def _limit(params: Mapping[str, str]) -> int:
    limit = _number(params, "limit") if "limit" in params else 100
    if not 1 <= limit <= PAGE:
        raise _wrong("limit")
    return limit


def _newest_first(params: Mapping[str, str]) -> bool:
    order = params.get("sort", "ts:desc")
    if order not in {"ts:asc", "ts:desc"}:
        raise _wrong("sort")
    return order == "ts:desc"


def _after(params: Mapping[str, str], feed: Feed) -> Event | None:
    if "next_offset" not in params:
        return None
    event = feed.find(params["next_offset"].partition(",")[2])
    if event is None or offset(event) != params["next_offset"]:
        raise _wrong("next_offset")
    return event


def _wrong(name: str) -> Refused:
    return Refused(failure(400, detail=name))

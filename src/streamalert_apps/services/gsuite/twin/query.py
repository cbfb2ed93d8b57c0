"""What is asked for: the parameters of activities.list, and the page tokens that it hands out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from streamalert_apps.services.gsuite.twin.access import failure
from streamalert_apps.simulator.contract import Refused, Request
from streamalert_apps.simulator.store import Event, micros

PAGE: Final = 1000
RETENTION: Final = timedelta(days=180)
LONGEST_OF_GMAIL: Final = timedelta(days=30)
FILTERS: Final = frozenset({
    *("actorIpAddress", "agentInfoFilter", "applicationInfoFilter", "customerId", "deviceFilter"),
    *("eventName", "filters", "groupIdFilter", "includeSensitiveData", "networkInfoFilter"),
    *("orgUnitID", "resourceDetailsFilter", "statusFilter"),
})
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Query:
    """A request for a page: inclusive bounds in microseconds, and where the page before it ended."""

    low: int
    high: int
    limit: int
    after: Event | None
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Issued:
    event: Event
    asked: tuple[str, ...]
    at: datetime


class PageTokens:
    """The tokens that were handed out. `seconds`: how long each is known (None: for ever)."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._numbers = count(1)
        self._issued: dict[str, _Issued] = {}

    def issue(self, event: Event, asked: tuple[str, ...], now: datetime) -> str:
        """Return the token that goes on after an event."""
        token = f"A:{event.at}:{event.id.rpartition(' ')[2]}:{next(self._numbers)}:C02abcd3e"
        self._issued[token] = _Issued(event, asked, now)
        return token

    def find(self, token: str, asked: tuple[str, ...], now: datetime) -> Event:
        """Return the event that a token stands for, if everything else is asked as it was then."""
        issued = self._issued.get(token)
        if issued is None:
            raise _wrong("Invalid pageToken", "the page token was never handed out")
        if issued.asked != asked:
            raise _wrong("Invalid pageToken", "the other parameters are not those of the first page")
        if self._seconds is not None and now > issued.at + timedelta(seconds=self._seconds):
            raise _wrong("Invalid pageToken", "the page token has expired")
        return issued.event


def read(request: Request, application: str, tokens: PageTokens, now: datetime) -> Query:
    """Read the parameters; of one that is given twice the last counts, unknown ones are ignored."""
    params = dict(request.params)
    if filters := FILTERS & params.keys():
        raise _wrong("Bad Request", f"not simulated: {', '.join(sorted(filters))}")
    start = _time(params, "startTime", now - RETENTION)
    end = _time(params, "endTime", now)
    if start >= now:
        raise _wrong("Start time must be before the current time.")
    if start >= end:
        raise _wrong("Start time must be before end time.")
    if application == "gmail":
        _check_gmail(params, end - start)
    limit = _limit(params)
    asked = (application, params.get("startTime", ""), params.get("endTime", ""), str(limit))
    after = tokens.find(params["pageToken"], asked, now) if "pageToken" in params else None
    return Query(max(micros(start), micros(now - RETENTION)), micros(end), limit, after, asked)


def _time(params: Mapping[str, str], name: str, default: datetime) -> datetime:
    value = params.get(name)
    if value is None:
        return default
    try:
        if _TIME.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:  # a month 13, say
        pass
    raise _wrong(f"Invalid value for: {name}")


def _check_gmail(params: Mapping[str, str], span: timedelta) -> None:
    if not {"startTime", "endTime"} <= params.keys():
        raise _wrong("Start time and end time are required for the gmail application.")
    if span > LONGEST_OF_GMAIL:
        raise _wrong("The time range must not exceed 30 days for the gmail application.")


def _limit(params: Mapping[str, str]) -> int:
    value = params.get("maxResults", str(PAGE))
    if not (value.isascii() and value.isdecimal() and 1 <= int(value) <= PAGE):
        raise _wrong("Invalid value for: maxResults")
    return int(value)


def _wrong(message: str, note: str = "") -> Refused:
    return Refused(failure(400, message=message, note=note))

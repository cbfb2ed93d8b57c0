"""What it takes to list a span of time again, reckoned before it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from streamalert_apps.runtime import ledger
from streamalert_apps.sdk.app import App, Checkpoint
from streamalert_apps.sdk.catalogue import Catalogue
from streamalert_apps.sdk.feed.listed import Listed
from streamalert_apps.sdk.feed.place import Place
from streamalert_apps.sdk.feed.sweep import EASY_PAGES
from streamalert_apps.serve.asking import half_of

Density = Callable[[float, float], float]
"""How many rows happened between two times, in seconds since 1970."""
_FASTER: Final = 1.5  # by which a window grows where it was easy


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many requests it takes, for how many events, and in how many seconds within the service's limit."""

    requests: int
    events: int
    seconds: float


def of_hours(hours: ledger.Hours) -> Density:
    """Return the density of a record, whose hours are taken to be even."""

    def density(since: float, until: float) -> float:
        total, at = 0.0, since
        while at < until:
            hour = int(at // ledger.HOUR)
            end = min(until, (hour + 1) * ledger.HOUR)
            total += hours.get(hour, ledger.Count()).events * (end - at) / ledger.HOUR
            at = end
        return total

    return density


def of_listing(app: App, since: datetime, until: datetime, density: Density, page: int) -> Estimate:
    """Return what it takes to list a span whose rows are so dense, with so many on a page."""
    begin, end = since.timestamp(), until.timestamp()
    events = density(begin, end)
    page = max(1, page)
    if isinstance(app, Listed) and not app.whole:
        requests = sum(max(1, _pages(rows, page)) for rows in _windows(app, begin, end, density, page))
    else:
        requests = max(1, _pages(events, page))
    if isinstance(app, Catalogue):
        requests += round(events)  # each is a file, to be opened
    return Estimate(requests, round(events), requests * _seconds(app))


def _windows(app: Listed, begin: float, end: float, density: Density, page: int) -> list[float]:
    """Return the rows of the windows that a sweep goes in."""
    found = []
    width, longest = Place(datetime.fromtimestamp(begin, UTC)).width, app.longest
    while begin < end:
        if longest:
            width = min(width, (longest - 2 * app.precision).total_seconds())
        top = min(begin + width, end)
        rows = density(begin, top)
        found.append(rows)
        if _pages(rows, page) <= EASY_PAGES:
            width *= _FASTER
        begin = top
    return found


def _pages(rows: float, page: int) -> int:
    return -(-round(rows) // page)


def _seconds(app: App) -> float:
    """Return the seconds from one request to the next that half of the service's limit leaves."""
    if not app.rate:
        return 0.0
    half = half_of(app.rate)
    return half.seconds / half.requests


def fullest(checkpoint: Checkpoint | None) -> int:
    """Return the rows of the fullest page that an app has seen, where its checkpoint tells."""
    told = (checkpoint or {}).get("fullest", 0)
    return told if isinstance(told, int) else 0

"""A feed's checkpoint as 0.1.0 kept it: a floor, ids seen beyond it, and a walk between two pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from streamalert_apps.sdk.app import Checkpoint, Json
from streamalert_apps.sdk.feed.place import Place, Sweep, Window
from streamalert_apps.sdk.legacy import CAPACITY, Inherited, pack, unpack


@dataclass(frozen=True, slots=True)
class Former:
    """What has to be known of a feed, and its time now. `token` brings a page token to today's form."""

    order: int
    precision: timedelta
    has_ids: bool
    token: Callable[[Json], Json]
    now: datetime


@dataclass(frozen=True, slots=True)
class _Page:
    """Where a walk was between two pages."""

    settled: datetime
    """What had happened before counted as complete."""
    until: datetime
    token: Json
    reached: datetime | None
    """The unit of time that was read last, where the list kept its order."""
    restarted: datetime | None
    ids: list[bytes]
    """Those read in `reached`."""

    @classmethod
    def of(cls, page: Json) -> _Page:
        def time(name: str) -> datetime | None:
            return datetime.fromisoformat(page[name]) if page.get(name) else None

        return cls(
            datetime.fromisoformat(page["settled"]),
            datetime.fromisoformat(page["until"]),
            page["token"],
            time("reached") if page.get("ordered", True) else None,
            time("restarted"),
            unpack(page.get("edge", "")),
        )


def inherited(checkpoint: Checkpoint, feed: Former, *, halfway: bool) -> Inherited:
    """Return where to go on after 0.1.0.

    A walk that was under way goes on with its token. Oldest first, what it had read moves the floor;
    newest first, it is a span that had been delivered. `halfway`: the page to come had been delivered in
    part, so it has to come first, and as it was.
    """
    place = Place(datetime.fromisoformat(checkpoint["floor"]))
    ids = unpack(checkpoint.get("seen", ""))
    if "page" not in checkpoint:
        if halfway:
            place.sweep = _whole(feed, place.floor)
        return Inherited(place.checkpoint(), ids)
    page = _Page.of(checkpoint["page"])
    sweep = _sweep(feed, place.floor, page)
    place.floor = sweep.cursor
    if page.token is not None or halfway:
        place.sweep = sweep
    span = None
    if feed.order < 0 and page.reached:
        span = ((page.reached + feed.precision).timestamp(), page.settled.timestamp())
    return Inherited(place.checkpoint(), [*ids, *page.ids], span)


def _sweep(feed: Former, floor: datetime, page: _Page) -> Sweep:
    """Return the listing that asks for the rest of a walk: with its bounds, as its token is for them."""
    cursor = floor
    since, until = floor - feed.precision, page.until + feed.precision
    if feed.order > 0 and page.reached:
        cursor = max(floor, min(page.reached, page.settled))
        since = max(since, (page.restarted or since) - feed.precision)
    if feed.order < 0 and page.restarted:
        until = min(until, page.restarted + feed.precision)
    end = max(page.until, cursor)
    # How often equal rows had been met was not kept: they are to be read from the beginning.
    counted: dict[str, int] | None = {} if feed.has_ids else None
    token = feed.token(page.token)
    window = Window(end, since, until, token=token, reached=page.reached, met=counted)
    return Sweep(page.until, end, cursor, sure=cursor, ceiling=page.settled, window=window, first=True)


def _whole(feed: Former, floor: datetime) -> Sweep:
    """Return the listing from the floor up to now."""
    now = max(feed.now, floor)
    since, until = floor - feed.precision, now + feed.precision
    return Sweep(now, now, floor, sure=floor, window=Window(now, since, until), first=True)


def exported(floor: datetime, ids: list[bytes]) -> Checkpoint:
    """Return the checkpoint for 0.1.0, with as many of the ids delivered beyond the floor as it can hold."""
    seen = {"seen": pack(ids[:CAPACITY])} if ids else {}
    return {"floor": floor.isoformat(), **seen}

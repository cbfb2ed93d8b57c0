"""Lists without page tokens: the earliest events from a second on, and no more than a page of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streamalert_apps.sdk.events import NEVER, Fetched, Row
from streamalert_apps.sdk.feed import Feed
from streamalert_apps.sdk.log import LOGGER


def whole_seconds(app: Feed, rows: Sequence[Row], *, since: int, size: int) -> Fetched:
    """Return what such a list brought from the second `since` on; the token is the second to go on from.

    A page may end in the middle of a second, so the next one begins with its last second once more: the
    app's type is to say that its pages are `overlapping`. How many rows a page holds tells nothing of an
    end, as a service may hand out fewer at a time than it documents; one that goes no further than the
    second that was asked for does, unless it is as full as any.
    """
    app.fullest = max(app.fullest, len(rows))
    last = max(_seconds(app, rows, since), default=since)
    if last > since:
        return Fetched(rows, last, short=len(rows) < min(size, app.fullest))
    if not rows or len(rows) < min(size, app.fullest):
        return Fetched(rows)
    if len(rows) >= size:
        LOGGER.error("%s: the service shows only %d of the events in second %d", app.type, size, last)
    return Fetched(rows, since + 1)


def _seconds(app: Feed, rows: Sequence[Row], second: int) -> Iterator[int]:
    """Yield the second of each event; one without a readable time has that of its neighbour."""
    for time, _ in app.stamps(rows):
        second = second if time == NEVER else int(time.timestamp())
        yield second

"""The walk through a feed in one run: looks and sweeps take turns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from streamalert_apps.sdk.app import Memory, Page
from streamalert_apps.sdk.feed.listed import Listed
from streamalert_apps.sdk.feed.look import Looks
from streamalert_apps.sdk.feed.place import Place
from streamalert_apps.sdk.feed.reader import Found, Reader
from streamalert_apps.sdk.feed.sweep import Sweeps

OLD_TURNS: Final = 3  # requests of looks for each of a sweep that is far behind


def walk(feed: Listed, place: Place, memory: Memory) -> Iterator[Page]:
    """Yield pages: looks first, the sweep with what is left, and a quarter where it is far behind.

    A run is paid for while it waits: under a tight limit a sweep goes on in a later one.
    """
    reader = Reader(feed, place, memory)
    looks, sweeps = Looks(reader), Sweeps(reader)

    def swept() -> Iterator[Page]:
        """Yield the pages of a turn of the sweep: the last one says it where that was all of the run."""
        for page in sweeps.page():
            yield replace(page, more=sweeps.is_due() or looks.is_due(sweeping=False))

    while True:
        due = sweeps.is_due()
        if due and (sweeps.is_first() or (sweeps.is_old() and place.turns >= OLD_TURNS)):
            yield from swept()
        elif looks.is_due(sweeping=due):
            yield from looks.pages(sweeping=due)
        elif due and not sweeps.can_be_left():
            yield from swept()
        else:
            yield reader.page(Found(), more=False)
            return

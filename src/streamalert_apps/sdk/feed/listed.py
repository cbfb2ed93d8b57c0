"""What a walk needs to know about a service that lists events by time."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime, timedelta
from typing import ClassVar

from streamalert_apps.sdk.app import Json
from streamalert_apps.sdk.events import Events, Fetched


class Listed(Events):
    """An app type whose service lists events by time."""

    precision: ClassVar[timedelta] = timedelta(seconds=1)
    """The unit in which the service compares times."""
    whole: ClassVar[bool] = False
    """Whether a listing always has everything, whatever is asked for."""
    longest: ClassVar[timedelta | None] = None
    """The longest time span of one request, if the service limits it."""
    overlapping: ClassVar[bool] = False
    """Whether a row may be on two pages of a listing. Rows without an id are then counted page by page."""
    order: ClassVar[int]
    """As documented: 1 oldest event first, -1 newest first, 0 any order."""
    fullest: int = 0
    """Rows of the fullest page so far: a service may cap pages below what it documents."""

    @abstractmethod
    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Request one page of the events from `since` to `until`; `token` is None for the first.

        A token with which the request is refused has expired; raise PageTokenExpired where that is told
        in another way.
        """

"""What a walk has to know of a service that lists events by time."""

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
    """Whether a listing is of all that the service has, whatever is asked for."""
    longest: ClassVar[timedelta | None] = None
    """The longest span that one request may ask for, where the service refuses more."""
    overlapping: ClassVar[bool] = False
    """Whether a row may stand on two pages of a listing. Rows without an id are then counted page by page."""
    order: ClassVar[int]
    """As documented: 1 the oldest event first, -1 the newest, 0 any."""
    fullest: int = 0
    """Rows of the fullest page that was seen: a service may cap its pages at less than it documents."""

    @abstractmethod
    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for one page of the events from `since` to `until`; `token` is None for the first.

        A token with which the request is refused has expired; raise PageTokenExpired where that is told
        in another way.
        """

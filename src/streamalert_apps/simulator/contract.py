"""What a twin is: a vendor's API, faked, as a function from request to response.

A twin knows no socket and no fault; server.py and transport.py serve any of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qsl

from streamalert_apps.sdk.clock import Clock


@dataclass(frozen=True, slots=True)
class Request:
    """A request as received: the target is path and query byte for byte, header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path, as sent."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query, as sent."""
        return self.target.partition("?")[2]

    @property
    def params(self) -> tuple[tuple[str, str], ...]:
        """The decoded parameters of the query, in the order sent."""
        return tuple(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. The note never leaves the simulator: it tells a developer why a request was refused."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"
    note: str = ""


class Refused(Exception):
    """A request is answered with an error."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of the request log; status 0 says that no answer was sent."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    status: int
    at: datetime
    fault: str
    note: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the vendor documents about one of its logs, as far as this twin follows it."""

    page: int
    """The most events in one answer; for a catalogue of files, about the events of one list of files."""
    lag: timedelta
    """How long after it happened an event may appear."""
    in_one_second: int | None = None
    """The most events of one second that the API can show; None: any number."""


class Twin(Protocol):
    """A faked vendor. It is asked one thing at a time, so `handle` needs no lock.

    Its class takes `clock`, `seed` (for its numbers; other credentials for another seed) and
    `page_size` (the most that an answer holds, whatever is asked for), each by name.
    """

    @property
    def clock(self) -> Clock:
        """The time in the twin's world; its client must live by the same clock."""

    @property
    def credentials(self) -> Mapping[str, Any]:
        """Credentials that the twin accepts, in the fields that its app types ask for."""

    @property
    def wrong_credentials(self) -> Mapping[str, Any]:
        """Well-formed credentials that the twin refuses."""

    def facts(self, app_type: str) -> Facts:
        """Return what the vendor documents of a log."""

    def revoke_tokens(self) -> None:
        """Invalidate every access token that was issued; do nothing if the vendor has none."""

    def handle(self, request: Request) -> Response:
        """Answer a request."""

    def failure(self, status: int) -> Response:
        """Return an answer with this status, worded as the vendor does."""

    def seed(
        self,
        app_type: str,
        *,
        events: int,
        burst: int = 0,
        late: int = 0,
        start: datetime | None = None,
        end: datetime | None = None,
        lateness: timedelta = timedelta(seconds=60),
    ) -> None:
        """Add events to a feed, the same ones for the same seed; see store.Plan for what the numbers mean.

        Without times they happened within the last hour.
        """

    def put(
        self, app_type: str, *, at: datetime, visible: datetime | None = None, size: int = 0, **fields: Any
    ) -> str:
        """Add one event with these fields and return its id.

        `size`: its JSON has at least so many bytes, by a long text where the vendor has free text.
        """

    def complete(self, app_type: str) -> datetime:
        """Return the time at which every event of the feed is visible."""

    def held(
        self, app_type: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Counter[str]:
        """Count the ids of the events that happened from `since` to `until`, both inclusive."""

    def identify(self, app_type: str, log: Mapping[str, Any]) -> str:
        """Return the id of a log that arrived."""

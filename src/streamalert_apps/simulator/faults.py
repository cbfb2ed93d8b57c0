"""What goes wrong on the way: which requests are hit, and what happens to them instead.

    faults = [Fault(Status(429, retry_after=30), nth=2), Fault(Dropped(), every=5, path="/admin/v2/*")]

Effects know no vendor: how a 429 or a 401 reads is asked of the twin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from fnmatch import fnmatchcase
from threading import Lock
from typing import Protocol

from streamalert_apps.simulator.contract import Asked, Request, Response, Twin


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer goes out. Without a response the connection just ends.

    `wait` seconds pass before the first byte, the body takes `spread` seconds, and the connection
    ends after the share `keep` of it. Seconds are real ones on any clock: time-outs of sockets are.
    """

    response: Response | None
    wait: float = 0.0
    spread: float = 0.0
    keep: float = 1.0


class Effect(Protocol):
    """Something that happens to a request instead of, or to, its answer."""

    def deliver(self, twin: Twin, request: Request) -> Delivery:
        """Return what goes out."""


@dataclass(frozen=True, slots=True)
class Status:
    """An error status in the vendor's own words, with or without Retry-After (seconds or a date)."""

    code: int
    retry_after: int | None = None
    as_date: bool = False

    def deliver(self, twin: Twin, request: Request) -> Delivery:  # noqa: ARG002
        """Return what goes out."""
        answer = twin.failure(self.code)
        if self.retry_after is None:
            return Delivery(answer)
        value = str(self.retry_after)
        if self.as_date:
            value = format_datetime(twin.clock.now() + timedelta(seconds=self.retry_after), usegmt=True)
        headers = (*answer.headers, ("Retry-After", value))
        return Delivery(Response(answer.status, answer.body, headers, answer.content_type))


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """A page for people with status 200, as proxies and maintenance screens send it."""

    def deliver(self, twin: Twin, request: Request) -> Delivery:  # noqa: ARG002
        """Return what goes out."""
        page = b"<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>"
        return Delivery(Response(200, page, content_type="text/html; charset=utf-8"))


@dataclass(frozen=True, slots=True)
class CutBody:
    """The connection ends in the middle of the body."""

    keep: float = 0.5

    def deliver(self, twin: Twin, request: Request) -> Delivery:
        """Return what goes out."""
        return Delivery(twin.handle(request), keep=self.keep)


@dataclass(frozen=True, slots=True)
class Dropped:
    """The connection ends before any answer."""

    def deliver(self, twin: Twin, request: Request) -> Delivery:  # noqa: ARG002
        """Return what goes out."""
        return Delivery(None)


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing comes for `seconds`, then the connection ends."""

    seconds: float

    def deliver(self, twin: Twin, request: Request) -> Delivery:  # noqa: ARG002
        """Return what goes out."""
        return Delivery(None, wait=self.seconds)


@dataclass(frozen=True, slots=True)
class Slow:
    """The body trickles in over `seconds`, so that no single read takes long."""

    seconds: float

    def deliver(self, twin: Twin, request: Request) -> Delivery:
        """Return what goes out."""
        return Delivery(twin.handle(request), spread=self.seconds)


@dataclass(frozen=True, slots=True)
class Fault:
    """An effect and the requests it hits: the n-th, a range of them, every n-th, or all that match `path`.

    Requests that match the path (a glob) are counted from 1.
    """

    effect: Effect
    nth: int | range | None = None
    every: int | None = None
    path: str = "*"

    def hits(self, count: int) -> bool:
        """Tell whether the request of this number is hit."""
        if isinstance(self.nth, range):
            return count in self.nth
        if self.nth is not None:
            return count == self.nth
        return self.every is None or count % self.every == 0


class Stage:
    """A twin with its faults and its log of requests: what server and transport have in common."""

    def __init__(self, twin: Twin, faults: Iterable[Fault] = ()) -> None:
        self.twin = twin
        self.requests: list[Asked] = []
        self._faults = tuple(faults)
        self._counts = [0] * len(self._faults)
        self._lock = Lock()

    def play(self, request: Request) -> Delivery:
        """Answer a request, or let happen to it what the first fault that hits it says."""
        with self._lock:
            at = self.twin.clock.now()
            effect = self._strike(request.path)
            delivery = effect.deliver(self.twin, request) if effect else Delivery(self.twin.handle(request))
            answer = delivery.response
            self.requests.append(
                Asked(
                    request.method,
                    request.path,
                    request.params,
                    answer.status if answer else 0,
                    at,
                    type(effect).__name__ if effect else "",
                    answer.note if answer else "",
                )
            )
        return delivery

    def _strike(self, path: str) -> Effect | None:
        struck: Effect | None = None
        for index, fault in enumerate(self._faults):
            if not fnmatchcase(path, fault.path):
                continue
            self._counts[index] += 1
            if struck is None and fault.hits(self._counts[index]):
                struck = fault.effect
        return struck

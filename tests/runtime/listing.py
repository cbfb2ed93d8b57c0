"""A service that lists numbered events by time, some of which it shows late."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

import msgspec

from streamalert_apps.errors import Unavailable
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Rate
from tests.runtime.doubles import START, World

if TYPE_CHECKING:
    from streamalert_apps.sdk.app import App, Json


@dataclass
class Service:
    """Its events: when each happens, its number, and when it is shown (seconds from the start)."""

    world: World
    page: int = 100
    events: list[tuple[float, int, float]] = field(default_factory=list)
    asked: int = 0
    rate: Rate | None = None
    breaks_at: float = float("inf")
    """After so many requests it answers none."""

    tires_at: float = float("inf")
    """After so many requests a run has no time left."""

    _listed: tuple[tuple[datetime, datetime, float] | None, list[tuple[float, int]]] = (None, [])

    def left(self) -> float:
        return 10.0 if self.asked < self.tires_at else -1.0

    def happens(self, number: int, at: float, *, late: float = 0.0) -> None:
        insort(self.events, (at, number, at + late))

    def shown(self, since: datetime, until: datetime) -> list[tuple[float, int]]:
        now = (self.world.clock.now() - START).total_seconds()
        if self._listed[0] != (since, until, now):
            self._listed = ((since, until, now), self._shown(since, until, now))
        return self._listed[1]

    def _shown(self, since: datetime, until: datetime, now: float) -> list[tuple[float, int]]:
        begin, end = ((bound - START).total_seconds() for bound in (since, until))
        some = self.events[bisect_left(self.events, (begin,)) : bisect_left(self.events, (end, 1 << 60))]
        return [(at, number) for at, number, seen in some if seen <= now]


class Listed(OldestFirst):
    """The app type."""

    type = "numbers_listed"
    collects = "numbers"
    auth = ()
    time_field = "t"
    id_fields: ClassVar[tuple[str, ...]] = ("n",)
    lag = timedelta(minutes=10)
    service: ClassVar[Service]

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        service = self.service
        if service.asked >= service.breaks_at:
            raise Unavailable("The service is down.")
        if wait := self.api.pace.wait():
            self.api.sleep(wait)
        self.api.pace.request_made()
        service.asked += 1
        self.api.requests += 1
        self.api.dated = True
        rows = service.shown(since, until)[token or 0 :][: service.page + 1]
        page = [Row(msgspec.json.encode({"n": number, "t": START.timestamp() + at})) for at, number in rows]
        more = len(page) > service.page
        return Fetched(page[: service.page], (token or 0) + service.page if more else None)


def listing_world(**shape: object) -> tuple[World, Service]:
    """Return a world whose app lists a service's events."""
    world = World(**shape)  # type: ignore[arg-type]
    service = Service(world)
    kind: type[Listed] = type("Listed", (Listed,), {"service": service})

    def build(_: World, api: Api) -> App:
        kind.rate = service.rate
        return kind({}, api)

    world.app = build
    return world, service


def app_of(world: World) -> Listed:
    """Return an app of such a world, for somebody who asks beside it."""
    app = world.app(world, Api(clock=world.clock, transport=world.transport))
    assert isinstance(app, Listed)
    return app

"""An app against a twin without a socket: each run is a new object that has nothing but a JSON checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from streamalert_apps import services
from streamalert_apps.sdk.app import App, Checkpoint, NoMemory
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.sdk.http import Api
from streamalert_apps.simulator.contract import Asked, Twin
from streamalert_apps.simulator.faults import Fault
from streamalert_apps.simulator.tally import Tally, compare
from streamalert_apps.simulator.transport import TwinTransport, transport

CHECKPOINT_BYTES = 3000


class Remembered(NoMemory):
    """Knows every id that is on record."""

    def __init__(self) -> None:
        self.ids: set[bytes] = set()

    def known(self, ids: Sequence[bytes], times: Sequence[float]) -> set[bytes]:  # noqa: ARG002
        return self.ids.intersection(ids)


@dataclass(slots=True)
class Collector:
    """Runs an app again and again, as its schedule would, and keeps what arrived."""

    twin: Twin
    app_type: str
    since: datetime
    faults: Iterable[Fault] = ()
    clock: Clock | None = None
    credentials: dict[str, Any] | None = None
    seconds: float = float("inf")
    logs: list[dict[str, Any]] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)
    repeats: int = 0
    checkpoint: Checkpoint | None = None
    memory: Remembered = field(default_factory=Remembered)
    wire: TwinTransport = field(init=False)

    def __post_init__(self) -> None:
        self.wire = transport(self.twin, self.faults)
        self.credentials = self.credentials or dict(self.twin.credentials)

    @property
    def requests(self) -> list[Asked]:
        return self.wire.requests

    def app(self) -> App:
        api = Api(
            clock=self.clock or self.twin.clock, deadline=Deadline(lambda: self.seconds), transport=self.wire
        )
        assert self.credentials is not None
        return services.find(self.app_type)(self.credentials, api)

    def run(self, *, pages: int | None = None) -> bool:
        """Collect until there is no more, or for so many pages; tell whether there is more."""
        app = self.app()
        if self.checkpoint is None:
            self.checkpoint = app.start(self.since)
        count = 0
        for page in app.walk(json.loads(json.dumps(self.checkpoint)), self.memory):
            count += bool(page.logs or page.repeats)
            self.logs += [
                dict(log) if isinstance(log, Mapping) else json.loads(bytes(log)) for log in page.logs
            ]
            self.pages.append(len(page.logs))
            self.repeats += page.repeats
            remember = zip(page.ids, page.times, strict=True) if page.remember is None else page.remember
            self.memory.ids.update(identity for identity, _ in remember)
            text = json.dumps(page.checkpoint, separators=(",", ":"))
            assert len(text) <= CHECKPOINT_BYTES
            self.checkpoint = json.loads(text)
            if count == pages or not page.more:
                return page.more
        return False

    def finish(self, *, pages: int | None = None, every: timedelta = timedelta(0)) -> None:
        """Run until there is no more, each run cut short after so many pages."""
        for _ in range(10_000):
            if not self.run(pages=pages):
                return
            self.twin.clock.sleep(every.total_seconds())
        raise AssertionError("it never ends")

    def cut_short(self, *, runs: int = 60, every: timedelta = timedelta(seconds=5)) -> None:
        """Run again and again, each time for another number of pages, whether there is more or not."""
        for number in range(runs):
            self.run(pages=1 + number % 5)
            self.twin.clock.sleep(every.total_seconds())

    def come_to_rest(self, *, lag: timedelta) -> None:
        """Run several times until everything has shown up and settled."""
        end = max(self.twin.complete(self.app_type), self.twin.clock.now()) + lag
        while self.twin.clock.now() <= end:
            self.finish()
            self.twin.clock.sleep(lag.total_seconds() / 4)
        self.finish()

    def slow_down(self, seconds: float) -> None:
        """Let each request take some time."""
        wire, clock = self.wire, self.twin.clock

        class Slow(httpx.BaseTransport):
            requests = property(lambda _: wire.requests)

            def handle_request(self, request: httpx.Request) -> httpx.Response:
                clock.sleep(seconds)
                return wire.handle_request(request)

        self.wire = Slow()  # type: ignore[assignment]

    def tally(self, **bounds: Any) -> Tally:
        return compare(self.twin, self.app_type, self.logs, **bounds)


def nothing_lost_or_repeated(tally: Tally) -> bool:
    """Tell whether every event of the twin arrived once; the tally shows in a failure's message."""
    return (tally.lost, tally.repeated, tally.foreign) == ((), (), ())

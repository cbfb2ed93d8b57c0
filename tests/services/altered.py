"""Whole runs of an app against its twin: what comes on record, whatever is done to answers on their way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from streamalert_apps import services
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.journal import entries, read
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.app import App
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.sdk.http import Api
from streamalert_apps.simulator.contract import Twin
from streamalert_apps.simulator.tally import Tally, compare
from streamalert_apps.simulator.transport import transport

Change = Callable[[httpx.Request, httpx.Response], httpx.Response]


class Altered(httpx.BaseTransport):
    """The way to a twin, on which answers are altered."""

    def __init__(self, twin: Twin, change: Change) -> None:
        self.twin = transport(twin)
        self.change = change

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.twin.handle_request(request)
        response.read()
        return self.change(request, response)


def altered(response: httpx.Response, body: bytes, **headers: str) -> httpx.Response:
    """Return an answer with another body."""
    kept = {name: value for name, value in response.headers.items() if name != "content-length"}
    return httpx.Response(response.status_code, headers=kept | headers, content=body)


@dataclass
class Recorded:
    """Runs of an app. `ahead`: by how much our clock is wrong."""

    twin: Twin
    app_type: str
    since: datetime
    change: Change = lambda _, response: response
    ahead: timedelta = timedelta(0)
    kind: type[App] | None = None
    store: MemoryStore = field(init=False)

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.twin.clock)

    def run(self, *, seconds: float = float("inf")) -> Outcome:
        """Run once."""
        clock = self.twin.clock
        ends = clock.now().timestamp() + seconds
        deadline = Deadline(lambda: ends - clock.now().timestamp())
        terms = Terms(
            Identity("twin", "the same"),
            clock,
            deadline,
            first_look=clock.now() - self.since,
            threads=False,
        )

        def build() -> App:
            kind = self.kind or services.find(self.app_type)
            wire = Altered(self.twin, self.change)
            return kind(self.twin.credentials, Api(clock=self._ours(), deadline=deadline, transport=wire))

        return collect(build, self.store, {}, terms)

    def every(self, interval: timedelta, times: int) -> list[Outcome]:
        """Run so many times."""
        outcomes = []
        for _ in range(times):
            outcomes.append(self.run())
            self.twin.clock.sleep(interval.total_seconds())
        return outcomes

    @property
    def logs(self) -> list[dict[str, Any]]:
        """What is on record."""
        head = json.loads(self.store.read("head.json").body)
        return [
            json.loads(bytes(line.raw))
            for entry in entries(
                self.store, head["birth"], since=head.get("first", 1), up_to=head.get("sequence", 0)
            )
            for _, line in read(self.store.get(entry.name) or b"")
        ]

    def tally(self, **bounds: Any) -> Tally:
        """Hold what is on record against what the twin has."""
        return compare(self.twin, self.app_type, self.logs, **bounds)

    def _ours(self) -> Clock:
        twin, ahead = self.twin.clock, self.ahead

        class Ours:
            def now(self) -> datetime:
                return twin.now() + ahead

            def sleep(self, seconds: float) -> None:
                twin.sleep(seconds)

        return Ours()

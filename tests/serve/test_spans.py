"""Every kind of feed lists a span again: it finds what is on record, and backfills once what is older."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps import services
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal, record
from streamalert_apps.runtime.collect import Terms, collect
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace
from streamalert_apps.serve.backfill import plan, run
from streamalert_apps.serve.turn import Place
from streamalert_apps.serve.verify import Asker, verify
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests.simulator.world import StillClock

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENTS = 120
TYPES = {
    "oldest first": "aliyun_actiontrail",
    "newest first": "gsuite_login",
    "any order": "cloudflare_access",
    "by number": "slack_integration",
    "a stream": "okta_system_log",
    "a stream with a history": "onepassword_signins",
    "by checkpoint": "auth0_logs",
    "files": "salesforce_login",
    "files of content": "m365_general",
    "a tight limit": "duo_auth",
}


@dataclass(frozen=True)
class Ran:
    """An app of which EVENTS are on record, and as many happened in the days before."""

    asker: Asker
    clock: StillClock
    store: MemoryStore

    @property
    def ids(self) -> Counter[str]:
        head = heads.parse(self.store.read(heads.NAME).body)[0]
        records = record.of(self.store, head)
        return Counter(mark.id for mark in record.marks(records, lambda _: True, lambda: None))

    def cut(self) -> str:
        """Take a line off the middle of a commit; return the event's id."""
        items = [item for item in self.store.list("") if "/journal/" in item.name]
        item = max(items, key=lambda item: item.size)
        lines = (self.store.get(item.name) or b"").splitlines(keepends=True)
        gone = lines.pop(len(lines) // 2)
        self.store.delete([item.name])
        self.store.put(item.name, b"".join(lines))
        ((_, mark),) = journal.marks(gone)
        return mark.id


@pytest.fixture(params=[*TYPES.values()], ids=[*TYPES])
def ran(request: pytest.FixtureRequest) -> Iterator[Ran]:
    name, clock = request.param, StillClock(START)
    kind, store = services.find(name), MemoryStore(clock)
    twin: Any = twins.twin(name.partition("_")[0], clock=clock)
    lag = kind.lag or HOUR
    twin.seed(name, events=EVENTS, start=START - timedelta(days=3), end=START - timedelta(days=1))

    def collected() -> None:
        pace = Pace(kind.rate, clock)
        api = Api(clock=clock, deadline=Deadline.never(), pace=pace, simulator=server.url)
        identity = Identity("owner", f"{clock.now()}")
        terms = Terms(identity, clock, Deadline(lambda: 5000.0), HOUR, threads=False)
        outcome = collect(lambda: kind(dict(twin.credentials), api), store, {}, terms)
        api.close()
        assert outcome.status == "succeeded", outcome.error

    with serve(twin) as server:
        collected()
        twin.seed(name, events=EVENTS, start=START + 0.1 * HOUR, end=START + 3 * HOUR)
        clock.sleep((4 * HOUR + 2 * lag).total_seconds())
        twin.seed(name, events=1, start=clock.now() - 0.5 * HOUR, end=clock.now() - 0.4 * HOUR)
        for _ in range(3):
            clock.sleep((lag / 2 + 0.5 * HOUR).total_seconds())
            collected()
        place = Place(store, "owner")
        yield Ran(Asker(kind, lambda: dict(twin.credentials), place, clock, server.url), clock, store)


def test_all_that_is_on_record_is_found_at_the_service_and_what_is_not_is_named(ran: Ran) -> None:
    found = verify(ran.asker, START, ran.clock.now())
    gone = ran.cut()

    assert found.missing == []
    assert found.listed >= EVENTS
    assert [one.id for one in verify(ran.asker, START, ran.clock.now()).missing] == [gone]


def test_what_happened_before_the_record_is_backfilled_once(ran: Ran) -> None:
    before = ran.ids
    made = plan(ran.asker, START - timedelta(days=4), None, "", {})

    outcome = run(ran.asker, made, {}, threads=False)

    assert outcome.status == "succeeded", outcome.error
    assert len(ran.ids) - len(before) == EVENTS
    assert max(ran.ids.values()) == 1

"""An app of 0.1.0 goes on under today's record: nothing that was delivered comes again, nothing is lost.

The states are 0.1.0's own: v0_1_0/make.py ran it, once to the end, once cut short between two pages, once
with a destination that had enough in the middle of a page.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.legacy import OldState
from streamalert_apps.runtime.ssm import Stored
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.catalogue import Catalogue
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.events import Fetched
from streamalert_apps.sdk.feed import AnyOrder, NewestFirst, OldestFirst
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.integration import AppIntegration
from streamalert_apps.sdk.numbered import Numbered, NumberedPage
from streamalert_apps.sdk.stream import Stream
from tests.runtime.v0_1_0.feeds import Service, events, feeds, moment
from tests.simulator.world import StillClock

STATES: dict[str, Any] = json.loads(Path(__file__).with_name("v0_1_0").joinpath("states.json").read_text())
TODAY = SimpleNamespace(
    Fetched=Fetched,
    OldestFirst=OldestFirst,
    NewestFirst=NewestFirst,
    AnyOrder=AnyOrder,
    Stream=Stream,
    Catalogue=Catalogue,
    Numbered=Numbered,
    numbered_page=lambda rows, _size, _total, pages: NumberedPage(rows, pages),
    AppIntegration=AppIntegration,
)
LEFT = 3_000.0  # when 0.1.0 ran last, in seconds
WHOLE_LISTS = {"old_pages cut", "old_pages half"}


@dataclass
class Slot:
    """A place of a state."""

    text: str | None
    version: int = 7
    on_get: Any = None

    def get(self) -> Stored | None:
        return Stored(self.text, self.version) if self.text is not None else None

    def put(self, text: str, *, overwrite: bool) -> int:
        assert overwrite
        self.text, self.version = text, self.version + 1
        return self.version


@dataclass
class World:
    """An app that 0.1.0 ran until now."""

    name: str
    slot: Slot
    clock: StillClock = field(default_factory=lambda: StillClock(moment(LEFT + 60)))
    service: Service = field(default_factory=lambda: Service([]))

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)
        self.happen(LEFT)
        self.old = OldState(self.slot, "The state", self.clock)

    def happen(self, until: float) -> None:
        """Let the service have all events up to then."""
        self.service.rows[:] = events(until, named=self.name != "old_nameless")

    def run(self, pages: float = float("inf")) -> Outcome:
        """Collect once."""
        asked = 0

        def left() -> float:
            nonlocal asked
            asked += 1
            return 100.0 if asked <= pages else 0.0

        kind = feeds(TODAY, self.service)[self.name]
        terms = Terms(
            Identity("owner", f"run {self.clock.now()}"),
            self.clock,
            Deadline(left),
            timedelta(seconds=600),
            adopt=self.old.adopt,
            bury=self.old.bury,
            threads=False,
        )
        return collect(lambda: kind({}, Api(clock=self.clock)), self.store, {}, terms)

    def head(self) -> heads.Head:
        return heads.parse(self.store.read(heads.NAME).body)[0]

    def recorded(self) -> list[Any]:
        """Return all events on record."""
        head = self.head()
        found = journal.entries(self.store, head.birth, up_to=head.sequence)
        bodies = [self.store.get(entry.name) for entry in found]
        return [json.loads(raw) for body in bodies for raw in journal.raws(body or b"")]


def taken_over(name: str, case: str = "whole") -> World:
    return World(name, Slot(json.dumps(STATES[f"{name} {case}"]["state"])))


def counted(rows: list[Any]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


@pytest.mark.parametrize("pages", [float("inf"), 12], ids=["in one run", "in many runs"])
@pytest.mark.parametrize("state", STATES)
def test_what_0_1_0_delivered_is_never_on_record_and_the_rest_is_once(state: str, pages: float) -> None:
    name, case = state.split()
    world = taken_over(name, case)
    delivered = counted(STATES[state]["delivered"])
    for later in (LEFT, LEFT + 900, LEFT + 1800):
        world.happen(later)
        world.clock.time = moment(later + 60)
        for _ in range(200):
            outcome = world.run(pages)
            assert outcome.status != "failed", outcome.error
            world.clock.sleep(1)
            if outcome.status == "succeeded":
                break
    world.clock.sleep(3600)
    for _ in range(200):
        if world.run(pages).status == "succeeded":
            break

    recorded = counted(world.recorded())

    shown = world.service.rows
    if name == "old_files":
        shown = shown[: len(shown) // 50 * 50]
    wanted = counted([row for row in shown if row["time"] >= moment(600).isoformat()])
    assert wanted - delivered - recorded == Counter()
    if state not in WHOLE_LISTS:
        assert recorded - (counted(world.service.rows) - delivered) == Counter()

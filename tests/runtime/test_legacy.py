"""An app of 0.1.0 goes on under today's record: nothing that was delivered comes again, nothing is lost.

The states are 0.1.0's own: v0_1_0/make.py ran it, once to the end, once cut short between two pages, once
with a destination that had enough in the middle of a page.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streamalert_apps.errors import AlreadyRunning, StateError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.delivery import Destination, Outlet
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.legacy import TOMBSTONE, FileSlot, OldState
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
    numbered_page=lambda rows, _size, total, pages: NumberedPage(rows, pages, total),
    AppIntegration=AppIntegration,
)
LEFT = 3_000.0  # when 0.1.0 ran last, in seconds


@dataclass
class Slot:
    """A place of a state."""

    text: str | None
    version: int = 7
    after_get: Callable[[], object] = field(default=lambda: None)
    before_put: Callable[[], object] = field(default=lambda: None)

    def get(self) -> Stored | None:
        stored = Stored(self.text, self.version) if self.text is not None else None
        self.after_get()
        return stored

    def put(self, text: str, *, overwrite: bool) -> int:
        assert overwrite
        self.before_put()
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

    def run(
        self, pages: float = float("inf"), destinations: Mapping[str, Destination] | None = None
    ) -> Outcome:
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
        outlets = {name: Outlet(sink) for name, sink in (destinations or {}).items()}
        return collect(lambda: kind({}, Api(clock=self.clock)), self.store, outlets, terms)

    def lease(self, holder: str) -> None:
        """Let another run begin, and not end."""
        identity, deadline = Identity("owner", holder), Deadline.never()
        heads.take(self.store, identity, clock=self.clock, deadline=deadline, first_look=timedelta(0))

    def head(self) -> heads.Head:
        return heads.parse(self.store.read(heads.NAME).body)[0]

    def recorded(self) -> list[Any]:
        """Return all events on record."""
        head = self.head()
        found = journal.entries(self.store, head.birth, since=head.first, up_to=head.sequence)
        bodies = [self.store.get(entry.name) for entry in found]
        return [json.loads(raw) for body in bodies for raw in journal.raws(body or b"")]


def taken_over(name: str, case: str = "whole") -> World:
    return World(name, Slot(json.dumps(STATES[f"{name} {case}"]["state"])))


def counted(rows: list[Any]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


IN_ONE_RUN = [(state, float("inf")) for state in STATES]
IN_MANY = [(state, 12.0) for state in STATES if state.endswith("cut") and "pages" not in state]


@pytest.mark.parametrize(("state", "pages"), [*IN_ONE_RUN, *IN_MANY])
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
    assert recorded - (counted(world.service.rows) - delivered) == Counter()


def test_0_1_0_s_state_is_replaced_by_words_that_it_can_t_read() -> None:
    world = taken_over("old_ascending")

    world.run()

    assert world.slot.text == TOMBSTONE
    with pytest.raises(json.JSONDecodeError):  # 0.1.0 and StreamAlert both read JSON, and give up on other
        json.loads(TOMBSTONE)


def test_while_a_run_of_0_1_0_has_its_lease_nothing_is_taken_over() -> None:
    world = taken_over("old_ascending")
    state = json.loads(world.slot.text or "")
    state["sa_apps"]["lease"] = {"holder": "other", "until": moment(LEFT + 120).isoformat()}
    world.slot.text = json.dumps(state)

    with pytest.raises(
        AlreadyRunning, match="It is already running; if that run died, try again after 12:52:00"
    ):
        world.run()
    assert world.store.read(heads.NAME).version is None

    world.clock.sleep(61)
    world.run()
    assert world.slot.text == TOMBSTONE


def test_a_run_of_0_1_0_that_begins_at_the_same_moment_is_waited_for_and_its_end_is_what_counts() -> None:
    world = taken_over("old_ascending")
    later = json.dumps(json.loads(world.slot.text or "") | {"current_state": "partial"})

    def overtake() -> None:
        world.slot.text, world.slot.version = later, 8

    world.slot.after_get = overtake
    with pytest.raises(AlreadyRunning):
        world.run()
    assert world.slot.text == later

    world.slot.after_get = lambda: None
    assert world.run().status == "succeeded"
    assert world.slot.text == TOMBSTONE


def test_a_run_that_died_before_it_replaced_the_state_is_made_up_for_by_the_next() -> None:
    world = taken_over("old_ascending")

    def die() -> None:
        raise KeyboardInterrupt

    world.slot.before_put = die
    with pytest.raises(KeyboardInterrupt):
        world.run()
    assert world.slot.text != TOMBSTONE

    world.slot.before_put = lambda: None
    world.happen(LEFT + 100)
    world.clock.sleep(100)
    world.run()
    assert world.slot.text == TOMBSTONE
    assert [event["what"] for event in world.recorded()] == [3000, 3020, 3040, 3060, 3080]


def test_a_state_that_can_t_be_read_is_not_taken_for_none() -> None:
    world = World("old_ascending", Slot('{"current_state"'))

    with pytest.raises(StateError, match="no state that can be taken over"):
        world.run()

    assert world.store.read(heads.NAME).version is None
    assert world.slot.text == '{"current_state"'


def test_a_checkpoint_of_another_type_fails_the_run_and_is_kept() -> None:
    state = {"current_state": "succeeded", "sa_apps": {"checkpoint": {"position": "17"}}}
    world = World("old_ascending", Slot(json.dumps(state)))

    outcome = world.run()

    assert outcome.status == "failed"
    assert world.head().adopted == {"checkpoint": {"position": "17"}}


def test_streamalert_s_own_timestamp_is_gone_on_from() -> None:
    state = {"current_state": "running", "last_timestamp": int(moment(2400).timestamp()), "context": {}}
    world = World("old_ascending", Slot(json.dumps(state)))

    world.run()

    assert min(event["what"] for event in world.recorded()) == 2400


def test_a_first_run_that_died_under_0_1_0_begins_where_that_began() -> None:
    own = {"checkpoint": None, "since": moment(1200).isoformat()}
    world = World("old_ascending", Slot(json.dumps({"current_state": "running", "sa_apps": own})))

    world.run()

    assert min(event["what"] for event in world.recorded()) == 1200


def test_what_0_1_0_knew_is_forgotten_once_the_floor_has_passed_the_takeover() -> None:
    world = taken_over("old_ascending")
    world.run()
    assert world.head().memory.former

    world.happen(LEFT + 1800)
    world.clock.time = moment(LEFT + 1860)
    world.run()
    world.clock.sleep(600)
    world.run()

    assert world.head().memory.former is None


def test_the_state_of_a_local_project_is_replaced_as_well(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"version": 3, "state": STATES["old_ascending whole"]["state"]}))
    slot = FileSlot(path)
    old = OldState(slot, str(path), StillClock())

    assert old.adopt()["checkpoint"]
    old.bury()

    assert json.loads(path.read_text()) == {"version": 4, "state": TOMBSTONE}
    assert path.stat().st_mode & 0o777 == 0o600
    assert OldState(slot, str(path), StillClock()).adopt() is None

"""What a run deletes, and what it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streamalert_apps.errors import StateError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal, paused
from streamalert_apps.runtime.clean import DEAD_DAYS
from streamalert_apps.runtime.delivery import Answer
from streamalert_apps.runtime.head import Identity
from streamalert_apps.sdk.app import Checkpoint
from streamalert_apps.sdk.clock import Deadline
from tests.runtime.doubles import Remembered, Sink, World, down
from tests.simulator.world import StillClock

DAY, HOUR = 86_400.0, 3_600.0


def collected(world: World, *, days: int) -> None:
    """Collect an event a day."""
    for _ in range(days):
        world.total += 1
        world.run()
        world.clock.sleep(DAY + 1)


class Settable:
    """A clock that is `ahead` of the store's."""

    def __init__(self, true: StillClock) -> None:
        self.true = true
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return self.true.now() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.true.sleep(seconds)


def listings(world: World) -> int:
    return world.store.calls.count(("list", ""))


def leave(world: World, name: str) -> str:
    world.memory.put(name, b"leftover\n")
    return name


def test_the_journal_is_kept_for_as_many_days_as_it_is_to_be() -> None:
    world = World(total=0, journal_days=7)

    collected(world, days=12)

    assert world.record == list(range(5, 12))


def test_runs_that_have_no_time_left_at_their_end_delete_at_their_beginning() -> None:
    world = World(total=0, journal_days=7)
    collected(world, days=10)

    for _ in range(3):
        world.total += 100
        world.seconds = 60
        assert world.run(left=60).status == "partial"
        world.clock.sleep(DAY + 1)

    assert min(world.record) >= 5


def test_what_a_destination_does_not_have_is_kept() -> None:
    world = World(total=0, journal_days=7)
    world.sinks["slow"] = slow = Sink(world)
    slow.judge = down(2)

    collected(world, days=12)

    assert world.record == list(range(2, 12))


def test_what_a_destination_that_is_not_known_here_does_not_have_is_kept() -> None:
    world = World(total=0, journal_days=7)
    world.sinks["theirs"] = theirs = Sink(world)
    theirs.judge = down(2)
    collected(world, days=4)
    del world.sinks["theirs"]

    collected(world, days=12)

    assert world.record == list(range(2, 16))


def test_without_destinations_the_journal_is_kept_for_its_days() -> None:
    world = World(total=0, journal_days=7)
    world.sinks = {}

    collected(world, days=12)

    assert world.record == list(range(5, 12))


def test_what_the_memory_could_need_again_is_kept() -> None:
    class Floored(Remembered):
        def watermark(self, _: Checkpoint) -> datetime:
            return datetime.fromtimestamp(world.clock.now().timestamp() - 9 * DAY, UTC)

    world = World(total=0, journal_days=2, app=Floored)

    collected(world, days=12)

    assert world.record == list(range(3, 12))


def test_a_journal_that_is_not_to_be_kept_goes_within_hours_of_its_delivery() -> None:
    world = World(total=0, journal_days=0)
    for _ in range(6):
        world.total += 1
        world.run()
        world.clock.sleep(HOUR + 1)

    assert world.record == [5]
    assert world.arrived == list(range(6))


def test_a_journal_that_is_not_to_be_kept_stays_until_every_destination_has_it() -> None:
    world = World(total=0, journal_days=0)
    world.sinks["slow"] = slow = Sink(world)
    slow.judge = down(1)
    for _ in range(6):
        world.total += 1
        world.run()
        world.clock.sleep(HOUR + 1)

    assert world.record == list(range(1, 6))


def test_it_is_looked_for_once_a_day() -> None:
    world = World(total=1)
    world.run()
    world.clock.sleep(DAY)
    world.store.calls.clear()
    for _ in range(48):
        world.run()
        world.clock.sleep(HOUR)

    assert listings(world) == 2


def test_a_clock_that_was_years_ahead_does_not_stop_it() -> None:
    world = World(total=1)
    world.run()
    held = world.hold()
    held.head.cleaned, held.head.lease = held.now().timestamp() + 366 * DAY, None
    held.write()
    world.store.calls.clear()

    world.run()

    assert listings(world) == 1


def test_what_a_run_left_that_lost_its_lease_goes() -> None:
    world = World(total=0)
    collected(world, days=1)
    birth = world.head.birth
    old = [
        leave(world, journal.name_of(birth, 1, 1)),
        leave(world, journal.name_of(birth, 9, 5)),
        leave(world, f"{birth}/memory/0000000001-1-0"),
    ]
    world.clock.sleep(HOUR + 1)
    new = [leave(world, f"{birth}/memory/0000000002-1-0"), leave(world, journal.name_of(birth, 9, 6))]

    world.run()

    names = world.names(birth)
    assert not set(old) & set(names)
    assert set(new) <= set(names)  # its run may be about to name them
    assert world.record == [0]


def test_a_commit_that_a_run_wrote_again_after_it_was_deleted_is_none() -> None:
    world = World(total=0, journal_days=0)
    for _ in range(4):
        world.total += 1
        world.run()
        world.clock.sleep(HOUR + 1)
    again = leave(world, journal.name_of(world.head.birth, 1, 1))

    assert world.record == [3]
    world.clock.sleep(HOUR + 1)
    world.run()
    assert again not in world.names("/journal/")


def test_a_clock_that_is_set_during_a_run_makes_nothing_older() -> None:
    world = World(total=0)
    collected(world, days=1)
    clock = Settable(world.clock)
    world.clock = clock  # type: ignore[assignment] # what a run needs of it
    new = leave(world, f"{world.head.birth}/memory/0000000002-1-0")
    world.total += 1

    def judge(_: list[int]) -> None:
        clock.ahead = timedelta(days=1)

    world.sink.judge = judge
    world.run()

    assert listings(world)
    assert new in world.names("/memory/")


def test_the_record_of_an_earlier_birth_goes_as_the_journal_does() -> None:
    world = World(total=0, journal_days=7)
    collected(world, days=2)
    world.memory.delete([heads.NAME])
    earlier = world.names("/journal/")
    world.total = 0

    collected(world, days=6)
    assert set(earlier) & set(world.names("/journal/"))
    collected(world, days=4)
    assert not set(earlier) & set(world.names("/journal/"))


def test_what_is_not_of_the_record_is_left_alone() -> None:
    world = World(total=0)
    others = [
        leave(world, name) for name in ("auth.json", "backfill/1/head.json", "inbox/1.jsonl", "pace.json")
    ]

    collected(world, days=40)

    assert all(name in world.names("") for name in others)


def test_dead_records_are_kept_for_thirty_days() -> None:
    world = World(total=0)
    old = leave(world, "dead/sink/0000000001-0.json")
    world.clock.sleep(DAY)
    new = leave(world, "dead/sink/0000000001-1.json")
    collected(world, days=1)
    world.clock.sleep((DEAD_DAYS - 2) * DAY - 10)
    world.run()
    assert world.names("dead/") == [old, new]

    world.clock.sleep(DAY)
    world.run()
    assert world.names("dead/") == [new]


def test_what_is_deleted_of_dead_records_counts_as_kept_no_more() -> None:
    world = World(total=0)
    other = world.sinks["other"] = Sink(world)
    for sink in (world.sink, other):
        sink.judge = lambda numbers: Answer(refused={1: "no"} if 1 in numbers else {})
    world.total = 2
    world.run()
    del world.sinks["other"]
    assert {name: position.dead for name, position in world.head.positions.items()} == {"sink": 1, "other": 1}

    world.clock.sleep((DEAD_DAYS + 1) * DAY)
    outcome = world.run()

    assert {name: position.dead for name, position in world.head.positions.items()} == {"sink": 0, "other": 0}
    assert outcome.delivered["sink"].kept == 0


def test_the_segments_that_the_head_names_stay() -> None:
    world = World(total=9_000, page=9_000, app=Remembered)
    world.run()
    collected(world, days=12)

    assert {segment.name for segment in world.head.memory.segments} == {
        name.rpartition("/")[2] for name in world.names("/memory/")
    }
    assert world.names("/memory/")


def test_no_head_ever_names_what_was_deleted() -> None:
    class Floored(Remembered):
        def watermark(self, checkpoint: Checkpoint) -> datetime:
            return datetime.fromtimestamp(checkpoint["next"] + world.clock.now().timestamp() - 9_500, UTC)

    world = World(total=9_000, page=9_000, app=Floored)
    world.run()
    missing: list[Any] = []

    def look(what: str, _: str) -> None:
        if what == "delete":
            there = {name.rpartition("/")[2] for name in world.names("/memory/")}
            missing.append({segment.name for segment in world.head.memory.segments} - there)

    world.store.after = look
    for _ in range(4):
        world.clock.sleep(DAY)
        world.run()

    assert missing == [set()] * 4
    assert world.names("/memory/") == []


def test_what_can_not_be_deleted_costs_the_run_nothing() -> None:
    world = World(total=0)
    collected(world, days=8)
    world.store.fault = lambda what, _: StateError("denied") if what == "delete" else None

    collected(world, days=3)

    assert world.head.status == "succeeded"
    world.store.fault = lambda *_: None
    collected(world, days=1)
    assert world.record == list(range(5, 12))


@pytest.mark.parametrize("left", [0.0, -1.0])
def test_a_run_without_time_deletes_nothing(left: float) -> None:
    world = World(total=1)
    world.run()
    world.clock.sleep(DAY)
    world.store.calls.clear()

    world.run(left=left)

    assert listings(world) == 0


def test_a_destination_that_was_named_for_single_runs_holds_nothing_back_and_what_went_is_passed() -> None:
    world = World(total=0, journal_days=7)
    world.sinks["run:/a.jsonl"] = named = Sink(world)
    collected(world, days=2)
    del world.sinks["run:/a.jsonl"]

    collected(world, days=10)
    assert world.record == list(range(5, 12))

    world.sinks["run:/a.jsonl"] = named
    collected(world, days=1)
    assert named.arrived == [0, 1, *range(5, 13)]


def test_of_destinations_that_were_named_for_single_runs_those_furthest_behind_are_forgotten() -> None:
    world = World(total=0, journal_days=7)
    for number in range(heads.MOST_PASSING + 3):
        world.sinks = {"run:-": Sink(world)} | {f"run:/{number}": Sink(world)}
        collected(world, days=1)

    assert len(world.head.positions) == heads.MOST_PASSING
    assert {"run:-", f"run:/{number}"} <= set(world.head.positions)


def paused_run(world: World) -> None:
    """Run as an app does once a day while its schedule is off."""
    paused.delete(world.store, Identity("owner", "paused"), world.journal_days, world.clock, Deadline.never())


@pytest.mark.parametrize("journal_days", [7.0, 0.0])
def test_a_paused_app_deletes_what_is_past_its_time_each_day(journal_days: float) -> None:
    world = World(total=0, journal_days=journal_days)
    collected(world, days=3)
    events = world.head.events

    for _ in range(8):
        paused_run(world)
        world.clock.sleep(DAY - 1)

    assert (world.record, world.names("/journal/")) == ([], [])
    assert (world.head.events, world.head.status, world.head.lease) == (events, "succeeded", None)
    world.total += 1
    assert world.run().status == "succeeded"
    assert (world.lost, world.repeated.total()) == (set(), 0)


def test_a_paused_app_keeps_nothing_for_a_floor_that_stands_still() -> None:
    world = World(total=3, app=Remembered, journal_days=7)  # its floor stays at the beginning of all time
    world.run()
    world.clock.sleep(8 * DAY)

    paused_run(world)

    assert world.record == []


def test_a_paused_app_keeps_what_a_destination_does_not_have() -> None:
    world = World(total=3, journal_days=7)
    world.sink.judge = down(1)
    world.run()
    world.clock.sleep(8 * DAY)

    paused_run(world)

    assert world.record == [0, 1, 2]


def test_a_paused_app_without_a_record_begins_none() -> None:
    world = World()
    paused_run(world)
    assert world.names("") == []


def test_what_a_paused_app_can_not_delete_is_told() -> None:
    world = World(total=1)
    world.run()
    world.store.fault = lambda what, _: StateError("The store does not answer.") if what == "list" else None

    with pytest.raises(StateError, match="does not answer"):
        paused_run(world)

    assert world.head.lease is None

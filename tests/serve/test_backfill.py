"""Backfilling: a record of its own beside the app's, reckoned before, continued where it was cut off."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.errors import UsageError
from streamalert_apps.runtime import journal, record
from streamalert_apps.runtime.delivery import Outlet
from streamalert_apps.sdk.pace import Rate
from streamalert_apps.serve.backfill import Plan, plan, run, unfinished
from streamalert_apps.serve.turn import Place
from streamalert_apps.serve.verify import Asker, verify
from tests.destinations import http, sentinel
from tests.destinations.stand import stand
from tests.runtime.doubles import START, Killed, Killer, Sink, World
from tests.runtime.listing import Listed, Service, listing_world

if TYPE_CHECKING:
    from streamalert_apps.runtime.collect import Outcome

HOUR, DAY = 3_600.0, 86_400.0


def asker(world: World, service: Service, clock: Any = None) -> Asker:
    kind = type("Listed", (Listed,), {"service": service, "rate": service.rate})
    return Asker(kind, dict, Place(world.store, "owner"), clock or world.clock)


def rate_at(time: float) -> float:
    """Return how many events an hour happen: many by day, few by night and on two days of seven."""
    day = int(time // DAY) % 7
    return (3 + 2 * math.sin(time / DAY * 2 * math.pi)) * (1.0 if day < 5 else 0.4)


def world_with(*, past: int, live: int, dense: float = 1.0) -> tuple[World, Service]:
    """Return a world with so many days of events before its record began, and so many on record."""
    world, service = listing_world()
    service.page = 50
    number, time = 0, -past * DAY
    while time < (live + 1) * DAY:
        service.happens(number, time)
        number += 1
        time += HOUR / rate_at(time) / dense
    world.run()
    for _ in range(live * 8):
        world.clock.sleep(3 * HOUR)
        world.run()
    return world, service


def planned(world: World, service: Service, days: float, **more: Any) -> Plan:
    return plan(asker(world, service), START - timedelta(days=days), None, "", {}, **more)


def backfilled(world: World, service: Service, made: Plan, sink: Sink | None = None) -> Outcome:
    outlets = {"sink": Outlet(sink)} if sink else {}
    return run(asker(world, service), made, outlets, threads=False)


def numbers(world: World) -> list[int]:
    """Return the numbers on record, in all records."""
    found = []
    for one in record.of(world.store.store, world.head):
        head, store = one.head, one.store
        for entry in journal.entries(store, head.birth, since=head.first, up_to=head.sequence):
            found += [
                int(raw.split(b'"n":')[1].split(b",")[0])
                for raw in journal.raws(store.get(entry.name) or b"")
            ]
    return found


def test_90_days_are_reckoned_within_a_fifth_before_and_on_record_once() -> None:
    world, service = world_with(past=95, live=7)
    before, began = service.asked, world.clock.now()
    service.rate = Rate(10, 60)

    made = planned(world, service, 90)
    probed = service.asked - before
    outcome = backfilled(world, service, made)

    assert probed == 1
    assert outcome.status == "succeeded"
    assert made.estimate is not None
    requests = service.asked - before - probed
    seconds = (world.clock.now() - began).total_seconds()
    size = sum(len(row) for row in _rows(world))
    assert abs(made.estimate.requests - requests) <= 0.2 * requests
    assert abs(made.estimate.events - outcome.events) <= 0.2 * outcome.events
    assert abs(made.estimate.seconds - seconds) <= 0.2 * seconds
    assert abs(made.bytes - size) <= 0.2 * size
    wanted = [number for at, number, _ in service.events if -90 * DAY <= at < -HOUR]
    on_record = numbers(world)
    assert set(wanted) <= set(on_record)
    assert len(on_record) == len(set(on_record))


def _rows(world: World) -> list[bytes]:
    (one,) = record.backfills(world.store.store)
    entries = journal.entries(one.store, one.head.birth, since=1, up_to=one.head.sequence)
    return [raw for entry in entries for raw in journal.raws(one.store.get(entry.name) or b"")]


def test_90_days_killed_at_any_step_are_continued_and_nothing_is_on_record_twice() -> None:
    cut_off = 0
    for step in range(1, 60, 4):
        world, service = world_with(past=95, live=1, dense=0.03)
        made = planned(world, service, 90)
        sink = Sink(world)
        world.killer = Killer(step)
        try:
            backfilled(world, service, made, sink)
        except Killed:
            cut_off += 1
            world.killer = Killer()
            world.clock.sleep(200)
            going_on = unfinished(Place(world.store, "owner"))
            assert len(going_on) <= 1
            outcome = backfilled(world, service, (going_on or [made])[0], sink)
            assert outcome.status == "succeeded"
        world.killer = Killer()
        on_record = numbers(world)
        assert len(on_record) == len(set(on_record)), step
        wanted = {number for at, number, _ in service.events if -90 * DAY <= at < -HOUR}
        assert wanted <= set(on_record), step
        assert unfinished(Place(world.store, "owner")) == []
    assert cut_off > 10


class Beside:
    """A clock that lets an app run on schedule while somebody else waits."""

    def __init__(self, world: World, every: float) -> None:
        self._world, self._every = world, every
        self._due = world.clock.now() + timedelta(seconds=every)
        self._runs = False

    def now(self) -> datetime:
        return self._world.clock.now()

    def sleep(self, seconds: float) -> None:
        until = self.now() + timedelta(seconds=seconds)
        while not self._runs and self._due <= until:
            self._world.clock.sleep(max(0.0, (self._due - self.now()).total_seconds()))
            self._runs = True
            self._world.run()
            self._runs = False
            self._due += timedelta(seconds=self._every)
        self._world.clock.sleep(max(0.0, (until - self.now()).total_seconds()))


def lags(world: World) -> list[float]:
    """Return for each event on record of the app how long after it happened it was collected."""
    store, head = world.store.store, world.head
    entries = journal.entries(store, head.birth, since=head.first, up_to=head.sequence)
    marks = [mark for entry in entries for _, mark in journal.marks(store.get(entry.name) or b"")]
    return [round(mark.got - mark.at) for mark in marks if mark.at >= START.timestamp() + DAY]


def test_the_apps_own_lag_stays_as_it_is_beside_90_days() -> None:
    worlds = []
    for fill in (False, True):
        world, service = world_with(past=95, live=1, dense=2)
        service.rate = world.rate = Rate(10, 60)
        clock = Beside(world, 120)
        made = planned(world, service, 90) if fill else None
        while made is None and world.clock.now() < START + timedelta(hours=30):
            clock.sleep(60)
        if made:
            assert run(asker(world, service, clock), made, {}, threads=False).status == "succeeded"
            while world.clock.now() < START + timedelta(hours=30):
                clock.sleep(60)
        worlds.append(world)

    without, beside = (lags(world) for world in worlds)
    assert max(beside) <= max(without) + 120
    assert sum(beside) / len(beside) <= 1.1 * sum(without) / len(without) + 5


def test_what_is_on_record_already_is_left_out_and_the_plan_says_from_when_on() -> None:
    world, service = world_with(past=10, live=3)
    until = START + timedelta(days=2)

    made = plan(asker(world, service), START - timedelta(days=5), until, "", {})
    backfilled(world, service, made)

    assert made.known_from == START - timedelta(days=5)
    on_record = numbers(world)
    assert len(on_record) == len(set(on_record))


def test_what_was_on_record_before_the_journal_begins_is_said_to_come_again() -> None:
    world, service = world_with(past=3, live=12)
    until = START + timedelta(days=10)

    made = plan(asker(world, service), START - timedelta(days=1), until, "", {})

    assert made.known_from is not None
    assert START + timedelta(days=3) < made.known_from < until
    assert any("will be collected again" in warning for warning in made.warnings)


def test_events_go_to_the_destination_once() -> None:
    world, service = world_with(past=10, live=1)
    sink = Sink(world)

    outcome = backfilled(world, service, planned(world, service, 5), sink)

    assert outcome.delivered["sink"].events == outcome.events
    assert sorted(sink.arrived) == sorted(set(sink.arrived))


def test_no_position_of_the_app_is_moved_and_no_lease_is_needed() -> None:
    world, service = world_with(past=10, live=1)
    made = planned(world, service, 5)
    held = world.hold()
    before = world.store.store.read("head.json")

    assert backfilled(world, service, made).status == "succeeded"

    assert world.store.store.read("head.json").version == before.version
    held.close()


def test_one_that_overlaps_another_is_refused() -> None:
    world, service = world_with(past=10, live=1)
    backfilled(world, service, planned(world, service, 5))

    with pytest.raises(UsageError, match="is done"):
        planned(world, service, 8)
    other = plan(asker(world, service), START - timedelta(days=8), START - timedelta(days=5, hours=0), "", {})
    assert backfilled(world, service, other).status == "succeeded"
    assert len(numbers(world)) == len(set(numbers(world)))


def test_what_lies_within_the_record_alone_is_refused() -> None:
    world, service = world_with(past=1, live=1)

    with pytest.raises(UsageError, match="nothing to backfill"):
        plan(asker(world, service), START + timedelta(hours=3), None, "", {})


def test_what_the_service_keeps_no_more_is_told() -> None:
    world, service = world_with(past=10, live=1)
    kind = type("Listed", (Listed,), {"service": service, "retention": timedelta(days=6)})
    short = Asker(kind, dict, Place(world.store, "owner"), world.clock)

    made = plan(short, START - timedelta(days=30), None, "", {})

    assert made.since > START - timedelta(days=6)
    assert any("6 days" in warning for warning in made.warnings)


@pytest.mark.parametrize(("days", "warned"), [(30, ["sentinel"]), (1, [])])
def test_a_destination_that_gives_old_events_another_time_is_named(days: int, warned: list[str]) -> None:
    world, service = world_with(past=31, live=0)
    with stand(sentinel.CASE) as azure, stand(http.CASE) as other:
        outlets = {"sentinel": azure.outlet(), "soc": other.outlet()}
        made = plan(asker(world, service), START - timedelta(days=days), None, "", outlets)

    assert [warning.partition(":")[0] for warning in made.warnings if "older" in warning] == warned


def test_verify_finds_nothing_missing_while_one_is_under_way() -> None:
    world, service = world_with(past=10, live=2)
    backfilled(world, service, planned(world, service, 5))

    assert verify(asker(world, service), START, world.clock.now()).missing == []


def test_what_is_old_of_one_that_is_done_is_deleted_with_the_rest() -> None:
    world, service = world_with(past=10, live=1)
    backfilled(world, service, planned(world, service, 5))
    assert world.names("backfill/")

    for _ in range(20):
        world.clock.sleep(DAY / 2)
        world.run()

    left = [name for name in world.names("backfill/") if "/journal/" in name]
    assert left == []
    assert len(record.backfills(world.store.store)) == 1

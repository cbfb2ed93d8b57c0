"""Replaying: a side reader of the journal, with a position and ids of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from streamalert_apps.errors import UsageError
from streamalert_apps.runtime.delivery import Limits, Outlet
from streamalert_apps.runtime.replay import Wanted
from streamalert_apps.serve.replay import begin, go_on, wanted_of
from streamalert_apps.serve.turn import Place
from tests.runtime.doubles import LOG_BYTES, START, Killed, Killer, Remembered, Sink, World, down

EVENTS = 20


def collected() -> World:
    """Return a world in which twenty numbers, a second each, are on record in five commits, and delivered."""
    world = World(total=0, app=Remembered)
    for total in range(4, EVENTS + 1, 4):
        world.total = total
        world.run()
    return world


def wanted(first: int, last: int, *, same_ids: bool = False) -> Wanted:
    return Wanted(START.timestamp() + first, START.timestamp() + last + 1, "siem", same_ids)


def place(world: World) -> Place:
    return Place(world.store, "owner")


def replayed(world: World, span: Wanted, sink: Sink | None = None) -> Sink:
    sink = sink or Sink(world)
    done = go_on(place(world), begin(place(world), span), Outlet(sink), world.clock)
    assert done.error is None
    return sink


def test_the_events_of_a_span_are_sent_and_no_others() -> None:
    world = collected()

    sink = replayed(world, wanted(5, 14))

    assert sink.arrived == [*range(5, 15)]


def test_neither_the_record_nor_a_position_is_changed() -> None:
    world = collected()
    before = world.store.store.read("head.json")

    replayed(world, wanted(0, 19))

    assert world.store.store.read("head.json").version == before.version
    assert world.names("replay/") == []


def test_it_goes_on_beside_a_run() -> None:
    world = collected()
    held = world.hold()

    assert len(replayed(world, wanted(0, 19)).arrived) == EVENTS
    held.close()


def test_events_have_ids_of_their_own_each_time() -> None:
    world = collected()

    ids = [{one for batch in replayed(world, wanted(0, 3)).batches for one in batch.ids} for _ in range(2)]

    first = {one for batch in world.sink.batches[:2] for one in batch.ids}
    assert not first & ids[0]
    assert not ids[0] & ids[1]


def test_they_keep_the_ids_that_they_had_where_that_is_wanted() -> None:
    world = collected()

    sink = replayed(world, wanted(0, 3, same_ids=True))

    first = {one for batch in world.sink.batches[:2] for one in batch.ids}
    assert {one for batch in sink.batches for one in batch.ids} == first


def test_one_that_was_cut_off_goes_on_where_it_was_under_the_same_ids() -> None:
    world = collected()
    sink = Sink(world)
    sink.judge = down(9)
    identity = begin(place(world), wanted(2, 17))
    assert go_on(place(world), identity, Outlet(sink), world.clock).error is not None
    assert sink.arrived == [*range(2, 8)]
    sink.judge = down(-1)

    done = go_on(place(world), identity, Outlet(sink), world.clock)

    assert (done.error, sink.arrived) == (None, [*range(2, 18)])
    assert len({one.rpartition("-")[2] for batch in sink.batches for one in batch.ids}) == 1


def test_a_kill_repeats_no_more_than_what_is_sent_together() -> None:
    for step in range(1, 80, 5):
        world = collected()
        sink = Sink(world, Limits(bytes=2 * (LOG_BYTES + 1)))
        identity = begin(place(world), wanted(0, 19))
        world.killer = Killer(step)
        try:
            go_on(place(world), identity, Outlet(sink), world.clock)
        except Killed:
            world.killer = Killer()
            world.clock.sleep(200)
            try:
                go_on(place(world), identity, Outlet(sink), world.clock)
            except UsageError:
                pytest.fail("it was forgotten")
        assert {*sink.arrived} == {*range(EVENTS)}
        assert len(sink.arrived) <= EVENTS + 4


def test_what_it_was_of_is_told_to_whoever_continues_it() -> None:
    world = collected()
    identity = begin(place(world), wanted(2, 17))

    assert wanted_of(place(world), identity) == wanted(2, 17)
    with pytest.raises(UsageError, match="no unfinished replay"):
        wanted_of(place(world), "12345678")


def test_what_the_journal_has_no_more_is_told() -> None:
    world = World(total=4)
    world.run()
    world.clock.sleep(timedelta(days=9).total_seconds())
    world.total += 1
    world.run()

    with pytest.raises(UsageError, match="reaches back"):
        begin(place(world), wanted(-9, -5))


def test_without_a_record_there_is_nothing_to_replay() -> None:
    with pytest.raises(UsageError, match="nothing to replay"):
        begin(Place(World().store, "owner"), wanted(0, 3))


def test_what_is_refused_for_good_is_kept_as_in_a_run() -> None:
    world = collected()
    sink = Sink(world)
    sink.limits = Limits(event_bytes=LOG_BYTES - 5)

    go_on(place(world), begin(place(world), wanted(3, 3)), Outlet(sink), world.clock)

    assert len(world.names("dead/siem/")) == 1

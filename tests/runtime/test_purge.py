"""Purging: what happened within a span leaves the record, and all else stays as it is."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.runtime import journal
from streamalert_apps.runtime.collect import COMMIT_SECONDS
from streamalert_apps.runtime.delivery import Answer
from streamalert_apps.runtime.purge import purge
from tests.runtime.doubles import START, Killed, Killer, Remembered, Sink, World, down, id_of, log_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamalert_apps.sdk.app import Checkpoint, Memory, Page

SLOW = COMMIT_SECONDS + 1


def collected(**shape: float) -> World:
    """Return a world in which ten numbers are on record, a second each from START on."""
    world = World(total=10, page=5, seconds=SLOW, app=Remembered, **shape)  # type: ignore[arg-type]
    world.run()
    return world


def purged(world: World, first: int, last: int) -> int:
    """Purge the numbers from the first to the last."""
    held = world.hold()
    try:
        since, until = START + timedelta(seconds=first), START + timedelta(seconds=last + 1)
        return purge(held, world.store, since, until)
    finally:
        held.head.lease = None
        held.write()
        held.close()


def test_what_happened_within_the_span_is_gone_and_the_rest_is_there() -> None:
    world = collected()

    assert purged(world, 3, 6) == 4

    assert world.record == [0, 1, 2, 7, 8, 9]
    everything = b"".join(world.memory.get(name) or b"" for name in world.names(""))
    assert log_of(4) not in everything
    assert log_of(7) in everything


def test_rows_that_were_purged_are_empty_so_that_the_others_keep_theirs() -> None:
    world = collected()

    purged(world, 3, 6)

    assert [bool(raw) for raw in world.raws()] == [True] * 3 + [False] * 4 + [True] * 3


def test_a_destination_goes_on_where_it_was() -> None:
    world = World(total=10, page=10, app=Remembered)
    world.sink.judge = down(4)
    world.run()
    assert world.arrived == [0, 1, 2, 3]
    purged(world, 2, 6)
    world.sink.judge = down(-1)

    world.run()

    assert world.arrived == [0, 1, 2, 3, 7, 8, 9]
    assert world.head.positions["sink"].sequence == 2


def test_what_was_to_be_sent_again_of_a_batch_is_not_where_it_was_purged() -> None:
    world = World(total=10, page=10, batch=10, app=Remembered)
    world.sink.judge = lambda _: Answer(retry=[2, 8], error=down()([]))
    world.run(left=0)
    assert world.head.positions["sink"].pending == [2, 8]
    purged(world, 2, 2)
    world.sink.judge = down(-1)

    world.run()

    assert sorted(world.arrived) == [0, 1, 3, 4, 5, 6, 7, 8, 9]


def test_a_whole_commit_may_be_purged() -> None:
    world = collected()
    other = world.sinks["other"] = Sink(world)

    assert purged(world, 0, 4) == 5
    world.total = 12
    world.run()

    assert world.record == [5, 6, 7, 8, 9, 10, 11]
    assert other.arrived == [10, 11]


def test_the_bounds_are_from_since_to_before_until() -> None:
    world = collected()
    held = world.hold()

    assert purge(held, world.store, START + timedelta(seconds=2), START + timedelta(seconds=4)) == 2

    assert world.record == [0, 1, 4, 5, 6, 7, 8, 9]


def test_where_nothing_is_to_be_purged_no_object_is_written_anew() -> None:
    world = collected()
    before = world.names("/journal/")

    assert purged(world, 100, 200) == 0

    assert world.names("/journal/") == before


def test_no_other_object_with_what_was_purged_is_left() -> None:
    world = collected()
    birth = world.head.birth
    lines = journal.body_of([log_of(4)], [id_of(4)], [START.timestamp() + 4], 0.0)
    world.memory.put(journal.name_of(birth, 1, 1), lines)  # of a run that lost its lease

    purged(world, 4, 4)

    assert all(log_of(4) not in (world.memory.get(name) or b"") for name in world.names("/journal/"))


def test_a_span_may_be_purged_after_another_under_one_lease() -> None:
    world = collected()
    held = world.hold()

    for second in (3, 1, 3):
        purge(held, world.store, START + timedelta(seconds=second), START + timedelta(seconds=second + 1))

    assert world.record == [0, 2, 4, 5, 6, 7, 8, 9]


def test_dead_records_of_the_span_are_gone() -> None:
    world = World(total=10, page=10, app=Remembered)
    world.sink.judge = lambda batch: Answer(refused={at: "no" for at, n in enumerate(batch) if n in {3, 8}})
    world.run()
    assert len(world.names("dead/")) == 2

    purged(world, 0, 5)

    assert [name[-7:] for name in world.names("dead/")] == ["-8.json"]


def test_what_waits_in_the_inbox_is_purged() -> None:
    world = collected()
    for name, numbers in (("inbox/a.jsonl", [4, 40]), ("inbox/b.jsonl", [4]), ("inbox/c.jsonl", [50])):
        times = [START.timestamp() + number for number in numbers]
        body = journal.body_of([log_of(n) for n in numbers], [id_of(n) for n in numbers], times, 0.0)
        world.memory.put(name, body)

    purged(world, 4, 4)

    left = [raw for name in world.names("inbox/") for raw in journal.raws(world.memory.get(name) or b"")]
    assert sorted(left) == [log_of(40), log_of(50)]


def test_the_head_says_what_was_purged_so_that_nobody_takes_it_for_a_loss() -> None:
    world = collected()

    purged(world, 3, 6)

    assert world.head.purged == [(START.timestamp() + 3, START.timestamp() + 7)]


def test_what_was_purged_is_not_collected_again() -> None:
    world = collected()
    purged(world, 3, 6)

    class Again(Remembered):
        def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
            page = self.page([3, 4, 5, 6], checkpoint, more=False)
            assert memory.known(page.ids, page.times) == set(page.ids)
            yield self.page([], checkpoint, more=False)

    world.app = Again
    assert world.run().status == "succeeded"


@pytest.mark.parametrize("step", range(0, 30, 2))
def test_a_purge_that_was_killed_is_finished_by_another(step: int) -> None:
    world = collected()
    world.killer = Killer(step)
    with suppress(Killed):
        purged(world, 3, 6)
    world.killer = Killer()
    world.clock.sleep(200)
    assert set(world.record) >= {0, 1, 2, 7, 8, 9}

    purged(world, 3, 6)

    assert world.record == [0, 1, 2, 7, 8, 9]
    assert len(world.names("/journal/")) == 2
    world.total = 12
    assert world.run().status == "succeeded"
    assert world.arrived == list(range(12))

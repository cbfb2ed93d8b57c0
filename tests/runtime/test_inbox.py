"""The inbox: what another process left there is on record once, whoever is killed when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import inbox, journal
from streamalert_apps.runtime.inbox import Judged
from streamalert_apps.runtime.memory import Memory
from streamalert_apps.runtime.purge import purge
from tests.runtime.doubles import START, Remembered, World, id_of, log_of


def collected() -> World:
    """Return a world in which four numbers are on record."""
    world = World(total=4, app=Remembered)
    world.run()
    return world


def judged(world: World) -> Judged:
    return Judged(world.head.birth, world.head.sequence, world.clock.now().timestamp())


def leave(world: World, *numbers: int, at: Judged | None = None) -> list[str]:
    """Leave numbers as somebody does who finds that they are missing, and says so in the head."""
    times = [START.timestamp() + number for number in numbers]
    found = journal.Columns([log_of(n) for n in numbers], [id_of(n) for n in numbers], times, 0.0)
    names = inbox.leave(world.store.store, at or judged(world), found)
    held = world.hold()
    held.head.inbox, held.head.lease = 0.0, None
    held.write()
    return names


def test_the_next_run_puts_it_on_record_and_forwards_it() -> None:
    world = collected()
    leave(world, 70, 71)

    world.run()

    assert world.record == world.arrived == [0, 1, 2, 3, 70, 71]
    assert world.names(inbox.FOLDER) == []


def test_what_is_much_is_left_in_objects_no_larger_than_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    world = collected()
    size = journal.size_of([log_of(0)])
    monkeypatch.setattr(inbox, "OBJECT_BYTES", 2 * size)
    assert len(leave(world, *range(70, 75))) == 3

    world.run()

    assert sorted(world.record) == [0, 1, 2, 3, 70, 71, 72, 73, 74]
    assert world.head.sequence == 4


def test_two_who_find_the_same_missing_bring_it_once() -> None:
    world = collected()
    same = judged(world)
    leave(world, 70, 71, at=same)
    leave(world, 71, 72, at=same)

    world.run()

    assert sorted(world.record) == [0, 1, 2, 3, 70, 71, 72]


def test_what_comes_back_after_it_was_taken_is_not_taken_again() -> None:
    world = collected()
    same = judged(world)
    leave(world, 70, at=same)
    world.run()
    world.clock.sleep(1000)
    leave(world, 70, at=same)

    world.run()

    assert world.record == [0, 1, 2, 3, 70]
    assert world.names(inbox.FOLDER) == []


def test_a_kill_at_any_step_neither_loses_nor_repeats_it() -> None:
    for step in range(40):
        world = collected()
        leave(world, 70)
        world.run_and_die(step)
        world.clock.sleep(inbox.PAUSE_SECONDS)
        world.run()
        assert world.record == [0, 1, 2, 3, 70], step
        assert world.names(inbox.FOLDER) == []


def test_what_was_judged_of_another_record_is_not_taken() -> None:
    world = collected()
    leave(world, 70, at=replace(judged(world), birth="20260101-000000000000"))

    world.run()

    assert world.record == [0, 1, 2, 3]
    assert world.names(inbox.FOLDER) == []


def test_what_was_judged_before_commits_that_are_deleted_is_not_taken() -> None:
    world = collected()
    old = judged(world)
    world.total = 6
    world.run()
    held = world.hold()
    held.head.first, held.head.lease = held.head.sequence + 1, None
    held.write()
    leave(world, 70, at=old)

    world.run()

    assert 70 not in world.arrived
    assert world.names(inbox.FOLDER) == []


def test_what_was_collected_since_after_an_older_head_was_put_back_is_not_taken_again() -> None:
    world = World(total=4, app=Remembered)
    world.run()
    copy = world.store.store.read(heads.NAME).body
    world.total = 6
    world.run()
    seen = judged(world)
    restored = world.store.store.read(heads.NAME)
    world.store.store.write(heads.NAME, copy, replacing=restored.version)
    world.clock.sleep(1000)
    world.total = 8
    world.run()
    assert world.head.sequence == seen.sequence
    leave(world, 7, 70, at=seen)

    world.run()

    assert world.record == [0, 1, 2, 3, 4, 5, 6, 7, 70]


def test_what_was_taken_is_known_should_the_service_list_it_again() -> None:
    world = collected()
    leave(world, 70)

    world.run()

    memory = Memory.of(world.head.memory, bytes.fromhex(world.head.key), lambda _: b"")
    assert memory.known([id_of(70), id_of(71)], [0.0, 0.0]) == {id_of(70)}


def test_what_was_purged_meanwhile_is_not_taken() -> None:
    world = collected()
    before = judged(world)
    held = world.hold()
    purge(held, world.store, START + timedelta(seconds=60), START + timedelta(seconds=80))
    held.head.lease = None
    held.write()
    leave(world, 70, 90, at=before)

    world.run()

    assert world.record == [0, 1, 2, 3, 90]


def test_it_is_looked_into_now_and_then_whoever_forgot_to_say_so() -> None:
    world = collected()
    found = journal.Columns([log_of(70)], [id_of(70)], [START.timestamp() + 70], 0.0)
    inbox.leave(world.store.store, judged(world), found)
    world.run()
    assert world.record == [0, 1, 2, 3]

    world.clock.sleep(inbox.PAUSE_SECONDS)
    world.run()

    assert world.record == [0, 1, 2, 3, 70]


def test_an_idle_run_does_not_look_into_it() -> None:
    world = collected()
    world.run()
    world.store.calls.clear()

    world.run()

    assert "list" not in [what for what, _ in world.store.calls]

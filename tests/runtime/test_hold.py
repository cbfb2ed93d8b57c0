"""A destination that waits for more: several commits are sent as one, whose end is fixed before."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from streamalert_apps.errors import DeliveryFailed
from streamalert_apps.runtime.delivery import Limits, Outlet
from streamalert_apps.runtime.head import Position
from streamalert_apps.runtime.journal import LINE_BYTES
from tests.runtime.doubles import LOG_BYTES, Killed, Killer, Sink, World, down, number_of

HOLD = 300
ANY = 1 << 40
LINE = LOG_BYTES + LINE_BYTES


def waiting_world(window: int = ANY, batch: int = ANY, **terms: Any) -> World:
    """Return a world whose sink waits for five minutes."""
    world = World(**terms)
    world.sink.limits = Limits(bytes=batch, window=window)
    world.sinks = {"sink": Outlet(world.sink, hold=HOLD)}
    return world


def run_later(world: World, *, seconds: float = 60, more: int = 2) -> None:
    """Let some time pass, and some events happen; run."""
    world.clock.sleep(seconds)
    world.total += more
    world.run()


def position(world: World) -> Position:
    return world.head.positions["sink"]


def numbers_of(world: World) -> list[list[int]]:
    return [[number_of(event) for event in batch.events] for batch in world.sink.batches]


def test_nothing_is_sent_before_the_time_has_passed() -> None:
    world = waiting_world(total=2)
    world.run()
    for _ in range(4):
        run_later(world)

    assert world.sink.batches == []

    run_later(world)

    assert numbers_of(world) == [list(range(12))]


def test_what_waits_is_sent_by_a_run_that_collects_nothing() -> None:
    world = waiting_world(total=2)
    world.run()

    run_later(world, seconds=HOLD, more=0)

    assert numbers_of(world) == [[0, 1]]


def test_the_time_counts_from_the_first_event_that_waits() -> None:
    world = waiting_world(total=2)
    world.run()
    run_later(world, seconds=HOLD)
    run_later(world, seconds=HOLD - 1)

    assert numbers_of(world) == [[0, 1, 2, 3]]

    run_later(world, seconds=HOLD)

    assert numbers_of(world)[1] == [4, 5, 6, 7]


def test_what_is_enough_is_sent_at_once() -> None:
    world = waiting_world(window=4 * LINE, total=3)
    world.run()
    assert world.sink.batches == []

    run_later(world, seconds=1)

    assert numbers_of(world) == [[0, 1, 2, 3, 4]]


def test_a_backlog_is_sent_in_parts_that_are_enough() -> None:
    world = waiting_world(total=0)
    world.sinks = {"sink": Outlet(world.sink)}
    world.sink.judge = down()
    for _ in range(6):
        run_later(world)
    world.sink.judge = down(-1)
    world.sink.batches.clear()
    world.sink.limits = Limits(bytes=ANY, window=3 * LINE)  # two commits: waits have many digits
    world.sinks = {"sink": Outlet(world.sink, hold=HOLD)}

    run_later(world, seconds=HOLD, more=0)
    run_later(world, seconds=HOLD, more=0)

    assert numbers_of(world)[0] == [0, 1, 2, 3]
    assert world.arrived == list(range(12))
    assert (position(world).events, position(world).sequence) == (12, 7)


def test_a_batch_goes_beyond_a_commit_but_not_beyond_what_a_destination_takes() -> None:
    world = waiting_world(batch=3 * (LOG_BYTES + 1), total=2)
    world.run()
    run_later(world)
    run_later(world, seconds=HOLD)

    assert numbers_of(world) == [[0, 1, 2], [3, 4, 5]]


def test_a_clock_that_was_ahead_does_not_keep_anything_waiting() -> None:
    world = waiting_world(total=2)
    world.clock.sleep(86_400 * 365)
    world.run()
    world.clock.sleep(-86_400 * 365)
    run_later(world)

    run_later(world, seconds=HOLD)

    assert world.arrived == [0, 1, 2, 3, 4, 5]


def test_what_is_not_sent_again_is_not_sent_again_however_much_comes_meanwhile() -> None:
    world = waiting_world(total=2)
    world.run()
    run_later(world)
    world.sink.judge = down(error=DeliveryFailed)
    run_later(world, seconds=HOLD)
    run_later(world)
    first = world.sink.batches[0]
    world.sink.judge = down(-1)

    run_later(world)

    assert {batch.id for batch in world.sink.batches} == {first.id}
    assert world.arrived == [0, 1, 2, 3, 4, 5]
    assert (position(world).end, position(world).sequence) == (0, 4)


def test_how_much_waits_is_known_to_the_next_run() -> None:
    world = waiting_world(total=2)
    world.run()
    run_later(world)

    assert position(world).waiting == 4 * LINE

    run_later(world, seconds=HOLD)

    assert position(world).waiting == 0


def test_each_event_has_an_id_and_its_time_wherever_it_is_read_from() -> None:
    world = waiting_world(total=4)
    world.sinks["other"] = other = Sink(world)
    world.run()
    run_later(world, seconds=HOLD)

    held, sent = [
        [pair for batch in sink.batches for pair in zip(batch.ids, batch.times, strict=True)]
        for sink in (world.sink, other)
    ]
    assert held == sent
    assert len({identity for identity, _ in held}) == 6


def steps() -> int:
    world = waiting_world(total=2)
    world.run()
    run_later(world)
    world.killer = Killer()
    run_later(world, seconds=HOLD)
    return world.killer.steps


@pytest.mark.parametrize("settings", ["the same", "others"])
def test_a_kill_anywhere_leaves_the_same_window(settings: str) -> None:
    for step in range(steps()):
        world = waiting_world(total=2)
        world.run()
        run_later(world)
        world.killer = Killer(step)
        with suppress(Killed):
            run_later(world, seconds=HOLD)
        world.killer = Killer()
        world.sinks = {"sink": Outlet(world.sink, settings, hold=HOLD)}

        run_later(world, seconds=HOLD)
        run_later(world, seconds=HOLD, more=0)

        windows: dict[str, tuple[bytes, ...]] = {}
        for batch in world.sink.batches:
            assert windows.setdefault(batch.window, tuple(batch.events)) == tuple(batch.events), step
        assert sum(map(len, windows.values())) == world.total == 8, step
        assert not world.lost, step

"""A run that is killed anywhere: each event is on record exactly once, and delivered at least once."""

from __future__ import annotations

from typing import Any

import pytest

from streamalert_apps.errors import AppError, StateError
from streamalert_apps.runtime.collect import COMMIT_SECONDS
from streamalert_apps.runtime.store import Unsettled
from tests.runtime.doubles import Killed, Killer, Sink, World, down

SLOW = COMMIT_SECONDS + 1  # so slow that each page is a commit

shapes = pytest.mark.parametrize(
    "shape",
    [
        {"total": 10, "page": 4, "batch": 2},
        {"total": 10, "page": 4, "batch": 2, "seconds": SLOW},
        {"total": 9, "page": 2, "batch": 5, "seconds": SLOW},
        {"total": 7, "page": 7, "batch": 1},
        {"total": 6, "page": 1, "batch": 4, "seconds": SLOW},
    ],
    ids=str,
)


def steps(shape: dict[str, Any]) -> int:
    """Count the steps of a run that nothing happens to."""
    world = World(**shape)
    world.run()
    return world.killer.steps


@shapes
def test_a_kill_anywhere_loses_nothing_and_puts_nothing_on_record_twice(shape: dict[str, Any]) -> None:
    for step in range(steps(shape)):
        world = World(**shape)
        world.run_and_die(step)

        assert world.run().status == "succeeded", f"killed at step {step}"

        assert world.record == list(range(world.total)), f"killed at step {step}"
        assert not world.lost, f"killed at step {step}"


@shapes
def test_a_kill_repeats_at_most_what_was_sent_of_one_commit(shape: dict[str, Any]) -> None:
    commit = shape["page"] if "seconds" in shape else shape["total"]
    for step in range(steps(shape)):
        world = World(**shape)
        world.run_and_die(step)
        world.run()

        assert world.repeated.total() <= commit, f"killed at step {step}"


@shapes
def test_batches_that_are_sent_again_are_the_same_under_the_same_ids(shape: dict[str, Any]) -> None:
    for step in range(steps(shape)):
        world = World(**shape)
        world.run_and_die(step)
        world.run()

        contents: dict[str, tuple[bytes, ...]] = {}
        for batch in world.sink.batches:
            assert contents.setdefault(batch.id, tuple(batch.events)) == tuple(batch.events)
        taken = [event for events in contents.values() for event in events]
        assert len(taken) == len(set(taken)) == world.total, f"killed at step {step}"


@shapes
def test_run_after_run_may_be_killed(shape: dict[str, Any]) -> None:
    for step in range(3, steps(shape)):
        world = World(**shape)
        for later in range(8):
            world.run_and_die(step + later)

        world.run()

        assert world.record == list(range(world.total)), f"killed from step {step} on"
        assert not world.lost, f"killed from step {step} on"


@shapes
def test_a_run_killed_while_deliveries_fail_loses_nothing(shape: dict[str, Any]) -> None:
    for step in range(steps(shape)):
        world = World(**shape)
        world.sink.judge = down(3)
        world.run_and_die(step)
        world.sink.judge = down(-1)

        world.run()

        assert world.record == list(range(world.total)), f"killed at step {step}"
        assert not world.lost, f"killed at step {step}"


@shapes
def test_a_kill_anywhere_costs_no_destination_anything(shape: dict[str, Any]) -> None:
    for step in range(steps(shape)):
        world = World(**shape)
        other = world.sinks["other"] = Sink(world)
        world.run_and_die(step)
        world.run()

        assert set(other.arrived) == set(world.arrived) == set(range(world.total)), f"killed at step {step}"


@shapes
@pytest.mark.parametrize("moment", ["fault", "after"])
@pytest.mark.parametrize("error", [Unsettled, StateError])
def test_a_call_of_the_store_that_fails_once_costs_nothing(
    shape: dict[str, Any], moment: str, error: type[AppError]
) -> None:
    calls = World(**shape)
    calls.run()
    for number in range(1, len(calls.store.calls)):
        world = World(**shape)
        left = [number]

        def fail(*_: str, left: list[int] = left) -> AppError | None:
            left[0] -= 1
            return error("no answer") if left[0] == -1 else None

        setattr(world.store, moment, fail)
        try:
            world.run()
        except StateError:
            world.clock.sleep(1000)
        world.run()

        assert world.record == list(range(world.total)), number
        assert not world.lost, number


def test_an_invocation_that_lambda_repeats_takes_its_own_lease_again() -> None:
    world = World()
    world.killer = Killer(10)
    with pytest.raises(Killed):
        world.run(holder="request")
    world.killer = Killer()

    assert world.run(holder="request").status == "succeeded"
    assert world.record == list(range(10))

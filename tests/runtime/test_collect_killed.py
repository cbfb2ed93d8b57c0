"""A run that is killed anywhere: the next one finds its way, loses nothing, repeats at most a batch."""

from __future__ import annotations

import pytest

from streamalert_apps.runtime.collect import SECONDS_BETWEEN_SAVES
from tests.runtime.doubles import Killed, Killer, World, failing

SLOW = SECONDS_BETWEEN_SAVES + 1  # so slow that each page is saved

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


def steps(shape: dict[str, int]) -> int:
    """Count the steps of a run that nothing happens to."""
    world = World(**shape)  # type: ignore[arg-type]
    world.run()
    return world.killer.steps


def unsaved(world: World) -> int:
    """Count the logs accepted since the last time that a state was written."""
    accepted = 0
    for event, what in world.journal:
        accepted = accepted + len(what) if event == "forwarded" else 0 if event == "saved" else accepted
    return accepted


@shapes
def test_a_kill_anywhere_loses_nothing_and_repeats_only_what_no_state_told_of(shape: dict[str, int]) -> None:
    for step in range(steps(shape)):
        world = World(**shape)  # type: ignore[arg-type]
        world.run_and_die(step)
        at_risk = unsaved(world)

        assert world.run().status == "succeeded", f"killed at step {step}"

        assert not world.lost, f"killed at step {step}"
        assert world.repeated.total() <= at_risk, f"killed at step {step}"
        assert world.state["current_state"] == "succeeded"


@shapes
def test_a_kill_before_any_delivery_or_after_a_save_repeats_nothing(shape: dict[str, int]) -> None:
    for step in range(steps(shape)):
        world = World(**shape)  # type: ignore[arg-type]
        world.run_and_die(step)
        if unsaved(world):
            continue

        world.run()

        assert world.arrived == list(range(world.total)), f"killed at step {step}"


@shapes
def test_run_after_run_may_be_killed(shape: dict[str, int]) -> None:
    for step in range(3, steps(shape)):
        world = World(**shape)  # type: ignore[arg-type]
        for later in range(8):
            world.run_and_die(step + later)

        world.run()

        assert not world.lost, f"killed from step {step} on"


@shapes
def test_a_run_killed_while_deliveries_fail_loses_nothing(shape: dict[str, int]) -> None:
    for step in range(steps(shape)):
        world = World(**shape)  # type: ignore[arg-type]
        world.on_delivery = failing(3)
        world.run_and_die(step)
        world.on_delivery = failing()

        world.run()

        assert not world.lost, f"killed at step {step}"


def test_a_killed_run_is_followed_by_the_one_that_it_invoked_without_a_wait() -> None:
    world = World()
    world.killer = Killer(6)
    with pytest.raises(Killed):
        world.run(holder="first")
    world.killer = Killer()

    assert world.run(holder="second", after="first").status == "succeeded"


def test_an_invocation_that_lambda_repeats_takes_its_own_lease_again() -> None:
    world = World()
    world.killer = Killer(6)
    with pytest.raises(Killed):
        world.run(holder="request")
    world.killer = Killer()

    assert world.run(holder="request").status == "succeeded"

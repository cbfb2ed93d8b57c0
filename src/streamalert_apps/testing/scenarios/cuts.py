"""Runs that end early, anywhere; others take over."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from streamalert_apps.sdk.count import counted
from streamalert_apps.testing.kit import FEW_STEPS, Trial, once
from streamalert_apps.testing.steps import CHANGING, EDGES, Disturbance, Killed, Step
from streamalert_apps.testing.world import Conditions, World

MOST_COMMITS: Final = 12  # after each of which a run is cut short
SLOW: Final = Conditions(latency=2.5)  # so slow that each page is committed on its own
ZOMBIE: Final = Conditions(budget=900.0)
LEASE_IS_OVER: Final = 120.0


def resume(trial: Trial) -> None:
    """Stop after each commit; another process goes on from what is stored."""
    model = _old_backlog(trial)
    model.chain()
    commits = [step for step in model.steps.taken if step.edge == "head write" and step.done]
    for step in commits[:MOST_COMMITS]:
        world = _old_backlog(trial)
        world.steps.disturb = once(step, _die)
        world.chain()
        page = len(world.pages)
        if missed := trial.settle(world, f"stopped {step}").lost:
            trial.say(
                f"the checkpoint moved before page {page + 1} was returned: a process that goes on from "
                f"page {page}'s checkpoint misses {counted(missed, 'event')}"
            )


def little_time(trial: Trial) -> None:
    """Work off a backlog in invocations that have time for a page or two, one after the other."""
    for budget in trial.short_budgets():
        world = trial.world(Conditions(budget=budget))
        world.fill(5.0, dear=True)
        trial.settle(world, f"with {budget:.0f} s for an invocation")


def pauses(trial: Trial) -> None:
    """Go on after a day: tokens of pages may have ended, those for access have."""
    world = trial.world(Conditions(budget=trial.short_budgets()[1], interval=timedelta(hours=25)))
    world.fill(5.0, dear=True)
    trial.settle(world)


def kill(trial: Trial) -> None:
    """Die after each request, delivery, and write: to all others that is before the next.

    What only reads leaves nothing behind: to die after it is to die after the step before.
    """
    trial.each_step(_fill, lambda _: _die, edges=CHANGING, done=(True,), what="killed")


def overlap(trial: Trial) -> None:
    """Start a second invocation in the course of the first, which goes on.

    While the lease holds, a second one is turned away, whatever the step. Once it is over, the first does
    harm with what it is about to change: before each such step the second one is let in.
    """

    def overlapping(world: World) -> Disturbance:
        return lambda _: world.meanwhile()

    def outliving(world: World) -> Disturbance:
        def disturb(_: Step) -> None:
            world.clock.sleep(LEASE_IS_OVER)
            world.meanwhile()

        return disturb

    what = "a second invocation"
    trial.each_step(_fill, overlapping, edges=EDGES, done=(True,), what=what, most=FEW_STEPS)
    late = "a second invocation after the lease had ended"
    trial.each_step(_fill, outliving, edges=CHANGING, done=(False,), what=late, conditions=ZOMBIE)


def takeover(trial: Trial) -> None:
    """Go on from what StreamAlert stored: `running` for ever, a last timestamp, and no more."""
    world = trial.world()
    world.fill(2.5)
    world.chain()
    checkpoint = world.head and world.head.checkpoint
    stored = world.app().last_timestamp(checkpoint) if checkpoint else None
    if stored:
        world.taken_over(stored)
    now = world.clock.now()
    for second in range(0, 60, 3):
        world.twin.put(world.app_type, at=now + timedelta(seconds=second))
    trial.settle(world)


def _fill(world: World) -> None:
    world.fill(dear=True)


def _die(_: Step) -> None:
    raise Killed


def _old_backlog(trial: Trial) -> World:
    """Return a world whose events are all visible, some of them fresh."""
    world = trial.world(SLOW)
    world.fill(dear=True)
    world.clock.sleep_until(world.twin.complete(world.app_type))
    return world

"""Runs that end early, anywhere; others take over."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

from streamalert_apps.sdk.app import Checkpoint, Log
from streamalert_apps.testing.judge import identified
from streamalert_apps.testing.kit import Trial
from streamalert_apps.testing.steps import EDGES, Disturbance, Killed, Step
from streamalert_apps.testing.world import STATE, Conditions, World

MOST_PAGES = 12  # after each of which a poll is cut short


def resume(trial: Trial) -> None:
    """Stop after each page; another process goes on from that page's checkpoint alone."""
    pages = len(_polled(_old_backlog(trial), None))
    for taken in range(1, min(pages, MOST_PAGES) + 1):
        world = _old_backlog(trial)
        first = _polled(world, None, most=taken)
        rest = _polled(world, first[-1][1])
        world.clock.sleep((world.lag + timedelta(minutes=10)).total_seconds())
        rest += _polled(world, (rest or first)[-1][1])
        _compare(trial, world, first, rest)


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
    """Die before and after each request, delivery, and read and write of the state."""

    def killing(_: World) -> Disturbance:
        def disturb(_: Step) -> None:
            raise Killed

        return disturb

    trial.each_step(_fill, killing, edges=EDGES, what="killed")


def overlap(trial: Trial) -> None:
    """Start a second invocation at each step of the first."""

    def overlapping(world: World) -> Disturbance:
        return lambda _: world.meanwhile()

    trial.each_step(_fill, overlapping, edges=EDGES, what="a second invocation")


def takeover(trial: Trial) -> None:
    """Go on from what StreamAlert stored: `running` for ever, a last timestamp, and no more."""
    world = trial.world()
    world.fill(2.5)
    world.chain()
    stored = world.state
    if stored.last_timestamp:
        old = {"current_state": "running", "last_timestamp": stored.last_timestamp, "context": {}}
        world.parameters.place(STATE, json.dumps(old))
        world.excused += world.arrived()
    now = world.clock.now()
    for second in range(0, 60, 3):
        world.twin.put(world.app_type, at=now + timedelta(seconds=second))
    trial.settle(world)


def _fill(world: World) -> None:
    world.fill(dear=True)


def _old_backlog(trial: Trial) -> World:
    """Return a world whose events are all visible, some of them fresh."""
    world = trial.world()
    world.fill(dear=True)
    world.clock.sleep_until(world.twin.complete(world.app_type))
    return world


def _polled(
    world: World, checkpoint: Checkpoint | None, most: int | None = None
) -> list[tuple[list[Log], Checkpoint]]:
    """Poll with a new app, from a checkpoint that went through JSON; return the pages."""
    app = world.app()
    if checkpoint is None:
        checkpoint = app.start(world.began - world.span)
    pages = []
    for page in app.poll(json.loads(json.dumps(checkpoint))):
        pages.append((list(page.logs), page.checkpoint))
        if len(pages) == most or not page.more:
            break
    return pages


def _compare(
    trial: Trial,
    world: World,
    first: list[tuple[list[Log], Checkpoint]],
    rest: list[tuple[list[Log], Checkpoint]],
) -> None:
    held = world.twin.held(world.app_type)
    counts = [
        Counter(identified(world, (log for logs, _ in pages for log in logs))) for pages in (first, rest)
    ]
    page = len(first)
    if missed := (held - counts[0] - counts[1]).total():
        trial.lost += missed
        trial.say(
            f"the checkpoint moved before page {page + 1} was returned: a process that goes on from page "
            f"{page}'s checkpoint misses {missed} events"
        )
    if again := (counts[0] + counts[1] - held).total():
        trial.repeated += again
        trial.say(f"a process that goes on from page {page}'s checkpoint yields {again} events again")

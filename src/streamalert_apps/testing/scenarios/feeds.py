"""What feeds do: fill pages, crowd into one second, come late, grow while read, hold next to nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from streamalert_apps.testing.kit import Trial
from streamalert_apps.testing.world import Conditions, World

CROWD: Final = 1200
MANY: Final = 4000
LARGE: Final = (200_000, 1_500_000)
VENDORS_OWN: Final = Conditions(page_size=None, batch_bytes=256 << 10)


def backlog(trial: Trial) -> None:
    """Collect several small pages."""
    world = trial.world()
    world.fill(dear=True)
    trial.settle(world)


def own_pages(trial: Trial) -> None:
    """Collect several pages of the vendor's own size."""
    world = trial.world(VENDORS_OWN)
    world.fill(min(3.5, MANY / world.facts.page))
    trial.settle(world)


def burst(trial: Trial) -> None:
    """Collect more than a thousand events of one second: of one long ago, and of one a moment ago."""
    for seconds_ago in ((1.5 * _lag(trial)).total_seconds() + 600, 5.0):
        world = trial.world(VENDORS_OWN)
        crowd = min(max(CROWD, min(2 * world.facts.page + 1, MANY)), world.facts.in_one_second or MANY)
        moment = world.clock.now() - timedelta(seconds=seconds_ago)
        world.fill(0.2)
        crowded(world, moment, crowd)
        trial.settle(world, f"{crowd} events in a second {seconds_ago:.0f} s ago")


def few_moments(trial: Trial) -> None:
    """Collect several pages whose events share five moments, none of which a page can hold."""
    world = trial.world()
    crowd = min(world.facts.page * 3 // 2, world.facts.in_one_second or CROWD)
    for number in range(5):
        crowded(world, world.clock.now() - world.span * number / 5 - timedelta(seconds=3), crowd)
    trial.settle(world)


def late(trial: Trial) -> None:
    """Collect events that appear as late as the vendor's documentation allows, while others are prompt."""
    world = trial.world()
    lag, now = world.facts.lag, world.clock.now()
    world.fill(1.0)
    for number in range(40):
        at = now - lag + lag * number / 20
        delay = (None, lag * 3 / 4, lag, lag)[number % 4]
        world.twin.put(world.app_type, at=at, visible=None if delay is None else at + delay)
    trial.settle(world)


def growing(trial: Trial) -> None:
    """Collect events that happen while pages are read."""
    world = trial.world(Conditions(latency=5.0))
    world.pages_move = True
    world.fill(4.0, ahead=timedelta(minutes=2), dear=True)
    now = world.clock.now()
    for second in range(0, 180, 4):
        world.twin.put(world.app_type, at=now + timedelta(seconds=second))
    trial.settle(world)


def empty(trial: Trial) -> None:
    """Find nothing, which is a success; then one event, which is found."""
    world = trial.world()
    for _ in range(3):
        run = world.tick()
        if run.status != "succeeded":
            trial.say(f"with nothing to collect a run {run}")
    world.twin.put(world.app_type, at=world.clock.now())
    trial.settle(world)


def large(trial: Trial) -> None:
    """Deliver an event of 200 kB whole, and of one of 1.5 MB a trimmed copy while the whole is kept."""
    world = trial.world()
    world.fill(1.5)
    for size in LARGE:
        world.twin.put(world.app_type, at=world.clock.now() - world.span / 2, size=size)
    trial.settle(world)
    marks = [log["_truncated"] for batch in world.functions.batches for log in batch if "_truncated" in log]
    if len(marks) != 1:
        trial.say(f"of an event of 200 kB and one of 1.5 MB one is to be trimmed; {len(marks)} logs were")
    whole = {bytes(event) for _, event in world.on_record()}
    if any(world.kept(mark["kept"]) not in whole for mark in marks):
        trial.say("what was kept of the trimmed event is not what is on record")


def crowded(world: World, moment: datetime, events: int) -> None:
    """Let events happen within the second of a moment."""
    second = moment.replace(microsecond=0)
    start, end = second - timedelta(seconds=1), second + timedelta(seconds=2)
    world.twin.seed(world.app_type, events=events, burst=events, start=start, end=end)


def _lag(trial: Trial) -> timedelta:
    return trial.world().lag

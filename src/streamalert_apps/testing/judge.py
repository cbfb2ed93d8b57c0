"""What a world came to, in numbers and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streamalert_apps.sdk.app import Log
from streamalert_apps.simulator.contract import Twin
from streamalert_apps.simulator.tally import compare
from streamalert_apps.testing.world import STATE, STATE_CHARACTERS, World

SHOWN: Final = 3
LOOKED_THROUGH: Final = 50  # pages
SECOND: Final = timedelta(seconds=1)
MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many events a world lost and repeated, and what is wrong with it, in words."""

    lost: int
    repeated: int
    messages: tuple[str, ...]


def judge(world: World) -> Verdict:
    """Hold what arrived against what the twin held, and the world's records against the rules."""
    twin, app_type = world.twin, world.app_type
    tally = compare(twin, app_type, world.arrived())
    again = [*world.excused, *world.functions.doubtful]
    excused = Counter(twin.identify(app_type, world.whole(log)) for log in again)
    repeated = Counter(tally.repeated) - excused
    if world.pages_move and not world.has_ids:
        repeated = _told_apart(world, repeated)
    words = []
    if tally.lost:
        words.append(f"{_events(len(tally.lost))} lost: {'; '.join(_where(world, Counter(tally.lost)))}")
    if repeated:
        words.append(
            f"{_events(repeated.total())} delivered again, though no kill fell between delivery and "
            f"checkpoint: {'; '.join(_where(world, repeated))}"
        )
    if tally.foreign:
        words.append(f"{len(tally.foreign)} logs arrived that the service never held")
    return Verdict(len(tally.lost), repeated.total(), (*words, *_broken_rules(world)))


def _told_apart(world: World, repeated: Counter[str]) -> Counter[str]:
    """Leave out events without an id that say the same, time too, as another one that the service holds.

    Of them, only the count can tell which were delivered; a walk that is divided between two runs has none.
    """
    held = world.twin.held(world.app_type)
    return Counter({identity: count for identity, count in repeated.items() if held[identity] == 1})


def _broken_rules(world: World) -> Iterator[str]:
    for text in world.parameters.history(STATE):
        if len(text) > STATE_CHARACTERS:
            yield f"the state has {len(text)} characters; Parameter Store holds {STATE_CHARACTERS}"
            break
    if world.steps.overran:
        yield "a run was still busy when its time was up: Lambda would have killed it"
    for text in world.parameters.history(STATE):
        world.leaks.look("the state", text)
    yield from dict.fromkeys(world.wire.early)
    yield from world.findings


def _events(count: int) -> str:
    return f"{count} event was" if count == 1 else f"{count} events were"


def _where(world: World, ids: Counter[str]) -> Iterator[str]:
    """Tell when the events happened, and where in the app's pages others of their second are."""
    seconds = list(_seconds(world.twin, world.app_type, ids))
    for second, count in seconds[:SHOWN]:
        yield f"{count} of {_time(world, second)}{_edge(world, second, ids)}"
    if len(seconds) > SHOWN:
        yield f"and those of {len(seconds) - SHOWN} more seconds, the last {_time(world, seconds[-1][0])}"


def _time(world: World, second: datetime) -> str:
    return f"{second:%H:%M:%S}" if second.date() == world.began.date() else f"{second:%d %b %H:%M:%S}"


def _edge(world: World, second: datetime, ids: Counter[str]) -> str:
    """Say on which page others of this second were, and whether the page ended among them."""
    others = world.twin.held(world.app_type, since=second, until=second + SECOND - MOMENT).keys() - ids.keys()
    for number, page in reversed(list(enumerate(world.pages[:LOOKED_THROUGH], start=1))):
        listed = list(identified(world, page.logs))
        if others.isdisjoint(listed):
            continue
        if listed[-1] in others:
            return f" that shared a second across the edge of page {number}"
        return f" (others of that second were on page {number})"
    return ""


def identified(world: World, logs: Iterable[Log]) -> Iterator[str]:
    """Yield the id of each log."""
    return (world.twin.identify(world.app_type, as_dict(log)) for log in logs)


def as_dict(log: Log) -> Mapping[str, Any]:
    """Return a log that may be bytes as what it says."""
    return log if isinstance(log, Mapping) else dict(msgspec.json.decode(log))


def _seconds(twin: Twin, app_type: str, ids: Counter[str]) -> Iterator[tuple[datetime, int]]:
    """Yield the seconds in which these events happened, and how many did in each; oldest first."""
    now = twin.clock.now().replace(microsecond=0)
    yield from _halves(twin, app_type, ids, now - timedelta(days=1000), now + timedelta(days=1))


def _halves(
    twin: Twin, app_type: str, ids: Counter[str], low: datetime, high: datetime
) -> Iterator[tuple[datetime, int]]:
    """Search a span of time for events, by halves."""
    found = (twin.held(app_type, since=low, until=high - MOMENT) & ids).total()
    if not found:
        return
    if high - low <= SECOND:
        yield low, found
        return
    middle = low + timedelta(seconds=(high - low) // SECOND // 2)
    yield from _halves(twin, app_type, ids, low, middle)
    yield from _halves(twin, app_type, ids, middle, high)

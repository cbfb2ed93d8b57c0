"""What a world came to, in numbers and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streamalert_apps.runtime import head, journal
from streamalert_apps.runtime.encode import as_bytes
from streamalert_apps.sdk.app import Log
from streamalert_apps.sdk.count import counted
from streamalert_apps.simulator.contract import Twin
from streamalert_apps.simulator.tally import compare
from streamalert_apps.testing.world import World

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
    """Hold what is on record against what the twin held, and what was delivered against what is on record."""
    record = _Record.of(world)
    tally = compare(world.twin, world.app_type, record.logs)
    lost = Counter(tally.lost) - world.collected_before
    repeated = Counter(tally.repeated)
    if world.pages_move and not world.has_ids:
        repeated = _told_apart(world, repeated)
    words = []
    if lost:
        words.append(f"{_events(lost.total())} lost: {'; '.join(_where(world, lost))}")
    if repeated:
        words.append(f"{_events(repeated.total())} collected again: {'; '.join(_where(world, repeated))}")
    if tally.foreign:
        words.append(f"on record, but never held by the service: {counted(len(tally.foreign), 'log')}")
    if changed := sum(1 for raw in record.raws if raw not in record.yielded):
        words.append(f"{_events(changed)} put on record other than the app yielded them")
    delivery = _Delivery.of(world, record)
    return Verdict(
        lost.total() + delivery.lost,
        repeated.total() + delivery.repeated,
        (*words, *delivery.words, *_broken_rules(world)),
    )


@dataclass(frozen=True, slots=True)
class _Record:
    """What is on record: each event, what it says, in which commit it is; and what the app yielded."""

    raws: list[bytes]
    logs: list[Mapping[str, Any]]
    ids: Counter[str]
    commits: dict[str, set[int]]
    yielded: set[bytes]

    @classmethod
    def of(cls, world: World) -> _Record:
        rows = [(commit, bytes(event)) for commit, event in world.on_record()]
        logs = [msgspec.json.decode(raw) for _, raw in rows]
        names = list(identified(world, logs))
        commits: dict[str, set[int]] = {}
        for (commit, _), name in zip(rows, names, strict=True):
            commits.setdefault(name, set()).add(commit)
        yielded = {event for page in world.pages for event in journal.one_line_each(as_bytes(page.logs))}
        return cls([raw for _, raw in rows], logs, Counter(names), commits, yielded)

    def only_commit(self, name: str) -> set[int]:
        """Return the commit that has an event; nothing where events alike are in several."""
        commits = self.commits.get(name, set())
        return commits if len(commits) == 1 else set()


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What became of the events on record: each has to be delivered, again only after a run was cut off."""

    lost: int
    repeated: int
    words: tuple[str, ...]

    @classmethod
    def of(cls, world: World, record: _Record) -> _Delivery:
        arrived = Counter(identified(world, world.arrived()))
        excused = Counter(identified(world, map(world.whole, world.functions.unheard)))
        words = []
        for logs in world.undone:
            ids = Counter(identified(world, map(world.whole, logs)))
            excused += ids
            commits = {commit for name in ids for commit in record.only_commit(name)}
            if len(commits) > 1:
                words.append(f"a kill made {len(commits)} commits be delivered again, where one may be")
        lost = record.ids - arrived
        repeated = arrived - record.ids - excused
        if lost:
            words.append(
                f"{_events(lost.total())} put on record and not delivered: {'; '.join(_where(world, lost))}"
            )
        if repeated:
            words.append(
                f"{_events(repeated.total())} delivered again, though no kill fell between delivery and "
                f"head: {'; '.join(_where(world, repeated))}"
            )
        return cls(lost.total(), repeated.total(), tuple(words))


def _told_apart(world: World, repeated: Counter[str]) -> Counter[str]:
    """Leave out events without an id that say the same, time too, as another one that the service holds.

    Of them, only the count can tell which were delivered; a walk that is divided between two runs has none.
    """
    held = world.twin.held(world.app_type)
    return Counter({identity: count for identity, count in repeated.items() if held[identity] == 1})


def _broken_rules(world: World) -> Iterator[str]:
    if world.steps.overran:
        yield "a run was still busy when its time was up: Lambda would have killed it"
    world.leaks.look("the head", world.store.read(head.NAME).body.decode())
    yield from dict.fromkeys(world.wire.early)
    yield from world.findings


def _events(count: int) -> str:
    return f"{counted(count, 'event')} {'was' if count == 1 else 'were'}"


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

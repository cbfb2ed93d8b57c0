"""How far a feed is done: the collection algorithms, written once for all services.

Events arrive late, share timestamps across pages, and keep coming while pages are read; a run may
be cut short anywhere. A feed states what its service documents (time, id, precision, lag), and one
of three walks does the rest.

Both divide time in two. What is older than the lag is *settled*: no more events will appear there,
so a walk through it can be final. What is younger is *fresh*: it is forwarded at once, and the ids
of what was forwarded are remembered until it has settled, so that late arrivals are noticed and
nothing is sent twice. Where fresh events outnumber the memory, the rest of them waits: later, never
incomplete.

A checkpoint: `floor` (every event before it is done), `seen` (ids from the floor on that were
forwarded) and, between two pages of a walk, `page` (how the walk goes on).

Bounds are asked for one unit of the service's precision too wide, and times compared here: it does
not matter whether a service counts its bounds in, nor how it rounds.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from streamalert_apps.errors import PageTokenExpired
from streamalert_apps.sdk.app import Checkpoint, Json, Page
from streamalert_apps.sdk.events import NEVER, Events, Fetched, Row
from streamalert_apps.sdk.ids import CAPACITY, pack, unpack

LOGGER = logging.getLogger(__name__)

_EPOCH = datetime.fromtimestamp(0, UTC)
_SHORT = timedelta(seconds=1)
_LONG = timedelta(minutes=5)  # more than any service wants us to wait between two requests
_FRESH_IDS = CAPACITY - 24  # newest first: the rest is for the ids where a walk is between two pages
SKEW = timedelta(minutes=1)  # what a service's clock may be ahead of ours
_WALK = timedelta(hours=1)  # a walk through everything that took longer is followed by another at once


@dataclass(slots=True)
class _Position:
    """Where a walk is between two pages."""

    settled: datetime
    until: datetime
    token: Json = None
    reached: datetime | None = None  # unit of time read last; a walk whose token expired goes on there
    edge: set[bytes] = field(default_factory=set)  # ids read in it
    again: bool = False  # the token expired: events up to `reached` come again
    before: set[bytes] = field(default_factory=set)  # ids read in `reached` before that
    restarted: datetime | None = None  # where it started again; its tokens are good for bounds from there
    ordered: bool = True  # up to here; where it is not, `reached` says nothing
    unmet: set[bytes] = field(default_factory=set)  # ids in the memory that a walk of this run has not met

    def passed(self, unit: datetime, identity: bytes, *, descending: bool = False) -> bool:
        """Tell whether a walk that started again has read this event before."""
        return self.again and (self._is_behind(unit, descending=descending) or identity in self.before)

    def reach(self, unit: datetime, ids: set[bytes], *, descending: bool) -> None:
        """Note the unit of time that was read last and the ids in it."""
        if self.again and self._is_behind(unit, descending=descending):
            return
        if unit == self.reached:
            self.edge |= ids
        else:
            self.reached, self.edge, self.again, self.before = unit, ids, False, set()

    def restart(self) -> None:
        """Forget the token; go on from the last event read, or from the beginning if there is no order."""
        if not self.ordered:
            self.reached = None
        self.before |= self.edge
        self.edge = set()
        self.token, self.again = None, self.reached is not None
        self.restarted = self.reached

    def _is_behind(self, unit: datetime, *, descending: bool) -> bool:
        if self.reached is None:
            return False
        return unit > self.reached if descending else unit < self.reached

    @property
    def read(self) -> set[bytes]:
        """The ids read in `reached`."""
        return self.edge | self.before

    def to_json(self, seen: set[bytes]) -> Json:
        """Return it as JSON. Of the ids read in `reached`, those that are `seen` come first there.

        Where there are more others than there is room for, none of them are kept.
        """
        page = {"settled": self.settled.isoformat(), "until": self.until.isoformat(), "token": self.token}
        if self.reached is not None:
            others = sorted(self.read - seen)
            page |= {
                "reached": self.reached.isoformat(),
                "edge": pack(others if len(others) <= CAPACITY - len(seen) else ()),
                "seen": len(self.read & seen),
                "again": self.again,
            }
        if self.restarted is not None:
            page["restarted"] = self.restarted.isoformat()
        if not self.ordered:
            page["ordered"] = False
        return page

    @classmethod
    def of(cls, page: Json, seen: list[bytes]) -> _Position:
        again = page.get("again", False)
        edge = {*unpack(page.get("edge", "")), *seen[: page.get("seen", 0)]}
        return cls(
            settled=datetime.fromisoformat(page["settled"]),
            until=datetime.fromisoformat(page["until"]),
            token=page["token"],
            reached=datetime.fromisoformat(page["reached"]) if "reached" in page else None,
            edge=edge,
            again=again,
            before=set(edge) if again else set(),
            restarted=datetime.fromisoformat(page["restarted"]) if "restarted" in page else None,
            ordered=page.get("ordered", True),
        )


@dataclass(slots=True)
class _Walk:
    """A checkpoint while it is worked on."""

    floor: datetime
    seen: set[bytes]
    reach: float | None = None  # newest first: seconds of fresh time that the memory holds, where not all
    youngest: datetime | None = None  # any order: no id in `seen` is of an event that happened later
    position: _Position | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> _Walk:
        page, youngest = checkpoint.get("page"), checkpoint.get("youngest")
        seen = unpack(checkpoint.get("seen", ""))
        return cls(
            floor=datetime.fromisoformat(checkpoint["floor"]),
            seen=set(seen),
            reach=checkpoint.get("reach"),
            youngest=datetime.fromisoformat(youngest) if youngest else None,
            position=_Position.of(page, seen) if page else None,
        )

    def checkpoint(self) -> Checkpoint:
        at = self.position
        done: Checkpoint = {"floor": self.floor.isoformat()}
        if self.seen:
            read = self.seen & at.read if at else set()
            done["seen"] = pack(sorted(read) + sorted(self.seen - read))
        if self.reach is not None:
            done["reach"] = self.reach
        if self.seen and self.youngest is not None:
            done["youngest"] = self.youngest.isoformat(timespec="seconds")
        if at:
            done["page"] = at.to_json(self.seen)
        return done


class Feed(Events):
    """An app type whose service lists events by time. Subclass OldestFirst, NewestFirst or AnyOrder."""

    precision: ClassVar[timedelta] = timedelta(seconds=1)
    """The unit in which the service compares times."""
    lag: ClassVar[timedelta] = timedelta(0)
    """How late an event may appear, as documented, plus what clocks may differ."""
    retention: ClassVar[timedelta | None] = None
    """How far back the service can be asked."""
    _descending: ClassVar[bool]

    @abstractmethod
    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for one page of the events from `since` to `until`; `token` is None for the first.

        Raises PageTokenExpired where the service no longer knows the token.
        """

    def start(self, since: datetime) -> Checkpoint:
        """Return the checkpoint that collects from `since` on."""
        return {"floor": self._rounded(since).isoformat()}

    def watermark(self, checkpoint: Checkpoint) -> datetime:
        """Return the time before which everything has been collected."""
        return datetime.fromisoformat(checkpoint["floor"])

    def check(self) -> None:
        """Ask for the last minute of events."""
        now = self.api.clock.now()
        self.fetch(now - timedelta(minutes=1), now, None)

    def _rounded(self, moment: datetime) -> datetime:
        return moment - (moment - _EPOCH) % self.precision

    def _now(self) -> datetime:
        """Return the time, the service's where ours is ahead of it."""
        return self.api.clock.now() - self.api.ahead

    def _resume(self, checkpoint: Checkpoint) -> _Walk:
        """Return the walk of a checkpoint. One of a wrong clock, or too old, is mended."""
        walk = _Walk.of(checkpoint)
        now = self.api.clock.now()
        if max(walk.floor, walk.position.settled if walk.position else walk.floor) > now + SKEW:
            LOGGER.warning("the checkpoint is of %s: a clock was wrong; going on from now", walk.floor)
            walk.floor, walk.position = min(walk.floor, self._rounded(now - self.lag)), None
        if self.retention and walk.floor < now - self.retention:
            LOGGER.warning("the service keeps %s; what is older can't be collected any more", self.retention)
            walk.floor, walk.position = self._rounded(now - self.retention + timedelta(minutes=1)), None
        return walk

    def _begin(self, walk: _Walk) -> _Position:
        """Return where the walk is; a new one gets its bounds here, and they stay."""
        if walk.position:
            return walk.position
        now = self._now()
        settled = max(self._rounded(now - self.lag), walk.floor)
        walk.position = _Position(settled, max(now, settled), unmet=set(walk.seen))
        return walk.position

    def _is_behind(self, at: _Position) -> bool:
        """Tell whether a walk took so long (over several runs) that another one is due at once."""
        return self.api.clock.now() - at.until > max(self.lag, _LONG)

    def _next_page(self, walk: _Walk, at: _Position) -> Fetched:
        """Fetch the walk's next page; where its token expired, start again from the last event read."""
        if at.token is not None:
            try:
                return self.fetch(*self._bounds(walk, at), at.token)
            except PageTokenExpired:
                at.restart()
                LOGGER.warning("the page token expired; going on from %s", at.restarted or "the first page")
        asked = self.api.clock.now()
        fetched = self.fetch(*self._bounds(walk, at), None)
        if at.reached is None:  # now it is known whether our clock is ahead, or was when the walk began
            at.settled = max(walk.floor, min(at.settled, self._rounded(asked - self.api.ahead - self.lag)))
        return fetched

    def _bounds(self, walk: _Walk, at: _Position) -> tuple[datetime, datetime]:
        """Return what to ask for: the same for all pages, as a token may be good for that alone."""
        since, until = walk.floor - self.precision, at.until + self.precision
        if at.restarted is None:
            return since, until
        if self._descending:
            return since, min(until, at.restarted + self.precision)
        return max(since, at.restarted - self.precision), until

    def _reach(self, at: _Position, fetched: Fetched) -> None:
        """Move the position past a page: the next token, the last unit of time and the ids in it."""
        at.token = fetched.next
        reached, ids = None, set[bytes]()
        for _, time, identity in self.identified(fetched.rows[::-1], taken=at.edge):
            if time == NEVER:
                continue
            reached = reached or self._rounded(time)
            if self._rounded(time) != reached:
                break
            ids.add(identity)
        if reached is not None:
            at.reach(reached, ids, descending=self._descending)


class OldestFirst(Feed):
    """A feed that lists the oldest event first: one walk through settled and fresh time."""

    _descending = False

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages up to the fresh end of the feed."""
        walk = self._resume(checkpoint)
        more = True
        while more:
            at = self._begin(walk)
            fetched = self._next_page(walk, at)
            logs, repeats, full = self._sift(fetched.rows, walk, at)
            if full or fetched.next is None:
                more = not full and self._is_behind(at)
                if not full:
                    walk.seen -= at.unmet  # the service has withdrawn them
                walk.floor, walk.position = at.settled, None
            else:
                self._reach(at, fetched)
            yield Page(logs, walk.checkpoint(), more=more, repeats=repeats)

    def _sift(self, rows: Sequence[Row], walk: _Walk, at: _Position) -> tuple[Sequence[Row], int, bool]:
        """Return the new ones of `rows`, how many were not, and whether the id memory is full.

        Ids met in settled time leave the memory, those met in fresh time enter or stay.
        """
        if self._all_new_and_settled(rows, walk, at):
            return rows, 0, False
        logs: list[Row] = []
        repeats = 0
        for row, time, identity in self.identified(rows, taken=at.edge):
            if time < walk.floor:
                continue
            at.unmet.discard(identity)
            known = identity in walk.seen
            if time < at.settled:
                walk.seen.discard(identity)
                known = known or (at.again and at.passed(self._rounded(time), identity))
            elif known or len(walk.seen) < CAPACITY:
                walk.seen.add(identity)
            elif time != NEVER:
                return logs, repeats, True  # what is younger waits until this has settled
            if known:
                repeats += 1
            else:
                logs.append(row)
        return logs, repeats, False

    def _all_new_and_settled(self, rows: Sequence[Row], walk: _Walk, at: _Position) -> bool:
        """Tell from its first and last event whether a page needs no look at each: a backlog's usual case."""
        if not rows or walk.seen or at.again:
            return False
        (_, first, _), (_, last, _) = self.identified((rows[0], rows[-1]))
        return walk.floor <= first <= last < at.settled


class NewestFirst(Feed):
    """A feed that lists the newest event first: settled time is walked down to the floor, then fresh time.

    A backlog is walked through in windows, the oldest first. That the order is kept is noticed, not
    trusted: where it is not, a walk whose page token expired begins anew.
    """

    _descending = True
    window: ClassVar[timedelta] = timedelta(days=1)
    """The longest time that one walk goes through."""

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages; only the last page of a walk through settled time moves the floor."""
        walk = self._resume(checkpoint)
        due = max(self.precision, _SHORT, min(_LONG, self.lag / 4))
        while walk.position or self._now() - self.lag - walk.floor >= due:
            yield from self._settled(walk)
            due = max(_LONG, self.lag / 4)  # what settled while this was read is mostly not worth a walk
        yield from self._fresh(walk)

    def _begin(self, walk: _Walk) -> _Position:
        if walk.position is None:
            at = super()._begin(walk)
            at.settled = at.until = min(at.settled, walk.floor + self.window)
        return super()._begin(walk)

    def _settled(self, walk: _Walk) -> Iterator[Page]:
        begins = walk.position is None
        at = self._begin(walk)
        if begins:  # a run whose first delivery fails comes back to the same bounds, and the same logs
            yield Page([], walk.checkpoint(), more=True)
        while walk.position:
            fetched = self._next_page(walk, at)
            logs: list[Row] = []
            repeats = 0
            before = NEVER if at.again else at.reached or NEVER
            for row, time, identity in self.identified(fetched.rows, taken=at.edge):
                passed = False
                if time != NEVER:
                    unit = self._rounded(time)
                    at.ordered &= unit <= before
                    before = unit
                    if not walk.floor <= time < at.settled:
                        continue
                    passed = at.passed(unit, identity, descending=True)
                moved = identity in at.edge  # down, in a list that grew
                if passed or moved or identity in walk.seen:
                    walk.seen.discard(identity)
                    repeats += 1
                else:
                    logs.append(row)
            if fetched.next is None or self._all_below(fetched.rows, walk.floor - self.precision):
                walk.floor, walk.position = at.settled, None
            else:
                self._reach(at, fetched)
            yield Page(logs, walk.checkpoint(), more=True, repeats=repeats)

    def _fresh(self, walk: _Walk) -> Iterator[Page]:
        """Forward fresh events: the span of them that the id memory holds.

        A span with too many is halved; the next one is chosen to fill three quarters of the memory. Each
        event is a page, so that after a failed delivery just those that were accepted are remembered.
        """
        while True:
            now = self.api.clock.now()
            until = now if walk.reach is None else min(now, walk.floor + timedelta(seconds=walk.reach))
            if until - walk.floor < self.precision:
                if until < now:
                    walk.reach = 2 * self.precision.total_seconds()
                yield Page([], walk.checkpoint(), more=False)
                return
            rows = yield from self._gather(walk, until, whole=until == now)
            if rows is not None:
                break
            walk.reach = (until - walk.floor).total_seconds() / 2
            yield Page([], walk.checkpoint(), more=True)
        if until == now:
            walk.seen &= rows.keys()
        new = {identity: row for identity, row in reversed(rows.items()) if identity not in walk.seen}
        for identity, row in new.items():
            walk.seen.add(identity)
            yield Page([row], walk.checkpoint(), more=True)
        if walk.reach is not None:
            walk.reach = walk.reach * _FRESH_IDS * 3 / 4 / max(1, len(walk.seen)) if until < now else None
        yield Page([], walk.checkpoint(), more=False, repeats=len(rows) - len(new))

    def _gather(
        self, walk: _Walk, until: datetime, *, whole: bool
    ) -> Generator[Page, None, dict[bytes, Row] | None]:
        """Return the events from the floor on; None where the memory or a page token's life is too short."""
        rows: dict[bytes, Row] = {}
        met: Counter[bytes] = Counter()
        token: Json = None
        while True:
            try:
                fetched = self.fetch(walk.floor - self.precision, until, token)
            except PageTokenExpired:
                return None
            rows |= {id_: row for row, time, id_ in self.identified(fetched.rows, met) if time >= walk.floor}
            if len(rows.keys() if whole else rows.keys() | walk.seen) > _FRESH_IDS:
                return None
            if fetched.next is None or self._all_below(fetched.rows, walk.floor - self.precision):
                return rows
            token = fetched.next
            yield Page([], walk.checkpoint(), more=True)

    def _all_below(self, rows: Sequence[Row], since: datetime) -> bool:
        """Tell whether a page holds only what was not asked for: a list without an end is at its end."""
        return bool(rows) and all(time < since for _, time, _ in self.identified(rows))


@dataclass(slots=True)
class _Reading:
    """What a walk through a feed without order has read."""

    met: Counter[bytes] = field(default_factory=Counter)
    read: set[bytes] = field(default_factory=set)  # a page may repeat what the one before it held
    kept: set[bytes] = field(default_factory=set)  # fresh ones that an earlier run forwarded
    fresh: dict[bytes, tuple[Any, Row]] = field(default_factory=dict)  # with their ranks

    def first(self, count: int) -> dict[bytes, tuple[Any, Row]]:
        """Return the fresh events that go first."""
        return dict(sorted(self.fresh.items(), key=lambda item: item[1][0])[:count])


class AnyOrder(Feed):
    """A feed whose order is not documented, or whose old events change: a walk reads all of it.

    Settled events are forwarded page by page. Of the fresh ones, as many as the id memory holds are
    forwarded at the end.
    """

    _descending = False

    def rank(self, row: Row, time: datetime) -> Any:  # noqa: ARG002 (a service may look at more than the time)
        """Return what decides which fresh events go first where not all can: the lowest ones do."""
        return time

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages; only the last page of a walk moves the floor."""
        walk = self._resume(checkpoint)
        more = True
        while more:
            begins = walk.position is None
            at = self._begin(walk)
            whole = at.token is None
            reading = _Reading()
            while walk.position:
                token = at.token
                fetched = self._next_page(walk, at)
                if begins:  # a run whose first delivery failed comes back to the same bounds and logs
                    yield Page([], walk.checkpoint(), more=True)
                    begins = False
                if at.token != token:  # it expired, and all comes again
                    reading.met.clear()
                logs, repeats = self._sift(fetched.rows, walk, at, reading)
                at.token = fetched.next
                if fetched.next is not None:
                    yield Page(logs, walk.checkpoint(), more=True, repeats=repeats)
                    continue
                now = self.api.clock.now()
                more = now - at.until > _WALK
                have_settled = walk.youngest is not None and walk.youngest < at.settled
                walk.seen = reading.kept if whole or have_settled else walk.seen
                walk.floor, walk.position, walk.youngest = at.settled, None, now + SKEW
                fresh = [*reading.first(CAPACITY - len(walk.seen)).items()][::-1]
                yield Page(logs, walk.checkpoint(), more=more or bool(fresh), repeats=repeats)
                while fresh:  # one by one: just those that were accepted are remembered
                    identity, (_, row) = fresh.pop()
                    walk.seen.add(identity)
                    yield Page([row], walk.checkpoint(), more=more or bool(fresh))

    def _sift(
        self, rows: Sequence[Row], walk: _Walk, at: _Position, reading: _Reading
    ) -> tuple[list[Row], int]:
        """Return the settled events that are new, and how many were not; note the fresh ones."""
        logs: list[Row] = []
        repeats = 0
        for row, time, identity in self.identified(rows, reading.met):
            if time < walk.floor:
                continue
            known = identity in walk.seen
            if known or identity in reading.read:
                repeats += 1
            elif time < at.settled or time == NEVER:
                logs.append(row)
            else:
                reading.fresh[identity] = (self.rank(row, time), row)
            if known and time < at.settled:
                walk.seen.discard(identity)
            elif known or (time == NEVER and len(reading.kept) < CAPACITY):
                reading.kept.add(identity)
            reading.read.add(identity)
        if len(reading.fresh) > 4 * CAPACITY:
            reading.fresh = reading.first(CAPACITY)
        return logs, repeats

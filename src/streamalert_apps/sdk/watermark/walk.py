"""A walk: how far a feed is done and, between two pages, how the walk goes on. What a checkpoint holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from streamalert_apps.sdk import ids
from streamalert_apps.sdk.app import Checkpoint, Json
from streamalert_apps.sdk.ids import pack, unpack


@dataclass(slots=True)
class Position:
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
    last_page: set[bytes] = field(default_factory=set)  # ids, where this run has read it
    unmet: set[bytes] = field(default_factory=set)  # ids in the memory that a walk of this run has not met

    def passed(self, unit: datetime, identity: bytes, *, descending: bool = False) -> bool:
        """Tell whether a walk that started again has read this event before."""
        return self.again and (self._is_behind(unit, descending=descending) or identity in self.before)

    def reach(self, unit: datetime, read: set[bytes], *, descending: bool) -> None:
        """Note the unit of time that was read last and the ids in it."""
        if self.again and self._is_behind(unit, descending=descending):
            return
        if unit == self.reached:
            self.edge |= read
        else:
            self.reached, self.edge, self.again, self.before = unit, read, False, set()

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
                "edge": pack(others if len(others) <= ids.CAPACITY - len(seen) else ()),
                "seen": len(self.read & seen),
                "again": self.again,
            }
        if self.restarted is not None:
            page["restarted"] = self.restarted.isoformat()
        if not self.ordered:
            page["ordered"] = False
        return page

    @classmethod
    def of(cls, page: Json, seen: list[bytes]) -> Position:
        """Return the position of `to_json`."""
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
class Walk:
    """A checkpoint while it is worked on."""

    floor: datetime
    seen: set[bytes]
    reach: float | None = None  # newest first: seconds of fresh time that the memory holds, where not all
    youngest: datetime | None = None  # any order: no id in `seen` is of an event that happened later
    position: Position | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Walk:
        """Return the walk of a checkpoint."""
        page, youngest = checkpoint.get("page"), checkpoint.get("youngest")
        seen = unpack(checkpoint.get("seen", ""))
        return cls(
            floor=datetime.fromisoformat(checkpoint["floor"]),
            seen=set(seen),
            reach=checkpoint.get("reach"),
            youngest=datetime.fromisoformat(youngest) if youngest else None,
            position=Position.of(page, seen) if page else None,
        )

    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint that goes on here."""
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

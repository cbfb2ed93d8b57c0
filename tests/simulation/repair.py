"""Somebody looks for what is missing on record, beside the app's runs, and leaves it in the inbox."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import inbox, journal
from streamalert_apps.runtime.head import Head
from streamalert_apps.runtime.inbox import Judged
from streamalert_apps.runtime.memory import Memory
from streamalert_apps.sdk.events import Row
from streamalert_apps.sdk.http import Api
from tests.simulation.bucket import OWNER
from tests.simulation.timeline import START, moment

if TYPE_CHECKING:
    from tests.simulation.world import World


class Repair:
    """One look. What is listed is what the service shows at one moment."""

    def __init__(self, world: World) -> None:
        self._world = world

    def leave_what_is_missing(self) -> None:
        """Compare what happened before the floor with the record; leave what that lacks."""
        bucket = self._world.bucket
        before = self._head()
        rows = self._world.step("lists all", 1.0, self._listed) if before else []
        after = self._head()
        if not before or not after or before[0].birth != after[0].birth:
            return
        head, now = after
        floor = min(_floor(before[0]), _floor(head))
        entries = journal.entries(bucket, head.birth, since=head.first, up_to=head.sequence)
        known = {mark.id for entry in entries for _, mark in journal.marks(bucket.get(entry.name) or b"")}
        found = self._columns(head, rows)
        since = ((head.since or START) + timedelta(seconds=1)).timestamp()
        lacking = [
            row
            for row, (identity, time) in enumerate(zip(found.ids, found.times, strict=True))
            if since < time < floor and identity.hex() not in known
        ]
        if lacking:
            picked = journal.Columns(
                [found.events[row] for row in lacking],
                [found.ids[row] for row in lacking],
                [found.times[row] for row in lacking],
                now.timestamp(),
            )
            self._world.say(f"leaves {len(lacking)} events")
            inbox.leave(bucket, Judged(head.birth, head.sequence, now.timestamp()), picked)

    def _head(self) -> tuple[Head, datetime] | None:
        there = self._world.bucket.read(heads.NAME)
        if not there.body:
            return None
        head, _ = heads.parse(there.body)
        return (head, there.now) if head.checkpoint and head.owner == OWNER else None

    def _listed(self) -> list[bytes]:
        now = self._world.timeline.now
        return [event.row for event in self._world.vendor.every if event.published <= now]

    def _columns(self, head: Head, rows: list[bytes]) -> journal.Columns:
        world = self._world
        app = world.kind({}, Api(clock=world.clock(), transport=world.wire))
        memory = Memory(bytes.fromhex(head.key), lambda _: b"")
        now = moment(world.timeline.now).timestamp()
        _, ids, times = app.marked([Row(row) for row in rows], Counter(), memory, now)  # type: ignore[attr-defined]
        return journal.Columns(rows, ids, times, now)


def _floor(head: Head) -> float:
    told = (head.checkpoint or {})["floor"]
    floor = datetime.fromisoformat(told) if isinstance(told, str) else told
    return float(floor.timestamp())

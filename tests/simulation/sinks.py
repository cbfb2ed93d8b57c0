"""Destinations that are slow, down, set up wrongly, or take a part of a batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from streamalert_apps.errors import CredentialsError, DeliveryFailed
from streamalert_apps.runtime.delivery import Answer, Batch, Limits, nothing_taken

if TYPE_CHECKING:
    from tests.simulation.plan import SinkPlan
    from tests.simulation.world import World

SEND_SECONDS: Final = 0.05
WRONG_SETTINGS: Final = "There is no such index."
NEVER_TAKEN: Final = (b'"n":"0003"', b'"n":"0017"', b'"n":"0018"', b'"n":"0111"', b'"line":3}')


class Sink:
    """One destination. `taken`: of a batch that it knows by its id, what it accepted."""

    def __init__(self, world: World, plan: SinkPlan) -> None:
        self._world = world
        self._plan = plan
        self.limits = Limits(plan.events, plan.bytes, plan.event_bytes, plan.window)
        self.taken: dict[str, set[bytes]] = {}
        self.sent: dict[str, tuple[bytes, ...]] = {}

    def send(self, batch: Batch) -> Answer:
        """Take a batch, or not."""
        return self._world.step(
            f"sends {len(batch.events)} to {self._plan.name}", SEND_SECONDS, lambda: self._take(batch)
        )

    def _take(self, batch: Batch) -> Answer:
        world, name = self._world, self._plan.name
        world.judge.sent(name, batch)
        if self.sent.setdefault(batch.id, tuple(batch.events)) != tuple(batch.events):
            world.judge.violated(f"two batches for {name} have one id")
        if world.strikes("sink refuses its settings"):
            return nothing_taken(batch, CredentialsError("It does not know these credentials."))
        if world.strikes("delivery fails"):
            return nothing_taken(
                batch, DeliveryFailed("It is down.", retry_after=world.luck.of(name).choice((None, 2.0)))
            )
        if len(batch.events) > 1 and world.strikes("batch too large"):
            return Answer(halve="It is too large.")
        if world.timeline.now < self._plan.wrong_until and not world.luck.calm:
            return Answer(refused=dict.fromkeys(range(len(batch.events)), WRONG_SETTINGS))
        refused = [row for row, event in enumerate(batch.events) if self._plan.picky and _is_odd(event)]
        rows = {*range(len(batch.events))} - {*refused}
        if world.strikes("half of a batch taken"):
            rows = {row for row in rows if world.luck.of(name).random() < 0.5}
        lost = world.strikes("delivery accepted, answer lost")
        self._accept(batch, rows, answered=not lost)
        if lost:
            return nothing_taken(batch, DeliveryFailed("No answer."))
        rest = [row for row in range(len(batch.events)) if row not in rows and row not in refused]
        error = DeliveryFailed("It is busy.") if rest else None
        return Answer(rest, dict.fromkeys(refused, "It is odd."), error)

    def _accept(self, batch: Batch, rows: set[int], *, answered: bool) -> None:
        known = self.taken.setdefault(batch.id, set()) if self._plan.idempotent else set[bytes]()
        for row in sorted(rows):
            event = batch.events[row]
            new = event not in known or batch.events.count(event) > 1
            self._world.judge.accepted(self._plan.name, event, new=new, answered=answered)
            known.add(event)


def _is_odd(event: bytes) -> bool:
    return any(odd in event for odd in NEVER_TAKEN)


def whole_of(event: bytes) -> str:
    """Return the digest of what an event is a trimmed copy of; empty where it is whole."""
    mark = json.loads(event).get("_truncated") if b'"_truncated"' in event else None
    return str(mark["sha256"]) if mark else ""

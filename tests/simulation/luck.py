"""Bad luck: whether a fault is due now. Each kind has a stream of its own, so that one can be left out."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Final

from tests.simulation.plan import Plan

STORM: Final = 0.8  # the chance of a fault whose storm it is


class Luck:
    """The luck of one seed. `muted`: kinds of faults that are left out."""

    def __init__(self, plan: Plan, muted: frozenset[str]) -> None:
        self.faults: Counter[str] = Counter()
        self.calm = False  # the dust settles: no more faults
        self._plan = plan
        self._muted = muted
        self._streams: dict[str, Random] = {}

    def of(self, kind: str) -> Random:
        """Return what decides about one kind of fault."""
        return self._streams.setdefault(kind, Random(f"{self._plan.seed}:{kind}"))

    def strikes(self, kind: str, now: float) -> bool:
        """Tell whether a fault is due."""
        storms = (storm for storm in self._plan.storms if storm.kind == kind)
        in_storm = any(storm.begins <= now < storm.ends for storm in storms)
        chance = STORM if in_storm else self._plan.faults.get(kind, 0.0)
        if self.of(kind).random() >= chance or self.calm or kind in self._muted:
            return False
        self.faults[kind] += 1
        return True

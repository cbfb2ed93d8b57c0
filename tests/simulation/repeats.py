"""Which repeats are explained: by a fault in the wrong moment, or by what the documents say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.simulation.plan import Plan
from tests.simulation.vendor import Vendor


class Repeats:
    """Counts deliveries of each log, and why one may come again."""

    def __init__(self, plan: Plan, vendor: Vendor) -> None:
        self.clock_was_wrong = False
        self.older_state_left = False
        self._plan = plan
        self._vendor = vendor
        self._delivered: Counter[bytes] = Counter()
        self._order: list[bytes] = []
        self._half: dict[bytes, int] = {}  # logs of half-delivered pages, and how many events there were then
        self._half_digest = ""
        self._by: dict[bytes, str] = {}
        self._excuses: dict[bytes, list[str]] = {}
        self._held: Counter[bytes] = Counter()
        self._ties: dict[bytes, int] = {}
        self._undated: set[bytes] = set()
        units = Counter(event.time // plan.unit for event in vendor.every)
        for event in vendor.every:
            self._held.update(event.logs)
            if b'"soon"' in event.row:
                self._undated.update(event.logs)
            self._ties |= dict.fromkeys(event.logs, units[event.time // plan.unit])

    def excuse(self, log: bytes, reason: str, count: int = 1) -> None:
        """Allow a log to come again."""
        self._excuses.setdefault(log, []).extend([reason] * count)

    def delivered(self, log: bytes, process: str) -> bool:
        """Count a delivery; tell whether it is a repeat."""
        self._delivered[log] += 1
        self._order.append(log)
        again = self._delivered[log] > self._held[log]
        if again and (reason := self._documented(log, process)):
            self.excuse(log, reason)
        self._by[log] = process
        return again

    def half_delivered(self, logs: int, digest: str) -> None:
        """A state says that so many logs of a page were accepted, and the others not: 0 for none."""
        if digest != self._half_digest:
            for log in self._order[len(self._order) - logs :]:
                self._half.setdefault(log, self._vendor.published)
        self._half_digest = digest

    def unexplained(self) -> Iterator[bytes]:
        """Yield each log that came more often than is explained."""
        for log, count in self._delivered.items():
            if count - self._held[log] > len(self._excuses.get(log, ())):
                yield log

    def explained(self) -> Counter[str]:
        """Return how many repeats there were for each reason."""
        reasons: Counter[str] = Counter()
        for log, count in self._delivered.items():
            reasons.update(self._excuses.get(log, [])[: max(0, count - self._held[log])])
        return reasons

    def _documented(self, log: bytes, process: str) -> str:
        """Return why the documents allow a repeat."""
        if self.clock_was_wrong:
            return "a clock was wrong"
        if self.older_state_left:
            return "who lost the race for the lease died before it put the state back"
        listed = -1 if self._plan.shape == "any order" else self._half.get(log, self._vendor.published)
        if (
            log in self._half and self._vendor.published > listed
        ):  # without order, other bounds are another list
            return "half of its page was delivered, and the page has changed"
        if self._held[log] > 1:
            return "no id, and there are others equal to it"
        if log in self._undated:
            return "its time can't be read"
        if not self._plan.ids and self._plan.tokens == "offset":
            return "no id, and the list moved under the page token"
        if not self._vendor.expired:
            return ""
        if self._plan.shape in {"any order", "stream"} and self._by[log] != process:
            return "the page token expired, and all is read again"
        if self._ties[log] > (self._plan.memory // 4 if self._plan.ids else self._plan.page):
            return "the page token expired among more ties than can be told apart"
        return ""

"""How late events show up: a histogram of the last thousand that came behind a look."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

import msgspec

LAST: Final = 1000
_BOUNDS: Final = tuple(5.0 * 1.25**step for step in range(45))  # 5 s to 25 hours


class Lateness(msgspec.Struct):
    """Counts by bucket; older ones fade as newer ones come."""

    counts: dict[int, float] = {}

    def note(self, seconds: float) -> None:
        """Count an event that a look, `seconds` after it happened, did not see yet."""
        bucket = min(bisect_left(_BOUNDS, seconds), len(_BOUNDS) - 1)
        self.counts[bucket] = self.counts.get(bucket, 0.0) + 1
        if sum(self.counts.values()) > LAST:
            self.counts = {at: count / 2 for at, count in self.counts.items() if count > 1}

    def quantile(self, share: float) -> float:
        """Return the seconds within which this share of them came; 0 where there was none."""
        total = sum(self.counts.values()) * share
        for bucket in sorted(self.counts):
            total -= self.counts[bucket]
            if total <= 0:
                return _BOUNDS[bucket]
        return 0.0

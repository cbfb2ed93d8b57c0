"""What is cut into batches together: a commit, or several where a destination waits for more."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from streamalert_apps.runtime import journal
from streamalert_apps.runtime.delivery import Limits, Shape


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its events as the service gave them, with their short ids and times, and when it was made.

    An older copy of the head that is put back makes its number come again; with its fence it does not.
    """

    sequence: int
    fence: int
    events: Sequence[bytes]
    ids: Sequence[bytes]
    times: Sequence[float]
    got: float
    made: float

    @classmethod
    def read(cls, entry: journal.Entry, body: bytes) -> Commit:
        """Return the commit of an object of the journal; an event that was purged is empty."""
        columns = journal.columns(body)
        return cls(
            entry.sequence,
            entry.fence,
            columns.events,
            columns.ids,
            columns.times,
            columns.got,
            entry.written,
        )


class Window:
    """Commits whose rows are counted through. `events`: as they are sent; what is not sent is empty."""

    def __init__(self, commits: Sequence[Commit], shape: Shape | None) -> None:
        self.commits = commits
        if shape is None and len(commits) == 1:
            self.events = commits[0].events
        else:
            self.events = [event for commit in commits for event in _shaped(commit, shape)]
        self._ends = list(accumulate(len(commit.events) for commit in commits))

    @property
    def last(self) -> Commit:
        """The last of its commits."""
        return self.commits[-1]

    @cached_property
    def name(self) -> str:
        """What tells it from all others of the record."""
        return " ".join(f"{commit.sequence}-{commit.fence}" for commit in self.commits)

    def place(self, row: int) -> tuple[Commit, int]:
        """Return the commit that a row is of, and which of its rows it is."""
        at = bisect_right(self._ends, row)
        return self.commits[at], row - (self._ends[at - 1] if at else 0)

    def ids(self, birth: str, rows: Sequence[int]) -> list[str]:
        """Return the ids of rows, each of which no other row has."""
        if len(self.commits) == 1:
            whole = f"{birth}-{self.last.sequence}-{self.last.fence}"
            return [f"{whole}-{row}" for row in rows]
        places = [self.place(row) for row in rows]
        return [f"{birth}-{commit.sequence}-{commit.fence}-{row}" for commit, row in places]

    def times(self, rows: Sequence[int]) -> list[float]:
        """Return when the events of rows happened."""
        if len(self.commits) == 1:
            times = self.last.times
            return [times[row] for row in rows]
        return [commit.times[row] for commit, row in map(self.place, rows)]

    def batches(self, row: int, limits: Limits) -> Iterator[list[int]]:
        """Cut it into batches of rows, from a row on. What is too large is sent as a trimmed copy."""
        sizes = [*map(len, self.events)]
        rows = [at for at in range(row, len(sizes)) if sizes[at]]
        if max(sizes, default=0) > limits.event_bytes:
            sizes = [min(size, limits.event_bytes) for size in sizes]
        ends = [*accumulate(sizes[at] + 1 for at in rows)]
        begin = before = 0
        while begin < len(rows):
            end = bisect_right(ends, before + limits.bytes + 1, begin)
            end = min(max(end, begin + 1), begin + limits.events)
            yield rows[begin:end]
            begin, before = end, ends[end - 1] if end else 0


def digest(*words: object) -> str:
    """Return what tells these words from others."""
    return hashlib.sha256(" ".join(map(str, words)).encode()).hexdigest()[:32]


def _shaped(commit: Commit, shape: Shape | None) -> Sequence[bytes]:
    if shape is None:
        return commit.events
    got = commit.got
    return [
        shape(event, identity, time, got) if event else b""
        for event, identity, time in zip(commit.events, commit.ids, commit.times, strict=True)
    ]

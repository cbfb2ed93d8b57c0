"""Lists that Slack shows page by page, counted from the top: new rows push others down, rows change."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.store import micros


@dataclass(frozen=True, slots=True)
class State:
    """What a row says from a moment on: `at` is the time that it tells of itself last."""

    visible: int
    at: int
    id: str
    body: bytes


@dataclass(slots=True)
class Row:
    """A row: when it began, and its states in the order in which they can be seen."""

    name: str
    began: int
    states: list[State] = field(default_factory=list)

    def state(self, now: int) -> State | None:
        """Return what the row says now; None where it can't be seen yet."""
        return next((state for state in reversed(self.states) if state.visible <= now), None)


class Listing:
    """Rows sorted by when they began or, `by_last`, by their last time; the newest first, or the oldest."""

    def __init__(self, clock: Clock, *, by_last: bool = False, newest_first: bool = True) -> None:
        self._clock = clock
        self._by_last = by_last
        self._newest_first = newest_first
        self._rows: dict[str, Row] = {}
        self._changes: list[int] = []
        self._sorted: list[tuple[int, str, State]] = []
        self._sorted_at = -1  # how many changes the sorted list has seen

    def add(self, rows: Iterable[Row]) -> None:
        """Put rows into the list."""
        for row in rows:
            self._rows[row.name] = row
        self._look_again()

    def change(self, name: str, state: State) -> None:
        """Let a row say something else from a moment on."""
        states = self._rows[name].states
        states.append(state)
        states.sort(key=lambda one: one.visible)
        self._look_again()

    def rows(self) -> list[Row]:
        """Return all rows, those included that can't be seen yet."""
        return list(self._rows.values())

    def shown(self, before: int | None = None) -> list[State]:
        """Return what the list shows now of the time up to `before`, inclusive, in its order."""
        self._sort()
        return [state for at, _, state in self._sorted if before is None or at <= before]

    def _look_again(self) -> None:
        self._changes = sorted(state.visible for row in self._rows.values() for state in row.states)
        self._sorted_at = -1

    def _sort(self) -> None:
        now = micros(self._clock.now())
        seen = bisect_right(self._changes, now)
        if seen == self._sorted_at:
            return
        self._sorted_at = seen
        states = ((row, row.state(now)) for row in self._rows.values())
        self._sorted = sorted(
            (
                (state.at if self._by_last else row.began, row.name, state)
                for row, state in states
                if state is not None
            ),
            key=lambda entry: entry[:2],
            reverse=self._newest_first,
        )

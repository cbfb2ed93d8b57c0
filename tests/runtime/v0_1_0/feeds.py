"""A feed for each base class that 0.1.0 had, over made-up events; written for 0.1.0 and for today alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

PAGE = 10
FILE_ROWS = 25
BEGAN = datetime(2026, 11, 24, 12, tzinfo=UTC)


def moment(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def events(until: float, *, since: float = 0, named: bool = True) -> list[dict[str, Any]]:
    """Return events of some seconds: one in 20, and each ten minutes a burst of more than a page."""
    found = []
    for second in range(int(since), int(until), 20):
        count = 13 if second % 600 == 300 else 1
        for number in range(count):
            event = {"time": moment(second).isoformat(), "what": second}
            found.append({"id": f"{second}-{number}", **event} if named else event)
    return found


@dataclass
class Service:
    """What the feeds ask: events in the order in which they happened."""

    rows: list[dict[str, Any]]

    def between(self, since: datetime, until: datetime) -> list[dict[str, Any]]:
        begin, end = ((time - BEGAN).total_seconds() for time in (since, until))
        return [row for row in self.rows if begin <= row["what"] <= end]

    def files(self) -> list[dict[str, Any]]:
        """Return the rows in files, two of which have the same time: that of the last row in both."""
        pair = 2 * FILE_ROWS
        return [
            {
                "id": f"file {start}",
                "time": self.rows[start - start % pair + pair - 1]["time"],
                "start": start,
            }
            for start in range(0, len(self.rows) // pair * pair, FILE_ROWS)
        ]


def raw(rows: Sequence[Mapping[str, Any]]) -> list[msgspec.Raw]:
    return [msgspec.Raw(json.dumps(row).encode()) for row in rows]


def feeds(sdk: Any, service: Service) -> dict[str, Any]:  # noqa: C901 (one class after the other)
    """Return the app types by base class. `sdk`: the classes of the version that is to run them."""

    class Listed:
        auth = ()
        time_field = "time"
        id_fields: tuple[str, ...] = ("id",)
        lag = timedelta(minutes=5)

        def _page(self, rows: list[dict[str, Any]], token: Any) -> Any:
            start = token or 0
            more = start + PAGE < len(rows)
            return sdk.Fetched(raw(rows[start : start + PAGE]), start + PAGE if more else None)

    class Ascending(Listed, sdk.OldestFirst):  # type: ignore[misc]
        type = "old_ascending"

        def fetch(self, since: datetime, until: datetime, token: Any) -> Any:
            return self._page(service.between(since, until), token)

    class Nameless(Ascending):
        type = "old_nameless"
        id_fields = ()

    class Descending(Listed, sdk.NewestFirst):  # type: ignore[misc]
        type = "old_descending"

        def fetch(self, since: datetime, until: datetime, token: Any) -> Any:
            return self._page(service.between(since, until)[::-1], token)

    class Unordered(Listed, sdk.AnyOrder):  # type: ignore[misc]
        type = "old_unordered"

        def fetch(self, since: datetime, until: datetime, token: Any) -> Any:
            rows = service.between(since, until)
            return self._page(rows[1::2] + rows[::2], token)

    class Positions(Listed, sdk.Stream):  # type: ignore[misc]
        type = "old_positions"
        beginning = "0"

        def check(self) -> None:
            raise NotImplementedError

        def fetch(self, position: str) -> Any:
            start = int(position)
            rows = service.rows[start : start + PAGE]
            return sdk.Fetched(raw(rows), str(start + len(rows)))

    class Files(Listed, sdk.Catalogue):  # type: ignore[misc]
        type = "old_files"

        def fetch(self, since: datetime, until: datetime, token: Any) -> Any:  # noqa: ARG002
            rows = [row for row in service.files() if since <= datetime.fromisoformat(row["time"]) <= until]
            return sdk.Fetched(raw(rows))

        def open(self, file: Any) -> Iterator[Any]:
            start = json.loads(bytes(file))["start"]
            yield from raw(service.rows[start : start + FILE_ROWS])

    class Pages(Listed, sdk.Numbered):  # type: ignore[misc]
        type = "old_pages"
        distinct = True

        def page(self, number: int, before: Any) -> Any:  # noqa: ARG002
            rows = service.rows[::-1]
            some = raw(rows[(number - 1) * PAGE : number * PAGE])
            return sdk.numbered_page(some, PAGE, len(rows), -(-len(rows) // PAGE))

    class Seed(sdk.AppIntegration):  # type: ignore[misc]
        """Events one after the other."""

        type = "old_seed"
        auth = ()
        _context: dict[str, Any]
        _last_timestamp: int

        @classmethod
        def service(cls) -> str:
            return "old"

        @classmethod
        def _type(cls) -> str:
            return "seed"

        def _sleep_seconds(self) -> float:
            return 0

        def _gather_logs(self) -> Any:
            start = self._context.get("next", 0)
            rows = service.rows[start : start + PAGE]
            self._context = {"next": start + len(rows)}
            self._last_timestamp = self._last_timestamp + 1
            self._more_to_poll = start + len(rows) < len(service.rows)
            return rows

    kinds = (Ascending, Nameless, Descending, Unordered, Positions, Files, Pages, Seed)
    return {kind.type: kind for kind in kinds}

"""What the twins of services with a single log share: its events, each made of one of a few shapes.

A row is made once as a shape, with markers where time and id go, and stamped for each event: a large
backlog is there in seconds.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final, TypeAlias

from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.clock import Clock, SystemClock
from streamalert_apps.simulator.contract import Facts
from streamalert_apps.simulator.store import Event, Feed, Key, Plan, by_time, micros, moment, seeded

TIME: Final = "<time>"
SEEN: Final = "<seen>"  # the time at which an event appears, where a row has that, too
ID: Final = "<id>"
LATENESS: Final = timedelta(seconds=60)
SHAPES: Final = 200
_EQUALS: Final = "\0"

Row: TypeAlias = dict[str, Any]


class SingleLog(ABC):
    """A twin's one log."""

    app_type: str
    id_field: str
    """Empty where rows have no id: a row is known by what it says, and equal ones are counted."""
    text_field: str
    """A field of free text."""
    precision: int
    """What times are rounded down to, in microseconds."""
    page: int
    """The most that an answer holds."""

    def __init__(
        self,
        clock: Clock | None,
        *,
        seed: int,
        page_size: int | None,
        delay: timedelta = timedelta(0),
        order: Callable[[Event], Key] = by_time,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.page_size = min(page_size or self.page, self.page)
        self.feed = Feed(self.clock, order)
        self._seed = seed
        self._delay = delay
        self._additions = count(1)

    @abstractmethod
    def row(self, random: Random) -> Row:
        """Return a row with TIME and ID in their places."""

    @abstractmethod
    def written(self, time: datetime) -> str:
        """Return a time as the vendor writes it in JSON."""

    def ids(self, random: Random, times: Sequence[tuple[int, int]]) -> Sequence[str | int]:
        """Return an id for each (at, visible)."""
        return [uuid(random) for _ in times]

    def facts(self, app_type: str) -> Facts:
        """Return what the vendor documents of the log."""
        self.know(app_type)
        return Facts(self.page_size, self._delay + LATENESS)

    def seed(
        self,
        app_type: str,
        *,
        events: int = 5000,
        burst: int = 0,
        late: int = 0,
        start: datetime | None = None,
        end: datetime | None = None,
        lateness: timedelta = LATENESS,
    ) -> None:
        """Add events, the same ones for the same seed; without times, of the last hour."""
        self.know(app_type)
        random = self._random()
        end = end or self.clock.now()
        start = start or end - timedelta(hours=1)
        times = Plan(events, start, end, burst, late, self._delay, lateness, self.precision).times(random)
        shapes = [_shape(self.row(random)) for _ in range(min(SHAPES, 1 + events // 4))]
        self.feed.add(
            self._event(random.choice(shapes), at, visible, name)
            for (at, visible), name in zip(times, self.ids(random, times), strict=True)
        )

    def put(
        self, app_type: str, *, at: datetime, visible: datetime | None = None, size: int = 0, **fields: Any
    ) -> str:
        """Add one event with these fields and return its id."""
        self.know(app_type)
        random = self._random()
        text = {self.text_field: "x" * size} if size else {}
        whole, seen = micros(at) - micros(at) % self.precision, micros(visible or at + self._delay)
        (name,) = self.ids(random, [(whole, seen)])
        event = self._event(_shape(self.row(random) | text | fields), whole, seen, name)
        self.feed.add([event])
        return _known_by(event.id)

    def held(
        self, app_type: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Counter[str]:
        """Count the ids of the events that happened from `since` to `until`, both inclusive."""
        self.know(app_type)
        counted: Counter[str] = Counter()
        for name, times in self.feed.count(since, until).items():
            counted[_known_by(name)] += times
        return counted

    def complete(self, app_type: str) -> datetime:
        """Return the time from which on every event is visible."""
        self.know(app_type)
        return self.feed.complete()

    def identify(self, app_type: str, log: Mapping[str, Any]) -> str:
        """Return the id of a log that arrived."""
        self.know(app_type)
        return str(log.get(self.id_field)) if self.id_field else _content(log)

    def know(self, app_type: str) -> None:
        """Raise UsageError for a log of another name."""
        if app_type != self.app_type:
            raise UsageError(
                f"{type(self).__name__}'s simulator has no '{app_type}'.", hint=f"There is: {self.app_type}."
            )

    def _random(self) -> Random:
        """Return other numbers for each addition, so that none repeats the ids of another."""
        return seeded(self._seed, self.app_type, next(self._additions))

    def _event(self, shape: str, at: int, visible: int, name: str | int) -> Event:
        values = {"time": self.written(moment(at)), "id": json.dumps(name)}
        if "%(seen)s" in shape:
            values["seen"] = self.written(moment(visible))
        body = shape % values
        identity = str(name) if self.id_field else f"{_content(json.loads(body))}{_EQUALS}{name}"
        return Event(at, identity, visible, body.encode())


def uuid(random: Random) -> str:
    """Return a random UUID."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def chance(random: Random, share: float) -> bool:
    """Tell, of so large a share of times, yes."""
    return random.random() < share


def _shape(row: Row) -> str:
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":")).replace("%", "%%")
    text = text.replace(f'"{TIME}"', "%(time)s").replace(f'"{SEEN}"', "%(seen)s")
    return text.replace(f'"{ID}"', "%(id)s")


def _content(log: Mapping[str, Any]) -> str:
    """Return what a row without an id is known by."""
    return hashlib.sha256(json.dumps(log, sort_keys=True).encode()).hexdigest()[:32]


def _known_by(identity: str) -> str:
    """Return what an event is known by, without what tells it from its equals."""
    return identity.partition(_EQUALS)[0]

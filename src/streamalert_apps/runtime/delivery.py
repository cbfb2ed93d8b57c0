"""What a destination is to those who send: it takes a batch of JSON texts and says what became of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from streamalert_apps.errors import AppError

BATCH_BYTES: Final = 256 << 10
WINDOW_BYTES: Final = 4 << 20
_LATEST: Final = 253_402_300_799.0  # the end of the year 9999
TOO_LARGE: Final = "It is too large."


@dataclass(frozen=True, slots=True)
class Limits:
    """What one batch may hold: events, bytes in all (each event counts one more), bytes of one event.

    `window`: so many bytes on record are enough to be sent, where a destination waits for more.
    """

    events: int = 1_000_000
    bytes: int = BATCH_BYTES
    event_bytes: int = (1 << 20) - 512
    window: int = WINDOW_BYTES


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that are sent together. A batch that is sent again is the same batch under the same id.

    `ids` and `times` (seconds since 1970) are those of the events; the id of an event is the same for each
    destination, however often it is sent and whatever the settings are. `window` names all that was cut
    into batches together: it stays the same where a part of a batch is sent again, or the settings change.
    """

    id: str
    events: Sequence[bytes]
    ids: Sequence[str] = ()
    times: Sequence[float] = ()
    window: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a batch; events that are named nowhere were accepted.

    `retry`: rows to send again. `refused`: rows that will never be taken, and why. `error`: why there
    are rows to send again, or why the destination takes nothing (kind `config`: until its settings are
    changed); without one, what is refused kept the others from being taken, and they go again at once.
    `halve`: nothing was taken, for this reason, and half of it may be; one event alone is refused for it.
    """

    retry: Sequence[int] = ()
    refused: Mapping[int, str] = field(default_factory=dict)
    error: AppError | None = None
    halve: str = ""


class Destination(Protocol):
    """Takes events."""

    limits: Limits

    def send(self, batch: Batch) -> Answer:
        """Deliver a batch and say what became of it; what is raised stands for a batch not taken."""


Shape = Callable[[bytes, bytes, float, float], bytes]
"""Makes what is sent of an event, its short id, and when it happened and was collected; or nothing."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """A destination as an app uses it.

    `settings`: what tells them from any others, as whether an event or the settings are at fault depends on
    what was accepted under the same ones. `hold`: for how many seconds it waits for more before it sends.
    """

    destination: Destination
    settings: str = "default"
    hold: float = 0.0
    shape: Shape | None = None


def moment(time: float) -> datetime:
    """Return the moment of an event's time, or the nearest there is: a service may have told nonsense."""
    return datetime.fromtimestamp(min(max(time, 0.0), _LATEST), UTC)


def nothing_taken(batch: Batch, error: AppError) -> Answer:
    """Return the answer that nothing of a batch was accepted."""
    return Answer(retry=range(len(batch.events)), error=error)

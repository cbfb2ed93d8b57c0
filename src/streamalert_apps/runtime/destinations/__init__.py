"""Where events go. A destination takes a batch of JSON texts and says of each what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from streamalert_apps.errors import AppError

BATCH_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What one batch may hold: events, bytes in all (each event counts one more), bytes of one event."""

    events: int = 1_000_000
    bytes: int = BATCH_BYTES
    event_bytes: int = (1 << 20) - 512


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that are sent together. A batch that is sent again is the same batch under the same id."""

    id: str
    events: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a batch; events that are named nowhere were accepted.

    `retry`: rows to send again. `refused`: rows that will never be taken, and why. `error`: why there
    are such rows, or why the destination takes nothing (kind `config`: until its settings are changed).
    `too_large`: nothing was taken; half of it may be.
    """

    retry: Sequence[int] = ()
    refused: Mapping[int, str] = field(default_factory=dict)
    error: AppError | None = None
    too_large: bool = False


class Destination(Protocol):
    """Takes events."""

    limits: Limits

    def send(self, batch: Batch) -> Answer:
        """Deliver a batch and say what became of it."""


def nothing_taken(batch: Batch, error: AppError) -> Answer:
    """Return the answer that nothing of a batch was accepted."""
    return Answer(retry=range(len(batch.events)), error=error)

"""Where logs go: a destination takes a batch of JSON texts, or raises DeliveryFailed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from streamalert_apps.runtime.batch import Bytes


class Destination(Protocol):
    """Takes logs."""

    def forward(self, batch: Sequence[Bytes]) -> None:
        """Deliver a batch; return once it was accepted, raise DeliveryFailed when it was not."""

"""What a service tells by the way when credentials are tried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Told:
    """What a service told when the credentials were tried.

    `ahead`: by how much our clock is ahead of the service's. `expires`: when the credentials end, if it says.
    """

    ahead: timedelta = timedelta(0)
    expires: datetime | None = None

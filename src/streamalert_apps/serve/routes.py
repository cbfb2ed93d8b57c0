"""Which path `serve` answers with what. A new page is a line here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Literal

from streamalert_apps.serve.web import Request, Response, Route


@dataclass(frozen=True, slots=True)
class Health:
    """How the scheduler is: not how the apps are, which a restart would not mend.

    `conf_is_valid`: whether conf/ as it is now can be read; if not, what it said before stays in force.
    """

    status: Literal["ok", "stopping", "stuck"]
    apps: int = 0
    running: int = 0
    conf_is_valid: bool = True


def routes(health: Callable[[], Health]) -> Mapping[str, Route]:
    """Return what is answered to which path."""
    return {"/healthz": lambda request: _healthz(request, health())}


def _healthz(_: Request, health: Health) -> Response:
    """Tell a probe how the scheduler is; it needs no token, and learns no name."""
    status = HTTPStatus.OK if health.status == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(f"{json.dumps(asdict(health))}\n", "application/json", status)

"""Which path `serve` answers with what. A new page is a line here."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Final, Literal

from streamalert_apps.serve import page
from streamalert_apps.serve.page import Answer
from streamalert_apps.serve.web import Request, Response, Route

HTML: Final = "text/html; charset=utf-8"
VARIABLE: Final = "SA_APPS_STATUS_TOKEN"
"""What holds the token."""
METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Health:
    """How the scheduler is: not how the apps are, which a restart would not mend.

    `conf_is_valid`: whether conf/ as it is now can be read; if not, what it said before stays in force.
    """

    status: Literal["ok", "stopping", "stuck"]
    apps: int = 0
    running: int = 0
    conf_is_valid: bool = True


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to look at. `token`: whoever looks at the page has to have it.

    `is_open`: where no token is set, the page may be seen, as this machine alone can connect.
    """

    status: Callable[[], Answer]
    metrics: Callable[[], str]
    token: str = ""
    is_open: bool = True


def routes(health: Callable[[], Health], shown: Shown | None = None) -> Mapping[str, Route]:
    """Return what is answered to which path."""
    answered: dict[str, Route] = {"/healthz": lambda request: _healthz(request, health())}
    if shown:
        answered["/metrics"] = lambda _: Response(shown.metrics(), METRICS)
        answered["/"] = lambda request: _status(request, shown)
    return answered


def _healthz(_: Request, health: Health) -> Response:
    """Tell a probe how the scheduler is; it needs no token, and learns no name."""
    status = HTTPStatus.OK if health.status == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(f"{json.dumps(asdict(health))}\n", "application/json", status)


def _status(request: Request, shown: Shown) -> Response:
    """Show the apps to whoever has the token; a browser asks for it as the password of any user."""
    if not shown.token and not shown.is_open:
        told = f"Set {VARIABLE} to see the page from another machine.\n"
        return Response(told, status=HTTPStatus.FORBIDDEN)
    if shown.token and not hmac.compare_digest(_given(request).encode(), shown.token.encode()):
        headers = {"WWW-Authenticate": 'Basic realm="sa-apps", charset="UTF-8"'}
        return Response("The token is needed.\n", status=HTTPStatus.UNAUTHORIZED, headers=headers)
    policy = f"{page.POLICY}; frame-ancestors 'none'"
    return Response(page.page(shown.status()), HTML, headers={"Content-Security-Policy": policy})


def _given(request: Request) -> str:
    """Return the token that came with a request, as a bearer's or as a password."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""

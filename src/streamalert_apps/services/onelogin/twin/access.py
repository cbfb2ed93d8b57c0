"""Who may ask: OneLogin's tokens of client credentials, and the words in which it refuses."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.onelogin.twin import rows
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.oauth import form
from streamalert_apps.simulator.store import seeded

_PAIR: Final = re.compile(r"client_id: ?(?P<id>[^,\s]+), ?client_secret: ?(?P<secret>\S+)")
_BEARER: Final = re.compile(r"bearer[: ] ?(?P<token>\S+)", re.IGNORECASE)
_USUAL: Final = {
    400: ("bad request", "Invalid request"),
    401: ("Unauthorized", "Authentication Failure"),
    403: ("Forbidden", "Insufficient Permission"),
    404: ("Not Found", "No Route Exists"),
    429: ("Too Many Requests", "rate_limit_exceeded"),
}


def failure(status: int, *, message: str = "", note: str = "") -> Response:
    """Word an error as OneLogin does; the message is that usual for the status, or another."""
    kind, usual = _USUAL.get(status, ("Internal Server Error", "Something went wrong"))
    message = message or usual
    error = {"error": True, "code": status, "type": kind, "message": message}
    return Response(status, json.dumps({"status": error}).encode(), note=note or message)


class AuthServer:
    """Hands out one token at a time: the same one until it ends."""

    def __init__(self, clock: Clock, credentials: Mapping[str, str], seconds: float) -> None:
        self._clock = clock
        self._pair = credentials["client_id"], credentials["client_secret"]
        self._seconds = seconds
        self._issued = 0
        self._token = ""
        self._ends = clock.now()

    def revoke(self) -> None:
        """Make the token that was given out invalid."""
        self._token = ""

    def grant(self, request: Request) -> Response:
        """Answer a request for a token, in one of three forms."""
        given = form(request) or _object(request.body)
        if given.get("grant_type") != "client_credentials":
            return failure(400, message="grant_type is incorrect/absent")
        if _presented(request, given) != self._pair:
            return failure(401)
        if not self._token or self._ends <= self._clock.now():
            self._issued += 1
            self._token = f"{seeded(*self._pair, self._issued).getrandbits(256):064x}"
            self._ends = self._clock.now() + timedelta(seconds=self._seconds)
        answer = {
            "access_token": self._token,
            "created_at": iso(self._ends - timedelta(seconds=self._seconds)),
            "expires_in": self._seconds,
            "refresh_token": self._token[::-1],
            "token_type": "bearer",
            "account_id": rows.ACCOUNT,
        }
        return Response(200, json.dumps(answer).encode())

    def admit(self, request: Request) -> None:
        """Raise Refused unless a request carries the token, in either of two forms."""
        shown = _BEARER.fullmatch(request.headers.get("authorization", ""))
        if not shown or shown["token"] != self._token:
            raise Refused(failure(401, note="no token, or one that was not given out"))
        if self._ends <= self._clock.now():
            raise Refused(failure(401, note="the token has ended"))


def iso(time: datetime) -> str:
    """Return a time as OneLogin writes it: milliseconds, with a Z."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _presented(request: Request, given: Mapping[str, Any]) -> tuple[Any, Any]:
    header = request.headers.get("authorization", "")
    if pair := _PAIR.fullmatch(header):
        return pair["id"], pair["secret"]
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return given.get("client_id"), given.get("client_secret")
    try:
        name, _, secret = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None, None
    return name, secret


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}

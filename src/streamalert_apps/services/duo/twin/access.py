"""Who may ask: Duo's request signature, its errors, and everything that is refused before a log is read."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

from streamalert_apps.simulator.contract import Refused, Request, Response

SKEW: Final = timedelta(minutes=5)

_ERRORS: Final = {
    400: (40002, "Invalid request parameters"),
    401: (40103, "Invalid signature in request credentials"),
    403: (40301, "Access forbidden"),
    404: (40401, "Resource not found"),
    405: (40501, "Method not allowed"),
    429: (42901, "Too Many Requests"),
}


def failure(status: int, *, code: int = 0, message: str = "", detail: str = "", note: str = "") -> Response:
    """Word an error as Duo does; the code and the message are those usual for the status, or others."""
    usual_code, usual_message = _ERRORS.get(status, (status * 100, "Server error"))
    body = {"code": code or usual_code, "message": message or usual_message, "stat": "FAIL"}
    return Response(
        status, encode(body | ({"message_detail": detail} if detail else {})), note=note or detail
    )


def encode(value: Any) -> bytes:
    """Return JSON as Duo's servers write it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def authenticate(request: Request, credentials: Mapping[str, str], now: datetime) -> None:
    """Raise Refused unless the request is for this tenant, of now, and signed with its secret."""
    key, signature = _basic(request.headers.get("authorization", ""))
    host = request.headers.get("host", "").lower()
    if host != credentials["api_hostname"]:
        raise _foreign(f"the Host header is {host!r}, this tenant is {credentials['api_hostname']!r}")
    if key != credentials["integration_key"]:
        raise _foreign("the integration key is another")
    _check_date(request.headers.get("date", ""), now)
    valid = _signatures(request, host, credentials["secret_key"])
    if not any(hmac.compare_digest(signature, good) for good in valid):
        raise Refused(failure(401, note=f"not signed as v2 or v5 with the parameters {canonical(request)}"))


def canonical(request: Request) -> str:
    """Return the parameters of the query as they are signed: sorted, and escaped in the one right way."""
    pairs = sorted((quote(name, "~"), quote(value, "~")) for name, value in request.params)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        decoded = b64decode(encoded, validate=True).decode("ascii")
    except ValueError:
        decoded = ""
    key, colon, signature = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Refused(failure(401, code=40101, message="Missing request credentials"))
    return key, signature


def _foreign(note: str) -> Refused:
    message = "Invalid integration key in request credentials"
    return Refused(failure(401, code=40102, message=message, note=note))


def _check_date(header: str, now: datetime) -> None:
    try:
        sent = parsedate_to_datetime(header)
    except ValueError:
        raise _untimely("no Date header that can be read") from None
    sent = sent if sent.tzinfo else sent.replace(tzinfo=UTC)  # -0000 parses as a time without a zone
    if abs(sent - now) > SKEW:
        raise _untimely(f"Date is {(sent - now).total_seconds():+.0f} s from now")


def _untimely(note: str) -> Refused:
    return Refused(failure(401, code=40105, message="Bad request timestamp", note=note))


def _signatures(request: Request, host: str, secret: str) -> tuple[str, ...]:
    """Return every signature that is right for this request."""
    second = [request.headers["date"], request.method.upper(), host, request.path, canonical(request)]
    extra = [pair for pair in sorted(request.headers.items()) if pair[0].startswith("x-duo-")]
    flat = "\0".join(part for pair in extra for part in pair)
    fifth = [*second, hashlib.sha512(request.body).hexdigest(), hashlib.sha512(flat.encode()).hexdigest()]
    return _sign(secret, second, "sha1"), _sign(secret, second, "sha512"), _sign(secret, fifth, "sha512")


def _sign(secret: str, lines: list[str], digest: str) -> str:
    return hmac.new(secret.encode(), "\n".join(lines).encode(), digest).hexdigest()

"""Who may ask: tokens by two flows, sessions, and how Salesforce words an error."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from random import Random
from string import ascii_letters, digits
from typing import Any, Final

from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.oauth import Tokens, form

LOGIN: Final = "login.salesforce.com"
TOKEN: Final = "/services/oauth2/token"  # noqa: S105 (a path)
_ERRORS: Final = {
    400: ("MALFORMED_QUERY", "unexpected token"),
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("INSUFFICIENT_ACCESS", "insufficient access rights on object id"),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    405: ("METHOD_NOT_ALLOWED", "HTTP Method not allowed. Allowed are HEAD,GET"),
    503: ("SERVER_UNAVAILABLE", "The server is temporarily unavailable"),
}


def refused(status: int, code: str = "", message: str = "") -> Refused:
    """Return the REST API's way to refuse."""
    return Refused(failure(status, code, message))


def failure(status: int, code: str = "", message: str = "") -> Response:
    """Word an error as the REST API does: an array."""
    usual, usual_message = _ERRORS.get(status, ("UNKNOWN_EXCEPTION", "An unexpected error occurred"))
    body = [{"message": message or usual_message, "errorCode": code or usual}]
    return Response(status, encode(body), note=code or usual)


def encode(content: Any) -> bytes:
    """Return JSON as Salesforce writes it."""
    return json.dumps(content, separators=(",", ":")).encode()


def grant(request: Request, host: str, own: str, secrets: Mapping[str, str], tokens: Tokens) -> Response:
    """Answer a request for a token, at the login host or at the organisation's own."""
    if request.method != "POST":
        return _no("invalid_request", "must use HTTP POST")
    fields = dict(form(request))
    key, secret = _basic(request) or (fields.get("client_id", ""), fields.get("client_secret", ""))
    kind = fields.get("grant_type", "")
    if kind not in {"password", "client_credentials"}:
        return _no("unsupported_grant_type", "grant type not supported")
    if kind == "client_credentials" and host == LOGIN:
        return _no("invalid_grant", "request not supported on this domain")
    if key != secrets["client_id"]:
        return _no("invalid_client_id", "client identifier invalid")
    if secret != secrets["client_secret"]:
        return _no("invalid_client", "invalid client credentials")
    whole = secrets["password"] + secrets["security_token"]
    given = fields.get("username"), fields.get("password")
    if kind == "password" and given != (secrets["username"], whole):
        return _no("invalid_grant", "authentication failure")
    return Response(
        200,
        encode({
            "access_token": tokens.issue(),
            "signature": "c2lnbmF0dXJl",
            "scope": "api",
            "instance_url": f"https://{own}",
            "id": f"https://{LOGIN}/id/00D5g00000AbCdEEAV/0055g00000FgHiJAAV",
            "token_type": "Bearer",
            "issued_at": "1700557945123",
        }),
    )


def secrets_of(random: Random) -> dict[str, str]:
    """Return everything that can be asked for when somebody signs in."""
    letters = ascii_letters + digits
    return {
        "domain": "acme.my.salesforce.com",
        "client_id": "3MVG9" + "".join(random.choices(letters + "._", k=80)),
        "client_secret": f"{random.getrandbits(256):064X}",
        "username": "auditor@example.com",
        "password": "correct horse & battery + staple",
        "security_token": "".join(random.choices(letters, k=24)),
    }


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    key, _, secret = b64decode(encoded).decode().partition(":")
    return key, secret


def _no(error: str, description: str) -> Response:
    body = {"error": error, "error_description": description}
    return Response(400, encode(body), note=description)

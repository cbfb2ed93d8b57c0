"""Who may ask: Box's token endpoint for server authentication, and the words in which Box refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from random import Random
from string import ascii_lowercase, digits
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.oauth import JWT_BEARER, Tokens, form, read_jwt, rsa_key

AUDIENCE: Final = "https://api.box.com/oauth2/token"
LONGEST_SECONDS: Final = 60
HELP: Final = "https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/"

_ERRORS: Final = {
    400: ("bad_request", "Bad Request"),
    401: ("unauthorized", "Unauthorized"),
    403: ("insufficient_scope", "The request requires higher privileges than provided by the access token."),
    404: ("not_found", "Not Found"),
    405: ("method_not_allowed", "Method Not Allowed"),
    429: ("rate_limit_exceeded", "Request rate limit exceeded, please try again later"),
    503: ("unavailable", "Unavailable"),
}


def failure(
    status: int, *, code: str = "", message: str = "", retry_after: int | None = None, note: str = ""
) -> Response:
    """Word an error as Box's API does; code and message are those usual for the status, or others."""
    usual_code, usual_message = _ERRORS.get(status, ("internal_server_error", "Internal Server Error"))
    message = message or usual_message
    body = {
        "type": "error",
        "status": status,
        "code": code or usual_code,
        "context_info": None,
        "help_url": HELP,
        "message": message,
        "request_id": "abcdef123456",
    }
    headers: list[tuple[str, str]] = []
    if status == 401:  # noqa: PLR2004
        challenge = 'Bearer realm="Service", error="invalid_token"'
        headers.append(("WWW-Authenticate", challenge))
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    return Response(status, json.dumps(body).encode(), tuple(headers), note=note or message)


def configuration(random: Random, *, with_key: bool) -> dict[str, Any]:
    """Return the configuration file of an app, as the developer console hands it out."""
    enterprise = str(random.randint(10**8, 10**9))
    settings: dict[str, Any] = {"clientID": _word(random, 32), "clientSecret": _word(random, 32)}
    key_id, passphrase = _word(random, 8), f"{random.getrandbits(128):032x}"
    own = {"publicKeyID": key_id, "privateKey": _encrypted(passphrase), "passphrase": passphrase}
    settings["appAuth"] = own if with_key else dict.fromkeys(own, "")
    return {"boxAppSettings": settings, "enterpriseID": enterprise}


@cache
def _encrypted(passphrase: str) -> str:
    protection = BestAvailableEncryption(passphrase.encode())
    return rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection).decode()


class AuthServer:
    """Issues access tokens to one app; `authorized` says whether an administrator approved it."""

    def __init__(self, clock: Clock, file: Mapping[str, Any], seconds: float, *, authorized: bool) -> None:
        self.tokens = Tokens(clock, "", seconds)
        self._clock = clock
        self._settings = file["boxAppSettings"]
        self._enterprise = file["enterpriseID"]
        self._authorized = authorized
        self._used: set[str] = set()

    def answer(self, request: Request) -> Response:
        """Answer a request for a token."""
        fields = form(request)
        grants = {JWT_BEARER: self._judge_assertion, "client_credentials": self._judge_subject}
        judge = grants.get(fields.get("grant_type", ""))
        if judge is None:
            return _refused("unsupported_grant_type", "Invalid grant_type parameter or parameter missing")
        client = {"client_id": self._settings["clientID"], "client_secret": self._settings["clientSecret"]}
        if any(fields.get(name) != value for name, value in client.items()):
            return _refused("invalid_client", "The client credentials are invalid")
        if refusal := judge(fields):
            return refusal
        if not self._authorized:
            return _refused("unauthorized_client", "This app is not authorized by the enterprise admin")
        granted = {
            "access_token": self.tokens.issue(),
            "expires_in": self.tokens.seconds,
            "restricted_to": [],
            "token_type": "bearer",
        }
        return Response(200, json.dumps(granted).encode())

    def _judge_subject(self, fields: Mapping[str, str]) -> Response | None:
        if self._settings["appAuth"]["privateKey"]:
            return _refused("unauthorized_client", "The grant type is unauthorized for this client_id")
        subject = (fields.get("box_subject_type"), fields.get("box_subject_id"))
        if subject != ("enterprise", self._enterprise):
            return _refused("invalid_grant", "Grant credentials are invalid")
        return None

    def _judge_assertion(self, fields: Mapping[str, str]) -> Response | None:
        if not self._settings["appAuth"]["privateKey"]:
            return _refused("unauthorized_client", "The grant type is unauthorized for this client_id")
        try:
            header, claims = read_jwt(fields.get("assertion", ""), rsa_key().public_key())
        except ValueError as error:
            return _refused("invalid_grant", "OAuth JWT signature validation failed", note=str(error))
        if header.get("kid") != self._settings["appAuth"]["publicKeyID"]:
            return _refused("invalid_grant", "OAuth JWT signature validation failed", note="another kid")
        wanted = {
            "iss": self._settings["clientID"],
            "sub": self._enterprise,
            "box_sub_type": "enterprise",
            "aud": AUDIENCE,
        }
        for name, value in wanted.items():
            if claims.get(name) != value:
                return _refused("invalid_grant", f"Please check the '{name}' claim.")
        return self._judge_time(claims.get("exp")) or self._judge_id(claims.get("jti"))

    def _judge_time(self, ends: Any) -> Response | None:
        now = self._clock.now().timestamp()
        if not isinstance(ends, int):
            return _refused("invalid_grant", "Please check the 'exp' claim.")
        if ends <= now:
            words = "Current date/time MUST be before the expiration date/time listed in the 'exp' claim"
            return _refused("invalid_grant", words)
        if ends > now + LONGEST_SECONDS:
            words = "The 'exp' value exceeds the maximum value of 60 seconds beyond the issue time."
            return _refused("invalid_grant", f"Please check the 'exp' claim. {words}")
        return None

    def _judge_id(self, identity: Any) -> Response | None:
        if not (isinstance(identity, str) and 16 <= len(identity) <= 128):  # noqa: PLR2004
            return _refused("invalid_grant", "Please check the 'jti' claim.")
        if identity in self._used:
            words = "Please check the 'jti' claim. A unique 'jti' value is required."
            return _refused("invalid_grant", words)
        self._used.add(identity)
        return None


def _refused(error: str, description: str, *, note: str = "") -> Response:
    body = {"error": error, "error_description": description}
    return Response(400, json.dumps(body).encode(), note=note or description)


def _word(random: Random, length: int) -> str:
    return "".join(random.choices(ascii_lowercase + digits, k=length))

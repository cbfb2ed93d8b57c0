"""Who may ask: Google's OAuth server for service accounts, and the words in which both APIs refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Request, Response, Twin
from streamalert_apps.simulator.faults import Delivery
from streamalert_apps.simulator.oauth import JWT_BEARER, Tokens, form, read_jwt, rsa_key

AUDIENCES: Final = frozenset({
    "https://oauth2.googleapis.com/token",
    "https://www.googleapis.com/oauth2/v4/token",
    "https://accounts.google.com/o/oauth2/token",
})
SCOPE: Final = "https://www.googleapis.com/auth/admin.reports.audit.readonly"
LONGEST: Final = timedelta(hours=1)
SKEW: Final = timedelta(minutes=5)

_QUOTA: Final = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'"
_ERRORS: Final = {
    400: ("Bad Request", "badRequest", "INVALID_ARGUMENT"),
    401: ("Request had invalid authentication credentials.", "authError", "UNAUTHENTICATED"),
    403: ("Not Authorized to access this resource/api", "forbidden", "PERMISSION_DENIED"),
    404: ("Not Found", "notFound", "NOT_FOUND"),
    429: (_QUOTA, "rateLimitExceeded", "RESOURCE_EXHAUSTED"),
    503: ("The service is currently unavailable.", "backendError", "UNAVAILABLE"),
}
_UNAUTHORIZED: Final = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized for "
    "any of the scopes requested."
)
_TIMES: Final = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


def failure(status: int, *, message: str = "", reason: str = "", note: str = "") -> Response:
    """Word an error as Google's APIs do; message and reason are those usual for the status, or others."""
    usual_message, usual_reason, name = _ERRORS.get(status, ("Backend Error", "backendError", "INTERNAL"))
    message, reason = message or usual_message, reason or usual_reason
    error = {
        "code": status,
        "message": message,
        "errors": [{"message": message, "domain": "global", "reason": reason}],
        "status": name,
    }
    return Response(status, json.dumps({"error": error}, indent=2).encode(), note=note or message)


@dataclass(frozen=True, slots=True)
class Throttled:
    """A fault: too many requests, told with status 403 as the Reports API is known to."""

    reason: str = "userRateLimitExceeded"

    def deliver(self, twin: Twin, request: Request) -> Delivery:  # noqa: ARG002
        """Return what goes out."""
        return Delivery(failure(403, message="Quota exceeded for this user.", reason=self.reason))


def key_file(random: Random) -> dict[str, str]:
    """Return the key file of a service account, as the Cloud console hands it out."""
    project = f"audit-{random.randint(100_000, 999_999)}"
    email = f"collector@{project}.iam.gserviceaccount.com"
    pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "type": "service_account",
        "project_id": project,
        "private_key_id": f"{random.getrandbits(160):040x}",
        "private_key": pem.decode(),
        "client_email": email,
        "client_id": f"1{random.randrange(10**20):020}",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{email}",
        "universe_domain": "googleapis.com",
    }


class AuthServer:
    """Issues access tokens for the assertions of one service account. `scopes`: what was delegated to it."""

    def __init__(
        self,
        clock: Clock,
        key: Mapping[str, str],
        users: frozenset[str],
        scopes: frozenset[str],
        seconds: float,
    ) -> None:
        self.tokens = Tokens(clock, "ya29.c.", seconds)
        self._clock = clock
        self._key = key
        self._users = users
        self._scopes = scopes

    def answer(self, request: Request) -> Response:
        """Answer a request for a token."""
        fields = form(request)
        if fields.get("grant_type") != JWT_BEARER:
            return _refused("unsupported_grant_type", f"Invalid grant_type: {fields.get('grant_type')}")
        try:
            header, claims = read_jwt(fields.get("assertion", ""), rsa_key().public_key())
        except ValueError as error:
            return _refused("invalid_grant", "Invalid JWT Signature.", note=str(error))
        if refusal := self._judge(header, claims):
            return refusal
        answer = {
            "access_token": self.tokens.issue(),
            "expires_in": self.tokens.seconds,
            "token_type": "Bearer",
        }
        return Response(200, json.dumps(answer).encode())

    def _judge(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> Response | None:
        if (
            header["alg"] != "RS256"
            or header.get("kid", self._key["private_key_id"]) != (self._key["private_key_id"])
        ):
            return _refused("invalid_grant", "Invalid JWT Signature.", note="wrong alg or kid in the header")
        if claims.get("iss") != self._key["client_email"]:
            return _refused("invalid_grant", "Invalid grant: account not found")
        if claims.get("aud") not in AUDIENCES:
            return _refused("invalid_grant", "Invalid JWT: Failed audience check.")
        if not self._is_timely(claims.get("iat"), claims.get("exp")):
            return _refused("invalid_grant", _TIMES)
        asked = set(str(claims.get("scope", "")).split())
        if not asked:
            return _refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        if not asked <= self._scopes:
            return _refused("unauthorized_client", _UNAUTHORIZED, status=401)
        if claims.get("sub") not in self._users:
            return _refused("invalid_grant", "Invalid email or User ID")
        return None

    def _is_timely(self, issued: Any, ends: Any) -> bool:
        if not (isinstance(issued, int) and isinstance(ends, int)):
            return False
        now, skew = self._clock.now().timestamp(), SKEW.total_seconds()
        return issued - skew <= now < ends + skew and 0 < ends - issued <= LONGEST.total_seconds()


def _refused(error: str, description: str, *, status: int = 400, note: str = "") -> Response:
    body = {"error": error, "error_description": description}
    return Response(status, json.dumps(body, indent=2).encode(), note=note or description)

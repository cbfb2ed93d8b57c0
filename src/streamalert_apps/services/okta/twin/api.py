"""Okta's System Log and the token endpoint of its organization.

Without `until`, and oldest first, the log is polled: events come as they were stored, late ones at the end,
and each page has a link to go on with. Otherwise it is asked for a span: events come as they happened, and
the last page has no link. Filters and keywords are not simulated and refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.okta.twin import rows
from streamalert_apps.simulator.access import arguments
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size, Sort
from streamalert_apps.simulator.oauth import read_jwt, rsa_key
from streamalert_apps.simulator.paging import ListedLog
from streamalert_apps.simulator.store import by_arrival, by_time
from streamalert_apps.simulator.times import ISO_MILLISECONDS

ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPE: Final = "okta.logs.read"
UNUSED: Final = timedelta(days=30)
POLLED: Final = Listing(
    app_type="okta_system_log",
    path="/api/v1/logs",
    row=rows.event,
    times=ISO_MILLISECONDS,
    since=Bound("since", usual=timedelta(days=7)),
    size=Size("limit", usual=100, most=1000),
    turn=Cursor("after", always=True),
    sort=Sort("sortOrder", "ASCENDING", "DESCENDING"),
    order=by_arrival,
    id_field="uuid",
    text_field="displayMessage",
)
BOUNDED: Final = replace(POLLED, until=Bound("until"), turn=Cursor("after"), order=by_time)

_ERRORS: Final = {
    400: ("E0000001", "Api validation failed"),
    401: ("E0000011", "Invalid token provided"),
    403: ("E0000006", "You do not have permission to perform the requested action"),
    404: ("E0000007", "Not found: Resource not found"),
    429: ("E0000047", "API call exceeded rate limit due to too many requests."),
}


class Okta(ListApi):
    """An organization at `host`. Its client has an API token, or with `sign_in="key"` a service app.

    `permitted`: the token's user, or the app, has a role that may read the log. `granted`: the app has the
    scope. `dpop`: the app may sign in only with a proof of possession.
    """

    limit = 60

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        host: str = "acme.okta.com",
        sign_in: str = "token",
        permitted: bool = True,
        granted: bool = True,
        dpop: bool = False,
    ) -> None:
        self._key = sign_in == "key"
        self.proof = "client_id" if self._key else "token"
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=(POLLED,))
        self._bounded = ListedLog(BOUNDED, self.clock, seed, page_size)
        self.credentials["host"] = host
        self.hosts = (host,)
        self._permitted = permitted
        self._granted = granted
        self._dpop = dpop
        self._used = self.clock.now()

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an API token, or the client ID and the key of a service app."""
        if not self._key:
            return {"token": f"00{_word(random, 40)}"}
        pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        key = {"private_key": pem, "private_key_id": _word(random, 43)}
        return {"client_id": f"0oa{_word(random, 17)}", "private_key": key}

    def seed(self, app_type: str, **plan: Any) -> None:
        """Add events, the same ones for the same seed."""
        super().seed(app_type, **plan)
        self._bounded.seed(app_type, **plan)

    def put(
        self, app_type: str, *, at: datetime, visible: datetime | None = None, size: int = 0, **fields: Any
    ) -> str:
        """Add one event with these fields and return its id."""
        self._bounded.put(app_type, at=at, visible=visible, size=size, **fields)
        return super().put(app_type, at=at, visible=visible, size=size, **fields)

    def answer(self, request: Request) -> Response:
        """Answer a request for a token, or for events."""
        if (request.method, request.path) == ("POST", "/oauth2/v1/token"):
            return self.grant(request)
        return super().answer(request)

    def admit(self, request: Request) -> None:
        """Raise Refused unless a request carries a token that is in use, of somebody with a role."""
        now = self.clock.now()
        if self._key:
            admitted = self.tokens.admits(request)
        else:
            scheme, token = request.headers.get("authorization", "").partition("SSWS")[1:]
            admitted = (scheme, token.strip()) == (
                "SSWS",
                self.credentials["token"],
            )  # Okta's SDK leaves no blank
        if not admitted or now - self._used > UNUSED:
            raise Refused(self.failure(401))
        self._used = now
        if not self._permitted:
            raise Refused(self.failure(403))

    def grant(self, request: Request) -> Response:
        """Answer a request for a token of a service app, which shows that it has its private key."""
        given = arguments(request)
        if not self._key or given.get("grant_type") != "client_credentials":
            raise _refused(400, "unsupported_grant_type", "The authorization grant type is not supported.")
        self._judge_assertion(given)
        if self._dpop:
            raise _refused(400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.")
        if given.get("scope") != SCOPE or not self._granted:
            raise _refused(400, "invalid_scope", "One or more scopes are not allowed for this client.")
        answer = {
            "token_type": "Bearer",
            "expires_in": 3600,
            "access_token": self.tokens.issue(),
            "scope": SCOPE,
        }
        return Response(200, json.dumps(answer).encode())

    def _judge_assertion(self, given: Mapping[str, str]) -> None:
        app, now = self.credentials, self.clock.now().timestamp()
        if given.get("client_assertion_type") != ASSERTION:
            raise _refused(401, "invalid_client", "Client authentication failed.")
        try:
            header, claims = read_jwt(given.get("client_assertion", ""), rsa_key().public_key())
        except ValueError as error:
            raise _refused(401, "invalid_client", f"The client_assertion is invalid: {error}.") from None
        audience = f"https://{app['host']}/oauth2/v1/token"
        wanted = {"iss": app["client_id"], "sub": app["client_id"], "aud": audience}
        ends = claims.get("exp")
        if header.get("kid") != app["private_key"]["private_key_id"] or wanted.items() - claims.items():
            raise _refused(401, "invalid_client", "The client_assertion is of another client.")
        if not isinstance(ends, int) or not now < ends <= now + 3600:
            raise _refused(401, "invalid_client", "The client_assertion has expired, or ends too late.")

    def listed(self, log: ListedLog, request: Request) -> Response:
        """Return a page: of what is polled, or of a span."""
        given = dict(request.params)
        if "since" in given and "after" in given:
            raise self.wrong("since")
        is_span = "until" in given or given.get("sortOrder") == "DESCENDING"
        return super().listed(self._bounded if is_span else log, request)

    def shown(self, page: Page) -> Response:
        """Return a page; its links lead to itself and, without `since`, to the next one."""
        links = [("Link", f'<https://{self.credentials["host"]}{page.listing.path}>; rel="self"')]
        if page.url:
            params = [(name, value) for name, value in parse_qsl(urlsplit(page.url).query) if name != "since"]
            following = f"https://{self.credentials['host']}{page.listing.path}?{urlencode(params)}"
            links.append(("Link", f'<{following}>; rel="next"'))
        return Response(200, page.rows, tuple(links))

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell of the limit."""
        return (
            ("X-Rate-Limit-Limit", str(self.requests.requests or self.limit)),
            ("X-Rate-Limit-Remaining", str(self.requests.left())),
            ("X-Rate-Limit-Reset", str(self.requests.resets())),
        )

    def throttled(self) -> Response:
        """Return the answer to one request too many, which says in its headers when to come again."""
        refused = self.failure(429)
        return Response(429, refused.body, self.told(), note=refused.note)

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Okta does."""
        code, usual = _ERRORS.get(status, ("E0000009", "Internal Server Error"))
        summary = message or usual
        body = {
            "errorCode": code,
            "errorSummary": summary,
            "errorLink": code,
            "errorId": "oae0",
            "errorCauses": [],
        }
        return Response(status, json.dumps(body).encode(), note=summary)


def _refused(status: int, error: str, description: str) -> Refused:
    body = {"error": error, "error_description": description}
    return Refused(Response(status, json.dumps(body).encode(), note=description))


def _word(random: Random, length: int) -> str:
    return "".join(random.choices(ascii_letters + digits, k=length))

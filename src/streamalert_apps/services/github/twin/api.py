"""GitHub's audit log, of one organization or enterprise: on GitHub.com, or on an Enterprise Server.

A search knows `created:` alone, in whole seconds. `include=all` is not simulated and refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any, Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.github.twin import rows
from streamalert_apps.simulator.access import bearer
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Number, Page, Size, Sort
from streamalert_apps.simulator.oauth import read_jwt, rsa_key
from streamalert_apps.simulator.paging import ListedLog
from streamalert_apps.simulator.times import EPOCH_MILLISECONDS, ISO_SECONDS

INSTALLATION: Final = "48213377"
LONGEST_JWT: Final = 600
INCLUDED: Final = {"web": "github_audit", "git": "github_git"}
ASKED: Final = {"phrase", "include", "order", "per_page", "after", "page"}
DOCUMENTATION: Final = "https://docs.github.com/rest"
_CREATED: Final = re.compile(r"created:(>=|<=)(\S+)")
_MESSAGES: Final = {401: "Bad credentials", 403: "Must have admin rights", 404: "Not Found"}
_LIMIT: Final = "API rate limit exceeded for user ID 4512345."

WEB: Final = Listing(
    app_type="github_audit",
    path="",
    row=rows.web,
    times=EPOCH_MILLISECONDS,
    bounds=ISO_SECONDS,
    since=Bound(">=", usual=timedelta(days=91)),
    until=Bound("<="),
    size=Size("per_page", usual=30, most=100, cut=True),
    turn=Cursor("after", bound=False),
    sort=Sort("order"),
    ignored=frozenset({"include"}),
    newest_first=True,
    delay=timedelta(seconds=30),
    id_field="_document_id",
    text_field="user_agent",
)
GIT: Final = replace(WEB, app_type="github_git", row=rows.git, id_field="")


class Github(ListApi):
    """GitHub at `host`, with an organization or an enterprise. Other hosts than GitHub's own are a server's.

    `sign_in`: by token, or as an app. `limited`: the status that tells of too many requests. `permitted`: the
    token's user is an owner. `sso`: the token is not authorized for single sign-on.
    """

    limit = 1750
    span = timedelta(hours=1)

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        host: str = "github.com",
        enterprise: bool = False,
        sign_in: str = "token",
        limited: int = 403,
        permitted: bool = True,
        sso: bool = False,
        token_ends: datetime | None = None,
    ) -> None:
        is_server = host != "github.com" and not host.endswith(".ghe.com")
        self._app = sign_in == "app"
        self.proof = "client_id" if self._app else "token"
        self._base = "/api/v3" if is_server else ""
        self._path = f"{self._base}/{'enterprises' if enterprise else 'orgs'}/acme/audit-log"
        turn = Number("page") if is_server else WEB.turn
        logs = tuple(replace(listing, path=self._path, turn=turn) for listing in (WEB, GIT))
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=logs)
        self._host = host if is_server else f"api.{host}"
        self.hosts = (self._host,)
        self.credentials |= {"enterprise" if enterprise else "organization": "acme"}
        self.credentials |= {} if host == "github.com" else {"host": host}
        self._limited = limited
        self._permitted = permitted
        self._sso = sso
        self._token_ends = token_ends
        self._given: Mapping[str, str] = {}

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a classic token, or an app's client ID, installation and key."""
        word = "".join(random.choices(ascii_letters + digits, k=36))
        if not self._app:
            return {"token": f"ghp_{word}"}
        pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
        key = {"private_key": pem}
        return {"client_id": f"Iv23li{word[:14]}", "installation_id": INSTALLATION, "private_key": key}

    def answer(self, request: Request) -> Response:
        """Answer a request for a token of an installation, or for events."""
        if (request.method, request.path) == (
            "POST",
            f"{self._base}/app/installations/{INSTALLATION}/access_tokens",
        ):
            return self._installed(request)
        return super().answer(request)

    def _installed(self, request: Request) -> Response:
        now = self.clock.now()
        try:
            _, claims = read_jwt(bearer(request), rsa_key().public_key())
        except ValueError:
            raise Refused(self.failure(401, "A JSON web token could not be decoded")) from None
        begins, ends = claims.get("iat", 0), claims.get("exp", 0)
        if not now.timestamp() < ends <= begins + LONGEST_JWT or begins > now.timestamp():
            raise Refused(self.failure(401, "'Expiration time' claim ('exp') is too far in the future"))
        if claims.get("iss") != self.credentials["client_id"]:
            raise Refused(self.failure(401, "Integration not found"))
        ends_at = datetime.fromtimestamp(now.timestamp() + self.tokens.seconds, now.tzinfo)
        body = {"token": self.tokens.issue(), "expires_at": f"{ends_at:%Y-%m-%dT%H:%M:%SZ}"}
        return Response(201, json.dumps(body).encode())

    def admit(self, request: Request) -> None:
        """Raise Refused unless a request carries a token of an owner, or of the app."""
        admitted = self.tokens.admits(request) if self._app else bearer(request) == self.credentials["token"]
        if not admitted:
            raise Refused(self.failure(401))
        if self._sso:
            refused = self.failure(403, "Resource protected by organization SAML enforcement.")
            raise Refused(
                replace(refused, headers=(("X-GitHub-SSO", "required; url=https://github.com/orgs"),))
            )
        if not self._permitted:
            raise Refused(self.failure(404))

    def listed(self, log: ListedLog, request: Request) -> Response:  # noqa: ARG002 (both are at one path)
        """Return a page of the events that are included and match the phrase."""
        self._given = dict(request.params)
        for name in self._given.keys() - ASKED:
            raise self.wrong(name)
        included = INCLUDED.get(self._given.get("include", "web"))
        phrase = self._given.get("phrase", "")
        if included is None or _CREATED.sub("", phrase).strip():
            raise self.wrong("phrase")
        others = {name: value for name, value in self._given.items() if name != "phrase"}
        asked = urlencode(others | dict(_CREATED.findall(phrase)))
        return super().listed(self._log(included), replace(request, target=f"{self._path}?{asked}"))

    def shown(self, page: Page) -> Response:
        """Return a page; its link to the next one has what was asked for."""
        if not page.token:
            return Response(200, page.rows)
        turn = {page.listing.turn.name: page.token}
        url = f"https://{self._host}{self._path}?{urlencode(dict(self._given) | turn)}"
        first = f"https://{self._host}{self._path}?{urlencode(dict(self._given))}"
        return Response(200, page.rows, (("Link", f'<{url}>; rel="next", <{first}>; rel="first"'),))

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell of the limit, and when the token ends, if it does."""
        ends = f"{self._token_ends:%Y-%m-%d %H:%M:%S UTC}" if self._token_ends else ""
        return (
            *((("GitHub-Authentication-Token-Expiration", ends),) if ends else ()),
            ("X-RateLimit-Limit", str(self.requests.requests or self.limit)),
            ("X-RateLimit-Remaining", str(self.requests.left())),
            ("X-RateLimit-Reset", str(self.requests.resets())),
        )

    def throttled(self) -> Response:
        """Return the answer to one request too many, which says in its headers when to come again."""
        return replace(self.failure(self._limited, _LIMIT), headers=self.told())

    def wrong(self, name: str) -> Refused:
        """Return what a wrong argument is answered with."""
        return Refused(self.failure(422, f"Validation Failed: {name}"))

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as GitHub does."""
        said = message or _MESSAGES.get(status, "Server Error")
        body = {"message": said, "documentation_url": DOCUMENTATION, "status": str(status)}
        return Response(status, json.dumps(body).encode(), note=said)

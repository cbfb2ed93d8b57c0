"""Okta, System Log.

The log is polled: without an upper bound it lists events as Okta stores them, each one once, late ones too.
Every page, an empty one as well, has a link to the next one, with which the list goes on whenever it is
asked for. How long such a link is known is not documented: when one is refused, the log is read again from
a day before its last end. Requests carry an API token, or a token of a service app that signs in with its
private key.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError, RateLimited
from streamalert_apps.sdk.app import AuthField, Credentials
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.either import given_set
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.hosts import host_like
from streamalert_apps.sdk.http import Answer, Api, query_of
from streamalert_apps.sdk.keyfile import read_private_key
from streamalert_apps.sdk.oauth import (
    Bearer,
    Refusal,
    Token,
    client_assertion,
    judging_sign_in,
    load_private_key,
)
from streamalert_apps.sdk.pace import Rate, Wait
from streamalert_apps.sdk.refusals import by_code
from streamalert_apps.sdk.stream import Stream

requirements = ("cryptography",)

APP: Final = ("client_id", "private_key")
PAGE: Final = 1000
SCOPE: Final = "okta.logs.read"
HOST: Final = re.compile(
    r"[a-z0-9-]+(?<!-admin)\.(okta|oktapreview|okta-emea|okta-gov|okta-miltest|trex-gov|trex-govcloud)\.com"
    r"|[a-z0-9-]+(?<!-admin)\.okta\.mil"
)


class OktaSystemLog(Stream):
    """Events of an organization."""

    type = "okta_system_log"
    collects = "sign-ins, and what users, administrators and apps do: users, groups, apps, policies, factors"
    schemas = ("okta:system_log",)
    auth = (
        AuthField(
            "host",
            "the host of your Okta organization, like 'acme.okta.com', without '-admin'",
            host_like(HOST),
        ),
        AuthField(
            "token",
            "an API token, which starts with '00', unless you use a service app",
            re.compile(r"00[A-Za-z0-9_-]{30,60}"),
            secret=True,
            optional=True,
        ),
        AuthField(
            "client_id",
            "the client ID of the service app, which usually starts with '0oa'",
            re.compile(r"(?!00)[A-Za-z0-9._-]{6,100}"),
            optional=True,
        ),
        AuthField(
            "private_key",
            "the path of the file with the service app's private key, in PEM or as a JSON Web Key",
            read_private_key,
            optional=True,
        ),
        AuthField(
            "key_id",
            "the ID (kid) of that key, if the file does not contain it",
            re.compile(r"[A-Za-z0-9._=+-]{1,255}"),
            optional=True,
        ),
    )
    documentation = "https://developer.okta.com/docs/api/openapi/okta-management/management/tag/SystemLog/"
    rate = Rate(requests=60, seconds=60)  # half of what an organization has: the share of one token
    waits = (Wait("X-Rate-Limit-Reset", since="1970"),)
    lag = timedelta(
        minutes=5
    )  # "near real time"; matters for no event, as late ones are listed when they come
    retention = timedelta(days=90)
    time_field = "published"
    id_fields = ("uuid",)

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._service_app = Bearer(api, self._token)
        self._url = f"https://{credentials['host']}"

    def begin(self, since: datetime) -> str:
        """Return the query for what was stored from a time on."""
        return _query(since, PAGE)

    def check(self) -> None:
        """Ask for an event of the last minute."""
        self.fetch(_query(self.api.clock.now() - timedelta(minutes=1), 1))

    def fetch(self, position: str) -> Fetched:
        """Ask for up to 1000 events. A position is a query, all that is used of the link to the next page."""
        answer = self._get(f"{self._url}/api/v1/logs?{position}")
        rows, link = answer.json(list[Row]), answer.link("next")
        if rows and not link:
            raise BadResponse("Okta returned no link to the next page.")
        return Fetched(rows, query_of(link) if link else None)

    def _get(self, url: str) -> Answer:
        sets = {"an API token": ("token",), "a client ID and a private key": APP}
        if given_set("Okta", self.credentials, sets) != APP:
            key = {"Authorization": f"SSWS {self.credentials['token']}"}
            return self.api.get(url, headers=key, judge=_judge)
        return self._service_app.get(url, judge=_judge)

    def _token(self) -> Token:
        url, key = f"{self._url}/oauth2/v1/token", self.credentials["private_key"]
        key_id = self.credentials.get("key_id") or key.get("private_key_id", "")
        private_key = load_private_key(key["private_key"], check=False)
        client_id, now = self.credentials["client_id"], self.api.clock.now() - self.api.ahead
        assertion = client_assertion(client_id, private_key, audience=url, now=now, key_id=key_id)
        form = {"grant_type": "client_credentials", "scope": SCOPE} | assertion
        return Token.of(self.api.post(url, form=form, judge=_judge_token))


def _query(since: datetime, limit: int) -> str:
    return urlencode({"since": iso(since, "milliseconds"), "sortOrder": "ASCENDING", "limit": limit})


class _Failure(msgspec.Struct, rename="camel"):
    error_code: str = ""


def _code(answer: Answer) -> Any:
    return answer.status if answer.status == 404 else answer.json(_Failure).error_code  # noqa: PLR2004


_NO_ACCESS: Final = partial(
    CredentialsError,
    "Okta refused access to the System Log.",
    hint=f"A token's user needs the role Read-Only Administrator; a service app that role and {SCOPE}.",
)
_judge = by_code(
    _code,
    {
        404: partial(CredentialsError, "Okta has no organization at this host.", hint="Check the host."),
        "E0000005": _NO_ACCESS,
        "E0000006": _NO_ACCESS,
        "E0000011": partial(
            CredentialsError,
            "Okta refused the token.",
            hint="Check the host. Create a new token if this one was revoked or unused for 30 days.",
        ),
        "E0000047": partial(RateLimited, "Okta received too many requests."),
    },
)


@judging_sign_in
def _judge_token(refusal: Refusal, _: Answer) -> AppError:
    """Tell what of the sign-in is wrong: the scope, a setting of the app, or the key."""
    said = "Okta refused to sign the service app in."
    match refusal.error:
        case "invalid_scope" | "consent_required" | "access_denied":
            return CredentialsError(said, hint=f"Grant it {SCOPE}, under Okta API Scopes.")
        case "invalid_dpop_proof" | "use_dpop_nonce":
            return CredentialsError(said, hint="Turn off 'Require DPoP header in token requests' of the app.")
        case _:
            return CredentialsError(
                said, hint="Check client ID, private key and key ID, and this machine's clock."
            )

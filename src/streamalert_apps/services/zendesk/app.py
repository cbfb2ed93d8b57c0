"""Zendesk, audit log of an account.

Logs are listed between two times in whole seconds, the oldest first where that is asked for; a cursor leads
to the next page. Whether the bounds are counted in is not documented, and does not matter here. API tokens
are no longer made since October 2026, and end in April 2027: then only OAuth clients sign in.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Final

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError
from streamalert_apps.sdk.app import AuthField, Credentials, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.either import given_set
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.hosts import host_like
from streamalert_apps.sdk.http import Answer, Api, with_params
from streamalert_apps.sdk.oauth import Bearer, Refusal, Token, judging_sign_in
from streamalert_apps.sdk.pace import Rate

CLIENT: Final = ("client_id", "client_secret")
PAGE: Final = 100
SCOPE: Final = "auditlogs:read"


class _Meta(msgspec.Struct):
    has_more: bool = False
    after_cursor: str | None = None


class _Page(msgspec.Struct):
    audit_logs: list[Row]
    meta: _Meta = msgspec.field(default_factory=_Meta)


class ZendeskAudit(OldestFirst):
    """What agents and administrators do in an account."""

    type = "zendesk_audit"
    collects = "changes to settings, users, roles, rules and apps; sign-ins of agents; exports"
    schemas = ("zendesk:audit",)
    auth = (
        AuthField(
            "host",
            "the host of your account, like 'acme.zendesk.com'",
            host_like(re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?\.zendesk\.com")),
        ),
        AuthField(
            "client_id",
            "the unique identifier of the OAuth client",
            re.compile(r"[A-Za-z0-9_-]{1,63}"),
            optional=True,
        ),
        AuthField(
            "client_secret",
            "the secret of the OAuth client, 64 characters",
            re.compile(r"[A-Za-z0-9_-]{64,128}"),
            secret=True,
            optional=True,
        ),
        AuthField(
            "email",
            "the email address of an administrator, if you use an API token from before October 2026",
            re.compile(r"[^\s@\"/:]+@[^\s@\"/:]+\.[^\s@\"/:]+"),
            optional=True,
        ),
        AuthField(
            "api_token",
            "that API token, 40 letters and digits",
            re.compile(r"[A-Za-z0-9]{30,60}"),
            secret=True,
            optional=True,
        ),
    )
    documentation = "https://developer.zendesk.com/api-reference/ticketing/account-configuration/audit_logs/"
    rate = Rate(requests=100, seconds=60, after_429=60)  # of 700 of a minute that an Enterprise account has
    lag = timedelta(minutes=5)  # a guess: not documented
    time_field = "created_at"
    id_fields = ("id",)

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._url = f"https://{credentials['host']}"
        sets = {"an OAuth client": CLIENT, "an email address and an API token": ("email", "api_token")}
        if given_set("Zendesk", credentials, sets) == CLIENT:
            self._zendesk = Bearer(api, self._token)
        else:
            pair = f"{credentials['email']}/token:{credentials['api_token']}"
            self._zendesk = Bearer(api, lambda: Token(b64encode(pair.encode()).decode()), scheme="Basic ")

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 100 logs. The token is the cursor of the page before."""
        params = {"filter[created_at][]": [iso(since), iso(until)], "sort": "created_at", "page[size]": PAGE}
        params |= {"page[after]": token} if token else {}
        url = with_params(f"{self._url}/api/v2/audit_logs", params)
        page = self._zendesk.get(url, judge=_judge).json(_Page)
        if page.meta.has_more and not page.meta.after_cursor:
            raise BadResponse("Zendesk has more logs, but returned no cursor.")
        return Fetched(page.audit_logs, page.meta.after_cursor if page.meta.has_more else None)

    def _token(self) -> Token:
        client = {name: self.credentials[name] for name in CLIENT}
        asked = {"grant_type": "client_credentials", "scope": SCOPE} | client
        return Token.of(self.api.post(f"{self._url}/oauth/tokens", json=asked, judge=_judge_token))


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError(
                "Zendesk refused the credentials.",
                hint="An API token expires when it is unused for 30 days; an OAuth client does not.",
            )
        case 403:
            return CredentialsError(
                "Zendesk refused access to the audit log.",
                hint=f"It needs an Enterprise plan, an administrator, and for a client the scope {SCOPE}.",
            )
        case 404:
            return CredentialsError("Zendesk has no account at this host.", hint="Check the host.")
        case _:
            return None


@judging_sign_in
def _judge_token(refusal: Refusal, _: Answer) -> AppError:
    if refusal.error == "invalid_scope":
        return CredentialsError("Zendesk refused the scope.", hint=f"Allow the OAuth client {SCOPE}.")
    return CredentialsError(
        "Zendesk refused to sign the OAuth client in.",
        hint="Check identifier and secret, and that its kind is Confidential.",
    )

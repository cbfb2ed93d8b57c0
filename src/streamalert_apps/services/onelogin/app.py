"""OneLogin, Events API.

Events are listed between two times, 50 a page, and a cursor goes on after a page. Not documented are
their order, whether the bounds belong to it, and how late an event may show up: nothing here depends on
it. A token of OAuth client credentials is good for ten hours; OneLogin hands out the same one until then.
An account has 5,000 calls an hour; more of them are refused with status 400, or 429.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Final

import msgspec

from streamalert_apps.errors import (
    AppError,
    BadResponse,
    CredentialsError,
    RateLimited,
)
from streamalert_apps.sdk.app import AuthField, Checkpoint, Credentials, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.either import given_set
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import AnyOrder
from streamalert_apps.sdk.http import Answer, Api, with_params
from streamalert_apps.sdk.oauth import Bearer, Refusal, Token
from streamalert_apps.sdk.pace import Rate, Wait

PAGE: Final = 50


class _Pagination(msgspec.Struct):
    after_cursor: str | None = None
    next_link: str | None = None


class _Page(msgspec.Struct):
    data: list[Row]
    pagination: _Pagination


class OneLoginEvents(AnyOrder):
    """Events of an account."""

    type = "onelogin_events"
    collects = "sign-ins, and what users and administrators do: apps, roles, factors, policies, directories"
    schemas = ("onelogin:events_v2",)
    auth = (
        AuthField(
            "subdomain",
            "the subdomain of your OneLogin account, like 'acme' in acme.onelogin.com",
            re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"),
            optional=True,
        ),
        AuthField(
            "region",
            "'us' or 'eu', instead of a subdomain",
            re.compile(r"us|eu"),
            optional=True,
        ),
        AuthField(
            "client_id",
            "the client ID of an API credential, 64 lower-case letters and digits",
            re.compile(r"[a-z0-9]{64}"),
        ),
        AuthField(
            "client_secret",
            "the client secret of the API credential, 64 lower-case letters and digits",
            re.compile(r"[a-z0-9]{64}"),
            secret=True,
        ),
    )
    documentation = "https://developers.onelogin.com/api-docs/1/events/get-events"
    rate = Rate(requests=4, seconds=3)  # 4,800 in an hour
    waits = (Wait("X-RateLimit-Reset"),)
    time_field = "created_at"
    id_fields = ("id",)
    precision = timedelta(milliseconds=1)
    lag = timedelta(minutes=10)

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._onelogin = Bearer(api, self._token, scheme="bearer:")

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 50 events. The token is a cursor; the link to the next page is not followed."""
        params = {"since": iso(since, "milliseconds"), "until": iso(until, "milliseconds"), "limit": PAGE}
        if token is not None:
            params["after_cursor"] = token
        url = with_params(f"{self._url}/api/1/events", params)
        page = self._onelogin.get(url, judge=_judge).json(_Page)
        if not page.pagination.next_link:  # the last page may have a cursor, too
            return Fetched(page.data)
        if not page.pagination.after_cursor:
            raise BadResponse("OneLogin returned a link to the next page, but no cursor.")
        return Fetched(page.data, page.pagination.after_cursor)

    def last_timestamp(self, checkpoint: Checkpoint) -> Json:
        """Return how far the app is in ISO 8601, as StreamAlert's own app stores it."""
        return iso(self.watermark(checkpoint))

    @property
    def _url(self) -> str:
        sets = {"a subdomain": ("subdomain",), "a region": ("region",)}
        (name,) = given_set("OneLogin", self.credentials, sets)
        host = self.credentials[name] if name == "subdomain" else f"api.{self.credentials[name]}"
        return f"https://{host}.onelogin.com"

    def _token(self) -> Token:
        pair = f"{self.credentials['client_id']}:{self.credentials['client_secret']}"
        return Token.of(
            self.api.post(
                f"{self._url}/auth/oauth2/v2/token",
                headers={"Authorization": f"Basic {b64encode(pair.encode()).decode()}"},
                json={"grant_type": "client_credentials"},
                judge=_judge_token,
            )
        )


class _Status(msgspec.Struct):
    message: str = ""


class _Failure(msgspec.Struct):
    status: _Status


def _judge(answer: Answer) -> AppError | None:
    """Name the limit, which also comes as a 400, and what the API credential lacks."""
    if answer.status in {401, 403}:
        return CredentialsError(
            f"OneLogin refused access to the events ({answer.status}).",
            hint="The API credential needs the scope 'Read All'.",
        )
    if answer.status not in {400, 429}:
        return None
    if answer.status == 400 and not _is_limit(answer):  # noqa: PLR2004
        return None
    return RateLimited("OneLogin's calls for this hour are used up.")


def _is_limit(answer: Answer) -> bool:
    try:
        return answer.json(_Failure).status.message == "rate_limit_exceeded"
    except BadResponse:
        return False


def _judge_token(answer: Answer) -> AppError | None:
    if passing := Refusal.of(answer).passing():
        return passing
    if answer.status == 400 and _is_limit(answer):  # noqa: PLR2004
        return RateLimited("OneLogin's calls for this hour are used up.")
    if answer.status in {400, 401}:
        return CredentialsError(
            "OneLogin refused the client ID or the client secret.", hint="Check the API credential."
        )
    if answer.status == 404:  # noqa: PLR2004
        return CredentialsError(
            "OneLogin has no account at this address.", hint="Check the subdomain or the region."
        )
    return None

"""Auth0, tenant logs.

Logs are listed from the id of one on, in the order of their ids, which is that in which Auth0 stored them.
Where to begin is asked of the search, which knows times: at the lowest id of the logs just before. The link
to the next page is there on an empty one, too, and then leads to the same page.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError
from streamalert_apps.sdk.app import AuthField, Credentials
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.hosts import host_like
from streamalert_apps.sdk.http import Answer, Api, query_of, with_params
from streamalert_apps.sdk.oauth import Bearer, Refusal, Token, judging_sign_in
from streamalert_apps.sdk.pace import Rate, Wait
from streamalert_apps.sdk.stream import Stream

PAGE: Final = 100
SINCE: Final = "since "  # begins a position that is a time


class _Log(msgspec.Struct):
    log_id: str


class Auth0Logs(Stream):
    """Logs of a tenant."""

    type = "auth0_logs"
    collects = "sign-ins and sign-ups, failures and attacks, and what administrators do by the Management API"
    schemas = ("auth0:logs",)
    auth = (
        AuthField(
            "domain",
            "the domain of the tenant, like 'acme.eu.auth0.com'; not a custom one",
            host_like(re.compile(r"([a-z0-9-]+\.){1,3}auth0(app)?\.com")),
        ),
        AuthField(
            "client_id",
            "the client ID of the machine-to-machine application, 32 letters and digits",
            re.compile(r"[A-Za-z0-9_-]{20,40}"),
        ),
        AuthField(
            "client_secret",
            "the client secret of the application, 64 characters",
            re.compile(r"[A-Za-z0-9_-]{41,128}"),
            secret=True,
        ),
    )
    documentation = "https://auth0.com/docs/deploy-monitor/logs/retrieve-log-events-using-mgmt-api"
    rate = Rate(requests=2, seconds=1)  # that of a free tenant; others have more
    waits = (Wait("X-RateLimit-Reset", since="1970"),)
    lag = timedelta(minutes=5)  # not documented; matters for no log, as late ones are listed when they come
    retention = timedelta(days=30)  # of the largest plan
    time_field = "date"
    id_fields = ("log_id",)

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._auth0 = Bearer(api, self._token)
        self._url = f"https://{credentials['domain']}"

    def begin(self, since: datetime) -> str:
        """Return a time, which the first request makes a place of."""
        return f"{SINCE}{iso(since, 'milliseconds')}"

    def check(self) -> None:
        """Search for a log."""
        self._logs({"per_page": 1, "sort": "date:-1"})

    def fetch(self, position: str) -> Fetched:
        """Ask for up to 100 logs. A position is a query: that of the link to the next page, as a rule."""
        if position.startswith(SINCE):
            return self._first(position.removeprefix(SINCE))
        answer = self._auth0.get(f"{self._url}/api/v2/logs?{position}", judge=_judge)
        rows, link = answer.json(list[Row]), answer.link("next")
        if link:
            return Fetched(rows, query_of(link))
        return Fetched(rows, _after(rows[-1]) if rows else None)

    def _first(self, since: str) -> Fetched:
        """Go to where a time is in the order of ids; if there is nothing so old, to the first log."""
        before = self._logs({"q": f"date:[* TO {since}]", "sort": "date:-1", "per_page": PAGE})
        if before:
            return self.fetch(_after(min(before, key=_id)))
        oldest = self._logs({"sort": "date:1", "per_page": PAGE})
        if not oldest:
            return Fetched([])
        first = min(oldest, key=_id)
        return Fetched([first], _after(first), more=True)

    def _logs(self, params: dict[str, Any]) -> list[Row]:
        url = with_params(f"{self._url}/api/v2/logs", params)
        return self._auth0.get(url, judge=_judge).json(list[Row])

    def _token(self) -> Token:
        pair = {name: self.credentials[name] for name in ("client_id", "client_secret")}
        form = {"grant_type": "client_credentials", "audience": f"{self._url}/api/v2/"} | pair
        return Token.of(self.api.post(f"{self._url}/oauth/token", form=form, judge=_judge_token))


def _id(row: Row) -> str:
    try:
        return msgspec.json.decode(row, type=_Log).log_id
    except msgspec.MsgspecError:
        raise BadResponse("Auth0 returned a log without an id, so the list can't be continued.") from None


def _after(row: Row) -> str:
    return urlencode({"from": _id(row), "take": PAGE})


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError("Auth0 refused the access token.", hint="Check the domain of the tenant.")
        case 403:
            return CredentialsError(
                "Auth0 refused access to the logs.", hint="The application needs the permission read:logs."
            )
        case _:
            return None


@judging_sign_in
def _judge_token(refusal: Refusal, _: Answer) -> AppError:
    hint = "Check domain, client ID and client secret."
    if refusal.error == "access_denied" and "audience" not in refusal.error_description.lower():
        hint = f"{hint[:-1]}, and that the application may use the Management API."
    return CredentialsError("Auth0 refused to sign the application in.", hint=hint)

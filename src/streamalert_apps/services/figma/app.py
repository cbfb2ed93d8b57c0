"""Figma, activity logs of an organization.

Events are listed between two times in whole seconds, both counted in, the oldest first. A cursor leads to the
next page; the last page has one, too. Requests carry a plan access token, or a token that an OAuth app gets.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError
from streamalert_apps.sdk.app import AuthField, Credentials, Json
from streamalert_apps.sdk.either import given_set
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.http import Answer, Api, with_params
from streamalert_apps.sdk.oauth import Bearer, Token
from streamalert_apps.sdk.pace import Rate

HOSTS: Final = {"global": "api.figma.com", "gov": "api.figma-gov.com"}
PAGE: Final = 1000
APP: Final = ("client_id", "client_secret", "refresh_token")


class _Meta(msgspec.Struct):
    activity_logs: list[Row] = []
    cursor: str | None = None
    next_page: bool = False


class _Page(msgspec.Struct):
    meta: _Meta


class FigmaActivity(OldestFirst):
    """Activity logs of an organization."""

    type = "figma_activity"
    collects = "sign-ins, and what members and administrators do: files, sharing, members, teams, settings"
    schemas = ("figma:activity",)
    auth = (
        AuthField(
            "token",
            "a plan access token with the scope org:activity_log_read, which starts with 'figp_'",
            re.compile(r"figp_[A-Za-z0-9_-]{20,200}"),
            secret=True,
            optional=True,
        ),
        AuthField(
            "client_id",
            "the client ID of an OAuth app, instead of a plan access token",
            re.compile(r"[A-Za-z0-9]{15,40}"),
            optional=True,
        ),
        AuthField(
            "client_secret",
            "the client secret of the OAuth app",
            re.compile(r"[A-Za-z0-9]{24,100}"),
            secret=True,
            optional=True,
        ),
        AuthField(
            "refresh_token",
            "the refresh token that an administrator of the organization obtained for the OAuth app",
            re.compile(r"(?!fig[pd]_)[A-Za-z0-9_-]{20,200}"),
            secret=True,
            optional=True,
        ),
        AuthField(
            "cloud",
            "'gov', if the organization uses Figma for Government (default: 'global')",
            re.compile("|".join(HOSTS)),
            optional=True,
        ),
    )
    documentation = "https://developers.figma.com/docs/rest-api/activity-logs-endpoints/"
    rate = Rate(requests=10, seconds=60, after_429=60)  # that of the smallest seat
    lag = timedelta(minutes=10)  # a guess: not documented
    time_field = "timestamp"
    id_fields = ("id",)

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._url = f"https://{HOSTS[credentials.get('cloud') or 'global']}/v1"
        sets = {"a plan access token": ("token",), "an OAuth app and its refresh token": APP}
        self._is_app = given_set("Figma", credentials, sets) == APP
        self._app = Bearer(api, self._token)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 events. The token is a cursor."""
        params: dict[str, Any] = {"start_time": int(since.timestamp()), "end_time": int(until.timestamp())}
        params |= {"limit": PAGE, "order": "asc"} | ({"cursor": token} if token else {})
        meta = self._get(with_params(f"{self._url}/activity_logs", params)).json(_Page).meta
        if meta.next_page and not meta.cursor:
            raise BadResponse("Figma has more events, but returned no cursor.")
        return Fetched(meta.activity_logs, meta.cursor if meta.next_page else None)

    def _get(self, url: str) -> Answer:
        if self._is_app:
            return self._app.get(url, judge=_judge)
        return self.api.get(url, headers={"X-Figma-Token": self.credentials["token"]}, judge=_judge)

    def _token(self) -> Token:
        client_id, secret, refresh_token = (self.credentials[name] for name in APP)
        client = b64encode(f"{client_id}:{secret}".encode()).decode()
        answer = self.api.post(
            f"{self._url}/oauth/refresh",
            headers={"Authorization": f"Basic {client}"},
            form={"refresh_token": refresh_token},
            judge=_judge_token,
        )
        return Token.of(answer)


def _judge(answer: Answer) -> AppError | None:
    if answer.status not in {401, 403}:
        return None
    return CredentialsError(
        f"Figma refused the token, or access to the activity logs ({answer.status}).",
        hint="It may have expired. It needs the scope org:activity_log_read, and the organization an"
        " Enterprise plan.",
    )


def _judge_token(answer: Answer) -> AppError | None:
    if answer.status not in {400, 401, 403, 404}:
        return None
    return CredentialsError(
        "Figma refused to sign the OAuth app in.",
        hint="Check client ID and client secret. The refresh token must be that app's, not revoked.",
    )

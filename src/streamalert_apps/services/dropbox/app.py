"""Dropbox, events of a team.

The first request names a time; each answer has a cursor, with which the list goes on for ever. Events come in
no order, have no id, and a page may be empty though more follow. A cursor is good for days; when Dropbox has
let one go, the list is read again. Requests carry a token of four hours, which a refresh token gets.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streamalert_apps.errors import AppError, CredentialsError, RateLimited
from streamalert_apps.sdk.app import AuthField, Credentials
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.http import Answer, Api
from streamalert_apps.sdk.oauth import Bearer, Refusal, Token, judging_sign_in
from streamalert_apps.sdk.pace import Rate
from streamalert_apps.sdk.stream import Stream

API: Final = "https://api.dropboxapi.com"
PAGE: Final = 1000
SINCE: Final = "since "  # begins a position that is a time


class _Page(msgspec.Struct):
    events: list[Row]
    cursor: str
    has_more: bool = False


class _Limit(msgspec.Struct):
    retry_after: float | None = None


class _Failure(msgspec.Struct):
    error_summary: str = ""
    error: _Limit = msgspec.field(default_factory=_Limit)

    @classmethod
    def of(cls, answer: Answer) -> _Failure:
        """Return what an answer says; nothing where it is a plain text."""
        try:
            return answer.json(cls)
        except AppError:
            return cls()


class DropboxTeam(Stream):
    """Events of a team."""

    type = "dropbox_team"
    collects = "sign-ins, and what members and administrators do: files, sharing, groups, devices, apps"
    schemas = ("dropbox:team",)
    auth = (
        AuthField("app_key", "the app key of the Dropbox app, 15 characters", re.compile(r"[a-z0-9]{12,18}")),
        AuthField(
            "app_secret",
            "the app secret of the Dropbox app, 15 characters (empty if PKCE was used)",
            re.compile(r"[a-z0-9]{12,18}"),
            secret=True,
            optional=True,
        ),
        AuthField(
            "refresh_token",
            "the refresh token that a team administrator obtained for the app, about 64 characters",
            re.compile(r"[A-Za-z0-9_-]{40,128}"),
            secret=True,
        ),
    )
    documentation = "https://www.dropbox.com/developers/documentation/http/teams#team_log-get_events"
    rate = Rate(requests=2, seconds=1, after_429=60)  # a guess: no limit is documented
    lag = timedelta(minutes=5)  # not documented; matters for no event, as late ones are listed when they come
    time_field = "timestamp"

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._dropbox = Bearer(api, self._token)

    def begin(self, since: datetime) -> str:
        """Return a time, with which the list begins."""
        return f"{SINCE}{iso(since)}"

    def check(self) -> None:
        """Ask for an event of the last minute."""
        self._events("", {"limit": 1, "time": {"start_time": iso(self._now() - timedelta(minutes=1))}})

    def fetch(self, position: str) -> Fetched:
        """Ask for up to 1000 events. A position is a time, or a cursor."""
        if position.startswith(SINCE):
            time = {"start_time": position.removeprefix(SINCE)}
            page = self._events("", {"limit": PAGE, "time": time})
        else:
            page = self._events("/continue", {"cursor": position})
        return Fetched(page.events, page.cursor, more=page.has_more)

    def _events(self, path: str, asked: dict[str, Any]) -> _Page:
        url = f"{API}/2/team_log/get_events{path}"
        return self._dropbox.post(url, judge=_judge, json=asked).json(_Page)

    def _token(self) -> Token:
        given = self.credentials
        form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
        form["client_id"] = given["app_key"]
        form |= {"client_secret": given["app_secret"]} if given.get("app_secret") else {}
        return Token.of(self.api.post(f"{API}/oauth2/token", form=form, judge=_judge_token))


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401 if _Failure.of(answer).error_summary.startswith("missing_scope"):
            return CredentialsError(
                "Dropbox refused the token: its scope is missing.",
                hint="Tick events.read for the app and authorize it again: existing tokens keep their"
                " scopes.",
            )
        case 401:
            return CredentialsError("Dropbox refused the token.", hint="Authorize the app again.")
        case 403:
            return CredentialsError(
                "Dropbox refused access to the team's events.",
                hint="Have a Dropbox Business team administrator authorize the app.",
            )
        case 429:
            wait = _Failure.of(answer).error.retry_after
            return RateLimited("Dropbox received too many requests.", retry_after=wait)
        case _:
            return None


@judging_sign_in
def _judge_token(refusal: Refusal, _: Answer) -> AppError:
    if refusal.error == "invalid_grant":
        return CredentialsError(
            "Dropbox refused the refresh token.",
            hint="It was revoked or belongs to another app; get a new one.",
        )
    return CredentialsError("Dropbox refused to sign the app in.", hint="Check app key and app secret.")

"""Zoom, reports of what people and administrators do.

Reports are listed by days, in pages with a token that lives for 15 minutes. Not documented are their order
(it looks as if the newest came first), in which time zone a day is, and how late a row may show up. Rows
have no id and a time in seconds, so two of them may be equal. An error of Zoom's is told by its code; one
with status 300 is not a redirect.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar, Final

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError, PageTokenExpired, RequestRefused
from streamalert_apps.sdk.app import AuthField, Credentials, Json
from streamalert_apps.sdk.events import NEVER, Fetched, Row
from streamalert_apps.sdk.feed import NewestFirst
from streamalert_apps.sdk.hosts import host_like, plain_host
from streamalert_apps.sdk.http import Answer, Api, with_params
from streamalert_apps.sdk.oauth import Bearer, Refusal, Token, judging_sign_in
from streamalert_apps.sdk.pace import Rate
from streamalert_apps.sdk.refusals import by_code

PAGE: Final = 300
DAY: Final = timedelta(days=1)
API: Final = re.compile(r"api([-a-z0-9]*)\.(zoom\.us|zoomgov\.com)")
REFERENCE: Final = "https://developers.zoom.us/docs/api/rest/reference/account/methods/#operation"


class _Page(msgspec.Struct):
    operation_logs: list[Row] = []
    activity_logs: list[Row] = []
    next_page_token: str = ""


class _Place(msgspec.Struct):
    api_url: str = ""


class _Failure(msgspec.Struct):
    code: int = 0


class _Report(NewestFirst):
    """What Zoom's app types share. NewestFirst notices where that is not the order."""

    auth = (
        AuthField(
            "account_id",
            "the Account ID of your Server-to-Server OAuth app, 22 letters, digits, '-' and '_'",
            re.compile(r"[A-Za-z0-9_-]{16,28}"),
        ),
        AuthField(
            "client_id",
            "the Client ID of the app, about 22 letters, digits, '-' and '_'",
            re.compile(r"[A-Za-z0-9_-]{16,28}"),
        ),
        AuthField(
            "client_secret",
            "the Client Secret of the app, about 32 letters and digits",
            re.compile(r"[A-Za-z0-9_-]{29,64}"),
            secret=True,
        ),
        AuthField(
            "domain",
            "'zoomgov.com', if the account is on Zoom for Government (default: 'zoom.us')",
            host_like(re.compile(r"zoom\.us|zoomgov\.com")),
            optional=True,
        ),
    )
    rate = Rate(requests=5, seconds=1)  # of the 10 that a Pro account has
    time_field = "time"
    precision = timedelta(seconds=1)
    lag = timedelta(days=1)  # a guess; hours were heard of
    retention = timedelta(days=178)  # six months, less the day that is asked for besides
    longest = timedelta(days=25)  # a month, less two of those
    report: ClassVar[str]

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._domain = credentials.get("domain") or "zoom.us"
        self._zoom = Bearer(api, self._token)
        self._host = f"api.{self._domain}"

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 300 rows of the days around two times: theirs may begin at another hour.

        What is after the second time is left out. What is before the first shows how far the list has come.
        """
        days = {"from": f"{since - DAY:%Y-%m-%d}", "to": f"{until + DAY:%Y-%m-%d}", "page_size": PAGE}
        params = days | ({"next_page_token": token} if token else {})
        self._zoom.sign_in()  # which may name another host
        url = with_params(f"https://{self._host}/v2/report/{self.report}", params)
        page = self._zoom.get(url, judge=_judge if token is None else _judge_next).json(_Page)
        rows = page.activity_logs or page.operation_logs
        times = [stamp.time for stamp in self.stamps(rows)]
        kept = [row for row, time in zip(rows, times, strict=True) if time <= until or time is NEVER]
        return Fetched(kept, page.next_page_token or None)

    def _token(self) -> Token:
        pair = f"{self.credentials['client_id']}:{self.credentials['client_secret']}"
        answer = self.api.post(
            f"https://{self._domain}/oauth/token",
            headers={"Authorization": f"Basic {b64encode(pair.encode()).decode()}"},
            form={"grant_type": "account_credentials", "account_id": self.credentials["account_id"]},
            judge=_judge_token,
        )
        if named := answer.json(_Place).api_url:
            self._host = plain_host(named)
            if not API.fullmatch(self._host):
                raise BadResponse("Zoom named an API outside its own domains, which is not used.")
        return Token.of(answer)


class ZoomActivities(_Report):
    """Who signed in and out."""

    type = "zoom_activities"
    collects = "sign-ins and sign-outs of users"
    schemas = ("zoom:activities",)
    documentation = f"{REFERENCE}/reportSignInSignOutActivities"
    report = "activities"


class ZoomOperations(_Report):
    """What administrators do."""

    type = "zoom_operations"
    collects = "what administrators do: users, settings, roles, billing, recordings"
    schemas = ("zoom:operations",)
    documentation = f"{REFERENCE}/reportOperationLogs"
    report = "operationlogs"


def _code(answer: Answer) -> int:
    return answer.json(_Failure).code


_by_code = by_code(
    _code,
    {
        124: partial(CredentialsError, "Zoom refused the access token."),
        200: partial(
            CredentialsError,
            "Zoom does not show reports to this account.",
            hint="They need a paid plan, and an app owner whose role may view reports.",
        ),
        **{
            code: partial(
                CredentialsError,
                f"Zoom does not let the app read the report ({code}).",
                hint="The app needs the scopes that `sa-apps types` lists, and must be activated again after"
                " a change.",
            )
            for code in (104, 4711)
        },
    },
)


def _judge(answer: Answer) -> AppError | None:
    """Name what Zoom tells by its code; status 300 refuses, say, days that are too long ago."""
    if answer.status == 300:  # noqa: PLR2004
        return RequestRefused("Zoom refused the requested days.")
    return _by_code(answer)


def _judge_next(answer: Answer) -> AppError | None:
    """Name also what becomes of a token that has expired, whatever the status is."""
    if answer.status in {300, 400} and _by_code(answer) is None:
        return PageTokenExpired("Zoom no longer knows the next page.")
    return _by_code(answer)


@judging_sign_in
def _judge_token(refusal: Refusal, _: Answer) -> AppError:  # noqa: ARG001
    return CredentialsError(
        "Zoom refused to sign the app in.",
        hint="Check account_id, client_id and client_secret, and that the app is activated.",
    )

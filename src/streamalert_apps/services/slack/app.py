"""Slack: team.accessLogs and team.integrationLogs of the Web API, Audit Logs API.

The two lists of the Web API have no lower bound, and their rows no id. They are read whole, without
an upper bound either, so that rows only ever move down while they are read. A row of the access log
sums up what one user did with one client from one address, and changes whenever they come back: each
of its states that is seen is one log. Errors of the Web API come with status 200.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import msgspec

from streamalert_apps.errors import (
    AppError,
    BadResponse,
    CredentialsError,
    PageTokenExpired,
    RateLimited,
    RequestRefused,
    Unavailable,
)
from streamalert_apps.sdk.app import AuthField, Json
from streamalert_apps.sdk.events import Events, Fetched, Row
from streamalert_apps.sdk.feed import NewestFirst
from streamalert_apps.sdk.hosts import host_like
from streamalert_apps.sdk.http import Answer, with_params
from streamalert_apps.sdk.numbered import Numbered, NumberedPage
from streamalert_apps.sdk.pace import Rate
from streamalert_apps.sdk.shapes import decode

PAGE: Final = 1000
PAGES: Final = 100  # of a list can be asked for

TOKEN = AuthField(
    "auth_token",
    "the User OAuth Token of your Slack app, which starts with 'xoxp-'",
    re.compile(r"(xoxe\.)?xoxp-[a-zA-Z0-9-]+"),
    secret=True,
)
TEAM = AuthField(
    "team_id",
    "the id of the workspace, like 'T01ABCDEFGH', if the token is for a whole organization",
    re.compile(r"T[A-Z0-9]{6,20}"),
    optional=True,
)


DOMAIN = AuthField(
    "domain",
    "'slack-gov.com', if the workspace is on GovSlack (default: 'slack.com')",
    host_like(re.compile(r"slack\.com|slack-gov\.com")),
    optional=True,
)


class _Slack(Events):
    """What Slack's app types share."""

    @property
    def _domain(self) -> str:
        domain: str = self.credentials.get("domain") or "slack.com"
        return domain

    def _get(self, url: str, params: dict[str, Any]) -> Answer:
        authorization = {"Authorization": f"Bearer {self.credentials['auth_token']}"}
        return self.api.get(with_params(url, params), headers=authorization, judge=_judge)


class _Failure(msgspec.Struct):
    error: str = ""


class _NoSuchPageError(RequestRefused):
    """Slack shows 100 pages of a list."""


_SIGN_IN = "Check the token, and the team id if there is one."
_ROLE = "Use the token of an administrator or, for audit logs, of the organization's owner."
_SCOPE = "Access and integration logs need the scope 'admin', audit logs 'auditlogs:read'."
_REFUSED: Final = {
    **dict.fromkeys(("not_authed", "invalid_auth", "account_inactive", "token_revoked"), _SIGN_IN),
    **dict.fromkeys(("missing_authentication", "invalid_authentication"), _SIGN_IN),
    **dict.fromkeys(("not_allowed_token_type", "user_is_bot", "access_denied", "accesslimited"), _ROLE),
    **dict.fromkeys(("user_not_authorized", "team_not_authorized", "no_permission"), _ROLE),
    **dict.fromkeys(("org_login_required", "invalid_workspace"), _ROLE),
    "missing_scope": _SCOPE,
    "token_expired": "Use a token of an app whose token rotation is turned off.",
}
_FAULTS: Final = {
    "request_timeout",
    "fatal_error",
    "internal_error",
    "service_unavailable",
    "team_added_to_org",
}
_PLAN: Final = {"paid_only", "feature_not_enabled", "upgrade_required"}


def _judge(answer: Answer) -> AppError | None:
    """Tell a refusal by Slack's own word, whatever the status."""
    try:
        error = answer.json(_Failure).error
    except BadResponse:
        return None
    if not re.fullmatch(r"[a-z_]{1,50}", error):
        return None
    said = f"Slack refused the request ({error})."
    if error in _REFUSED:
        return CredentialsError(said, hint=_REFUSED[error])
    if error in _FAULTS:
        return Unavailable(f"Slack has a server error ({error}).")
    if error in _PLAN:
        return RequestRefused(said, hint="The plan of this workspace does not include the log.")
    match error:
        case "ratelimited" | "rate_limited":
            return RateLimited("Slack received too many requests.")
        case "over_pagination_limit":
            return _NoSuchPageError(said)
        case "invalid_cursor":
            return PageTokenExpired("Slack no longer knows the cursor.")
        case _:
            return RequestRefused(said)


class _Paging(msgspec.Struct):
    count: int = PAGE
    total: int | None = None
    pages: int = 0


class _Logins(msgspec.Struct):
    rows: list[Row] = msgspec.field(name="logins")
    paging: _Paging = msgspec.field(default_factory=_Paging)


class _Logs(msgspec.Struct):
    rows: list[Row] = msgspec.field(name="logs")
    paging: _Paging = msgspec.field(default_factory=_Paging)


class _List(_Slack, Numbered):
    """A list of the Web API."""

    auth = (TOKEN, TEAM, DOMAIN)
    rate = Rate(requests=20, seconds=60, after_429=30)
    lag = timedelta(hours=1)  # how late rows appear is not documented
    method: ClassVar[str]
    shape: ClassVar[type[_Logins | _Logs]]

    def page(self, number: int, before: Json) -> NumberedPage | None:
        """Ask for up to 1000 rows."""
        params = {"count": PAGE, "page": number, "before": before, "team_id": self.credentials.get("team_id")}
        given = {name: value for name, value in params.items() if value is not None}
        try:
            listed = self._get(f"https://{self._domain}/api/{self.method}", given).json(self.shape)
        except _NoSuchPageError:
            return None
        paging = listed.paging
        return NumberedPage(listed.rows, paging.pages, paging.total)


class _Session(msgspec.Struct):
    date_first: int
    date_last: int
    user_id: str = ""
    ip: str | None = None
    user_agent: str | None = None


class SlackAccess(_List):
    """Access log: who is signed in, from where and with what."""

    type = "slack_access"
    collects = "who used the workspace, from which address and with which client"
    schemas = ("slack:access",)
    documentation = "https://docs.slack.dev/reference/methods/team.accessLogs"
    method = "team.accessLogs"
    shape = _Logins
    time_field = "date_last"
    id_fields = ("user_id", "ip", "user_agent", "date_first", "date_last", "count")

    def beyond(self, number: int, before: Json, page: NumberedPage) -> Json:
        """Go on before the oldest row of the last page that can be had."""
        if number < PAGES or not page.rows:
            return None
        sessions = [_session(row) for row in page.rows]
        firsts = [session.date_first for session in sessions]
        by_first = firsts == sorted(firsts, reverse=True)  # as far as known; not documented
        oldest = firsts[-1] if by_first else sessions[-1].date_last
        return oldest if before is None or oldest < before else before - 1


def _session(row: Row) -> _Session:
    try:
        return decode(row, _Session)
    except msgspec.ValidationError:
        return _Session(0, 0, bytes(row).decode("utf-8", "replace"))


class SlackIntegration(_List):
    """Integration log: what was done to apps."""

    type = "slack_integration"
    collects = "which apps and integrations were added, changed or removed, and by whom"
    schemas = ("slack:integration_v2",)
    documentation = "https://docs.slack.dev/reference/methods/team.integrationLogs"
    method = "team.integrationLogs"
    shape = _Logs
    time_field = "date"


class _Metadata(msgspec.Struct):
    next_cursor: str = ""


class _Entries(msgspec.Struct):
    entries: list[Row]
    response_metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class SlackAudit(_Slack, NewestFirst):
    """Audit log of an Enterprise organization."""

    type = "slack_audit"
    collects = "what users and administrators of an Enterprise organization do"
    auth = (TOKEN, DOMAIN)
    schemas = ("slack:audit",)
    documentation = "https://docs.slack.dev/reference/audit-logs-api"
    rate = Rate(requests=10, seconds=12, after_429=30)
    lag = timedelta(minutes=5)  # not documented
    time_field = "date_create"
    id_fields = ("id",)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 entries between two seconds, both counted in."""
        params = {"oldest": int(since.timestamp()), "latest": int(until.timestamp()), "limit": PAGE}
        cursor = {"cursor": token} if token else {}
        page = self._get(f"https://api.{self._domain}/audit/v1/logs", params | cursor).json(_Entries)
        return Fetched(page.entries, page.response_metadata.next_cursor or None)

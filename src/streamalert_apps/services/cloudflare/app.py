"""Cloudflare: audit log of an account (version 2), and sign-ins of Zero Trust Access.

The audit log is listed between two times, and goes on from a cursor, which the last page may have, too: an
empty page is the end. Whether the bounds are counted in, and where the cursor stands, is not told the same
everywhere; neither matters here. Sign-ins are listed from a time on, so many of them, without a way to page.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError
from streamalert_apps.sdk.app import AuthField, Json, Stamp
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Events, Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.http import Answer, with_params
from streamalert_apps.sdk.pace import Rate
from streamalert_apps.sdk.seconds import whole_seconds
from streamalert_apps.sdk.shapes import decode

PAGE: Final = 100  # what is usual; the most is not documented
SIGN_INS: Final = 1000
HOSTS: Final = {"global": "api.cloudflare.com", "fed": "api.fed.cloudflare.com"}


class _Cloudflare(Events):
    """What the app types share."""

    auth = (
        AuthField(
            "account_id",
            "the id of the account, 32 digits and letters from a to f",
            re.compile(r"[0-9a-f]{32}"),
        ),
        AuthField(
            "token",
            "an API token that can read the log, 40 characters or more",
            re.compile(r"[A-Za-z0-9_-]{40,120}"),
            secret=True,
        ),
        AuthField(
            "cloud",
            "'fed', if the account is in Cloudflare for Government (default: 'global')",
            re.compile("|".join(HOSTS)),
            optional=True,
        ),
    )
    rate = Rate(requests=200, seconds=60, after_429=300)  # of 1,200 in five minutes, for all that a user asks
    lag = timedelta(minutes=15)  # a guess: not documented

    def _get(self, path: str, params: dict[str, Any]) -> Answer:
        host = HOSTS[self.credentials.get("cloud") or "global"]
        url = f"https://{host}/client/v4/accounts/{self.credentials['account_id']}/{path}"
        headers = {"Authorization": f"Bearer {self.credentials['token']}"}
        return self.api.get(with_params(url, params), headers=headers, judge=_judge)


class _Failure(msgspec.Struct):
    code: int = 0


class _Failures(msgspec.Struct):
    errors: list[_Failure] = []


def _judge(answer: Answer) -> AppError | None:
    if answer.status not in {400, 401, 403, 404}:
        return None
    codes: set[int] = set()
    with suppress(BadResponse):
        codes = {error.code for error in answer.json(_Failures).errors}
    if answer.status == 400 and not codes & {6003, 6111, 10000}:  # noqa: PLR2004 (headers that make no sense)
        return None
    if answer.status == 404:  # noqa: PLR2004
        return CredentialsError("Cloudflare doesn't know this account.", hint="Check account_id.")
    return CredentialsError(
        f"Cloudflare refused the token ({answer.status}).",
        hint="It must include this account, with Account Settings: Read; for sign-ins, Access: Audit Logs:"
        " Read.",
    )


class _Action(msgspec.Struct):
    time: datetime


class _Entry(msgspec.Struct):
    action: _Action
    id: str | None = None


class _Cursors(msgspec.Struct):
    after: str | None = None


class _Info(msgspec.Struct):
    cursor: str | None = None
    cursors: _Cursors = msgspec.field(default_factory=_Cursors)


class _Entries(msgspec.Struct):
    result: list[Row] = []
    result_info: _Info = msgspec.field(default_factory=_Info)


class CloudflareAudit(_Cloudflare, OldestFirst):
    """Audit log of an account."""

    type = "cloudflare_audit"
    collects = "what users, tokens and Cloudflare itself change in an account: DNS, rules, members, keys"
    schemas = ("cloudflare:audit",)
    documentation = "https://developers.cloudflare.com/fundamentals/account/account-security/audit-logs/"
    retention = timedelta(days=540)  # 18 months
    time_field = "time"

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 100 entries. The token is a cursor."""
        params = {"since": iso(since), "before": iso(until), "direction": "asc", "limit": PAGE}
        page = self._get("logs/audit", params | ({"cursor": token} if token else {})).json(_Entries)
        cursor = page.result_info.cursor or page.result_info.cursors.after
        return Fetched(page.result, cursor if page.result and cursor != token else None)

    def stamp(self, row: Row) -> Stamp:
        """Return an entry's time and id; one without an id is known by what it says."""
        try:
            entry = decode(row, _Entry)
        except msgspec.MsgspecError as error:
            raise BadResponse(f"An entry of the audit log is not as documented: {error}.") from None
        return Stamp(entry.action.time, entry.id or "")


class _SignIns(msgspec.Struct):
    result: list[Row] = []


class CloudflareAccess(_Cloudflare, OldestFirst):
    """Sign-ins of Zero Trust Access."""

    type = "cloudflare_access"
    collects = "sign-ins to applications behind Zero Trust Access, including refused ones"
    schemas = ("cloudflare:access",)
    documentation = "https://developers.cloudflare.com/api/resources/zero_trust/subresources/access/subresources/logs/subresources/access_requests/"
    retention = timedelta(days=180)  # of the largest plan
    time_field = "created_at"
    id_fields = ("ray_id", "created_at", "action", "app_uid")
    overlapping = True

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for the first 1000 sign-ins from a second on. The token is that second."""
        second = int(since.timestamp()) if token is None else token
        begin = datetime.fromtimestamp(second, since.tzinfo)
        params = {"since": iso(begin), "until": iso(until), "direction": "asc", "limit": SIGN_INS}
        page = self._get("access/logs/access_requests", params).json(_SignIns)
        return whole_seconds(self, page.result, since=second, size=SIGN_INS)

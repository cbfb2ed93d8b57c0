"""Duo Admin API.

A request is signed over its date, method, host, path and query. The log endpoints want no more than
one or two requests a minute. Version 2 counts milliseconds, lists by `sort`, pages by `next_offset`
and shows nothing younger than two minutes; version 1 counts seconds and returns the 1000 earliest
events from `mintime` on.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from streamalert_apps.errors import CredentialsError, RequestRefused
from streamalert_apps.sdk.app import AuthField, Json
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import Feed, OldestFirst
from streamalert_apps.sdk.hosts import host_like
from streamalert_apps.sdk.http import Answer
from streamalert_apps.sdk.pace import Rate
from streamalert_apps.sdk.refusals import SET_CLOCK, by_code
from streamalert_apps.sdk.seconds import whole_seconds

PAGE = 1000


class _Duo(Feed):
    """What Duo's app types share: credentials, signature, limits."""

    auth = (
        AuthField(
            "api_hostname",
            "the API hostname of your Duo account, like 'api-abcdef12.duosecurity.com'",
            host_like(re.compile(r"api-[a-f0-9]{8}\.(duosecurity|duofederal)\.com")),
        ),
        AuthField(
            "integration_key",
            "the integration key of your Duo Admin API application, like 'DIABCDEFGHIJKLMN1234'",
            re.compile(r"DI[A-Z0-9]{18}"),
        ),
        AuthField(
            "secret_key",
            "the secret key of your Duo Admin API application, 40 letters and digits",
            re.compile(r"[a-zA-Z0-9]{40}"),
            secret=True,
        ),
    )
    documentation = "https://duo.com/docs/adminapi"
    rate = Rate(requests=2, seconds=60, after_429=60)
    lag = timedelta(minutes=5)  # documented: 2; the rest is for clocks that differ
    path: ClassVar[str]

    def _get(self, **params: object) -> Answer:
        query = "&".join(f"{key}={quote(str(value), safe='~')}" for key, value in sorted(params.items()))
        host = self.credentials["api_hostname"]
        return self.api.get(
            f"https://{host}{self.path}?{query}", headers=lambda: self._signed(host, query), judge=_judge
        )

    def _signed(self, host: str, query: str) -> dict[str, str]:
        """Return the headers of signature version 2 with SHA-512, made anew for each attempt."""
        date = format_datetime(self.api.clock.now())
        message = f"{date}\nGET\n{host.lower()}\n{self.path}\n{query}"
        key = self.credentials["secret_key"].encode()
        digest = hmac.new(key, message.encode(), hashlib.sha512).hexdigest()
        basic = b64encode(f"{self.credentials['integration_key']}:{digest}".encode()).decode()
        return {"Date": date, "Authorization": f"Basic {basic}"}


class _Failure(msgspec.Struct):
    code: int = 0


_judge = by_code(
    lambda answer: answer.json(_Failure).code,
    {
        40002: partial(RequestRefused, "Duo refused a parameter of the request (40002)."),
        **{
            code: partial(
                CredentialsError,
                f"Duo refused the credentials ({code}).",
                hint="Check the integration key and the secret key.",
            )
            for code in (40101, 40102, 40103)
        },
        40105: partial(CredentialsError, "Duo refused the request's timestamp.", hint=SET_CLOCK),
        40301: partial(
            CredentialsError,
            "Duo refused access to its logs (40301).",
            hint="Grant the Admin API application 'Grant read log'.",
        ),
    },
)


class _Metadata(msgspec.Struct):
    next_offset: list[str] | str | None = None


def _page(rows: str) -> Any:
    """Return the shape of an answer of version 2; the field with the events differs."""
    logs = [("rows", list[Row]), ("metadata", _Metadata)]
    return msgspec.defstruct("Page", [("response", msgspec.defstruct("Logs", logs, rename={"rows": rows}))])


class _Second(_Duo, OldestFirst):
    """What the logs of version 2 share."""

    precision = timedelta(milliseconds=1)
    retention = timedelta(days=180)
    page: ClassVar[Any] = _page("items")

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 events between two times in milliseconds, both counted in."""
        offset = {"next_offset": token} if token else {}
        answer = self._get(
            mintime=_milliseconds(since), maxtime=_milliseconds(until), limit=PAGE, sort="ts:asc", **offset
        )
        logs = answer.json(self.page).response
        after = logs.metadata.next_offset
        return Fetched(logs.rows, ",".join(after) if isinstance(after, list) else after)


class DuoAuth(_Second):
    """Authentication log."""

    type = "duo_auth"
    collects = "each authentication: user, factor, device, result"
    schemas = ("duo:authentication_v2",)
    path = "/admin/v2/logs/authentication"
    time_field = "isotimestamp"
    id_fields = ("txid", "timestamp", "factor", "result")
    page = _page("authlogs")


class DuoActivity(_Second):
    """Activity log: what the administrator log has, and what users do themselves, in one new form."""

    type = "duo_activity"
    collects = "what administrators and users change: users, devices, policies, settings"
    schemas = ("duo:activity",)
    path = "/admin/v2/logs/activity"
    time_field = "ts"
    id_fields = ("activity_id",)


class DuoTelephony(_Second):
    """Telephony log."""

    type = "duo_telephony"
    collects = "each text message and call: phone, purpose, credits"
    schemas = ("duo:telephony",)
    path = "/admin/v2/logs/telephony"
    time_field = "ts"
    id_fields = ("telephony_id",)


class _AdminPage(msgspec.Struct):
    response: list[Row]


class DuoAdmin(_Duo, OldestFirst):
    """Administrator log; version 1 is the current one."""

    type = "duo_admin"
    collects = "what administrators do: sign in, change users, settings and devices"
    schemas = ("duo:administrator_v2",)
    path = "/admin/v1/logs/administrator"
    time_field = "timestamp"
    precision = timedelta(seconds=1)
    overlapping = True

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:  # noqa: ARG002 (it has no end)
        """Ask for the 1000 earliest events from a second on; the token is that second."""
        mintime = token or int(since.timestamp())
        rows = self._get(mintime=mintime).json(_AdminPage).response
        return whole_seconds(self, rows, since=mintime, size=PAGE)


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)

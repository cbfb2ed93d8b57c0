"""Tailscale, configuration audit logs and network flow logs.

A span of time is answered at once, without pages, so it is asked for in slices. The order of rows is not
documented. They have no id: what one action changed is told in several, with one `eventGroupID`. A row may
show up late, as its node was offline, or the log held it back. A start that is too long ago is moved by the
service.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec

from streamalert_apps.errors import AppError, ConfigError, CredentialsError
from streamalert_apps.sdk.app import AuthField, Credentials, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import NEVER, Fetched, Row
from streamalert_apps.sdk.feed import AnyOrder
from streamalert_apps.sdk.http import Answer, Api, with_params
from streamalert_apps.sdk.oauth import Bearer, Refusal, Token, by_client_credentials
from streamalert_apps.sdk.pace import Rate

API: Final = "https://api.tailscale.com/api/v2"


class _Logs(msgspec.Struct):
    logs: list[Row] | None = None


class _Log(AnyOrder):
    """What Tailscale's app types share."""

    auth = (
        AuthField(
            "tailnet",
            "the name of your tailnet, like 'example.com' (default: the tailnet of the credentials)",
            re.compile(r"-|[A-Za-z0-9][A-Za-z0-9._-]*[.@][A-Za-z0-9.-]+|T[A-Za-z0-9]+CNTRL"),
            optional=True,
        ),
        AuthField(
            "client_id",
            "the ID of an OAuth client, about 17 letters and digits",
            re.compile(r"(?!tskey-)[A-Za-z0-9]{8,40}"),
            optional=True,
        ),
        AuthField(
            "client_secret",
            "the secret of the OAuth client, which starts with 'tskey-client-'",
            re.compile(r"tskey-client-[A-Za-z0-9-]{10,}"),
            secret=True,
            optional=True,
        ),
        AuthField(
            "api_key",
            "an API access token, which starts with 'tskey-api-', instead of an OAuth client",
            re.compile(r"tskey-api-[A-Za-z0-9-]{10,}"),
            secret=True,
            optional=True,
        ),
    )
    documentation = "https://tailscale.com/api#tag/logging"
    rate = Rate(requests=2, seconds=1)  # a guess: no limit is documented
    precision = timedelta(seconds=1)
    log: ClassVar[str]
    slice: ClassVar[timedelta]
    """How much to ask for at once: an answer must not be too large."""

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        if credentials.get("api_key"):
            self._tailscale = Bearer(api, lambda: Token(credentials["api_key"]))
        elif credentials.get("client_id") and credentials.get("client_secret"):
            self._tailscale = by_client_credentials(
                api, f"{API}/oauth/token", credentials, judge=_judge_token
            )
        else:
            raise ConfigError(
                "Tailscale needs an OAuth client or an API access token.",
                hint="Give client_id and client_secret, or api_key.",
            )

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for a slice of the time between two seconds. The token is where the next one begins.

        Whether bounds are counted in is not documented: more is asked for, and a row at the edge of two
        slices is of the later one.
        """
        start = since if token is None else datetime.fromisoformat(token)
        end = min(start + self.slice, until)
        tailnet = self.credentials.get("tailnet") or "-"
        span = {"start": iso(start - self.precision), "end": iso(end + self.precision)}
        url = with_params(f"{API}/tailnet/{tailnet}/logging/{self.log}", span)
        rows = self._tailscale.get(url, judge=_judge).json(_Logs).logs or []
        first, last = token is None, end >= until
        times = [stamp.time for stamp in self.stamps(rows)]
        kept = [
            row
            for row, time in zip(rows, times, strict=True)
            if (first or start <= time) and (last or time < end or time is NEVER)
        ]
        return Fetched(kept, None if last else end.isoformat())


class TailscaleConfiguration(_Log):
    """What was changed in a tailnet."""

    type = "tailscale_configuration"
    collects = "changes to a tailnet: users, devices, keys, access rules, settings"
    schemas = ("tailscale:configuration",)
    time_field = "eventTime"
    lag = timedelta(minutes=15)  # a guess: rows are there within seconds, unless they are held back
    retention = timedelta(days=90)
    log = "configuration"
    slice = timedelta(days=1)


class TailscaleNetwork(_Log):
    """Which devices exchanged data."""

    type = "tailscale_network"
    collects = "flows between devices: addresses, ports, packets, bytes"
    schemas = ("tailscale:network",)
    time_field = "logged"
    lag = timedelta(hours=1)  # a guess: a device that was offline uploads later
    retention = timedelta(days=30)
    log = "network"
    slice = timedelta(hours=1)


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError("Tailscale refused the credentials.", hint="A token may have expired.")
        case 403:
            return CredentialsError(
                "Tailscale refused access to the log.",
                hint="The OAuth client needs the scope that `sa-apps types` lists, and network logs a plan"
                " that includes them.",
            )
        case 404:
            return CredentialsError("Tailscale doesn't know this tailnet.", hint="Check tailnet.")
        case _:
            return None


def _judge_token(answer: Answer) -> AppError | None:
    if passing := Refusal.of(answer).passing():
        return passing
    if answer.status not in {400, 401, 403}:
        return None
    return CredentialsError(
        "Tailscale refused the OAuth client.", hint="Check client_id and client_secret; it may be revoked."
    )

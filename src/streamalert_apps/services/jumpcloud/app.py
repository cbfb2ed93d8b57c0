"""JumpCloud, Directory Insights: events of one of its services, or of all.

Events are listed between two times, the oldest first. How many a full page holds, and where the next one
begins, is told in headers, even of the last page, which is one that is not full. The next one is asked for in
the same way, with that place in addition. Requests carry an administrator's API key, or a token that a
service account gets for itself.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from streamalert_apps.errors import AppError, BadResponse, CredentialsError
from streamalert_apps.sdk.app import AuthField, Credentials, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.either import given_set
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.http import Answer, Api
from streamalert_apps.sdk.oauth import Bearer, Refusal, Token, judging_sign_in
from streamalert_apps.sdk.pace import Rate

REGIONS: Final = {"us": "jumpcloud.com", "eu": "eu.jumpcloud.com", "in": "in.jumpcloud.com"}
ACCOUNT: Final = ("client_id", "client_secret")
PAGE: Final = 1000


class _Events(OldestFirst):
    """What the services share."""

    schemas = ("jumpcloud:events",)
    auth = (
        AuthField(
            "api_key",
            "an administrator's API key, 40 letters and digits or 'jca_…', unless you use a service account",
            re.compile(r"[A-Za-z0-9]{40}|jca_[A-Za-z0-9_-]{20,100}"),
            secret=True,
            optional=True,
        ),
        AuthField(
            "client_id",
            "the client ID of a service account",
            re.compile(r"(?!jca_)[A-Za-z0-9_-]{16,100}"),
            optional=True,
        ),
        AuthField(
            "client_secret",
            "the client secret of the service account",
            re.compile(r"(?!jca_)[A-Za-z0-9_.~-]{16,200}"),
            secret=True,
            optional=True,
        ),
        AuthField(
            "region",
            "the region of your organization's data center, 'us', 'eu' or 'in' (default: 'us')",
            re.compile("|".join(REGIONS)),
            optional=True,
        ),
        AuthField(
            "org_id",
            "the ID of the organization, 24 digits and letters to f, if a provider has several",
            re.compile(r"[0-9a-f]{24}"),
            optional=True,
        ),
    )
    documentation = "https://docs.jumpcloud.com/api/insights/directory/1.0/index.html"
    rate = Rate(requests=2, seconds=1, after_429=60)  # a guess: no limit is documented
    lag = timedelta(minutes=15)  # a guess: not documented
    retention = timedelta(days=90)
    time_field = "timestamp"
    id_fields = ("id",)
    service: ClassVar[str]

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._region = REGIONS[credentials.get("region") or "us"]
        sets = {"an API key": ("api_key",), "a service account's client ID and client secret": ACCOUNT}
        self._is_account = given_set("JumpCloud", credentials, sets) == ACCOUNT
        self._account = Bearer(api, self._token)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 events. The token is the place that the page before told."""
        asked: dict[str, Any] = {"service": [self.service], "sort": "ASC", "limit": PAGE}
        asked |= {"start_time": iso(since), "end_time": iso(until)}
        asked |= {"search_after": token} if token else {}
        answer = self._post(asked)
        rows = answer.json(list[Row])
        return Fetched(rows, _after(answer) if len(rows) >= _limit(answer) else None)

    def _post(self, asked: dict[str, Any]) -> Answer:
        url = f"https://api.{self._region}/insights/directory/v1/events"
        organization = self.credentials.get("org_id")
        headers = {"x-org-id": organization} if organization else {}
        if self._is_account:
            return self._account.post(url, headers=headers, judge=_judge, json=asked)
        headers["x-api-key"] = self.credentials["api_key"]
        return self.api.post(url, headers=headers, judge=_judge, json=asked)

    def _token(self) -> Token:
        pair = ":".join(self.credentials[name] for name in ACCOUNT)
        answer = self.api.post(
            f"https://admin-oauth.id.{self._region}/oauth2/token",
            headers={"Authorization": f"Basic {b64encode(pair.encode()).decode()}"},
            form={"grant_type": "client_credentials", "scope": "api"},
            judge=_judge_token,
        )
        return Token.of(answer)


def _limit(answer: Answer) -> int:
    """Return how many events a full page has; where that is not told, any page may be full."""
    told = answer.headers.get("X-Limit", "")
    return int(told) if re.fullmatch("[1-9][0-9]{0,5}", told) else 1


def _after(answer: Answer) -> Json:
    try:
        return json.loads(answer.headers.get("X-Search_after", ""))
    except ValueError:
        raise BadResponse("JumpCloud has more events, but did not say where they start.") from None


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError(
                "JumpCloud refused the credentials.",
                hint="Check them and the region. An administrator's new key invalidates the old one.",
            )
        case 403:
            return CredentialsError(
                "JumpCloud refused access to Directory Insights.",
                hint="It needs a role that may read it, and the org_id if there are several organizations.",
            )
        case _:
            return None


@judging_sign_in
def _judge_token(_: Refusal, __: Answer) -> AppError:
    return CredentialsError(
        "JumpCloud refused to sign the service account in.",
        hint="Check client ID, client secret and region. A client secret expires after a chosen time.",
    )


class JumpcloudAll(_Events):
    """Events of all services."""

    type = "jumpcloud_all"
    collects = "the events of all services, including those without an app type of their own"
    service = "all"


class JumpcloudDirectory(_Events):
    """Events of the portals."""

    type = "jumpcloud_directory"
    collects = "sign-ins to the portals, and what administrators change in the directory"
    service = "directory"


class JumpcloudSso(_Events):
    """Events of single sign-on."""

    type = "jumpcloud_sso"
    collects = "sign-ins to applications by single sign-on"
    service = "sso"


class JumpcloudRadius(_Events):
    """Events of RADIUS."""

    type = "jumpcloud_radius"
    collects = "sign-ins by RADIUS: to wireless networks and VPNs"
    service = "radius"


class JumpcloudLdap(_Events):
    """Events of LDAP."""

    type = "jumpcloud_ldap"
    collects = "binds and searches by LDAP"
    service = "ldap"


class JumpcloudSystems(_Events):
    """Events of devices."""

    type = "jumpcloud_systems"
    collects = "sign-ins to devices, lockouts, changes of passwords and disk encryption keys"
    service = "systems"
    lag = timedelta(hours=2)  # a guess: a device that was offline tells later


class JumpcloudMdm(_Events):
    """Events of device management."""

    type = "jumpcloud_mdm"
    collects = "results of commands to managed devices"
    service = "mdm"
    lag = timedelta(hours=2)


class JumpcloudSoftware(_Events):
    """Events of software."""

    type = "jumpcloud_software"
    collects = "software that was installed, changed or removed on devices"
    service = "software"
    lag = timedelta(hours=2)


class JumpcloudPasswords(_Events):
    """Events of the password manager."""

    type = "jumpcloud_passwords"
    collects = "what users do in the password manager"
    service = "password_manager"

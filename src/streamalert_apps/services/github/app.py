"""GitHub, audit log of an organization or an enterprise, on GitHub.com, GHE.com or Enterprise Server.

Events are listed between two times in whole seconds, the oldest first, and the link to the next page has a
cursor, or on Enterprise Server a page's number. Events show up late, how late is not documented. Those of Git
are kept for seven days, and some of them have no id. A limit is told with status 403 or 429.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import ClassVar, Final
from urllib.parse import parse_qsl

import msgspec

from streamalert_apps.errors import AppError, CredentialsError, RateLimited
from streamalert_apps.sdk.app import AuthField, Credentials, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.either import given_set
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.hosts import host_like
from streamalert_apps.sdk.http import Answer, Api, query_of, with_params
from streamalert_apps.sdk.keyfile import read_private_key
from streamalert_apps.sdk.oauth import Bearer, Token, load_private_key, signed_jwt
from streamalert_apps.sdk.pace import Rate, Wait

requirements = ("cryptography",)

PAGE: Final = 100
HEADERS: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
APP: Final = ("client_id", "installation_id", "private_key")
TURNS: Final = {"after", "page"}
SLUG: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,98}[A-Za-z0-9])?")
JWT_BEFORE: Final = timedelta(minutes=1)  # GitHub's clock may be behind
JWT_LIFE: Final = timedelta(minutes=9)  # of ten


class _Installed(msgspec.Struct):
    token: str  # for an hour


class _Log(OldestFirst):
    """What the audit log's parts share: all but which events they have."""

    auth = (
        AuthField("organization", "the organization, like 'acme' in github.com/acme", SLUG, optional=True),
        AuthField(
            "enterprise",
            "the enterprise, like 'acme' in github.com/enterprises/acme, instead",
            SLUG,
            optional=True,
        ),
        AuthField(
            "host",
            "the host, if it is not github.com: 'acme.ghe.com', or that of your Enterprise Server",
            host_like(re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")),
            optional=True,
        ),
        AuthField(
            "token",
            "a personal access token, like 'ghp_…' or 'github_pat_…', unless an app signs in",
            re.compile(r"gh[a-z]_[A-Za-z0-9_]{30,255}|github_pat_[A-Za-z0-9_]{20,255}|[0-9a-f]{40}"),
            secret=True,
            optional=True,
        ),
        AuthField(
            "client_id",
            "the client ID of the GitHub App, or its app ID, which is a number",
            re.compile(r"Iv[A-Za-z0-9.]{10,40}|[0-9]{1,12}"),
            optional=True,
        ),
        AuthField(
            "installation_id",
            "the ID of the app's installation, at the end of the address of its settings",
            re.compile(r"[0-9]{1,16}"),
            optional=True,
        ),
        AuthField(
            "private_key",
            "the path of the file with the app's private key, in PEM",
            read_private_key,
            optional=True,
        ),
    )
    rate = Rate(requests=15, seconds=60, after_429=60)  # announced, and less than the 1,750 an hour of today
    waits = (Wait("X-RateLimit-Reset", since="1970", spent="X-RateLimit-Remaining"),)
    lag = timedelta(minutes=30)  # a guess: not documented; 20 minutes have been seen to suffice
    time_field = "@timestamp"
    time_unit = "ms"
    id_fields = ("_document_id",)
    include: ClassVar[str]

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._app = Bearer(api, self._token)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 100 events. The token is what the link to the next page says of where it begins."""
        params = {
            "phrase": f"created:>={iso(since)} created:<={iso(until)}",
            "include": self.include,
            "order": "asc",
            "per_page": PAGE,
        }
        answer = self._get(with_params(f"{self._api}/{self._place}/audit-log", params | (token or {})))
        query = query_of(answer.link("next") or "")
        turn = {name: value for name, value in parse_qsl(query) if name in TURNS}
        return Fetched(answer.json(list[Row]), turn or None)

    def expires(self) -> datetime | None:
        """Return when a personal access token ends, which GitHub tells with each answer.

        https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/token-expiration-and-revocation
        """
        told = self.api.headers.get("GitHub-Authentication-Token-Expiration", "")
        with suppress(ValueError):  # '2026-12-31 10:00:00 UTC', or with an offset
            return datetime.strptime(told.replace("UTC", "+0000"), "%Y-%m-%d %H:%M:%S %z")
        return None

    @property
    def _api(self) -> str:
        host: str = self.credentials.get("host") or "github.com"
        if host == "github.com" or host.endswith(".ghe.com"):
            return f"https://api.{host.removeprefix('api.')}"
        return "https://api.github.com" if host == "api.github.com" else f"https://{host}/api/v3"

    @property
    def _place(self) -> str:
        sets = {"an organization": ("organization",), "an enterprise": ("enterprise",)}
        (name,) = given_set("GitHub", self.credentials, sets)
        return f"{'orgs' if name == 'organization' else 'enterprises'}/{self.credentials[name]}"

    def _get(self, url: str) -> Answer:
        sets = {"a token": ("token",), "an app's client ID, installation and private key": APP}
        if given_set("GitHub", self.credentials, sets) != APP:
            token = self.credentials["token"]
            return self.api.get(url, headers=HEADERS | {"Authorization": f"Bearer {token}"}, judge=_judge)
        return self._app.get(url, headers=HEADERS, judge=_judge)

    def _token(self) -> Token:
        given, now = self.credentials, self.api.clock.now() - self.api.ahead
        key = load_private_key(given["private_key"]["private_key"], check=False)
        times = {"iat": now - JWT_BEFORE, "exp": now + JWT_LIFE}
        claims = {"iss": given["client_id"]} | {name: int(at.timestamp()) for name, at in times.items()}
        answer = self.api.post(
            f"{self._api}/app/installations/{given['installation_id']}/access_tokens",
            headers=HEADERS | {"Authorization": f"Bearer {signed_jwt(claims, key)}"},
            judge=_judge_app,
        )
        return Token(answer.json(_Installed).token)


class GithubAudit(_Log):
    """Events of the audit log, but those of Git."""

    type = "github_audit"
    collects = "what members and administrators do: repositories, teams, settings, secrets, sign-ins"
    schemas = ("github:audit",)
    documentation = "https://docs.github.com/en/enterprise-cloud@latest/rest/orgs/orgs#get-the-audit-log-for-an-organization"
    retention = timedelta(days=180)
    include = "web"


class GithubGit(_Log):
    """Events of Git."""

    type = "github_git"
    collects = "each clone, fetch and push of a repository"
    schemas = ("github:git",)
    documentation = "https://docs.github.com/en/enterprise-cloud@latest/organizations/keeping-your-organization-secure/managing-security-settings-for-your-organization/reviewing-the-audit-log-for-your-organization"
    retention = timedelta(days=7)
    include = "git"


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError(
                "GitHub refused the token.", hint="It may have expired; create a new one."
            )
        case 403 if b"secondary rate limit" in answer.body:
            return RateLimited("GitHub received too many requests at once.")
        case 403 if "x-github-sso" in answer.headers:
            return CredentialsError(
                "GitHub refused the token because the organization uses single sign-on.",
                hint="Authorize the token for it, under 'Configure SSO'.",
            )
        case 403 | 404:
            return CredentialsError(
                f"GitHub refused access to the audit log ({answer.status}).",
                hint="It needs an owner's token with read:audit_log, or an app that may read the"
                " organization's administration; and Enterprise Cloud or Enterprise Server.",
            )
        case _:
            return None


def _judge_app(answer: Answer) -> AppError | None:
    if answer.status == 404:  # noqa: PLR2004
        return CredentialsError(
            "GitHub doesn't know this installation of the app.", hint="Check installation_id."
        )
    if answer.status in {401, 403}:
        return CredentialsError(
            "GitHub refused to sign the app in.",
            hint="Check client ID and private key, and this machine's clock.",
        )
    return None

"""GitLab, audit events of an instance, a group or a project.

Events are listed between two times, which are counted in, by number from the highest down, or by time where a
newer GitLab is set to that. Neither order is the other: a job in the background may write an event late. The
link to the next page has a cursor; the last page may be empty.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar, Final
from urllib.parse import parse_qsl, quote

from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.sdk.app import AuthField, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import AnyOrder
from streamalert_apps.sdk.hosts import host_like
from streamalert_apps.sdk.http import Answer, query_of, with_params
from streamalert_apps.sdk.pace import Rate, Wait

PAGE: Final = 100
ORDER: Final = {"pagination": "keyset", "order_by": "id", "sort": "desc", "per_page": PAGE}
OWN: Final = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
PATH: Final = re.compile(r"(?!gl[a-z]+-)[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")

_HOST: Final = AuthField(
    "host", "the host, if it is not gitlab.com, like 'gitlab.acme.example'", host_like(OWN), optional=True
)
_TOKEN: Final = AuthField(
    "token",
    "an access token that can read the API, which usually starts with 'glpat-'",
    re.compile(r"[A-Za-z0-9_=.-]{20,300}"),
    secret=True,
)


class _Audit(AnyOrder):
    """What the lists share."""

    schemas = ("gitlab:audit",)
    documentation = "https://docs.gitlab.com/api/audit_events/"
    rate = Rate(requests=100, seconds=60, after_429=60)  # of 200 that a user may make of each list
    waits = (Wait("RateLimit-Reset", since="1970"),)
    lag = timedelta(minutes=5)  # a guess: not documented
    longest = timedelta(days=30)
    time_field = "created_at"
    id_fields = ("id",)
    of: ClassVar[str]

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 100 events. The token is what the link to the next page says that was not sent."""
        span = {"created_after": iso(since), "created_before": iso(until)}
        host = self.credentials.get("host") or "gitlab.com"
        parts = {name: quote(str(value), safe="") for name, value in self.credentials.items()}
        url = f"https://{host}/api/v4/{self.of.format_map(parts)}audit_events"
        answer = self.api.get(
            with_params(url, ORDER | span | (token or {})),
            headers={"PRIVATE-TOKEN": self.credentials["token"]},
            judge=_judge,
        )
        sent = {*ORDER, *span}
        query = query_of(answer.link("next") or "")
        turn = {name: value for name, value in parse_qsl(query) if name not in sent}
        return Fetched(answer.json(list[Row]), turn or None)


class GitlabInstance(_Audit):
    """Events of an instance."""

    type = "gitlab_instance"
    collects = "changes in your own instance: users, groups, projects, settings; sign-ins"
    auth = (
        AuthField("host", "the host of your instance, like 'gitlab.acme.example'", host_like(OWN)),
        _TOKEN,
    )
    of = ""


class GitlabGroup(_Audit):
    """Events of a group."""

    type = "gitlab_group"
    collects = "changes in a group: members, roles, settings, tokens"
    auth = (
        _HOST,
        AuthField("group", "the group's number, or its path, like 'acme/platform'", PATH),
        _TOKEN,
    )
    of = "groups/{group}/"


class GitlabProject(_Audit):
    """Events of a project."""

    type = "gitlab_project"
    collects = "changes in a project: members, protected branches, approvals, keys, settings"
    auth = (
        _HOST,
        AuthField("project", "the project's number, or its path, like 'acme/platform/api'", PATH),
        _TOKEN,
    )
    of = "projects/{project}/"


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError(
                "GitLab refused the token.", hint="It may have expired; create a new one."
            )
        case 403:
            return CredentialsError(
                "GitLab refused access to the audit events.",
                hint="The token needs the scope read_api and the role that `sa-apps types` names;"
                " GitLab needs a Premium or Ultimate plan.",
            )
        case 301 | 404:
            return CredentialsError(
                f"GitLab finds nothing of that name, or does not show it ({answer.status}).",
                hint="Check host, group or project, and the plan.",
            )
        case _:
            return None

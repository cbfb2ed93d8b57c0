"""Wiz, audit logs and issues of a tenant, over its GraphQL API.

Both are listed between two times, in no order that is documented, and go on from a cursor. An issue changes:
it is listed by when its status last did, and each of its states that is seen is one log. Errors come with
status 200. Whether a listing of issues may have an upper bound is not documented: where Wiz knows none, it is
asked without.
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
    RateLimited,
    RequestRefused,
    Unavailable,
)
from streamalert_apps.sdk.app import AuthField, Credentials, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import NEVER, Fetched, Row
from streamalert_apps.sdk.feed import AnyOrder
from streamalert_apps.sdk.hosts import host_like
from streamalert_apps.sdk.http import Answer, Api
from streamalert_apps.sdk.oauth import Refusal, by_client_credentials
from streamalert_apps.sdk.pace import Rate

PAGE: Final = 100  # what is usual; the most is not documented
NAMED: Final = "{ id name }"


class _PageInfo(msgspec.Struct, rename="camel"):
    has_next_page: bool = False
    end_cursor: str | None = None


class _List(msgspec.Struct, rename={"rows": "nodes", "info": "pageInfo"}):
    rows: list[Row] = []
    info: _PageInfo = msgspec.field(default_factory=_PageInfo)


class _Data(msgspec.Struct):
    list: _List


class _Answer(msgspec.Struct):
    data: _Data


class _Nodes(AnyOrder):
    """What the app types share: all but what they ask for."""

    auth = (
        AuthField(
            "host",
            "the host of your API endpoint, like 'api.us17.app.wiz.io'",
            host_like(re.compile(r"api\.([a-z0-9-]+\.)+wiz\.(io|us)")),
        ),
        AuthField(
            "client_id",
            "the client ID of the service account, about 53 letters and digits",
            re.compile(r"[a-z0-9]{40,60}"),
        ),
        AuthField(
            "client_secret",
            "the secret of the service account, about 64 letters and digits",
            re.compile(r"(?![a-z0-9]{40,60}$)[A-Za-z0-9_-]{40,100}"),
            secret=True,
        ),
        AuthField(
            "auth_host",
            "the host that issues tokens, if Wiz gave you a special one, like 'auth.app.wiz.io'",
            host_like(re.compile(r"auth\.([a-z0-9-]+\.)+wiz\.(io|us)")),
            optional=True,
        ),
    )
    documentation = "https://docs.wiz.io/docs/using-the-wiz-api"
    rate = Rate(requests=2, seconds=1, after_429=30)  # of three
    precision = timedelta(milliseconds=1)
    lag = timedelta(minutes=15)  # a guess: not documented
    query: ClassVar[str]

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        login = credentials.get("auth_host") or _login(credentials["host"])
        self._wiz = by_client_credentials(
            api, f"https://{login}/oauth/token", credentials, judge=_judge_token, audience="wiz-api"
        )
        self._bounded = True

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 100 rows. The token is a cursor."""
        found = self._list(since, until, token)
        if found.info.has_next_page and not found.info.end_cursor:
            raise BadResponse("Wiz has more rows, but returned no cursor.")
        rows = [
            row
            for row, (time, _) in zip(found.rows, self.stamps(found.rows), strict=True)
            if time <= until or time is NEVER
        ]
        return Fetched(rows, found.info.end_cursor if found.info.has_next_page else None)

    def _list(self, since: datetime, until: datetime, token: Json) -> _List:
        """Ask with an upper bound; without one from the moment on at which Wiz says that it knows none."""
        span = {"after": iso(since, "milliseconds"), "before": iso(until, "milliseconds")}
        try:
            return self._ask(span if self._bounded else {"after": span["after"]}, token)
        except _UnknownFieldError:
            if not self._bounded:
                raise
            self._bounded = False
            return self._ask({"after": span["after"]}, token)

    def _ask(self, span: dict[str, str], token: Json) -> _List:
        variables: dict[str, Any] = {"first": PAGE, "filterBy": {self.time_field: span}}
        variables |= {"after": token} if token else {}
        answer = self._wiz.post(
            f"https://{self.credentials['host']}/graphql",
            json={"query": self.query, "variables": variables},
            judge=_judge,
        )
        return answer.json(_Answer).data.list


def _login(host: str) -> str:
    if host.endswith(".us"):
        return "auth.app.wiz.us"
    return "auth.gov.wiz.io" if ".gov." in host else "auth.app.wiz.io"


def _query(name: str, filters: str, fields: str) -> str:
    return (
        f"query ($first: Int, $after: String, $filterBy: {filters}) {{"
        f" list: {name}(first: $first, after: $after, filterBy: $filterBy) {{"
        f" nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )


class WizAudit(_Nodes):
    """Audit logs."""

    type = "wiz_audit"
    collects = "what users and service accounts do in Wiz: sign-ins, settings, users, reports, queries"
    schemas = ("wiz:audit",)
    time_field = "timestamp"
    id_fields = ("id", "timestamp")
    query = _query(
        "auditLogEntries",
        "AuditLogEntryFilters",
        "id action requestId status timestamp actionParameters userAgent sourceIP"
        f" serviceAccount {NAMED} user {NAMED}",
    )


class WizIssues(_Nodes):
    """Issues, each state of theirs."""

    type = "wiz_issues"
    collects = "issues that Wiz found, and how they were resolved"
    schemas = ("wiz:issues",)
    time_field = "statusChangedAt"
    id_fields = ("id", "statusChangedAt")
    query = _query(
        "issuesV2",
        "IssueFilters",
        "id createdAt updatedAt dueAt resolvedAt statusChangedAt status severity type"
        f" sourceRule {{ __typename ... on Control {NAMED} ... on CloudEventRule {NAMED}"
        f" ... on CloudConfigurationRule {NAMED} }}"
        " entitySnapshot { id type name cloudPlatform region subscriptionExternalId externalId }"
        f" projects {NAMED} notes {{ createdAt text }} serviceTickets {{ externalId name url }}",
    )


class _UnknownFieldError(RequestRefused):
    """Wiz does not know a field of the filter."""


class _Extensions(msgspec.Struct):
    code: str = ""


class _Error(msgspec.Struct):
    message: str = ""
    extensions: _Extensions = msgspec.field(default_factory=_Extensions)


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


_SCOPES: Final = "The service account needs the scope that `sa-apps types` lists, and no project."


def _judge(answer: Answer) -> AppError | None:
    """Read the errors of GraphQL: what their codes are is not documented, so words are looked for, too."""
    if answer.status in {401, 403}:
        return CredentialsError(f"Wiz refused access ({answer.status}).", hint=_SCOPES)
    try:
        errors = answer.json(_Errors).errors
    except BadResponse:
        return None
    if not errors:
        return None
    said = " ".join(f"{error.extensions.code} {error.message}" for error in errors).lower()
    if re.search(r"rate.?limit|too many|throttl", said):
        return RateLimited("Wiz received too many requests.")
    if re.search(r"unauth|forbidden|permission|access denied|not allowed", said):
        return CredentialsError("Wiz refused access.", hint=_SCOPES)
    if re.search(r"internal|timeout|unavailable", said):
        return Unavailable("Wiz has a server error.")
    if "before" in said:
        return _UnknownFieldError("Wiz knows no upper bound of this list.")
    return RequestRefused("Wiz refused the query.")


def _judge_token(answer: Answer) -> AppError | None:
    if passing := Refusal.of(answer).passing():
        return passing
    if answer.status not in {400, 401, 403}:
        return None
    return CredentialsError(
        "Wiz refused the service account.",
        hint="Check client_id, client_secret and host; it may have expired.",
    )

"""Google Workspace, Reports API and Alert Center.

Each application has a list of its own, newest first. Its events show up out of order, most within
minutes, some hours late. Alerts are listed by when they were made; one that changes is collected as it was
seen first. A service account signs in with a JWT, on behalf of an administrator.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final

import msgspec

from streamalert_apps.errors import (
    AppError,
    BadResponse,
    CredentialsError,
    RateLimited,
    UsageError,
)
from streamalert_apps.sdk.app import App, AuthField, Checkpoint, Credentials, Json, Stamp
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Events, Fetched, Row
from streamalert_apps.sdk.feed import NewestFirst, OldestFirst
from streamalert_apps.sdk.http import Answer, Api, Judge, with_params
from streamalert_apps.sdk.keyfile import check_private_key, read_key_file
from streamalert_apps.sdk.oauth import (
    JWT_BEARER,
    Bearer,
    Refusal,
    Token,
    judging_sign_in,
    load_private_key,
    signed_jwt,
)

requirements = ("cryptography",)

SCOPES: Final = "https://www.googleapis.com/auth"
TOKEN: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 (where one is to be had)
ACTIVITIES: Final = "https://admin.googleapis.com/admin/reports/v1/activity/users/all/applications"
ALERT_CENTER: Final = "https://alertcenter.googleapis.com/v1beta1/alerts"
PAGE: Final = 1000
ALERTS: Final = 100


def key_file(text: str) -> Json:
    """Return the content of a service account's key file, whose path or JSON text is given."""
    content = read_key_file(text)
    if content.get("type") != "service_account" or not content.get("client_email"):
        raise UsageError(
            "This is not the key file of a service account.",
            hint="Create a key of type JSON for the service account in the Cloud console.",
        )
    check_private_key(content.get("private_key"))
    return content


class _Id(msgspec.Struct, rename="camel"):
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    unique_qualifier: str | int


class _Activity(msgspec.Struct):
    id: _Id


class _Activities(msgspec.Struct, rename="camel"):
    items: list[Row] = []
    next_page_token: str | None = None


class _Delegated(Events):
    """How any of it is asked for: by a service account, on behalf of an administrator."""

    auth = (
        AuthField("keyfile", "the path of the service account's key file, in JSON", key_file),
        AuthField(
            "delegation_email",
            "the email address of the administrator for whom the service account acts",
            re.compile(
                r"(?!.*gserviceaccount)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+"
                r"@([A-Za-z0-9-]+\.)+(xn--[A-Za-z0-9-]+|[A-Za-z]{2,})"
            ),
        ),
    )
    scope: ClassVar[str]

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._google = Bearer(api, self._token)

    def _token(self) -> Token:
        key = self.credentials["keyfile"]
        now = int(self.api.clock.now().timestamp())
        claims = {
            "iss": key["client_email"],
            "sub": self.credentials["delegation_email"],
            "scope": f"{SCOPES}/{self.scope}",
            "aud": TOKEN,
            "iat": now,
            "exp": now + 3600,
        }
        private_key = load_private_key(key["private_key"], check=False)
        assertion = signed_jwt(claims, private_key, key_id=key.get("private_key_id", ""))
        form = {"grant_type": JWT_BEARER, "assertion": assertion}
        return Token.of(self.api.post(TOKEN, form=form, judge=_judging_token(self.scope)))


class _Report(_Delegated, NewestFirst):
    """What the reports share: all but the application, its lag and its description."""

    schemas = ("gsuite:reports_v2",)
    documentation = "https://developers.google.com/workspace/admin/reports/v1/reference/activities/list"
    precision = timedelta(milliseconds=1)
    retention = timedelta(days=180)
    scope = "admin.reports.audit.readonly"
    application: ClassVar[str]

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 1000 activities between two times in milliseconds."""
        params = {
            "startTime": iso(since, "milliseconds"),
            "endTime": iso(until, "milliseconds"),
            "maxResults": PAGE,
        }
        if token is not None:
            params["pageToken"] = token
        url = with_params(f"{ACTIVITIES}/{self.application}", params)
        page = self._google.get(url, judge=_judge).json(_Activities)
        return Fetched(page.items, None if page.next_page_token == token else page.next_page_token)

    def stamp(self, row: Row) -> Stamp:
        """Return an activity's time and id; a qualifier is unique among the activities of its time."""
        try:
            found = _ACTIVITY.decode(row).id
        except msgspec.MsgspecError as error:
            raise BadResponse(f"An activity of {self.application} is not as documented: {error}.") from None
        return Stamp(found.time, f"{found.time.isoformat()} {found.unique_qualifier}")

    def last_timestamp(self, checkpoint: Checkpoint) -> Json:
        """Return how far the app is as StreamAlert would ask for it."""
        return iso(self.watermark(checkpoint), "milliseconds")


_ACTIVITY: Final = msgspec.json.Decoder(_Activity)


class _AlertPage(msgspec.Struct, rename="camel"):
    alerts: list[Row] = []
    next_page_token: str | None = None


class GsuiteAlerts(_Delegated, OldestFirst):
    """Alerts, each once."""

    type = "gsuite_alerts"
    collects = "alerts of the Alert Center: suspicious sign-ins, phishing, leaked passwords, rules"
    schemas = ("gsuite:alerts",)
    documentation = (
        "https://developers.google.com/workspace/admin/alertcenter/reference/rest/v1beta1/alerts/list"
    )
    precision = timedelta(milliseconds=1)
    lag = timedelta(minutes=10)  # a guess: the time is that at which an alert was made
    scope = "apps.alerts"
    time_field = "createTime"
    id_fields = ("alertId",)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 100 alerts that were made between two times in milliseconds."""
        span = (iso(bound, "milliseconds") for bound in (since, until))
        params = {
            "filter": 'createTime >= "{}" AND createTime <= "{}"'.format(*span),
            "orderBy": "create_time asc",
            "pageSize": ALERTS,
        }
        url = with_params(ALERT_CENTER, params | ({"pageToken": token} if token else {}))
        page = self._google.get(url, judge=_judge_alerts).json(_AlertPage)
        return Fetched(page.alerts, page.next_page_token or None)


_DAY: Final = re.compile(rb'"(dailyLimitExceeded|DAILY_LIMIT_EXCEEDED)"')
_THROTTLED: Final = re.compile(rb'"\w*(limitExceeded|LimitExceeded|quotaExceeded|(LIMIT|QUOTA)_EXCEEDED)"')
_EXHAUSTED: Final = b'"RESOURCE_EXHAUSTED"'
ALLOWANCE_SECONDS: Final = 900.0  # until the next look at an allowance that is spent; it covers a day


def _judge(answer: Answer) -> AppError | None:
    """Name what Google tells in its own way: a 403 may be a limit, and a 503 is one."""
    match answer.status:
        case 503:
            return RateLimited("Google answered 503: try again later.")
        case 403 | 429 if _DAY.search(answer.body):
            return RateLimited("The day's requests are used up.", retry_after=ALLOWANCE_SECONDS)
        case 403 if _THROTTLED.search(answer.body) or _EXHAUSTED in answer.body:
            return RateLimited("Google answered 403: too many requests.")
        case 403:
            return CredentialsError(
                "Google refused access to the activities (403).",
                hint="Enable the Admin SDK API in the service account's project.",
            )
        case 401:
            return CredentialsError(
                "Google refused access to the activities (401).",
                hint="The administrator of delegation_email needs a role with the privilege Reports.",
            )
        case _:
            return None


def _judge_alerts(answer: Answer) -> AppError | None:
    """Name what the Alert Center tells: its limits as the reports do, what is not allowed otherwise."""
    told = _judge(answer)
    if not isinstance(told, CredentialsError):
        return told
    return CredentialsError(
        f"Google refused access to alerts ({answer.status}).",
        hint="Enable the Google Workspace Alert Center API; the administrator needs its privilege.",
    )


def _judging_token(scope: str) -> Judge:
    return judging_sign_in(lambda refusal, _: _refused(refusal, scope))


def _refused(refusal: Refusal, scope: str) -> AppError:
    """Tell which party to a delegation is wrong: the grant, the clock, the administrator or the key."""
    if refusal.error == "unauthorized_client":
        message = "Google does not let the service account act for the administrator."
        hint = f"Grant its client ID domain-wide delegation with the scope {SCOPES}/{scope}."
    elif "iat and exp" in refusal.error_description:
        message = "Google refused the time of the sign-in."
        hint = "Set this machine's clock; it is wrong."
    elif "email" in refusal.error_description:
        message = "Google doesn't know the user to act for."
        hint = "Check delegation_email: it must be the address of an administrator."
    elif refusal.error not in {"invalid_grant", "invalid_client"}:
        message = "Google refused to sign the service account in."
        hint = "Check the key file and delegation_email."
    else:
        message = "Google refused the service account's key."
        hint = "It may have been deleted; create a new key file."
    return CredentialsError(message, hint=hint)


def _app(name: str, hours: int, what: str) -> type[App]:
    class Report(_Report):
        type = f"gsuite_{name}"
        collects = what
        application = name
        lag = timedelta(hours=hours)
        longest = timedelta(days=30) if name == "gmail" else None  # as Google documents

    return Report


# Application, hours within which its events are there, what it tells. Google names the lag "a couple of
# minutes" for those with 1, "up to a few hours" for some of those with 4, and none for the others.
APPS: Final = (
    GsuiteAlerts,
    *(
        _app(name, hours, what)
        for name, hours, what in (
            ("access_evaluation", 1, "access by third-party apps, allowed and denied"),
            ("access_transparency", 1, "access by Google's staff to your data"),
            ("admin", 1, "what administrators do in the Admin console"),
            ("admin_data_action", 1, "what administrators do with users' data"),
            ("assignments", 1, "course work in Assignments"),
            ("calendar", 4, "calendars and events: created, changed, shared"),
            ("chat", 1, "messages, spaces and files in Chat"),
            ("chrome", 1, "managed Chrome browsers and ChromeOS devices"),
            ("chrome_sync", 4, "synchronisation of Chrome profiles"),
            ("classroom", 1, "courses and members in Classroom"),
            ("cloud_search", 4, "searches in Cloud Search"),
            ("contacts", 4, "contacts: changed, shared, exported"),
            ("context_aware_access", 1, "access denied by context-aware rules"),
            ("data_migration", 1, "migrations of mail, files and calendars"),
            ("data_studio", 4, "Looker Studio: reports viewed, shared, downloaded"),
            ("directory_sync", 4, "runs of Directory Sync"),
            ("drive", 1, "files: viewed, changed, shared, downloaded"),
            ("gcp", 4, "Google Cloud: SSH keys of OS Login"),
            ("gemini_in_workspace_apps", 4, "use of Gemini in the Workspace apps"),
            ("gemini_notebook", 4, "use of Gemini notebooks"),
            ("gmail", 4, "messages: delivered, opened, marked, links followed"),
            ("gplus", 4, "Google+, which is retired: expect nothing new"),
            ("graduation", 4, "content transfers by graduating students"),
            ("groups", 4, "changes to groups by their users: members, settings"),
            ("groups_enterprise", 4, "changes to groups by administrators and moderators"),
            ("jamboard", 4, "Jamboard devices, which are retired: expect nothing new"),
            ("keep", 4, "notes in Keep: created, changed, shared"),
            ("ldap", 4, "binds and searches of Secure LDAP clients"),
            ("login", 1, "sign-ins, failures, suspicious ones, sign-outs"),
            ("meet", 4, "calls in Meet, and their participants"),
            ("meet_hardware", 4, "meeting room devices"),
            ("mobile", 1, "mobile devices: synchronised, compromised, changed"),
            ("profile", 4, "user profiles"),
            ("rules", 4, "data protection and alert rules that were triggered"),
            ("saml", 1, "sign-ins to other services by SAML"),
            ("takeout", 4, "exports of users' data with Takeout"),
            ("tasks", 4, "tasks: created, changed, done"),
            ("token", 4, "access granted to third-party apps, used and revoked"),
            ("user_accounts", 4, "users' own changes: passwords, recovery, second factors"),
            ("vault", 4, "matters, searches and exports in Vault"),
            ("voice", 4, "calls and messages in Voice"),
            ("workspace_studio", 4, "flows in Workspace Studio"),
        )
    ),
)

"""Salesforce: Event Monitoring, and what an organization keeps of logins and changes in Setup.

Logins and changes in Setup are rows of two objects, listed between two seconds. Other events are in files,
EventLogFile, one for each type and day or, with `interval` Hourly, hour. A file is made hours or days after
its events and listed by CreatedDate from then on; what comes later is in another file. Each is CSV with a
header. The API answers errors with an array, a spent daily allowance with 403, and an ended session with 401.

Tokens: client credentials at the organisation's My Domain, or username and password (blocked in
newer organisations). An answer names the instance to ask; a token has no stated end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar, Final

import msgspec

from streamalert_apps.errors import (
    AppError,
    BadResponse,
    ConfigError,
    CredentialsError,
    PageTokenExpired,
    RateLimited,
    RequestRefused,
    Unavailable,
)
from streamalert_apps.sdk.app import App, AuthField, Credentials, Json, Log
from streamalert_apps.sdk.catalogue import Catalogue
from streamalert_apps.sdk.csvfile import objects
from streamalert_apps.sdk.events import Events, Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.hosts import host_like, plain_host
from streamalert_apps.sdk.http import Answer, Api, Judge, pinned, with_params
from streamalert_apps.sdk.oauth import Bearer, Refusal, Token, judging_sign_in
from streamalert_apps.sdk.refusals import by_code
from streamalert_apps.sdk.shapes import decode

API: Final = "/services/data/v66.0"  # Spring '26; a version is served for years
LOGIN: Final = "login.salesforce.com"
OBJECTS: Final = "https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference"
SECOND: Final = "%Y-%m-%dT%H:%M:%SZ"
HOST: Final = re.compile(
    r"([a-z0-9-]+\.)+(salesforce\.com|salesforce\.mil|cloudforce\.com|crmforce\.mil|sfcrmproducts\.cn)"
)
SHARED: Final = {"login", "test"}  # hosts that are nobody's own
ALLOWANCE_SECONDS: Final = 900.0  # until the next look at an allowance that is spent; it covers 24 hours

LIMIT: Final = "REQUEST_LIMIT_EXCEEDED"  # of 24 hours; or, as only the message tells, of one moment
TOO_MANY_AT_ONCE: Final = f"{LIMIT} CONCURRENT"

EVENT_TYPES: Final = """
    API ApiTotalUsage ApexCallout ApexExecution ApexRestApi ApexSoap ApexTrigger ApexUnexpectedException
    AsyncReportRun AuraRequest BlockedRedirect BulkApi BulkApi2 BulkApiRequest ChangeSetOperation
    ConcurrentLongRunningApexLimit Console ContentDistribution ContentDocumentLink ContentTransfer
    ContinuationCallout ContinuationCalloutSummary CorsViolation CspViolation Dashboard DatabaseSave
    DocumentAttachmentDownloads ExternalCrossOrgCallout ExternalCustomApexCallout ExternalDataSourceCallout
    ExternalODataCallout FlowExecution GroupMembership HostnameRedirects InsecureExternalAssets
    InsufficientAccess InvocableAction KnowledgeArticleView LightningError LightningInteraction
    LightningLogger LightningPageView LightningPerformance Login LoginAs Logout MetadataApiOperation
    MultiBlockReport NamedCredential OneCommerceUsage PackageInstall PermissionUpdate PlatformEncryption
    QueuedExecution Report ReportExport RestApi Sandbox Search SearchClick Sites TimeBasedWorkflow
    TransactionSecurity UITracking UniqueQuery URI VisualforceRequest WaveChange WaveDownload
    WaveInteraction WavePerformance
""".split()  # noqa: SIM905 (a list of names reads better so)
SAYS: Final = {
    "Console": "use of Salesforce consoles",
    "Login": "logins",
    "LoginAs": "what administrators did while logged in as another user",
    "Report": "reports that were run",
    "ReportExport": "reports that were exported",
}


class _Found(msgspec.Struct, rename={"rows": "records", "more": "nextRecordsUrl"}):
    rows: list[Row]
    done: bool
    more: str | None = None


class _File(msgspec.Struct, rename={"path": "LogFile"}):
    path: str


class _Instance(msgspec.Struct):
    instance_url: str


class _Error(msgspec.Struct, rename={"code": "errorCode"}):
    code: str = ""
    message: str = ""


class _NoSuchFieldError(RequestRefused):
    """The organisation has no such field."""


class _Organization(Events):
    """How any of it is asked for: by an app that signs in, at the instance that the sign-in names."""

    auth: ClassVar[tuple[AuthField, ...]] = (
        AuthField(
            "domain",
            "the host of your My Domain, like 'acme.my.salesforce.com'",
            host_like(HOST),
            optional=True,
        ),
        AuthField(
            "client_id",
            "the consumer key of your External Client App",
            re.compile(r"(?![0-9A-Fa-f]{64}$)[A-Za-z0-9_.#@]{60,256}"),
        ),
        AuthField(
            "client_secret",
            "the consumer secret of the app, digits and letters",
            re.compile(r"(?!3MVG)[0-9a-zA-Z]{16,128}"),
            secret=True,
        ),
        AuthField(
            "username",
            "a username, only if the app can't use client credentials",
            re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
            optional=True,
        ),
        AuthField("password", "the password of that user", re.compile(r".+"), secret=True, optional=True),
        AuthField(
            "security_token",
            "the security token of that user, 24 letters and digits",
            re.compile(r"[a-zA-Z0-9]{20,32}"),
            secret=True,
            optional=True,
        ),
    )

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._salesforce = Bearer(api, self._token)
        self._instance = ""

    def _rows(self, path: str, judge: Judge) -> Fetched:
        """Return a page of what a query found."""
        found = self._salesforce.get(self._url(path), judge=judge).json(_Found)
        if not (found.done or found.more):
            raise BadResponse("Salesforce has more rows, but returned no link to them.")
        return Fetched(found.rows, None if found.done else found.more)

    def _url(self, path: str) -> str:
        self._salesforce.sign_in()
        return pinned(f"{self._instance}{path}", to=self._instance)

    def _token(self) -> Token:
        given = self.credentials
        form = {"client_id": given["client_id"], "client_secret": given["client_secret"]}
        host = given.get("domain", LOGIN)
        if username := given.get("username"):
            password = f"{given.get('password', '')}{given.get('security_token', '')}"
            form |= {"grant_type": "password", "username": username, "password": password}
        elif host.partition(".")[0] in SHARED:
            raise ConfigError(
                "Client credentials need the host of your My Domain.", hint="Give it as 'domain'."
            )
        else:
            form |= {"grant_type": "client_credentials"}
        answer = self.api.post(f"https://{host}/services/oauth2/token", form=form, judge=_judge_token)
        instance = plain_host(answer.json(_Instance).instance_url)
        if not HOST.fullmatch(instance):
            raise BadResponse("Salesforce named an instance outside its own domains, which is not used.")
        self._instance = f"https://{instance}"
        return Token.of(answer)


class _EventLogFile(_Organization, Catalogue):
    """What the event types share: all but their name."""

    auth = (
        *_Organization.auth,
        AuthField(
            "interval",
            "'Daily' or 'Hourly': the files to collect",
            re.compile(r"Daily|Hourly"),
            optional=True,
        ),
    )
    schemas = ("salesforce:event_log_file",)
    documentation = "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/using_resources_event_log_files.htm"
    time_field = "CreatedDate"
    id_fields = ("Id", "CreatedDate")  # the file of a day may be replaced, perhaps under its id
    precision = timedelta(seconds=1)
    lag = timedelta(hours=6)  # from CreatedDate until a file is listed; not documented
    retention = timedelta(days=30)
    event_type: ClassVar[str]

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """List the files of the type and interval that were made between two seconds, oldest first."""
        if token is not None:
            return self._rows(token, _judge)
        made = f"CreatedDate >= {since:{SECOND}} AND CreatedDate <= {until:{SECOND}}"
        interval = self.credentials.get("interval", "Daily")
        try:
            return self._query(f"{made} AND Interval = '{interval}'")
        except _NoSuchFieldError as error:
            if interval == "Hourly":
                error.hint = "The organization has no hourly files. Use 'Daily', or have them turned on."
                raise
            return self._query(made)  # without hourly files the field is missing, and all are daily

    def open(self, file: Row) -> Iterator[Log]:
        """Return the rows of a file, each as an object with the names of the header."""
        try:
            path = decode(file, _File).path
        except msgspec.ValidationError:
            raise BadResponse("Salesforce listed a log file without the address of its content.") from None
        return objects(self._salesforce.stream(self._url(path), judge=_judge))

    def _query(self, conditions: str) -> Fetched:
        which = f"EventType = '{self.event_type}' AND {conditions}"
        files = f"SELECT Id, CreatedDate, LogFile FROM EventLogFile WHERE {which}"  # noqa: S608 (it's SOQL)
        soql = f"{files} ORDER BY CreatedDate ASC, Id ASC"
        return self._rows(_asked(soql), _judge)


class _Object(_Organization, OldestFirst):
    """What the objects share whose rows are events."""

    precision = timedelta(seconds=1)
    lag = timedelta(minutes=10)  # a guess: not documented
    retention = timedelta(days=180)
    id_fields = ("Id",)
    object: ClassVar[str]
    fields: ClassVar[str]

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 2000 rows between two seconds. The token is the path of the page."""
        time = self.time_field
        when = f"{time} >= {since:{SECOND}} AND {time} <= {until:{SECOND}}"
        soql = f"SELECT {self.fields} FROM {self.object} WHERE {when} ORDER BY {time} ASC, Id ASC"  # noqa: S608
        return self._rows(token or _asked(soql), _judge_object)


class SalesforceLoginHistory(_Object):
    """Logins, of organizations without Event Monitoring, too."""

    type = "salesforce_loginhistory"
    collects = "logins of the last six months, including failed ones; needs no Event Monitoring"
    schemas = ("salesforce:login_history",)
    documentation = f"{OBJECTS}/sforce_api_objects_loginhistory.htm"
    time_field = "LoginTime"
    object = "LoginHistory"
    fields = (
        "Id, UserId, LoginTime, LoginType, SourceIp, LoginUrl, Browser, Platform, Status, Application, "
        "ClientVersion, ApiType, ApiVersion, CountryIso, TlsProtocol, CipherSuite, AuthenticationServiceId"
    )


class SalesforceSetupAuditTrail(_Object):
    """What administrators change in Setup."""

    type = "salesforce_setupaudittrail"
    collects = "changes in Setup: users, permissions, settings, code"
    schemas = ("salesforce:setup_audit_trail",)
    documentation = f"{OBJECTS}/sforce_api_objects_setupaudittrail.htm"
    time_field = "CreatedDate"
    object = "SetupAuditTrail"
    fields = (
        "Id, CreatedDate, CreatedById, Action, Section, Display, DelegateUser, ResponsibleNamespacePrefix"
    )


def _asked(soql: str) -> str:
    return with_params(f"{API}/query", {"q": soql})


@judging_sign_in
def _judge_token(refusal: Refusal, _: Answer) -> AppError:
    said = "Salesforce refused to sign the app in."
    match refusal.error, refusal.error_description:
        case "invalid_grant", "request not supported on this domain":
            return CredentialsError(said, hint="Client credentials need the host of your My Domain.")
        case (("invalid_client_id" | "invalid_client" | "invalid_app_access"), _):
            return CredentialsError(said, hint="Check the consumer key and the consumer secret.")
        case "invalid_grant", _:
            return CredentialsError(
                said, hint="Check user, password and security token, and that the app allows this flow."
            )
        case "unsupported_grant_type", _:
            return CredentialsError(said, hint="The organization does not allow this flow.")
        case _:
            return CredentialsError(said)


def _code(answer: Answer) -> str:
    error = next(iter(answer.json(list[_Error])), _Error())
    at_once = error.code == LIMIT and "concurrent" in error.message.lower()
    return TOO_MANY_AT_ONCE if at_once else error.code


_MEANINGS: Final[Mapping[str, Callable[[], AppError]]] = {
    TOO_MANY_AT_ONCE: partial(RateLimited, "Salesforce received too many requests of this user at once."),
    **dict.fromkeys(
        (
            "QUERY_TIMEOUT",
            "REQUEST_RUNNING_TOO_LONG",
            "SERVER_UNAVAILABLE",
            "UNABLE_TO_LOCK_ROW",
            "UNKNOWN_EXCEPTION",
        ),
        partial(Unavailable, "Salesforce has a server error."),
    ),
    LIMIT: partial(RateLimited, "The requests for 24 hours are used up.", retry_after=ALLOWANCE_SECONDS),
    "INVALID_QUERY_LOCATOR": partial(PageTokenExpired, "Salesforce no longer knows the rest of the list."),
    "INVALID_FIELD": partial(_NoSuchFieldError, "Salesforce knows no field 'Interval' of EventLogFile."),
    "INVALID_SESSION_ID": partial(CredentialsError, "The session has expired."),
    **{
        code: partial(
            CredentialsError,
            f"Salesforce does not let the user see log files ({code}).",
            hint="Grant 'API Enabled' and 'View Event Log Files'; most types need Event Monitoring.",
        )
        for code in ("INVALID_TYPE", "INSUFFICIENT_ACCESS", "API_DISABLED_FOR_ORG")
    },
}
_judge = by_code(_code, _MEANINGS)
_judge_object = by_code(
    _code,
    {
        **_MEANINGS,
        **{
            code: partial(
                CredentialsError,
                f"Salesforce does not let the user see the rows ({code}).",
                hint="Grant 'API Enabled', and 'Manage Users' or 'View Setup and Configuration'.",
            )
            for code in ("INVALID_TYPE", "INVALID_FIELD", "INSUFFICIENT_ACCESS", "API_DISABLED_FOR_ORG")
        },
    },
)


def _app(event_type: str) -> type[App]:
    """Return the app type of an event type."""
    says = SAYS.get(event_type, f"event log files of the type {event_type}")
    members = {"type": f"salesforce_{event_type.lower()}", "event_type": event_type, "collects": says}
    own = {"__module__": __name__, "__doc__": f"{says.capitalize()}."}
    return type(f"Salesforce{event_type}", (_EventLogFile,), members | own)


APPS: Final = (
    *(_app(event_type) for event_type in EVENT_TYPES),
    SalesforceLoginHistory,
    SalesforceSetupAuditTrail,
)

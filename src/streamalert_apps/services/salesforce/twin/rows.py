"""What Salesforce's log files say: CSV, every value quoted, with all that CSV may hold."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from random import Random
from string import ascii_letters, digits
from typing import Final

_COMMON: Final = (
    "EVENT_TYPE",
    "TIMESTAMP",
    "REQUEST_ID",
    "ORGANIZATION_ID",
    "USER_ID",
    "RUN_TIME",
    "CPU_TIME",
)
_COMMON_END: Final = ("TIMESTAMP_DERIVED", "USER_ID_DERIVED", "CLIENT_IP", "URI_ID_DERIVED")
_OWN: Final = {
    "Login": ("URI", "SESSION_KEY", "LOGIN_KEY", "BROWSER_TYPE", "USER_NAME", "LOGIN_STATUS", "SOURCE_IP"),
    "Report": ("URI", "REPORT_ID", "ENTITY_NAME", "DISPLAY_TYPE", "ROW_COUNT", "NUMBER_COLUMNS", "SORT"),
    "ApexExecution": ("QUIDDITY", "ENTRY_POINT", "NUMBER_SOQL_QUERIES", "URI"),
}
_VALUES: Final = {
    "URI": ("/index.jsp", "/00O5g00000ABCDE?pv0=Zürich", "", "/services/data/v66.0/query"),
    "BROWSER_TYPE": (
        "Mozilla/5.0 (Macintosh)",
        'Chrome "quoted", with a comma',
        "two\nlines",
        "Windows\r\nline",
        '"""example message"""',
    ),
    "USER_NAME": ("dana@example.com", "zoë.łukasz@example.com", "渡辺@example.jp"),
    "LOGIN_STATUS": ("LOGIN_NO_ERROR", "LOGIN_ERROR_INVALID_PASSWORD"),
    "ENTITY_NAME": ("Account", "Contact\nOpportunity", ""),
    "ENTRY_POINT": ("Utils.run()", 'System."Flow"', "Löhne, Büro"),
}

EVENT_TYPES: Final = tuple(
    """API ApiTotalUsage ApexCallout ApexExecution ApexRestApi ApexSoap ApexTrigger ApexUnexpectedException
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
    WaveInteraction WavePerformance""".split()  # noqa: SIM905 (a list of names reads better so)
)


def columns(event_type: str) -> tuple[str, ...]:
    """Return the columns of a type's files."""
    return (*_COMMON, *_OWN.get(event_type, ("URI", "SESSION_KEY", "LOGIN_KEY")), *_COMMON_END)


def row(random: Random, event_type: str, at: datetime) -> dict[str, str]:
    """Return an event."""
    user = identifier(random, "005")
    content = {name: random.choice(_VALUES.get(name, ("",))) for name in columns(event_type)}
    return content | {
        "EVENT_TYPE": event_type,
        "TIMESTAMP": f"{at:%Y%m%d%H%M%S}.{at.microsecond // 1000:03}",
        "REQUEST_ID": "4" + "".join(random.choices(ascii_letters + digits, k=20)),
        "ORGANIZATION_ID": "00D5g00000AbCdE",
        "USER_ID": user[:15],
        "RUN_TIME": str(random.randint(1, 9000)),
        "CPU_TIME": random.choice(["", str(random.randint(1, 900))]),
        "TIMESTAMP_DERIVED": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z",
        "USER_ID_DERIVED": user,
        "CLIENT_IP": f"203.0.113.{random.randint(1, 254)}",
    }


def table(event_type: str, events: Iterable[dict[str, str]]) -> bytes:
    """Return the file of some events."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns(event_type), quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(events)
    return text.getvalue().encode()


def identifier(random: Random, prefix: str) -> str:
    """Return an id as Salesforce forms them, of 18 characters."""
    return prefix + "".join(random.choices(ascii_letters + digits, k=15))

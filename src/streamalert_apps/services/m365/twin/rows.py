"""What Microsoft 365's records say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from streamalert_apps.simulator.single import ID, TIME, Row, uuid

_PEOPLE: Final = (
    "dana@example.com",
    "zoë.łukasz@example.com",
    "渡辺@example.jp",
    "pat_partner.example#EXT#@example.com",
)


def _record(random: Random, kind: int, workload: str, operation: str, **more: Any) -> Row:
    address = {"ClientIP": f"203.0.113.{random.randint(1, 254)}"}
    return {
        "CreationTime": TIME,
        "Id": ID,
        "Operation": operation,
        "OrganizationId": uuid(random),
        "RecordType": kind,
        "ResultStatus": random.choice(["Success", "Failed", "Succeeded"]),
        "UserKey": f"i:0h.f|membership|{random.getrandbits(60):016x}@live.com",
        "UserType": random.choice([0, 0, 2, 4]),
        "Version": 1,
        "Workload": workload,
        **(address if random.random() < 0.9 else {}),  # noqa: PLR2004 (a share)
        "ObjectId": "Unknown",
        "UserId": random.choice(_PEOPLE),
    } | more


def _entra(random: Random) -> Row:
    properties = [{"Name": "RequestType", "Value": "OAuth2:Authorize"}, {"Name": "Büro", "Value": "100%"}]
    return _record(
        random,
        15,
        "AzureActiveDirectory",
        random.choice(["UserLoggedIn", "UserLoginFailed"]),
        AzureActiveDirectoryEventType=1,
        ExtendedProperties=properties,
        ModifiedProperties=[],
        Actor=[{"ID": uuid(random), "Type": 0}],
        ActorContextId=uuid(random),
        Target=[{"ID": "Unknown", "Type": 0}],
        ApplicationId=uuid(random),
        DeviceProperties=[{"Name": "OS", "Value": "Windows 10"}],
        ErrorNumber=str(random.choice([0, 50126])),
    )


def _exchange(random: Random) -> Row:
    return _record(
        random,
        random.choice([1, 2, 50]),
        "Exchange",
        random.choice(["Set-Mailbox", "MailItemsAccessed", "New-InboxRule"]),
        ExternalAccess=False,
        OrganizationName="example.onmicrosoft.com",
        OriginatingServer="VE1PR01MB0001 (15.20.7000.000)\r\n",
        Parameters=[{"Name": "Identity", "Value": 'Pat "O\'Neil"'}],
    )


def _sharepoint(random: Random) -> Row:
    return _record(
        random,
        6,
        random.choice(["SharePoint", "OneDrive"]),
        random.choice(["FileDownloaded", "FileAccessed", "SharingSet"]),
        ObjectId="https://acme-my.sharepoint.com/personal/dana/Documents/Löhne 100%.xlsx",
        CorrelationId=uuid(random),
        EventSource="SharePoint",
        ItemType="File",
        ListItemUniqueId=uuid(random),
        Site=uuid(random),
        UserAgent="Mozilla/5.0",
        SourceFileExtension="xlsx",
        SourceFileName="Löhne 100%.xlsx",
        AppAccessContext={"AADSessionId": uuid(random), "CorrelationId": uuid(random)},
    )


def _general(random: Random) -> Row:
    return _record(
        random,
        25,
        "MicrosoftTeams",
        random.choice(["MemberAdded", "TeamsSessionStarted"]),
        TeamName="Büro “Zürich”",
        Members=[{"DisplayName": "渡辺 悠", "Role": 1, "UPN": "y.watanabe@example.jp"}],
    )


def _dlp(random: Random) -> Row:
    return _record(
        random,
        13,
        "OneDrive",
        "DlpRuleMatch",
        IncidentId=uuid(random),
        PolicyDetails=[{"PolicyId": uuid(random), "PolicyName": "IBAN", "Rules": [{"Severity": "Low"}]}],
        SharePointMetaData={"FileName": "Löhne.xlsx", "FileSize": random.randint(1, 1 << 33)},
    )


CONTENT: Final[Mapping[str, tuple[str, Callable[[Random], Row]]]] = {
    "m365_entra": ("Audit.AzureActiveDirectory", _entra),
    "m365_exchange": ("Audit.Exchange", _exchange),
    "m365_sharepoint": ("Audit.SharePoint", _sharepoint),
    "m365_general": ("Audit.General", _general),
    "m365_dlp": ("DLP.All", _dlp),
}


def encode(content: Any) -> bytes:
    """Return JSON without blanks, text as it is."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()

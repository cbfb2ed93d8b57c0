"""What Entra's logs say."""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

from streamalert_apps.simulator.single import ID, TIME, Row, uuid

_PEOPLE: Final = (
    ("Avery Admin", "avery@example.com"),
    ("Zoë Łukasz", "zoe.lukasz@example.com"),
    ("渡辺 悠", "y.watanabe@example.jp"),
    ('Pat "O\'Neil"', "pat_partner.example#EXT#@example.com"),
)
_AGENTS: Final = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; “Büro”) Edg/131.0",
)
_FAILED: Final = {
    "errorCode": 50126,
    "failureReason": "Error validating credentials due to invalid username or password.",
    "additionalDetails": "The user didn't enter the right credentials.\u00a0",
}
_PASSED: Final = {"errorCode": 0, "failureReason": "Other.", "additionalDetails": None}
_ACTIVITIES: Final = (
    ("UserManagement", "Update user", "Update"),
    ("GroupManagement", "Add member to group", "Assign"),
    ("ApplicationManagement", "Consent to application “100%”", "Add"),
    ("Policy", "Delete conditional access policy", "Delete"),
)


def audit(random: Random) -> Row:
    """Return a change in the directory, by a person or by an app."""
    name, principal = random.choice(_PEOPLE)
    category, activity, operation = random.choice(_ACTIVITIES)
    user = {
        "id": uuid(random),
        "displayName": random.choice([name, None]),
        "userPrincipalName": principal,
        "ipAddress": _address(random),
        "userType": None,
        "homeTenantId": None,
        "homeTenantName": None,
    }
    app = {"appId": None, "displayName": "Azure AD Cloud Sync", "servicePrincipalId": uuid(random)}
    by_person = random.random() < 0.7  # noqa: PLR2004 (a share)
    return {
        "id": ID,
        "category": category,
        "correlationId": uuid(random),
        "result": random.choice(["success", "failure"]),
        "resultReason": "",
        "activityDisplayName": activity,
        "activityDateTime": TIME,
        "loggedByService": "Core Directory",
        "operationType": operation,
        "initiatedBy": {"user": user, "app": None} if by_person else {"user": None, "app": app},
        "targetResources": [
            {
                "id": uuid(random),
                "displayName": None,
                "type": "User",
                "userPrincipalName": random.choice(_PEOPLE)[1],
                "groupType": None,
                "modifiedProperties": [
                    {"displayName": "Group.DisplayName", "oldValue": None, "newValue": '"eng"'}
                ],
            }
        ],
        "additionalDetails": [{"key": "User-Agent", "value": random.choice(_AGENTS)}],
    }


def interactive(random: Random) -> Row:
    """Return a sign-in of a user, as version 1.0 shows it."""
    name, principal = random.choice(_PEOPLE)
    return {
        "id": ID,
        "createdDateTime": TIME,
        "userDisplayName": name,
        "userPrincipalName": principal.lower(),
        "userId": uuid(random),
        "appId": uuid(random),
        "appDisplayName": "Azure Portal",
        "ipAddress": _address(random),
        "clientAppUsed": "Browser",
        "correlationId": uuid(random),
        "conditionalAccessStatus": random.choice(["success", "failure", "notApplied"]),
        "isInteractive": True,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes": [],
        "riskEventTypes_v2": [],
        "resourceDisplayName": "Windows Azure Service Management API",
        "resourceId": uuid(random),
        "status": random.choice([_PASSED, _PASSED, _FAILED]),
        "deviceDetail": {
            "deviceId": "",
            "displayName": None,
            "operatingSystem": "Windows10",
            "browser": "Edge 131.0",
            "isCompliant": None,
            "isManaged": random.choice([None, True]),
            "trustType": None,
        },
        "location": {
            "city": "Zürich",
            "state": None,
            "countryOrRegion": "CH",
            "geoCoordinates": {"altitude": None, "latitude": 47.36667, "longitude": 8.55},
        },
        "appliedConditionalAccessPolicies": [],
    }


def beta(random: Random) -> Row:
    """Return a sign-in as the beta shows it; what it is of is put in by its kind."""
    return interactive(random) | {
        "isInteractive": False,
        "userAgent": random.choice(_AGENTS),
        "userType": random.choice(["member", "guest"]),
        "authenticationProtocol": "none",
        "incomingTokenType": "primaryRefreshToken",
        "originalRequestId": "",
        "tokenIssuerType": "AzureAD",
        "processingTimeInMilliseconds": random.randint(30, 900),
        "uniqueTokenIdentifier": f"{random.getrandbits(120):030x}",
        "servicePrincipalId": random.choice(["", uuid(random)]),
        "flaggedForReview": False,
        "autonomousSystemNumber": random.randint(1000, 400000),
        "crossTenantAccessType": "none",
        "homeTenantId": uuid(random),
        "authenticationDetails": [],
        "networkLocationDetails": [{"networkType": "namedNetwork", "networkNames": ["Büro"]}],
        "authenticationProcessingDetails": [{"key": "Is CAE Token", "value": "False"}],
        "managedServiceIdentity": None,
    }


def provisioning(random: Random) -> Row:
    """Return what was done to one object."""
    name, _ = random.choice(_PEOPLE)
    failed = random.random() < 0.3  # noqa: PLR2004 (a share)
    error = {
        "errorCode": "EntryConflict",
        "reason": "Message: a group already exists with the same name (409).",
        "additionalDetails": None,
        "errorCategory": "nonServiceFailure",
        "recommendedAction": None,
    }

    def system(title: str) -> dict[str, Any]:
        return {"id": uuid(random), "displayName": title, "details": {}}

    def identity(kind: str) -> dict[str, Any]:
        return {"id": uuid(random), "displayName": name, "identityType": kind, "details": {}}

    return {
        "id": ID,
        "activityDateTime": TIME,
        "tenantId": uuid(random),
        "jobId": f"scim.{random.getrandbits(128):032x}",
        "cycleId": uuid(random),
        "changeId": uuid(random),
        "provisioningAction": random.choice(["create", "update", "disable", "other"]),
        "durationInMilliseconds": random.randint(1, 4000),
        "servicePrincipal": {"id": uuid(random), "displayName": "Example 100%"},
        "sourceSystem": system("Microsoft Entra ID"),
        "targetSystem": system("Example"),
        "initiatedBy": {"id": "", "displayName": "Azure AD Provisioning Service", "initiatorType": "system"},
        "sourceIdentity": identity("User"),
        "targetIdentity": identity("User"),
        "provisioningStatusInfo": {
            "status": "failure" if failed else "success",
            "errorInformation": error if failed else None,
        },
        "provisioningSteps": [
            {
                "name": "EntryImportAdd",
                "provisioningStepType": "import",
                "status": "success",
                "description": f"Received User '{name}' change of type (Add)",
                "details": {},
            }
        ],
        "modifiedProperties": [{"displayName": "displayName", "oldValue": None, "newValue": name}],
    }


def risk(random: Random) -> Row:
    """Return a detection of risk; what it is told besides is JSON in a text."""
    name, principal = random.choice(_PEOPLE)
    more = [{"Key": "userAgent", "Value": random.choice(_AGENTS)}]
    at = f"2023-11-2{random.randint(0, 1)}T08:{random.randint(10, 59)}:18.7822851Z"
    return {
        "id": ID,
        "requestId": uuid(random),
        "correlationId": uuid(random),
        "riskEventType": "unfamiliarFeatures",
        "riskState": random.choice(["atRisk", "remediated", "dismissed"]),
        "riskLevel": random.choice(["low", "medium", "high"]),
        "riskDetail": "none",
        "source": "IdentityProtection",
        "detectionTimingType": random.choice(["realtime", "offline"]),
        "activity": "signin",
        "tokenIssuerType": "AzureAD",
        "ipAddress": _address(random),
        "location": {"city": "Zürich", "state": "ZH", "countryOrRegion": "CH", "geoCoordinates": None},
        "activityDateTime": at,
        "detectedDateTime": at,
        "lastUpdatedDateTime": TIME,
        "userId": uuid(random),
        "userDisplayName": name,
        "userPrincipalName": principal,
        "additionalInfo": json.dumps(more, ensure_ascii=False),
    }


def _address(random: Random) -> str:
    if random.random() < 0.1:  # noqa: PLR2004 (a share)
        return f"2001:db8::{random.getrandbits(32):x}"
    return f"203.0.113.{random.randint(1, 254)}"

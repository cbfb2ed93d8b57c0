"""Defender's alerts and incidents in Graph: filtered by when they were last updated, the newest on top."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Final

from streamalert_apps.simulator.graph import TIMES, GraphApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Size
from streamalert_apps.simulator.single import ID, TIME, Row, chance

TENANT: Final = "b3c1b5fc-828c-45fa-a1e1-10d74f6d6e9c"
_TITLES: Final = ("Suspicious activity", 'Büro: "mimikatz" 100%', "渡辺のログイン")


def alert(random: Random) -> Row:
    """Return a state of an alert."""
    status = random.choice(["new", "inProgress", "resolved"])
    return {
        "id": ID,
        "providerAlertId": f"da{random.getrandbits(60)}",
        "incidentId": str(random.randint(1, 99_999)),
        "status": status,
        "severity": random.choice(["informational", "low", "medium", "high"]),
        "classification": "truePositive" if status == "resolved" else None,
        "determination": None,
        "serviceSource": random.choice(["microsoftDefenderForEndpoint", "microsoftDefenderForIdentity"]),
        "detectionSource": "antivirus",
        "detectorId": "e0da400f-affd-43ef-b1d5-afc2eb6f2756",
        "tenantId": TENANT,
        "title": random.choice(_TITLES),
        "description": "An attacker may have signed in.",
        "recommendedActions": "",
        "category": "CredentialAccess",
        "assignedTo": random.choice([None, "dana@example.com"]),
        "alertWebUrl": "https://security.microsoft.com/alerts/da1",
        "threatDisplayName": None,
        "mitreTechniques": ["T1003"] if chance(random, 0.5) else [],
        "createdDateTime": "2023-11-21T09:00:00.7211305Z",
        "lastUpdateDateTime": TIME,
        "resolvedDateTime": TIME if status == "resolved" else None,
        "firstActivityDateTime": "2023-11-21T08:59:00Z",
        "lastActivityDateTime": "2023-11-21T08:59:30Z",
        "comments": [],
        "evidence": [{"@odata.type": "#microsoft.graph.security.userEvidence", "verdict": "suspicious"}],
        "systemTags": [],
    }


def incident(random: Random) -> Row:
    """Return a state of an incident."""
    return {
        "id": ID,
        "tenantId": TENANT,
        "status": random.choice(["active", "inProgress", "resolved", "redirected"]),
        "severity": random.choice(["low", "medium", "high"]),
        "displayName": random.choice(_TITLES),
        "classification": "unknown",
        "determination": "unknown",
        "assignedTo": random.choice([None, "dana@example.com"]),
        "createdDateTime": "2023-11-21T09:00:00.72Z",
        "lastUpdateDateTime": TIME,
        "redirectIncidentId": None,
        "incidentWebUrl": "https://security.microsoft.com/incidents/29",
        "customTags": ["Demo"],
        "comments": [],
        "summary": None,
    }


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str | int]:
    return [f"da{random.getrandbits(60):019d}_-{random.getrandbits(31)}" for _ in times]


def _listing(app_type: str, path: str, row: Callable[[Random], Row], most: int) -> Listing:
    return Listing(
        app_type=app_type,
        path=f"/v1.0/security/{path}",
        row=row,
        ids=_ids,
        times=TIMES,
        since=Bound("ge"),
        until=Bound("le"),
        size=Size("$top", usual=most, most=most),
        turn=Cursor("$skiptoken", life=timedelta(hours=1)),
        newest_first=True,
        text_field="displayName" if path == "incidents" else "description",
    )


class Defender(GraphApi):
    """A tenant with Defender. `rate`: requests in a minute, of both lists (None: any number)."""

    limit = 50
    logs = (
        _listing("defender_alerts", "alerts_v2", alert, 100),
        _listing("defender_incidents", "incidents", incident, 50),
    )
    fields = dict.fromkeys((log.path for log in logs), "lastUpdateDateTime")


TWIN = Defender

"""Intune's audit log in Graph, whose order is not documented. How many events a page tells of is not true."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.graph import TIMES, GraphApi
from streamalert_apps.simulator.listapi import VENDORS
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Size
from streamalert_apps.simulator.single import ID, TIME, Row, chance, uuid

PATH: Final = "/v1.0/deviceManagement/auditEvents"


def event(random: Random) -> Row:
    """Return an event, of an administrator or of an app."""
    by_app = chance(random, 0.2)
    actor: dict[str, Any] = {
        "auditActorType": "Application" if by_app else "ItPro",
        "userPermissions": ["*"],
        "applicationId": uuid(random),
        "applicationDisplayName": "Microsoft Intune portal extension",
        "userPrincipalName": None if by_app else "zoe.lukasz@example.com",
        "servicePrincipalName": "collector" if by_app else None,
        "ipAddress": None,
        "userId": None if by_app else uuid(random),
    }
    change = {"displayName": "Name", "oldValue": None, "newValue": 'Büro "100%" 渡辺'}
    return {
        "id": ID,
        "displayName": random.choice(["Delete application.", "Create device configuration."]),
        "componentName": random.choice(["MobileApp", "DeviceConfiguration"]),
        "activity": None,
        "activityDateTime": TIME,
        "activityType": "Delete MobileApp",
        "activityOperationType": random.choice(["Create", "Delete", "Patch"]),
        "activityResult": random.choice(["Success", "Failure"]),
        "correlationId": uuid(random),
        "category": "Application",
        "actor": actor,
        "resources": [
            {
                "displayName": "Calculator",
                "auditResourceType": "WinGetApp",
                "resourceId": uuid(random),
                "modifiedProperties": [change] if chance(random, 0.5) else [],
            }
        ],
    }


AUDIT: Final = Listing(
    app_type="intune_audit",
    path=PATH,
    row=event,
    times=TIMES,
    since=Bound("ge"),
    until=Bound("le"),
    size=Size("$top", usual=1000, most=1000),
    turn=Cursor("$skiptoken", life=timedelta(hours=1)),
    newest_first=True,
    text_field="displayName",
)


class Intune(GraphApi):
    """A tenant with Intune. `rate`: requests in 20 seconds. `newest_first`: the order of its log."""

    limit = 1000
    span = timedelta(seconds=20)
    fields = {PATH: "activityDateTime"}  # noqa: RUF012 (as in GraphApi)

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        cloud: str = "global",
        permitted: bool = True,
        newest_first: bool = True,
    ) -> None:
        logs = (replace(AUDIT, newest_first=newest_first),)
        super().__init__(
            clock, seed=seed, page_size=page_size, rate=rate, cloud=cloud, permitted=permitted, logs=logs
        )


TWIN = Intune

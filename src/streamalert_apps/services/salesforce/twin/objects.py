"""Objects whose rows are events: logins, and changes in Setup. Of SOQL, the one query that lists a span."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.salesforce.twin.rows import identifier
from streamalert_apps.services.salesforce.twin.soql import SoqlError
from streamalert_apps.simulator.listing import Listing, Offset, Size
from streamalert_apps.simulator.logs import Logs
from streamalert_apps.simulator.paging import ListedLog
from streamalert_apps.simulator.single import ID, TIME, Row, chance
from streamalert_apps.simulator.store import SECOND, micros, moment
from streamalert_apps.simulator.times import ISO_SECONDS, Times

BATCH: Final = 2000
_FAR: Final = 1 << 40
_QUERY: Final = re.compile(
    r"SELECT (?P<fields>[\w, ]+) FROM (?P<object>\w+) WHERE (?P<time>\w+) >= (?P<since>\S+)"
    r" AND (?P=time) <= (?P<until>\S+) ORDER BY (?P=time) ASC, Id ASC"
)


def login(random: Random) -> Row:
    """Return a login; one that failed says why."""
    failed = chance(random, 0.2)
    return {
        "attributes": {"type": "LoginHistory", "url": "/services/data/v66.0/sobjects/LoginHistory/0Ya"},
        "Id": ID,
        "UserId": identifier(random, "005"),
        "LoginTime": TIME,
        "LoginType": random.choice(["Application", "SAML Sfdc Initiated SSO", "Remote Access 2.0"]),
        "SourceIp": f"203.0.113.{random.randint(1, 254)}",
        "LoginUrl": "acme.my.salesforce.com",
        "Browser": random.choice(["Chrome 119", 'Büro "100%"', "Unknown"]),
        "Platform": "Mac OSX",
        "Status": "Invalid Password" if failed else "Success",
        "Application": "Browser",
        "ClientVersion": "N/A",
        "ApiType": None,
        "ApiVersion": None,
        "CountryIso": "DE",
        "TlsProtocol": "TLS 1.3",
        "CipherSuite": "TLS_AES_256_GCM_SHA384",
        "AuthenticationServiceId": None,
    }


def change(random: Random) -> Row:
    """Return a change in Setup."""
    return {
        "attributes": {"type": "SetupAuditTrail", "url": "/services/data/v66.0/sobjects/SetupAuditTrail/0Ym"},
        "Id": ID,
        "CreatedDate": TIME,
        "CreatedById": random.choice([identifier(random, "005"), None]),
        "Action": random.choice(["changedpassword", "PermSetAssign", "createdcustomersuccessuser"]),
        "Section": random.choice(["Manage Users", None]),
        "Display": random.choice(["Changed password for Zoë Łukasz", "渡辺 100%"]),
        "DelegateUser": None,
        "ResponsibleNamespacePrefix": None,
    }


def _written(at: int) -> str:
    return f'"{moment(at):%Y-%m-%dT%H:%M:%S}.000+0000"'


def _ids(prefix: str) -> Callable[[Random, Sequence[tuple[int, int]]], list[str | int]]:
    return lambda random, times: [identifier(random, prefix) for _ in times]


def _listing(app_type: str, name: str, row: Callable[[Random], Row], prefix: str, text_field: str) -> Listing:
    return Listing(
        app_type=app_type,
        path=name,
        row=row,
        ids=_ids(prefix),
        times=Times(SECOND, ISO_SECONDS.read, _written),
        size=Size("", usual=BATCH, most=BATCH),
        turn=Offset(),
        id_field="Id",
        text_field=text_field,
    )


LISTINGS: Final = (
    _listing("salesforce_loginhistory", "LoginHistory", login, "0Ya", "Browser"),
    _listing("salesforce_setupaudittrail", "SetupAuditTrail", change, "0Ym", "Display"),
)
TIMES: Final = {"LoginHistory": "LoginTime", "SetupAuditTrail": "CreatedDate"}
KEPT: Final = timedelta(days=180)


class Objects(Logs[ListedLog]):
    """The objects of an organization."""

    def __init__(self, clock: Clock, seed: int, page_size: int) -> None:
        self._clock = clock
        self._logs = {listing.app_type: ListedLog(listing, clock, seed, page_size) for listing in LISTINGS}

    def has(self, name: str) -> bool:
        """Tell whether this is an app type of an object."""
        return name in self._logs

    def found(self, text: str) -> list[dict[str, Any]] | None:
        """Return what a query finds, oldest first; None where it is of none of the objects.

        Raises SoqlError for one that Salesforce would not take, or that is not simulated.
        """
        name = re.search(r"\bFROM (\w+)", text)
        log = next((one for one in self._logs.values() if name and one.listing.path == name[1]), None)
        if log is None:
            return None
        asked = _QUERY.fullmatch(text)
        if asked is None or asked["time"] != TIMES[asked["object"]]:
            raise SoqlError("MALFORMED_QUERY", "unexpected token")
        low, high = (
            micros(datetime.fromisoformat(asked[bound]).astimezone(UTC)) for bound in ("since", "until")
        )
        kept = micros(self._clock.now() - KEPT)
        fields = asked["fields"].split(", ")
        rows = [
            json.loads(event.body)
            for event in log.feed.page(low=max(low, kept), high=high, limit=_FAR).events
        ]
        for field in fields:
            if any(field not in row for row in rows[:1]):
                raise SoqlError("INVALID_FIELD", f"No such column '{field}' on entity '{asked['object']}'.")
        return [{"attributes": row["attributes"]} | {field: row[field] for field in fields} for row in rows]

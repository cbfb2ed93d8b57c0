"""The Alert Center: alerts.list. Of its filter, a span of `createTime` alone is simulated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from streamalert_apps.services.gsuite.twin.access import failure
from streamalert_apps.simulator.access import arguments
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.listapi import ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size, Sort
from streamalert_apps.simulator.single import ID, TIME, Row
from streamalert_apps.simulator.times import ISO_MICROSECONDS

APP_TYPE: Final = "gsuite_alerts"
HOST: Final = "alertcenter.googleapis.com"
SCOPE: Final = "https://www.googleapis.com/auth/apps.alerts"
_FILTER: Final = re.compile(r'createTime >= "(?P<since>[^"]+)" AND createTime <= "(?P<until>[^"]+)"')
_KINDS: Final = (
    ("Suspicious login", "Google identity", "AccountWarning"),
    ("User reported phishing", "Gmail phishing", "MailPhishing"),
    ("Leaked password", "Google identity", "AccountWarning"),
)


def alert(random: Random) -> Row:
    """Return an alert."""
    kind, source, data = random.choice(_KINDS)
    email = random.choice(["dana@example.com", "zoë.łukasz@example.com", "渡辺@example.jp"])
    return {
        "customerId": "046psxkn",
        "alertId": ID,
        "createTime": TIME,
        "startTime": TIME,
        "updateTime": TIME,
        "type": kind,
        "source": source,
        "data": {"@type": f"type.googleapis.com/google.apps.alertcenter.type.{data}", "email": email},
        "securityInvestigationToolLink": "https://admin.google.com/ac/sc/investigation?q=100%25",
        "etag": f"{random.getrandbits(32):08x}",
    }


ALERTS: Final = Listing(
    app_type=APP_TYPE,
    path="/v1beta1/alerts",
    row=alert,
    times=ISO_MICROSECONDS,
    since=Bound("since"),
    until=Bound("until"),
    size=Size("pageSize", usual=50, most=1000, cut=True),
    turn=Cursor("pageToken"),
    sort=Sort("orderBy", "create_time asc", "create_time desc"),
    ignored=frozenset({"alt", "prettyPrint"}),
    id_field="alertId",
    text_field="type",
)


class Alerts(ListApi):
    """The alerts of an account; who may ask is checked before."""

    hosts = (HOST,)
    logs = (ALERTS,)

    def sign_up(self, random: Random) -> Mapping[str, Any]:  # noqa: ARG002 (the account has the credentials)
        """Return nothing."""
        return {}

    def admit(self, request: Request) -> None:
        """Do nothing."""

    def answer(self, request: Request) -> Response:
        """Answer a request; its filter is read as bounds."""
        given = arguments(request)
        wanted = _FILTER.fullmatch(given.pop("filter", ""))
        if wanted is None:
            raise self.wrong("filter")
        target = f"{request.path}?{urlencode(given | wanted.groupdict())}"
        return super().answer(replace(request, target=target))

    def shown(self, page: Page) -> Response:
        """Return a page; one without alerts has no list of them."""
        if not page.events:
            return Response(200, b"{}")
        more = {"nextPageToken": page.token} if page.token else {}
        return Response(200, page.json("alerts", **more))

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Google does."""
        return failure(status, message=message)

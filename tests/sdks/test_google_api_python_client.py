"""Google's own client: activities page by page with a delegated service account, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httplib2
import pytest
from google.auth.exceptions import RefreshError
from google.oauth2 import service_account
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from streamalert_apps.services.gsuite.twin import Gsuite
from streamalert_apps.simulator.faults import Fault, Status
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(hours=5)
BEGIN = END - timedelta(hours=1)
SCOPE = "https://www.googleapis.com/auth/admin.reports.audit.readonly"


ALERTS = "https://www.googleapis.com/auth/apps.alerts"


def client(
    twin: Gsuite,
    certificate: Path,
    *,
    subject: str = "",
    scope: str = SCOPE,
    api: tuple[str, str] = ("admin", "reports_v1"),
) -> Any:
    key = service_account.Credentials.from_service_account_info(twin.credentials["keyfile"], scopes=[scope])
    acting = key.with_subject(subject or twin.credentials["delegation_email"])
    http = AuthorizedHttp(acting, http=httplib2.Http(ca_certs=str(certificate)))
    return build(*api, http=http, static_discovery=True)


def everything(asking: Any, application: str) -> list[dict[str, Any]]:
    activities = asking.activities()
    request = activities.list(
        userKey="all",
        applicationName=application,
        maxResults=100,
        startTime=f"{BEGIN:%Y-%m-%dT%H:%M:%S.000Z}",
        endTime=f"{END + timedelta(minutes=1):%Y-%m-%dT%H:%M:%S.000Z}",
    )
    seen: list[dict[str, Any]] = []
    while request is not None:
        answer = request.execute()
        seen += answer.get("items", [])
        request = activities.list_next(request, answer)
    return seen


@pytest.mark.parametrize("application", ["login", "drive", "mobile"])
def test_every_activity_comes_page_by_page(served: Serve, certificate: Path, application: str) -> None:
    twin = Gsuite(rate=None)
    twin.seed(f"gsuite_{application}", events=250, start=BEGIN, end=END)
    served(twin)

    found = everything(client(twin, certificate), application)

    assert len({(one["id"]["time"], one["id"]["uniqueQualifier"]) for one in found}) == 250


def test_a_user_who_is_none_is_told(served: Serve, certificate: Path) -> None:
    twin = Gsuite(rate=None)
    served(twin)

    with pytest.raises(RefreshError):
        everything(client(twin, certificate, subject="nobody@example.com"), "login")


def test_a_wrong_application_is_told(served: Serve, certificate: Path) -> None:
    twin = Gsuite(rate=None)
    served(twin)

    with pytest.raises((HttpError, TypeError)):
        everything(client(twin, certificate), "nothing")


def test_a_limit_is_told(served: Serve, certificate: Path) -> None:
    twin = Gsuite(rate=None)
    served(twin, Fault(Status(429), path="/admin/*", nth=1))

    with pytest.raises(HttpError) as raised:
        everything(client(twin, certificate), "login")

    assert raised.value.resp.status == 429


def test_every_alert_comes_page_by_page(served: Serve, certificate: Path) -> None:
    twin = Gsuite(rate=None)
    twin.seed("gsuite_alerts", events=120, start=BEGIN, end=END)
    served(twin)
    alerts = client(twin, certificate, scope=ALERTS, api=("alertcenter", "v1beta1")).alerts()
    span = f'createTime >= "{BEGIN:%Y-%m-%dT%H:%M:%SZ}" AND createTime <= "{END:%Y-%m-%dT%H:%M:59Z}"'

    request, seen = alerts.list(filter=span, orderBy="create_time asc", pageSize=50), []
    while request is not None:
        answer = request.execute()
        seen += answer.get("alerts", [])
        request = alerts.list_next(request, answer)

    assert len({alert["alertId"] for alert in seen}) == 120
    assert [alert["createTime"] for alert in seen] == sorted(alert["createTime"] for alert in seen)

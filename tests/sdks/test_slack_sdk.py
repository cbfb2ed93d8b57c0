"""Slack's own SDK: the lists of the Web API in both kinds of pages, the audit logs, and what is refused."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.audit_logs import AuditLogsClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from streamalert_apps.services.slack.twin import Slack
from streamalert_apps.simulator.faults import Fault, Status
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)


def web(twin: Slack, certificate: Path, token: str = "") -> Any:
    trusted = ssl.create_default_context(cafile=str(certificate))
    return WebClient(
        token=token or twin.credentials["auth_token"],
        ssl=trusted,
        retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=1)],
    )


@pytest.mark.parametrize("before", [{}, {"before": "now"}])
def test_every_access_comes_page_by_page(served: Serve, certificate: Path, before: dict[str, str]) -> None:
    twin = Slack(rate=None)
    twin.seed("slack_access", events=250, start=BEGIN, end=END)
    served(twin)
    client = web(twin, certificate)

    first = client.team_accessLogs(count=100, page=1, **before)
    rows = list(first["logins"])
    for number in range(2, first["paging"]["pages"] + 1):
        rows += client.team_accessLogs(count=100, page=number, **before)["logins"]

    assert len(rows) == first["paging"]["total"] == sum(twin.held("slack_access").values())


def test_every_access_comes_cursor_by_cursor(served: Serve, certificate: Path) -> None:
    twin = Slack(rate=None)
    twin.seed("slack_access", events=250, start=BEGIN, end=END)
    served(twin)

    rows = [row for page in web(twin, certificate).team_accessLogs(limit=100) for row in page["logins"]]

    assert len(rows) == sum(twin.held("slack_access").values())


def test_every_integration_comes_page_by_page(served: Serve, certificate: Path) -> None:
    twin = Slack(rate=None)
    twin.seed("slack_integration", events=150, start=BEGIN, end=END)
    served(twin)
    client = web(twin, certificate)

    pages = [client.team_integrationLogs(count=100, page=number)["logs"] for number in (1, 2)]

    assert [len(rows) for rows in pages] == [100, 50]


def test_every_entry_of_the_audit_log_comes_cursor_by_cursor(served: Serve, certificate: Path) -> None:
    twin = Slack(rate=None)
    twin.seed("slack_audit", events=250, start=BEGIN, end=END)
    served(twin)
    trusted = ssl.create_default_context(cafile=str(certificate))
    client = AuditLogsClient(token=twin.credentials["auth_token"], ssl=trusted)

    seen: list[str] = []
    cursor: str | None = None
    while cursor != "":
        page: Any = client.logs(limit=100, oldest=int(BEGIN.timestamp()), cursor=cursor)
        seen += [entry.id for entry in page.typed_body.entries]
        cursor = page.typed_body.response_metadata.next_cursor

    assert len(set(seen)) == 250


def test_a_wrong_token_is_told(served: Serve, certificate: Path) -> None:
    twin = Slack(rate=None)
    served(twin)

    with pytest.raises(SlackApiError) as raised:
        web(twin, certificate, "xoxp-1-2-3-4").team_accessLogs()

    assert raised.value.response["error"] == "invalid_auth"


def test_too_many_requests_are_waited_for(served: Serve, certificate: Path) -> None:
    twin = Slack(rate=None)
    server = served(twin, Fault(Status(429, retry_after=1), nth=1))

    web(twin, certificate).team_accessLogs()

    assert [asked.status for asked in server.requests] == [429, 200]

"""Intercom's own SDK: activity logs, a wrong token, too many requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from intercom import Intercom as Client
from intercom.core.api_error import ApiError

from streamalert_apps.services.intercom.twin import Intercom
from streamalert_apps.simulator.faults import Fault, Status
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)
AFTER = {"created_at_after": str(int(BEGIN.timestamp()))}


def test_every_activity_comes_page_by_page(served: Serve) -> None:
    twin = Intercom(rate=None)
    twin.seed("intercom_admin_activity_logs", events=50, start=BEGIN, end=END)
    served(twin)
    client = Client(token=twin.credentials["token"])

    seen: list[str] = []
    for number in (1, 2, 3):
        options: Any = {"additional_query_parameters": {"page": number}}
        page = client.admins.list_all_activity_logs(**AFTER, request_options=options)
        seen += [log.id for log in page.activity_logs if log]

    assert page.pages
    assert page.pages.next is None
    assert len(set(seen)) == 50


def test_a_wrong_token_is_told(served: Serve) -> None:
    served(Intercom(rate=None))

    with pytest.raises(ApiError) as raised:
        Client(token="dG9r" + "a" * 40).admins.list_all_activity_logs(**AFTER)

    assert raised.value.status_code == 401
    assert "unauthorized" in str(raised.value.body)


def test_too_many_requests_are_tried_again(served: Serve) -> None:
    twin = Intercom(rate=None)
    server = served(twin, Fault(Status(429), nth=1))

    client = Client(token=twin.credentials["token"])
    client.admins.list_all_activity_logs(**AFTER, request_options={"max_retries": 3})

    assert [asked.status for asked in server.requests] == [429, 200]

"""pyairtable: audit log events page by page, a wrong token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from pyairtable import Api

from streamalert_apps.services.airtable.twin import Airtable
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)


def pages(twin: Airtable, token: str) -> Any:
    account = Api(token).enterprise(twin.credentials["enterprise_account_id"])
    return account.audit_log(
        start_time=BEGIN, end_time=END + timedelta(seconds=1), sort_asc=True, page_size=20, page_limit=10
    )


def test_every_event_comes_page_by_page(served: Serve) -> None:
    twin = Airtable(rate=None)
    twin.seed("airtable_audit", events=50, start=BEGIN, end=END)
    served(twin)

    events = [event for page in pages(twin, twin.credentials["token"]) for event in page.events]

    assert len({event.id for event in events}) == 50
    assert [event.timestamp for event in events] == sorted(event.timestamp for event in events)


def test_a_wrong_token_is_told(served: Serve) -> None:
    twin = Airtable()
    served(twin)

    with pytest.raises(requests.HTTPError, match="AUTHENTICATION_REQUIRED"):
        next(iter(pages(twin, "patAnotherToken00." + "0" * 64)))

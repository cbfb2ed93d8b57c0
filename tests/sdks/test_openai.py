"""OpenAI's own SDK: audit logs page by page, a wrong key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from openai import AuthenticationError
from openai import OpenAI as Client

from streamalert_apps.services.openai.twin import OpenAI
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)


def client(key: str) -> Client:
    return Client(api_key="sk-none", admin_api_key=key, max_retries=0)


def test_every_log_comes_page_by_page(served: Serve) -> None:
    twin = OpenAI(rate=None)
    twin.seed("openai_audit", events=50, start=BEGIN, end=END)
    served(twin)

    logs = client(twin.credentials["api_key"]).admin.organization.audit_logs.list(
        effective_at={"gte": int(BEGIN.timestamp())}, limit=20
    )

    assert len({log.id for log in logs}) == 50


def test_a_wrong_key_is_told(served: Serve) -> None:
    served(OpenAI())

    with pytest.raises(AuthenticationError):
        client("sk-admin-another").admin.organization.audit_logs.list()

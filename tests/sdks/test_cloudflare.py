"""Cloudflare's own SDK: the audit log cursor by cursor, sign-ins, and what is refused."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cloudflare
import httpx
import pytest

from streamalert_apps.services.cloudflare.twin import Cloudflare
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)
SINCE, BEFORE = (
    f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (BEGIN - timedelta(minutes=1), END + timedelta(minutes=1))
)


def client(twin: Cloudflare, certificate: Path, **other: str) -> Any:
    trusted = httpx.Client(verify=ssl.create_default_context(cafile=str(certificate)))
    return cloudflare.Cloudflare(
        api_token=(twin.credentials | other)["token"], http_client=trusted, max_retries=0
    )


def test_every_entry_of_the_audit_log_comes_cursor_by_cursor(served: Serve, certificate: Path) -> None:
    twin = Cloudflare(nested=True)
    twin.seed("cloudflare_audit", events=250, start=BEGIN, end=END)
    served(twin)
    listed = client(twin, certificate).accounts.logs.audit.list(
        account_id=twin.credentials["account_id"], since=SINCE, before=BEFORE, direction="asc"
    )

    assert len({entry.id for entry in listed}) == 250


def test_sign_ins_come_from_a_time_on(served: Serve, certificate: Path) -> None:
    twin = Cloudflare()
    twin.seed("cloudflare_access", events=120, start=BEGIN, end=END)
    served(twin)

    found = client(twin, certificate).zero_trust.access.logs.access_requests.list(
        account_id=twin.credentials["account_id"], since=SINCE, until=BEFORE, direction="asc", limit=1000
    )

    assert len({sign_in.ray_id for sign_in in found}) == 120
    assert found[0].created_at <= found[-1].created_at


def test_a_wrong_token_is_told(served: Serve, certificate: Path) -> None:
    twin = Cloudflare()
    served(twin)

    with pytest.raises(cloudflare.AuthenticationError):
        client(twin, certificate, token="x" * 40).accounts.logs.audit.list(
            account_id=twin.credentials["account_id"], since=SINCE, before=BEFORE
        )

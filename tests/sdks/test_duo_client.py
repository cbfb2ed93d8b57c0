"""Duo's own client: each log, each page, a wrong key and too many requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from duo_client import Admin

from streamalert_apps.services.duo.twin import Duo
from streamalert_apps.simulator.faults import Fault, Status
from tests.sdks.conftest import Serve

NOW = datetime.now(UTC)
END = NOW - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)
SPAN = {"mintime": int(BEGIN.timestamp() * 1000), "maxtime": int(NOW.timestamp() * 1000)}


def admin(twin: Duo, certificate: Path, **other: str) -> Any:
    given = twin.credentials | other
    keys = (given["integration_key"], given["secret_key"], given["api_hostname"])
    return Admin(*keys, ca_certs=str(certificate))


def test_every_authentication_comes_page_by_page(served: Serve, certificate: Path) -> None:
    twin = Duo(rate=None)
    twin.seed("duo_auth", events=250, start=BEGIN, end=END)
    served(twin)
    client = admin(twin, certificate)

    seen: list[str] = []
    offset: dict[str, Any] = {}
    while True:
        page = client.get_authentication_log(api_version=2, limit="100", sort="ts:asc", **SPAN, **offset)
        seen += [log["txid"] for log in page["authlogs"]]
        if not page["metadata"].get("next_offset"):
            break
        offset = {"next_offset": ",".join(page["metadata"]["next_offset"])}

    assert len(seen) == 250


def test_every_activity_and_telephone_call_comes_page_by_page(served: Serve, certificate: Path) -> None:
    twin = Duo(rate=None)
    for app_type in ("duo_activity", "duo_telephony"):
        twin.seed(app_type, events=150, start=BEGIN, end=END)
    served(twin)
    client = admin(twin, certificate)

    asks: list[Callable[..., Any]] = [
        lambda **more: client.get_activity_logs(limit="100", **SPAN, **more),
        lambda **more: client.get_telephony_log(api_version=2, limit=100, **SPAN, **more),
    ]
    for ask in asks:
        first = ask()
        second = ask(next_offset=first["metadata"]["next_offset"])
        assert len(first["items"]) + len(second["items"]) == 150
        assert not second["metadata"].get("next_offset")


def test_what_administrators_did_comes_in_one_list(served: Serve, certificate: Path) -> None:
    twin = Duo(rate=None)
    twin.seed("duo_admin", events=20, start=BEGIN, end=END)
    served(twin)

    logs = admin(twin, certificate).get_administrator_log(mintime=int(BEGIN.timestamp()))

    assert len(logs) == 20


def test_a_wrong_key_is_told_by_its_code(served: Serve, certificate: Path) -> None:
    twin = Duo(rate=None)
    served(twin)

    with pytest.raises(RuntimeError, match="Invalid signature"):
        admin(twin, certificate, secret_key="a" * 40).get_authentication_log(api_version=2, **SPAN)


def test_too_many_requests_are_tried_again(
    served: Serve, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = Duo(rate=None)
    server = served(twin, Fault(Status(429), nth=1))
    client = admin(twin, certificate)
    monkeypatch.setattr("duo_client.client.sleep", lambda _: None)

    assert client.get_authentication_log(api_version=2, **SPAN)["authlogs"] == []
    assert [asked.status for asked in server.requests] == [429, 200]

"""Okta's own SDK: both ways to sign in, events page by page and link by link, and what is refused."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from okta.client import Client
from okta.pagination import PaginationHelper

from streamalert_apps.services.okta.twin import Okta
from tests.sdks.conftest import Serve

APP = "okta_system_log"
END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)
SINCE = f"{BEGIN - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"

signing_in = pytest.mark.parametrize("sign_in", ["token", "key"])


def client(twin: Okta, certificate: Path, **other: Any) -> Any:
    given = twin.credentials
    settings: dict[str, Any] = {"orgUrl": f"https://{given['host']}"}
    if "token" in given:
        settings |= {"authorizationMode": "SSWS", "token": given["token"]}
    else:
        key = given["private_key"]
        settings |= {
            "authorizationMode": "PrivateKey",
            "clientId": given["client_id"],
            "scopes": ["okta.logs.read"],
        }
        settings |= {"privateKey": key["private_key"], "kid": key["private_key_id"]}
    made = Client(settings | other)
    trusted = ssl.create_default_context(cafile=str(certificate))
    made.get_request_executor()._http_client._ssl_context = trusted
    return made


def everything(asking: Any, **params: Any) -> tuple[list[Any], Any]:
    """Return the events of all pages, and what was refused."""

    async def read() -> tuple[list[Any], Any]:
        found: list[Any] = []
        after: dict[str, Any] = {"since": SINCE}
        while after:
            events, response, error = await asking.list_log_events(**after, **params)
            if error:
                return found, error
            found += events
            cursor = PaginationHelper.extract_next_cursor(response.headers)
            after = {"after": cursor} if cursor else {}
        return found, None

    return asyncio.run(read())


@signing_in
def test_every_event_of_a_span_comes_and_the_list_ends(
    served: Serve, certificate: Path, sign_in: str
) -> None:
    twin = Okta(rate=None, sign_in=sign_in)
    twin.seed(APP, events=120, start=BEGIN, end=END)
    served(twin)

    found, error = everything(
        client(twin, certificate), until=f"{END + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}", limit=50
    )

    assert error is None
    assert len({event.uuid for event in found}) == len(found) == 120


def test_a_wrong_token_is_told(served: Serve, certificate: Path) -> None:
    twin = Okta(rate=None)
    served(twin)

    _, error = everything(client(twin, certificate, token="00" + "x" * 40))

    assert error.error_code == "E0000011"

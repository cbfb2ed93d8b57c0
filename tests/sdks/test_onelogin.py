"""OneLogin's own SDK: a token, events between two times, their end, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import onelogin
import pytest
from onelogin.exceptions import ApiException

from streamalert_apps.services.onelogin.twin import Onelogin
from tests.sdks.conftest import Serve

APP = "onelogin_events"
END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)


def configured(twin: Onelogin, certificate: Path) -> Any:
    made = onelogin.Configuration(host=f"https://{twin.credentials['subdomain']}.onelogin.com")
    made.ssl_ca_cert = str(certificate)
    return made


def client(twin: Onelogin, certificate: Path, **other: str) -> Any:
    given = twin.credentials | other
    configuration = configured(twin, certificate)
    api = onelogin.ApiClient(configuration)
    configuration.username, configuration.password = given["client_id"], given["client_secret"]
    request = onelogin.GenerateTokenRequest(grant_type="client_credentials")
    token = onelogin.OAuth2Api(api).generate_token(request)
    configuration.access_token = token.access_token
    return onelogin.EventsApi(api)


def pages(asking: Any, **params: Any) -> Iterator[Any]:
    """Yield pages until none has a cursor, as the SDK's users do: each from the last event on."""
    since = params["since"]
    while True:
        page = asking.get_events(**params | {"since": since})
        yield page
        if not page.pagination.after_cursor or not page.data:
            return
        since = str(page.data[-1].created_at)


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.000Z"])
def test_every_event_comes_and_the_list_ends(served: Serve, certificate: Path, form: str) -> None:
    twin = Onelogin()
    twin.seed(APP, events=120, start=BEGIN, end=END)
    served(twin)

    found = list(pages(client(twin, certificate), since=f"{BEGIN:{form}}"))

    assert len({event.id for page in found for event in page.data}) == 120


def test_a_wrong_secret_is_told(served: Serve, certificate: Path) -> None:
    twin = Onelogin()
    served(twin)

    with pytest.raises(ApiException) as raised:
        client(twin, certificate, client_secret="a" * 64)

    assert raised.value.status == 401


def test_an_hours_limit_is_told(served: Serve, certificate: Path) -> None:
    twin = Onelogin(rate=0)
    served(twin)

    with pytest.raises(ApiException) as raised:
        list(pages(client(twin, certificate), since=f"{BEGIN:%Y-%m-%dT%H:%M:%SZ}"))

    assert "rate_limit_exceeded" in str(raised.value.body)

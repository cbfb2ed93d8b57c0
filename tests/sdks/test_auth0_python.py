"""Auth0's own SDK: a token, logs from an id on to their end, a search, and what is refused.

Versions from 5 on can't ask for logs from an id on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from auth0.authentication import GetToken
from auth0.exceptions import Auth0Error
from auth0.management import Auth0 as Management

from streamalert_apps.services.auth0.twin import Auth0
from tests.sdks.conftest import Serve

APP = "auth0_logs"
END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)


def client(twin: Auth0, **other: str) -> Any:
    given = twin.credentials | other
    asking = GetToken(given["domain"], given["client_id"], client_secret=given["client_secret"])
    granted = asking.client_credentials(f"https://{given['domain']}/api/v2/")
    return Management(given["domain"], granted["access_token"])


def test_every_log_comes_from_the_first_one_on(served: Serve) -> None:
    twin = Auth0(rate=None)
    twin.seed(APP, events=250, start=BEGIN, end=END)
    served(twin)
    asking = client(twin)

    first = asking.logs.search(per_page=1, sort="date:1", include_totals=False)
    seen = [row["log_id"] for row in first]
    while page := asking.logs.search(from_param=seen[-1], take=100):
        seen += [row["log_id"] for row in page]

    assert len(set(seen)) == len(seen) == 250


def test_a_search_shows_a_thousand_logs_and_no_more(served: Serve) -> None:
    twin = Auth0(rate=None)
    served(twin)

    with pytest.raises(Auth0Error) as raised:
        client(twin).logs.search(page=10, per_page=100, include_totals=False)

    assert raised.value.status_code == 400


def test_a_wrong_secret_is_told(served: Serve) -> None:
    twin = Auth0(rate=None)
    served(twin)

    with pytest.raises(Auth0Error) as raised:
        client(twin, client_secret="x" * 64)

    assert raised.value.status_code == 401

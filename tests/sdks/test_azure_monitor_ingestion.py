"""Microsoft's own client for logs: the rows of the sink, by its requests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.monitor.ingestion import LogsIngestionClient

from streamalert_apps.sdk.clock import SystemClock
from tests.destinations.sentinel import CASE, CLIENT, RULE, SECRET, TENANT, URL, Monitor
from tests.destinations.stand import stand
from tests.sdks.conftest import Serve


class Credential:
    """Signs in for the scopes that the client wants."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        asked = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
        url = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
        told = httpx.post(url, data={**asked, "scope": " ".join(scopes)}).json()
        return AccessToken(told["access_token"], int(datetime.now(UTC).timestamp()) + told["expires_in"])


def after_the_sink() -> Monitor:
    with stand(CASE) as one:
        one.run()
        assert isinstance(one.twin, Monitor)
        return one.twin


def test_its_requests_carry_the_rows_of_the_sink_to_where_the_sink_posts(served: Serve) -> None:
    ours, twin = after_the_sink(), Monitor(SystemClock())
    served(twin)

    with LogsIngestionClient(URL, Credential()) as client:
        client.upload(rule_id=RULE, stream_name="Custom-SaaS_CL", logs=ours.rows)

    assert len(twin.rows) == 10
    assert (twin.rows, twin.sign_ins) == (ours.rows, ours.sign_ins)


def test_it_understands_a_refusal(served: Serve) -> None:
    twin = Monitor(SystemClock())
    twin.poison = {3}
    served(twin)

    with LogsIngestionClient(URL, Credential()) as client, pytest.raises(HttpResponseError, match="Odd"):
        client.upload(rule_id=RULE, stream_name="Custom-SaaS_CL", logs=after_the_sink().rows)

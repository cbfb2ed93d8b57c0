"""Microsoft's own library for signing in: a token for Graph, a wrong secret, a log page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from msal import ConfidentialClientApplication

from streamalert_apps.services.entra.twin import Entra
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)
GRAPH = "https://graph.microsoft.com"


def signed_in(twin: Entra, **changed: str) -> dict[str, Any]:
    given = twin.credentials | changed
    client = ConfidentialClientApplication(
        given["client_id"],
        client_credential=given["client_secret"],
        authority=f"https://login.microsoftonline.com/{given['tenant_id']}",
        instance_discovery=False,  # which asks for a list of all of Microsoft's clouds
    )
    answer: dict[str, Any] = client.acquire_token_for_client([f"{GRAPH}/.default"])
    return answer


def test_a_token_opens_a_log_page_by_page(served: Serve) -> None:
    twin = Entra()
    twin.seed("entra_signins", events=50, start=BEGIN, end=END)
    served(twin)
    headers = {"Authorization": f"Bearer {signed_in(twin)['access_token']}"}
    since, until = (f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in (BEGIN, END + timedelta(seconds=1)))
    wanted = f"createdDateTime ge {since} and createdDateTime le {until}"
    url = str(
        httpx.URL(f"{GRAPH}/v1.0/auditLogs/signIns").copy_merge_params({"$filter": wanted, "$top": "20"})
    )

    seen: list[str] = []
    while url:
        page = httpx.get(url, headers=headers).json()
        seen += [row["id"] for row in page["value"]]
        url = page.get("@odata.nextLink", "")

    assert len(set(seen)) == 50


def test_a_wrong_secret_is_told(served: Serve) -> None:
    twin = Entra()
    served(twin)

    answer = signed_in(twin, client_secret="x" * 40)

    assert answer["error"] == "invalid_client"
    assert answer["error_codes"] == [7000215]

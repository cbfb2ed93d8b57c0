"""PagerDuty's own client: audit records cursor by cursor in both regions, an app's token, a wrong key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pagerduty
import pytest

from streamalert_apps.services.pagerduty.twin import HOSTS, Pagerduty
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)
SPAN = {"since": BEGIN.isoformat(), "until": (END + timedelta(minutes=1)).isoformat(), "limit": 20}


def client(key: str, region: str = "us") -> pagerduty.RestApiV2Client:
    return pagerduty.RestApiV2Client(key, base_url=f"https://{HOSTS[region]}")


@pytest.mark.parametrize("region", ["us", "eu"])
def test_every_record_comes_cursor_by_cursor(served: Serve, region: str) -> None:
    twin = Pagerduty(region=region)
    twin.seed("pagerduty_audit", events=50, start=BEGIN, end=END)
    served(twin)

    records = list(client(twin.credentials["api_key"], region).iter_cursor("/audit/records", params=SPAN))

    assert len({record["id"] for record in records}) == 50
    assert [record["execution_time"] for record in records] == sorted(
        (record["execution_time"] for record in records), reverse=True
    )


def test_an_app_gets_a_token_with_which_it_may_read_records(served: Serve) -> None:
    twin = Pagerduty(sign_in="app")
    twin.seed("pagerduty_audit", events=5, start=BEGIN, end=END)
    served(twin)
    app = pagerduty.OAuthTokenClient(twin.credentials["client_secret"], twin.credentials["client_id"])

    token = app.get_scoped_app_token("as_account-us.acme audit_records.read")["access_token"]
    here = pagerduty.RestApiV2Client(token, auth_type="bearer")

    assert len(list(here.iter_cursor("/audit/records", params=SPAN))) == 5


def test_a_wrong_key_is_told(served: Serve) -> None:
    served(Pagerduty())

    with pytest.raises(pagerduty.HttpError, match="401"):
        client("y_NbAkKc66ryYTWUXYEu").rget("/audit/records")

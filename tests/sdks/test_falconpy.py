"""CrowdStrike's own SDK: alerts page by page, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import falconpy
import pytest

from streamalert_apps.services.crowdstrike.twin import Crowdstrike
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)
SINCE, UNTIL = (
    f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (BEGIN - timedelta(minutes=1), END + timedelta(minutes=1))
)
FILTER = f"created_timestamp:>='{SINCE}'+created_timestamp:<='{UNTIL}'"


def alerts(twin: Crowdstrike, **other: str) -> Any:
    given = dict(twin.credentials) | other
    return falconpy.Alerts(client_id=given["client_id"], client_secret=given["client_secret"], base_url="us1")


@pytest.mark.usefixtures("certificate")
def test_every_alert_comes_page_by_page(served: Serve) -> None:
    twin = Crowdstrike()
    twin.seed("crowdstrike_alerts", events=250, start=BEGIN, end=END)
    served(twin)
    client = alerts(twin)
    found: set[str] = set()
    after: dict[str, str] = {}

    while True:
        answer = client.get_alerts_combined(filter=FILTER, sort="created_timestamp|asc", limit=100, **after)
        assert answer["status_code"] == 200
        found |= {alert["composite_id"] for alert in answer["body"]["resources"]}
        if not answer["body"]["meta"]["pagination"].get("after"):
            break
        after = {"after": answer["body"]["meta"]["pagination"]["after"]}

    assert len(found) == 250


@pytest.mark.usefixtures("certificate")
def test_a_wrong_client_is_told(served: Serve) -> None:
    twin = Crowdstrike()
    served(twin)

    answer = alerts(twin, client_secret="x" * 40).get_alerts_combined(filter=FILTER)

    assert answer["status_code"] in {401, 403}


@pytest.mark.usefixtures("certificate")
def test_the_sdk_finds_the_feeds_of_the_stream(served: Serve) -> None:
    twin = Crowdstrike(partitions=3)
    served(twin)
    given = dict(twin.credentials)
    streams = falconpy.EventStreams(
        client_id=given["client_id"], client_secret=given["client_secret"], base_url="us1"
    )

    answer = streams.list_available_streams(app_id="falconpy1", format="json")

    assert answer["status_code"] == 200
    assert [feed["refreshActiveSessionInterval"] for feed in answer["body"]["resources"]] == [1800] * 3


@pytest.mark.usefixtures("certificate")
def test_a_label_of_another_form_is_refused(served: Serve) -> None:
    twin = Crowdstrike()
    served(twin)
    given = dict(twin.credentials)
    streams = falconpy.EventStreams(
        client_id=given["client_id"], client_secret=given["client_secret"], base_url="us1"
    )

    assert streams.list_available_streams(app_id="my-label!", format="json")["status_code"] == 400

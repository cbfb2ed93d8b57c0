"""Alibaba Cloud's own SDK: events page by page, between two times, one or none, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_actiontrail20200706.client import Client
from alibabacloud_actiontrail20200706.models import LookupEventsRequest
from alibabacloud_tea_openapi.utils_models import Config

from streamalert_apps.services.aliyun.twin import Aliyun
from streamalert_apps.simulator.faults import Fault, Status
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=20)
BEGIN = END - timedelta(hours=1)
START = {"start_time": f"{BEGIN:%Y-%m-%dT%H:%M:%SZ}"}
STOP = {"end_time": f"{END:%Y-%m-%dT%H:%M:%SZ}"}


def client(twin: Aliyun, certificate: Path, **other: str) -> Any:
    given = twin.credentials | other
    config = Config(
        access_key_id=given["access_key_id"],
        access_key_secret=given["access_key_secret"],
        region_id=given["region_id"],
        ca=str(certificate),
    )
    return Client(config)


def everything(asking: Any, **params: Any) -> list[str]:
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = asking.lookup_events(LookupEventsRequest(max_results="50", **params, **token)).body
        seen += [event["eventId"] for event in page.events]
        if not page.next_token:
            return seen
        token = {"next_token": page.next_token}


@pytest.mark.parametrize("span", [START | STOP, START, STOP, {}], ids=["both", "start", "end", "none"])
@pytest.mark.parametrize("direction", ["FORWARD", "BACKWARD"])
def test_every_event_comes_page_by_page(
    served: Serve, certificate: Path, span: dict[str, str], direction: str
) -> None:
    twin = Aliyun(rate=None)
    twin.seed("aliyun_actiontrail", events=120, start=BEGIN + timedelta(minutes=1), end=END)
    served(twin)

    assert len(set(everything(client(twin, certificate), direction=direction, **span))) == 120


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"access_key_secret": "a" * 30}, "SignatureDoesNotMatch"),
        ({"access_key_id": "LTAI" + "a" * 20}, "InvalidAccessKeyId.NotFound"),
    ],
)
def test_a_wrong_key_is_told(served: Serve, certificate: Path, other: dict[str, str], said: str) -> None:
    twin = Aliyun(rate=None)
    served(twin)

    with pytest.raises(Exception, match=said):
        everything(client(twin, certificate, **other))


def test_a_limit_is_told(served: Serve, certificate: Path) -> None:
    twin = Aliyun(rate=None)
    served(twin, Fault(Status(429), nth=1))

    with pytest.raises(Exception, match=r"Throttling"):
        everything(client(twin, certificate))

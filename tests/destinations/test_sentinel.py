"""What `sentinel` posts, and how it signs in."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from streamalert_apps.runtime.delivery import Batch
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.faults import Fault, Status
from tests.destinations.sentinel import CASE, INGEST, Monitor
from tests.destinations.stand import NAME, stand
from tests.runtime.doubles import log_of


def test_a_row_has_the_event_its_time_and_its_id() -> None:
    with stand(CASE, total=2) as one:
        one.run()
        assert isinstance(one.twin, Monitor)
        first, second = one.twin.rows

    assert first == {
        "TimeGenerated": first["EventTime"],
        "EventTime": first["EventTime"],
        "App": "collector",
        "AppType": "numbers_all",
        "EventId": first["EventId"],
        "Event": json.loads(log_of(0)),
    }
    assert first["EventTime"].endswith("Z")
    assert first["EventId"] != second["EventId"]


@pytest.mark.parametrize(
    ("url", "login", "resource"),
    [
        ("https://a.eastus-1.ingest.monitor.azure.com", "login.microsoftonline.com", "monitor.azure.com"),
        ("https://a.usgovva-1.ingest.monitor.azure.us", "login.microsoftonline.us", "monitor.azure.us"),
        ("https://a.chinan2-1.ingest.monitor.azure.cn", "login.chinacloudapi.cn", "monitor.azure.cn"),
    ],
)
def test_it_signs_in_where_the_cloud_of_the_endpoint_does(url: str, login: str, resource: str) -> None:
    with stand(CASE) as one:
        one.use(url=url)
        assert one.run().status == "succeeded"
        assert isinstance(one.twin, Monitor)

        assert one.twin.sign_ins == [(login, f"https://{resource}/.default")]


def test_a_token_is_kept_for_all_batches_and_renewed_when_it_is_refused() -> None:
    with stand(CASE) as one:
        destination = one.outlet().destination
        assert isinstance(one.twin, Monitor)
        for number in range(3):
            assert destination.send(Batch("b", [log_of(number)], ["a"], [0.0])).error is None
        assert len(one.twin.sign_ins) == 1

        one.twin.revoked = 1
        assert destination.send(Batch("b", [log_of(3)], ["a"], [0.0])).error is None
        assert len(one.twin.sign_ins) == 2
        assert one.twin.numbers == [0, 1, 2, 3]


def test_many_small_events_stay_below_a_megabyte() -> None:
    with stand(CASE, total=3_000, page=3_000) as one:
        assert one.run().status == "succeeded"

        assert {asked.status for asked in one.server.requests if asked.path == INGEST} == {204}


def test_an_app_that_may_not_write_is_told_which_role_it_lacks() -> None:
    with stand(CASE, Fault(Status(403))) as one:
        error = one.run().error

        assert error
        assert "Monitoring Metrics Publisher" in error.hint
        assert one.world.head.positions[NAME].error == "credentials_refused"


def test_a_secret_that_expired_is_told() -> None:
    with stand(CASE) as one:
        one.twin.expired = True
        error = one.run().error

        assert error
        assert "AADSTS7000222" in error.message
        assert one.world.head.positions[NAME].state == "configuration"


def test_a_200_is_none_of_its_successes() -> None:
    class Odd(Monitor):
        def handle(self, request: Request) -> Response:
            return Response(200, b"") if request.path == INGEST else super().handle(request)

    with stand(replace(CASE, twin=Odd)) as one:
        assert one.run(left=0.2).status == "failed"
        assert one.dead == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "https://logs.example.com"}, "data collection endpoint"),
        ({"url": "https://a.eastus-1.ingest.monitor.azure.com/x"}, "data collection endpoint"),
        ({"rule": "my-rule"}, "rule: "),
        ({"stream": "SaaS_CL"}, "stream: "),
    ],
)
def test_a_setting_that_can_not_be_is_told_and_nothing_sent(settings: dict[str, Any], message: str) -> None:
    with stand(CASE) as one:
        one.use(**settings)
        outcome = one.run()

        assert outcome.error
        assert message in outcome.error.message
        assert one.server.requests == []

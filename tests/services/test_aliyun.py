"""ActionTrail, against its twin."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps.errors import (
    CredentialsError,
    RateLimited,
    RequestRefused,
)
from streamalert_apps.services.aliyun.app import AliyunActionTrail, sign
from streamalert_apps.services.aliyun.twin import Aliyun
from streamalert_apps.simulator.faults import Dropped, Fault, Status
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.simulator.world import NOW, StillClock

APP = "aliyun_actiontrail"
START = NOW - timedelta(hours=2)
LAG = AliyunActionTrail.lag
EMPTY = hashlib.sha256(b"").hexdigest()


def collector(*, faults: tuple[Fault, ...] = (), **options: Any) -> Collector:
    return Collector(Aliyun(StillClock(), **({"rate": None} | options)), APP, START, faults)


@pytest.mark.parametrize(
    ("secret", "query", "headers", "signature"),
    [
        (
            "YourAccessKeySecret",
            "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
            {
                "host": "ecs.cn-shanghai.aliyuncs.com",
                "x-acs-action": "RunInstances",
                "x-acs-content-sha256": EMPTY,
                "x-acs-date": "2023-10-26T10:22:32Z",
                "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
                "x-acs-version": "2014-05-26",
            },
            "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
        ),
        (
            "ExampleSecret0123456789abcdef0",
            "Direction=FORWARD&EndTime=2023-11-21T09%3A45%3A00Z&MaxResults=50&StartTime=2023-11-21T09%3A00%3A00Z",
            {
                "host": "actiontrail.cn-hangzhou.aliyuncs.com",
                "x-acs-action": "LookupEvents",
                "x-acs-content-sha256": EMPTY,
                "x-acs-date": "2023-11-21T10:00:00Z",
                "x-acs-signature-nonce": "b1d8e2c45f604a379e127c3d0f4a6b58",
                "x-acs-version": "2020-07-06",
            },
            "ed83b0cedfdbeef639bd850a3981f08f798a6c1796f3dfb567d1a185bb10e7f3",
        ),
    ],
)
def test_a_request_is_signed_as_documented(
    secret: str, query: str, headers: dict[str, str], signature: str
) -> None:
    assert sign(secret, query, headers) == signature


def test_events_are_asked_for_oldest_first_fifty_at_a_time_and_never_for_the_future() -> None:
    app = collector()
    app.finish()

    look, sweep = app.requests
    assert {(asked.method, asked.path) for asked in app.requests} == {("POST", "/")}
    usual = {"Direction": "FORWARD", "EndTime": "2023-11-21T10:00:00Z", "MaxResults": "50"}
    assert dict(look.params) == usual | {"StartTime": "2023-11-21T09:40:00Z"}
    assert dict(sweep.params) == usual | {"StartTime": "2023-11-21T07:59:59Z"}


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
def test_a_backlog_with_a_busy_second_arrives_whole(*, inclusive: bool, cut: bool) -> None:
    app = collector(inclusive=inclusive)
    app.twin.seed(APP, events=3000, burst=2000, late=50, start=START, end=NOW)

    if cut:
        app.cut_short()
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 3000


def test_events_that_show_up_late_arrive_once() -> None:
    app = collector()
    late = LAG - timedelta(minutes=11)
    app.twin.seed(APP, events=400, late=150, start=START, end=NOW, lateness=late)

    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())


def test_a_log_that_grows_while_it_is_read_arrives_whole() -> None:
    app = collector()
    app.twin.seed(APP, events=1500, late=20, start=START, end=NOW + timedelta(minutes=20))

    app.cut_short()
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 1500


def test_a_token_that_ended_between_two_runs_costs_nothing() -> None:
    app = collector(token_seconds=60)
    app.twin.seed(APP, events=1000, burst=100, start=START, end=NOW - LAG)

    app.finish(pages=3, every=timedelta(minutes=2))

    refused = [asked for asked in app.requests if asked.status == 400]
    assert len(refused) > 3
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("status", [400, 429, 503])
def test_throttling_is_waited_out_whatever_its_status(status: int) -> None:
    app = collector(rate=2, throttled=status)
    app.twin.seed(APP, events=500, start=START, end=NOW - LAG)

    app.finish()

    assert status in {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


def test_throttling_without_an_end_is_told_as_such() -> None:
    with pytest.raises(RateLimited, match="throttled"):
        collector(rate=0).finish()


def test_each_attempt_has_a_nonce_of_its_own() -> None:
    app = collector(faults=(Fault(Status(500), nth=2), Fault(Dropped(), nth=3), Fault(Status(502), nth=5)))
    app.twin.seed(APP, events=300, start=START, end=NOW - LAG)

    app.finish()

    assert [asked.note for asked in app.requests if asked.status == 400] == []
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"access_key_secret": "0" * 30}, "secret"),
        ({}, {"access_key_id": "LTAI5tSomebodyElses00000"}, "mistyped, disabled or deleted"),
        ({"permitted": False}, {}, "actiontrail:LookupEvents"),
    ],
)
def test_credentials_that_are_refused_are_explained(
    options: dict[str, Any], changed: dict[str, str], hint: str
) -> None:
    app = collector(**options)
    app.credentials = dict(app.twin.credentials) | changed

    with pytest.raises(CredentialsError) as refused:
        app.app().check()

    assert hint in refused.value.hint


def test_a_clock_that_is_off_is_told() -> None:
    app = collector()
    app.clock = StillClock(NOW + timedelta(minutes=20))

    with pytest.raises(CredentialsError) as refused:
        app.app().check()

    assert "clock" in refused.value.hint


def test_a_region_of_another_account_is_no_success() -> None:
    app = collector()
    app.credentials = dict(app.twin.credentials) | {"region_id": "eu-central-1"}

    with pytest.raises(RequestRefused):
        app.app().check()


def test_what_the_service_no_longer_keeps_does_not_stop_the_app() -> None:
    app = collector()
    app.since = NOW - timedelta(days=200)
    app.twin.seed(APP, events=100, start=START, end=NOW - LAG)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


def test_the_state_is_one_that_streamalert_goes_on_from_and_the_other_way_round() -> None:
    app = collector().app()
    checkpoint = app.adopt("2023-11-21T08:00:00Z", {})

    assert app.last_timestamp(checkpoint) == "2023-11-21T08:00:00Z"

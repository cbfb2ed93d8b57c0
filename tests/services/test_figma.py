"""Figma's activity logs, against their twin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, BadResponse, CredentialsError, RateLimited
from streamalert_apps.services.figma.twin import HOSTS, Figma
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

APP = "figma_activity"
START = NOW - timedelta(hours=3)
CLIENT = {"client_id": "a1B2" * 6, "client_secret": "a1B2" * 8, "refresh_token": "a1B2" * 9}


def collector(**options: Any) -> Collector:
    return Collector(Figma(StillClock(), **({"rate": None} | options)), APP, START)


@pytest.mark.parametrize(("sign_in", "cloud"), [("token", "global"), ("app", "gov")])
def test_a_backlog_arrives_whole_whoever_signs_in_and_in_each_cloud(sign_in: str, cloud: str) -> None:
    app = collector(sign_in=sign_in, cloud=cloud, page_size=100)
    app.twin.seed(APP, events=600, burst=250, late=40, start=START, end=NOW)

    app.cut_short(runs=20)
    app.come_to_rest(lag=timedelta(minutes=10))

    schema = services.schemas("figma")["figma:activity"]
    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600
    assert [log for log in app.logs if not accepts(schema, log)] == []


@pytest.mark.parametrize("cloud", HOSTS)
def test_each_cloud_has_its_host(cloud: str) -> None:
    _, urls = refused(APP, "", 500, {}, None, cloud=cloud)

    assert {url.host for url in urls} == {HOSTS[cloud]}


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"token": "figp_" + "0" * 40}, "expired"),
        ({"permitted": False}, {}, "org:activity_log_read"),
        ({"sign_in": "app"}, {"client_secret": "0" * 30}, "client secret"),
        ({"sign_in": "app"}, {"refresh_token": "0" * 30}, "revoked"),
        ({}, CLIENT, "one of the two"),
        ({}, {"token": "", "client_id": CLIENT["client_id"]}, "one of the two"),
    ],
)
def test_credentials_that_are_refused_are_explained(
    options: dict[str, Any], changed: dict[str, str], hint: str
) -> None:
    app = collector(**options)
    app.credentials = dict(app.twin.credentials) | changed

    with pytest.raises(CredentialsError) as caught:
        app.app().check()

    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (429, {"status": 429, "error": True}, RateLimited, "too many requests"),
        (200, {"meta": {"activity_logs": [], "next_page": True}}, BadResponse, "no cursor"),
    ],
)
def test_an_answer_means(status: int, body: dict[str, Any], kind: type[AppError], said: str) -> None:
    error, _ = refused(APP, "", status, body)

    assert type(error) is kind
    assert said in error.message


@pytest.mark.parametrize("token", ["figd_" + "a1B2" * 10, "figu_" + "a1B2" * 10, "figp_short"])
def test_a_token_of_a_person_is_not_taken_for_one_of_a_plan(token: str) -> None:
    with pytest.raises(AppError):
        services.find(APP).auth[0].parse(token)

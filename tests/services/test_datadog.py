"""Datadog's Audit Trail, against its twin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, CredentialsError, RateLimited, Unavailable
from streamalert_apps.services.datadog.twin import Datadog
from tests.services.altered import Recorded
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

APP = "datadog_audit"
START = NOW - timedelta(hours=3)


def collector(**options: Any) -> Collector:
    return Collector(Datadog(StillClock(), **({"rate": None} | options)), APP, START)


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_backlog_arrives_whole_whatever_bounds_mean(*, inclusive: bool) -> None:
    app = collector(inclusive=inclusive)
    app.twin.seed(APP, events=600, burst=250, late=40, start=START, end=NOW)

    app.cut_short(runs=20)
    app.come_to_rest(lag=timedelta(minutes=10))

    schema = services.schemas("datadog")["datadog:audit"]
    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600
    assert [log for log in app.logs if not accepts(schema, log)] == []


def test_an_answer_in_part_costs_no_event() -> None:
    app = Recorded(Datadog(StillClock(), page_size=20, every_th_in_part=3), APP, START)
    app.twin.seed(APP, events=200, late=0, start=START, end=NOW - timedelta(hours=1))

    app.every(timedelta(minutes=10), 4)

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (200, {"data": [], "meta": {"status": "timeout"}}, Unavailable, "ran out of time"),
        (401, {"errors": ["Unauthorized"]}, CredentialsError, "refused the keys"),
        (403, {"errors": ["Forbidden"]}, CredentialsError, "refused the keys"),
        (429, {"errors": ["Too many requests"]}, RateLimited, "too many requests"),
    ],
)
def test_an_answer_means(status: int, body: dict[str, Any], kind: type[AppError], said: str) -> None:
    error, _ = refused(APP, "", status, body)

    assert type(error) is kind
    assert said in error.message


def test_the_wait_is_read_where_datadog_writes_it() -> None:
    error, _ = refused(APP, "", 429, {"errors": []}, {"X-RateLimit-Reset": "17"})

    assert isinstance(error, RateLimited)
    assert error.retry_after == 17


@pytest.mark.parametrize(
    "site", ["us3.datadoghq.com", "uk1.datadoghq.com", "datadoghq.eu", "ddog-gov.com", "us2.ddog-gov.com"]
)
def test_each_site_has_its_host(site: str) -> None:
    _, urls = refused(APP, "", 500, {}, None, site=site)

    assert {url.host for url in urls} == {f"api.{site}"}
    (field,) = (one for one in services.find(APP).auth if one.name == "site")
    assert field.parse(site) == site
    for text in (f"{site}.evil.test", f"evil.test/{site}", f"x{site}", "us9.datadoghq.com"):
        with pytest.raises(AppError):
            field.parse(text)

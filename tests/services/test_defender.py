"""Defender's and Intune's lists in Graph against their twins: states, four clouds and five, either order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import BadResponse, CredentialsError, UsageError
from streamalert_apps.sdk.app import service_of
from streamalert_apps.services import twins
from streamalert_apps.services.defender.twin import Defender
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

ALERTS, INCIDENTS, INTUNE = "defender_alerts", "defender_incidents", "intune_audit"
START = NOW - timedelta(hours=3)
SETTLED = NOW - timedelta(hours=2)

every = pytest.mark.parametrize("app_type", [ALERTS, INCIDENTS, INTUNE])


def collector(app_type: str, **options: Any) -> Collector:
    twin = twins.twin(service_of(app_type), clock=StillClock(), **({"rate": None} | options))
    return Collector(twin, app_type, START)


@pytest.mark.parametrize(
    ("app_type", "options"),
    [(ALERTS, {}), (INCIDENTS, {}), (INTUNE, {}), (INTUNE, {"newest_first": False})],
)
def test_what_came_late_and_what_came_at_once_arrives_once(app_type: str, options: dict[str, bool]) -> None:
    lag = services.find(app_type).lag
    assert lag is not None
    app = collector(app_type, page_size=50, **options)
    app.twin.seed(app_type, events=400, burst=150, late=40, start=START, end=NOW, lateness=lag * 0.8)

    app.cut_short(runs=10)
    app.come_to_rest(lag=lag)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 400


@every
def test_its_logs_match_its_schema(app_type: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=200, start=START, end=SETTLED)
    app.finish()
    (name,) = services.find(app_type).schemas

    assert len(app.logs) == 200
    schema = services.schemas(service_of(app_type))[name]
    assert [log for log in app.logs if not accepts(schema, log)] == []


@pytest.mark.parametrize("app_type", [ALERTS, INCIDENTS])
def test_each_state_is_one_log(app_type: str) -> None:
    app = collector(app_type)
    for minutes, state in ((170, "new"), (160, "inProgress"), (150, "resolved")):
        app.twin.put(app_type, at=NOW - timedelta(minutes=minutes), id="1", status=state)

    app.finish()

    assert sorted(log["status"] for log in app.logs) == ["inProgress", "new", "resolved"]
    assert {log["id"] for log in app.logs} == {"1"}


@every
@pytest.mark.parametrize("cloud", ["global", "gcc", "gcchigh", "dod"])
def test_each_cloud_has_hosts_of_its_own(app_type: str, cloud: str) -> None:
    app = collector(app_type, cloud=cloud)
    app.twin.put(app_type, at=SETTLED)

    app.app().check()
    app.finish()

    assert app.tally().arrived == 1


def test_intune_is_in_chinas_cloud_too_and_defender_is_not() -> None:
    collector(INTUNE, cloud="china").app().check()
    (cloud,) = (field for field in services.find(ALERTS).auth if field.name == "cloud")

    with pytest.raises(UsageError):
        cloud.parse("china")


def test_a_link_that_is_no_longer_known_loses_nothing() -> None:
    twin = Defender(StillClock(), rate=None, page_size=50)
    twin.seed(ALERTS, events=300, start=START, end=SETTLED)
    app = Collector(twin, ALERTS, START)
    app.run(pages=2)
    twin.forget_cursors()

    app.come_to_rest(lag=timedelta(minutes=15))

    assert nothing_lost_or_repeated(app.tally())


@every
def test_a_permission_that_is_missing_is_told(app_type: str) -> None:
    with pytest.raises(CredentialsError) as told:
        collector(app_type, permitted=False).app().check()

    assert "grant consent" in told.value.hint


@every
def test_a_link_to_another_place_is_not_followed(app_type: str) -> None:
    page = {"value": [], "@odata.nextLink": "https://evil.test/v1.0"}

    error, urls = refused(app_type, "/v1.0", 200, page)

    assert isinstance(error, BadResponse)
    assert {url.host for url in urls} == {"login.microsoftonline.com", "graph.microsoft.com"}

"""SentinelOne's lists against a twin: cursors that end, threats that change, consoles anywhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import CredentialsError, UsageError
from streamalert_apps.services.sentinelone.twin import Sentinelone
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

ACTIVITIES, THREATS = "sentinelone_activities", "sentinelone_threats"
START = NOW - timedelta(hours=3)
SETTLED = NOW - timedelta(hours=1)
LAG = timedelta(minutes=10)

every = pytest.mark.parametrize("app_type", [ACTIVITIES, THREATS])


def collector(app_type: str, **options: Any) -> Collector:
    return Collector(Sentinelone(StillClock(), **({"rate": None} | options)), app_type, START)


@every
def test_what_came_late_and_what_came_at_once_arrives_once(app_type: str) -> None:
    app = collector(app_type, page_size=100)
    app.twin.seed(
        app_type, events=600, burst=250, late=40, start=START, end=NOW, lateness=timedelta(minutes=8)
    )

    app.cut_short(runs=10)
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600


@every
def test_its_logs_match_its_schema(app_type: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=200, start=START, end=SETTLED)
    app.finish()
    (name,) = services.find(app_type).schemas

    assert len(app.logs) == 200
    assert [log for log in app.logs if not accepts(services.schemas("sentinelone")[name], log)] == []


def test_each_state_of_a_threat_is_one_log() -> None:
    app = collector(THREATS)
    for minutes, state in ((90, "unresolved"), (80, "in_progress"), (70, "resolved")):
        updated = (NOW - timedelta(minutes=minutes)).isoformat()
        info = {"updatedAt": updated, "incidentStatus": state}
        app.twin.put(THREATS, at=NOW - timedelta(minutes=minutes), id="1", threatInfo=info)

    app.finish()

    states = [log["threatInfo"]["incidentStatus"] for log in app.logs]
    assert states == ["unresolved", "in_progress", "resolved"]
    assert {log["id"] for log in app.logs} == {"1"}


@every
def test_a_cursor_that_ended_loses_nothing(app_type: str) -> None:
    twin = Sentinelone(StillClock(), rate=None, page_size=50)
    twin.seed(app_type, events=300, start=START, end=SETTLED)
    app = Collector(twin, app_type, START)
    app.run(pages=2)
    twin.forget_cursors()

    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())


def test_an_empty_list_may_be_null() -> None:
    app = collector(ACTIVITIES, null=True)

    app.finish()

    assert app.logs == []
    assert {asked.status for asked in app.requests} == {200}


@pytest.mark.parametrize("host", ["euce1-acme.sentinelone.net", "s1.example.gov"])
def test_a_console_may_be_anywhere(host: str) -> None:
    app = collector(ACTIVITIES, host=host)
    app.twin.put(ACTIVITIES, at=SETTLED)

    app.app().check()
    app.finish()

    assert app.tally().arrived == 1


@pytest.mark.parametrize(("status", "hint"), [(401, "Create a new one"), (403, "Viewer")])
def test_a_refusal_is_explained(status: int, hint: str) -> None:
    error, _ = refused(ACTIVITIES, "/web", status, {"errors": [{"code": 4010010, "title": "x"}]})

    assert type(error) is CredentialsError
    assert hint in error.hint


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("token", ["aB3d" * 20, "eyJhbGciOi.eyJpc3Mi.x_Y-z"], ["ApiToken " + "a" * 80, "short"]),
        ("host", ["usea1-acme.sentinelone.net"], ["console.sentinelone.net", "acme", "a_b.example.com"]),
    ],
)
def test_what_sentinelone_issues_is_taken_and_a_slip_is_not(
    name: str, right: list[str], wrong: list[str]
) -> None:
    (field,) = (one for one in services.find(ACTIVITIES).auth if one.name == name)

    assert [field.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            field.parse(text)

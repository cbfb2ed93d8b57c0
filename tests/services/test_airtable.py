"""Airtable's audit log, against its twin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, CredentialsError, RateLimited, RequestRefused
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace
from streamalert_apps.services.airtable.twin import Airtable
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

APP = "airtable_audit"
START = NOW - timedelta(hours=3)


def collector(**options: Any) -> Collector:
    return Collector(Airtable(StillClock(), **({"rate": None} | options)), APP, START)


def test_a_backlog_arrives_whole_and_matches_its_schema() -> None:
    app = collector(page_size=100)
    app.twin.seed(APP, events=600, burst=250, late=40, start=START, end=NOW)

    app.cut_short(runs=20)
    app.come_to_rest(lag=timedelta(minutes=10))

    schema = services.schemas("airtable")["airtable:audit"]
    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600
    assert [log for log in app.logs if not accepts(schema, log)] == []


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"token": "patAbCdEfGhIjKlMn." + "0" * 64}, "revoked"),
        ({"permitted": False}, {}, "enterprise.auditLogs:read"),
        ({}, {"enterprise_account_id": "entAnotherAccount"}, "account's ID"),
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


def test_a_limit_that_names_no_wait_is_waited_for_half_a_minute() -> None:
    app = collector(rate=0)
    kind, clock = services.find(APP), app.twin.clock
    api = Api(clock=clock, deadline=Deadline(lambda: 20), pace=Pace(kind.rate, clock), transport=app.wire)

    with pytest.raises(RateLimited) as caught:
        kind(app.twin.credentials, api).check()

    assert caught.value.retry_after == 30


def test_an_argument_that_is_refused_is_not_taken_for_wrong_credentials() -> None:
    error, _ = refused(APP, "", 422, {"error": {"type": "INVALID_REQUEST_UNKNOWN", "message": "x"}})

    assert type(error) is RequestRefused


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("enterprise_account_id", "entUBq2RGdihxl3vU", ["appUBq2RGdihxl3vU", "ent", "entUBq2RGdihxl3vU/"]),
        ("token", "patUBq2RGdihxl3vU." + "0a" * 32, ["keyUBq2RGdihxl3vU", "patUBq2RGdihxl3vU"]),
    ],
)
def test_a_credential_of_the_right_form_is_taken(name: str, right: str, wrong: list[str]) -> None:
    (field,) = (one for one in services.find(APP).auth if one.name == name)

    assert field.parse(right) == right
    for text in wrong:
        with pytest.raises(AppError):
            field.parse(text)

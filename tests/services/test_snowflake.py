"""Snowflake's views against a twin: statements that take a while, partitions, and rows beyond 10,000."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from streamalert_apps import services
from streamalert_apps.errors import (
    AppError,
    BadResponse,
    CredentialsError,
    RateLimited,
    Unavailable,
    UsageError,
)
from streamalert_apps.services.snowflake import app as snowflake
from streamalert_apps.services.snowflake.twin import Snowflake
from streamalert_apps.testing.conformance import representatives
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

START = NOW - timedelta(hours=12)
SETTLED = NOW - timedelta(hours=5)
LAG = timedelta(hours=4)
APPS = sorted(services.apps("snowflake"))

every = pytest.mark.parametrize("app_type", APPS)


def collector(app_type: str, **options: Any) -> Collector:
    return Collector(Snowflake(StillClock(), **({"rate": None} | options)), app_type, START)


@every
def test_rows_that_show_up_hours_late_arrive_once(app_type: str) -> None:
    app = collector(app_type, page_size=100)
    app.twin.seed(app_type, events=600, burst=250, late=60, start=START, end=NOW, lateness=timedelta(hours=3))

    app.cut_short(runs=10)
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600


@every
def test_another_statement_goes_on_after_the_last_row_of_one_that_is_full(
    app_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snowflake, "MOST", 70)  # rows of one moment are on both sides
    app = collector(app_type, page_size=20)
    for _ in range(150):
        app.twin.put(app_type, at=SETTLED)
    app.twin.seed(app_type, events=100, start=START, end=SETTLED)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 250


@every
def test_its_logs_match_its_schema(app_type: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=300, start=START, end=SETTLED)
    app.finish()
    (name,) = services.find(app_type).schemas

    assert len(app.logs) == 300
    assert [log for log in app.logs if not accepts(services.schemas("snowflake")[name], log)] == []


def test_a_statement_that_takes_a_while_is_asked_for_until_it_is_done() -> None:
    app = collector(APPS[0], polls=6)
    app.twin.seed(APPS[0], events=10, start=START, end=SETTLED)

    app.finish()

    assert [asked.status for asked in app.requests[:7]] == [202] * 6 + [200]
    assert nothing_lost_or_repeated(app.tally())


def test_a_handle_that_is_no_longer_known_loses_nothing() -> None:
    twin = Snowflake(StillClock(), rate=None, page_size=50)
    twin.seed(APPS[0], events=300, start=START, end=SETTLED)
    app = Collector(twin, APPS[0], START)
    app.run(pages=2)
    twin.forget_cursors()

    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())


def test_a_query_is_collected_when_it_has_ended() -> None:
    app = collector("snowflake_queries")
    app.twin.put("snowflake_queries", at=SETTLED, START_TIME="1690000000.000000000")

    app.finish()

    assert len(app.logs) == 1


@pytest.mark.parametrize(
    "host",
    [
        "acme-prod.snowflakecomputing.com",
        "xy12345.us-gov-west-1.aws.snowflakecomputing.com",
        "acme-prod.privatelink.snowflakecomputing.com",
        "acme-prod.snowflakecomputing.cn",
    ],
)
def test_an_account_of_each_cloud_is_asked(host: str) -> None:
    app = collector(APPS[0], host=host)
    app.twin.put(APPS[0], at=SETTLED)

    app.app().check()
    app.finish()

    assert app.tally().arrived == 1


def test_an_account_may_be_spelled_otherwise_than_its_host() -> None:
    app = collector(APPS[0], host="acme-my-prod.snowflakecomputing.com", account="acme-my_prod")

    app.app().check()

    assert {asked.status for asked in app.requests} == {200, 202}


@pytest.mark.parametrize(
    ("options", "hint"),
    [({"granted": False}, "database roles"), ({"warehouse": False}, "default warehouse")],
)
def test_what_the_user_lacks_is_told(options: dict[str, bool], hint: str) -> None:
    app = collector(APPS[0], **options)

    with pytest.raises(CredentialsError) as told:
        app.app().check()

    assert hint in told.value.hint


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "390144", CredentialsError),
        (403, "", CredentialsError),
        (422, "002003", CredentialsError),
        (422, "390189", CredentialsError),
        (422, "000606", CredentialsError),
        (408, "000630", Unavailable),
        (422, "000604", Unavailable),
        (429, "", RateLimited),
    ],
)
def test_a_refusal_means(status: int, code: str, kind: type[AppError]) -> None:
    error, _ = refused(APPS[0], "/api/v2", status, {"code": code, "message": "x"})

    assert type(error) is kind


def test_a_row_with_other_columns_than_were_asked_for_is_not_taken() -> None:
    error, _ = refused(APPS[0], "/api/v2", 200, {"data": [["1"]]})

    assert type(error) is BadResponse


def test_cells_become_an_object_with_the_columns_names() -> None:
    app = collector("snowflake_sessions")
    app.twin.put("snowflake_sessions", at=SETTLED, USER_NAME="DANA", CLOSED_REASON=None)

    (row,) = app.app().fetch(START, NOW, None).rows  # type: ignore[attr-defined]

    log = msgspec.json.decode(row)
    assert log["USER_NAME"] == "DANA"
    assert log["CLOSED_REASON"] is None
    assert [*log] == snowflake.SnowflakeSessions.columns.split(", ")


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("user", ["STREAMALERT", "svc@example.com"], ["acme-prod.snowflakecomputing.com", "a b"]),
        ("account", ["ACME-MY_PROD", "xy12345"], ["acme.us-east-1", "-acme"]),
        ("role", ["AUDITOR", "_r$1"], ["my role", "1A"]),
        ("warehouse", ["AUDIT_WH"], ["AUDIT-WH"]),
    ],
)
def test_what_snowflake_knows_is_taken_and_a_slip_is_not(
    name: str, right: list[str], wrong: list[str]
) -> None:
    (field,) = (one for one in services.find(APPS[0]).auth if one.name == name)

    assert [field.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            field.parse(text)


@pytest.mark.parametrize(
    "text", ["acme.example.com", "snowflakecomputing.com.evil.test", "acme_prod", "acme"]
)
def test_a_host_elsewhere_is_not_taken(text: str) -> None:
    (field,) = (one for one in services.find(APPS[0]).auth if one.name == "host")

    with pytest.raises(UsageError):
        field.parse(text)
    assert field.parse("https://ACME-prod.snowflakecomputing.com/") == "acme-prod.snowflakecomputing.com"


def test_types_that_differ_in_names_alone_share_the_long_scenarios() -> None:
    assert len(representatives(services.apps("snowflake").values())) == 1

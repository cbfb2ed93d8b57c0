"""Cursor's audit log against a twin: in either order, page by page, 20 requests a minute, 30 days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import CredentialsError, UsageError
from streamalert_apps.services.cursor.app import CursorAudit
from streamalert_apps.services.cursor.twin import Cursor
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

AUDIT = "cursor_audit"
START = NOW - timedelta(hours=3)
SETTLED = NOW - timedelta(hours=1)


def collector(**options: Any) -> Collector:
    return Collector(Cursor(StillClock(), **({"rate": None} | options)), AUDIT, START)


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_backlog_arrives_whole_whatever_its_order(*, newest_first: bool) -> None:
    app = collector(newest_first=newest_first)
    app.twin.seed(AUDIT, events=600, burst=250, late=40, start=START, end=NOW, lateness=timedelta(minutes=12))

    app.cut_short(runs=10)
    app.come_to_rest(lag=CursorAudit.lag)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600


def test_its_logs_match_its_schema() -> None:
    app = collector()
    app.twin.seed(AUDIT, events=200, start=START, end=SETTLED)
    app.finish()

    assert len(app.logs) == 200
    assert [log for log in app.logs if not accepts(services.schemas("cursor")["cursor:audit"], log)] == []


def test_no_request_asks_for_more_than_thirty_days() -> None:
    app = Collector(Cursor(StillClock(), rate=None), AUDIT, NOW - timedelta(days=60))
    app.twin.seed(AUDIT, events=50, start=NOW - timedelta(days=28), end=SETTLED)

    app.finish()

    assert {asked.status for asked in app.requests} == {200}
    assert nothing_lost_or_repeated(app.tally())


def test_the_limit_of_the_team_is_kept_to() -> None:
    app = collector(rate=20)
    app.twin.seed(AUDIT, events=900, start=START, end=SETTLED)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("options", [{}, {"enterprise": False}])
def test_what_is_refused_is_explained(options: dict[str, bool]) -> None:
    app = collector(**options)
    app.credentials = dict(app.twin.credentials if options else app.twin.wrong_credentials)

    with pytest.raises(CredentialsError) as told:
        app.app().check()

    assert "Enterprise" in told.value.hint


def test_what_cursor_issues_is_taken_and_a_slip_is_not() -> None:
    (field,) = services.find(AUDIT).auth

    assert field.parse(f"key_{'0a' * 32}") == f"key_{'0a' * 32}"
    for text in ("0a" * 32, f"crsr_{'0a' * 32}", "key_"):
        with pytest.raises(UsageError):
            field.parse(text)

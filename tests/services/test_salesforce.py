"""Salesforce's event log files, against its twin."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import (
    AppError,
    BadResponse,
    ConfigError,
    CredentialsError,
    RateLimited,
    RequestRefused,
    Unavailable,
    UsageError,
)
from streamalert_apps.sdk.http import ToSimulator
from streamalert_apps.services.salesforce import app as salesforce
from streamalert_apps.services.salesforce.twin import Salesforce
from streamalert_apps.services.salesforce.twin.api import TYPES
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.faults import CutBody, Dropped, Fault, HtmlPage, Status
from streamalert_apps.simulator.server import serve
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

APP = "salesforce_login"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
START = NOW - 8 * HOUR
FILE = "*/LogFile"
QUERY = "*/query*"
OBJECTS = ["salesforce_loginhistory", "salesforce_setupaudittrail"]
FIELDS = {field.name: field for field in services.find(APP).auth}


def collector(*, faults: tuple[Fault, ...] = (), app_type: str = APP, **options: Any) -> Collector:
    return Collector(Salesforce(StillClock(), **options), app_type, START - HOUR, faults)


def twin(app: Collector) -> Salesforce:
    assert isinstance(app.twin, Salesforce)
    return app.twin


def run_for(app: Collector, span: timedelta, *, every: timedelta = HOUR, pages: int | None = None) -> None:
    """Run on a schedule; where each run is cut short after so many pages, once to the end at last."""
    for _ in range(span // every):
        app.run(pages=pages)
        app.twin.clock.sleep(every.total_seconds())
    app.finish()


def queries(app: Collector) -> list[str]:
    return [dict(asked.params)["q"] for asked in app.requests if asked.path.endswith("/query")]


def opened(app: Collector) -> list[str]:
    return [asked.path for asked in app.requests if asked.path.endswith("/LogFile")]


def test_files_are_asked_for_by_the_time_they_were_made_of_one_interval_in_a_pinned_version() -> None:
    app = collector()
    app.finish()

    assert {asked.path for asked in app.requests} == {"/services/oauth2/token", "/services/data/v66.0/query"}
    (soql,) = queries(app)
    assert soql == (
        "SELECT Id, CreatedDate, LogFile FROM EventLogFile WHERE EventType = 'Login' "
        "AND CreatedDate >= 2023-11-21T00:59:59Z AND CreatedDate <= 2023-11-21T10:00:01Z "
        "AND Interval = 'Hourly' ORDER BY CreatedDate ASC, Id ASC"
    )


def test_without_an_interval_the_files_of_days_are_collected() -> None:
    app = collector()
    app.credentials = {key: value for key, value in app.twin.credentials.items() if key != "interval"}
    app.finish()

    assert "Interval = 'Daily'" in queries(app)[0]


@pytest.mark.parametrize("pages", [None, 2, 5])
def test_a_backlog_with_a_busy_second_and_late_events_arrives_whole(pages: int | None) -> None:
    app = collector(page_size=3)
    app.twin.seed(APP, events=3000, burst=2100, late=60, start=START, end=NOW)

    run_for(app, 10 * HOUR, every=timedelta(minutes=10), pages=pages)

    assert nothing_lost_or_repeated(app.tally())
    assert len(opened(app)) > 8


@pytest.mark.parametrize("late", [timedelta(hours=27), timedelta(hours=72)])
def test_thirty_files_of_days_that_come_late_arrive_once_each(late: timedelta) -> None:
    app = collector(interval="Daily", delay=late)
    app.since = NOW
    for day in range(30):
        for hour in range(24):
            app.twin.put(APP, at=NOW + DAY * day + HOUR * hour)

    run_for(app, 36 * DAY, every=12 * HOUR)

    assert app.tally().held == 720
    assert nothing_lost_or_repeated(app.tally())
    assert len(set(opened(app))) == len(opened(app))


def test_what_comes_later_for_an_hour_is_in_a_second_file_and_arrives() -> None:
    app = collector()
    app.twin.put(APP, at=START)
    run_for(app, 6 * HOUR)
    app.twin.put(APP, at=START, visible=app.twin.clock.now() + 60 * HOUR)

    run_for(app, 70 * HOUR)

    assert nothing_lost_or_repeated(app.tally())
    assert len(opened(app)) == 2


@pytest.mark.parametrize("pages", [None, 6])
def test_many_files_made_in_one_second_arrive_whole(pages: int | None) -> None:
    app = collector()
    made = NOW - HOUR * 24
    app.since = made - HOUR
    for number in range(240):
        app.twin.put(APP, at=made - HOUR * (30 + number), visible=made)

    for _ in range(130):
        app.run(pages=pages)
    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 240


def test_hundreds_of_young_files_arrive_at_once_and_are_opened_once() -> None:
    app = collector()
    app.since = NOW - HOUR
    for number in range(300):
        app.twin.put(APP, at=NOW - HOUR * (30 + number), visible=NOW - timedelta(minutes=5))

    app.finish()
    at_first = len(app.logs)
    run_for(app, 10 * HOUR)

    assert at_first == 300  # 0.1.0 had room for the ids of fewer, and left the others for later
    assert nothing_lost_or_repeated(app.tally())
    assert len(opened(app)) == len(set(opened(app))) == 300


@pytest.mark.parametrize("others", [0, 3])
def test_a_run_that_ends_in_the_middle_of_a_file_goes_on_there_whatever_is_listed_then(others: int) -> None:
    app = collector()
    app.twin.seed(APP, events=4500, start=NOW - 4 * HOUR, end=NOW - 4 * HOUR + timedelta(minutes=10))
    while not app.logs:
        app.run(pages=3)
    half = len(app.logs)
    for number in range(others):  # they show up before the file that was under way
        app.twin.put(APP, at=NOW - HOUR * (9 + number), visible=NOW - timedelta(minutes=30 + number))

    app.finish()

    assert 1000 <= half < 4500
    assert nothing_lost_or_repeated(app.tally())


def test_a_file_of_a_day_that_replaces_another_is_read_again_for_what_came_late() -> None:
    app = collector(interval="Daily")
    app.since = NOW - 2 * DAY
    first = app.twin.put(APP, at=NOW - DAY)
    run_for(app, DAY)
    late = app.twin.put(APP, at=NOW - DAY, visible=app.twin.clock.now() + HOUR)
    run_for(app, DAY)

    arrived = [app.twin.identify(APP, log) for log in app.logs]
    assert (arrived.count(first), arrived.count(late)) == (2, 1)


def test_rows_are_objects_with_line_breaks_quotes_and_all_their_letters() -> None:
    app = collector()
    odd = {"BROWSER_TYPE": 'a "b",\r\nc\n"""d"""', "USER_NAME": "zoë.渡辺@example.com", "URI": ""}
    app.twin.put(APP, at=START, **odd)  # type: ignore[arg-type]

    app.finish()

    (log,) = app.logs
    assert {name: log[name] for name in odd} == odd
    assert log["EVENT_TYPE"] == "Login"


class Pieces(Salesforce):
    """Serves one file as it is given."""

    body = b""

    def handle(self, request: Request) -> Response:
        if request.path.endswith("/LogFile"):
            return Response(200, self.body, content_type="text/csv")
        return super().handle(request)


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b"", []),
        (b'"A","B"\n', []),
        (b'"A","B"\n"1","2"', [{"A": "1", "B": "2"}]),
        (b'"A","B"\r\n"1","x\r\ny"\r\n\r\n', [{"A": "1", "B": "x\r\ny"}]),
        (b'\xef\xbb\xbf"A"\n"\xff"\n', [{"A": "\ufffd"}]),
        (b'"A","B"\n"1"\n', [{"A": "1"}]),
        (b'"A"\n"1","2","3"\n', [{"A": "1", "COLUMN_2": "2", "COLUMN_3": "3"}]),
        (b'"A"\n"' + b"x" * 400_000 + b'"\n', [{"A": "x" * 400_000}]),
    ],
)
def test_a_file_that_is_a_little_odd_is_read_all_the_same(body: bytes, rows: list[dict[str, str]]) -> None:
    served = Pieces(StillClock())
    served.put(APP, at=START)
    served.body = body
    app = Collector(served, APP, START)

    app.finish()

    assert app.logs == rows


def test_a_session_that_ends_between_files_is_renewed() -> None:
    app = collector()
    app.twin.seed(APP, events=400, start=START, end=NOW - 5 * HOUR)
    running = app.app()
    arrived = []
    for page in running.poll(running.start(app.since)):
        arrived += [json.loads(log) for log in page.logs if isinstance(log, bytes)]
        app.twin.revoke_tokens()
    app.logs = arrived

    assert sum(asked.path == "/services/oauth2/token" for asked in app.requests) > 2
    assert nothing_lost_or_repeated(app.tally())


def test_a_list_whose_rest_is_forgotten_is_begun_again() -> None:
    class Forgetful(Salesforce):
        asked = 0

        def handle(self, request: Request) -> Response:
            self.asked += "/query/" in request.path
            if self.asked == 2:
                self.forget_locators()
            return super().handle(request)

    app = Collector(Forgetful(StillClock(), page_size=2), APP, START - HOUR)
    app.twin.seed(APP, events=400, start=START, end=NOW)

    run_for(app, 12 * HOUR)

    assert 400 in {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


def test_a_file_whose_transfer_breaks_off_is_gone_on_with() -> None:
    app = collector(faults=(Fault(CutBody(), nth=1, path=FILE), Fault(CutBody(0.7), nth=2, path=FILE)))
    app.twin.seed(APP, events=2500, start=NOW - 5 * HOUR, end=NOW - 4 * HOUR - timedelta(minutes=5))

    app.finish()

    assert {asked.fault for asked in app.requests} == {"", "CutBody"}
    assert nothing_lost_or_repeated(app.tally())


def test_a_page_for_people_is_not_taken_for_a_file_without_events() -> None:
    app = collector(faults=(Fault(HtmlPage(), nth=2, path=FILE),))
    app.twin.seed(APP, events=200, start=START, end=NOW - 4 * HOUR)

    with pytest.raises(BadResponse, match="a page for people"):
        app.finish()
    app.finish()

    assert nothing_lost_or_repeated(app.tally())


def test_faults_on_the_way_cost_nothing() -> None:
    faults = (
        Fault(Status(503), nth=1, path=QUERY),
        Fault(Dropped(), nth=2, path=QUERY),
        Fault(Status(401), nth=3, path=QUERY),
        Fault(Status(500), nth=1, path=FILE),
        Fault(Dropped(), nth=3, path=FILE),
        Fault(Status(401), nth=4, path=FILE),
    )
    app = collector(faults=faults)
    app.twin.seed(APP, events=500, start=START, end=NOW - 4 * HOUR)

    app.finish()

    assert {500, 503, 401} <= {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


def test_credentials_as_streamalert_stored_them_still_work() -> None:
    app = collector(flow="password")
    app.credentials = {key: value for key, value in app.twin.credentials.items() if key != "interval"}
    app.twin.seed(APP, events=100, start=START, end=NOW - 5 * HOUR)

    app.app().check()

    assert set(app.credentials) == {"client_id", "client_secret", "username", "password", "security_token"}


def test_an_organization_without_hourly_files_has_no_field_that_says_so() -> None:
    app = collector(interval="Daily", hourly=False)
    app.since = NOW - 3 * DAY
    app.twin.seed(APP, events=100, start=NOW - 2 * DAY, end=NOW - DAY - 12 * HOUR)

    app.finish()
    app.credentials = dict(app.twin.credentials) | {"interval": "Hourly"}
    with pytest.raises(RequestRefused) as refused:
        app.app().check()

    assert nothing_lost_or_repeated(app.tally())
    assert "Daily" in refused.value.hint


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"client_secret": "0" * 64}, "consumer secret"),
        ({}, {"client_id": "3MVG9" + "x" * 80}, "consumer key"),
        ({}, {"domain": "login.salesforce.com", "username": "a@b.cd", "password": "x"}, "security token"),
        ({"flow": "password"}, {"password": "another"}, "security token"),
        ({"permitted": False}, {}, "View Event Log Files"),
    ],
)
def test_a_refusal_is_explained(options: dict[str, Any], changed: dict[str, str], hint: str) -> None:
    app = collector(**options)
    app.credentials = dict(app.twin.credentials) | changed

    with pytest.raises(CredentialsError) as refused:
        app.app().check()

    assert hint in refused.value.hint


def test_wrong_credentials_leave_the_checkpoint_and_are_not_shown() -> None:
    app = collector()
    app.credentials = dict(app.twin.wrong_credentials)

    with pytest.raises(CredentialsError) as refused:
        app.finish()

    assert app.credentials["client_secret"] not in f"{refused.value}{refused.value.hint}"
    assert app.checkpoint == app.app().start(app.since)


def test_client_credentials_without_a_domain_are_a_slip_that_is_named() -> None:
    app = collector()
    app.credentials = {key: value for key, value in app.twin.credentials.items() if key != "domain"}

    with pytest.raises(ConfigError, match="My Domain"):
        app.app().check()


def test_an_allowance_that_is_spent_ends_the_run_until_later() -> None:
    app = collector(calls=3)
    app.seconds = 600.0
    app.twin.seed(APP, events=500, start=START, end=NOW - 4 * HOUR)

    with pytest.raises(RateLimited, match="24 hours"):
        app.finish()

    assert app.logs
    assert app.requests[-1].status == 403


@pytest.mark.parametrize(
    ("instance", "error"),
    [("https://evil.example.com", BadResponse), ("https://salesforce.com.example.com", BadResponse)],
)
def test_an_instance_outside_salesforce_is_not_asked(instance: str, error: type[AppError]) -> None:
    class Elsewhere(Salesforce):
        def handle(self, request: Request) -> Response:
            answer = super().handle(request)
            return Response(200, answer.body.replace(b"https://acme.my.salesforce.com", instance.encode()))

    app = Collector(Elsewhere(StillClock()), APP, START)

    with pytest.raises(error, match="outside its own domains"):
        app.app().check()

    assert [asked.path for asked in app.requests] == ["/services/oauth2/token"]


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault(HtmlPage(), path=QUERY), AppError), (Fault(Status(503)), Unavailable)]
)
def test_an_answer_that_is_none_is_an_error(fault: Fault, error: type[AppError]) -> None:
    with pytest.raises(error):
        collector(faults=(fault,)).finish()


def test_a_run_over_a_real_connection_brings_the_same() -> None:
    app = collector(page_size=2)
    app.twin.seed(APP, events=1500, start=START, end=NOW - 5 * HOUR)

    with serve(app.twin) as server, ToSimulator(server.url) as app.wire:  # type: ignore[assignment]
        app.finish()

    assert {asked.status for asked in server.requests} == {200}
    assert nothing_lost_or_repeated(app.tally())


def test_each_event_type_of_the_document_has_an_app_type() -> None:
    apps = {name: kind for name, kind in services.apps("salesforce").items() if name not in OBJECTS}

    assert apps.keys() == TYPES.keys()
    assert {kind.__name__ for kind in apps.values()} == {f"Salesforce{name}" for name in TYPES.values()}
    assert {f"salesforce_{name}" for name in ("console", "login", "loginas", "report", "reportexport")} < set(
        apps
    )


@pytest.mark.parametrize("app_type", ["salesforce_login", "salesforce_report", "salesforce_apexexecution"])
def test_each_type_has_its_own_files_and_logs_that_match_the_schema(app_type: str) -> None:
    app = collector(app_type=app_type)
    for other in ("salesforce_login", "salesforce_report", "salesforce_apexexecution"):
        app.twin.seed(other, events=200, start=START, end=NOW - 4 * HOUR)
    schema = services.schemas("salesforce")["salesforce:event_log_file"]

    app.finish()

    assert len(app.logs) == 200
    assert nothing_lost_or_repeated(app.tally())
    assert all(accepts(schema, log) for log in app.logs)


@pytest.mark.parametrize(
    ("field", "typed", "stored"),
    [
        ("domain", "acme.my.salesforce.com", "acme.my.salesforce.com"),
        ("domain", " https://Acme--dev.sandbox.my.salesforce.com/ ", "acme--dev.sandbox.my.salesforce.com"),
        ("domain", "test.salesforce.com", "test.salesforce.com"),
        ("domain", "", None),
        ("interval", "Hourly", "Hourly"),
        ("client_secret", "1234567890123456789", "1234567890123456789"),
        ("username", "dana@example.com.sandbox", "dana@example.com.sandbox"),
    ],
)
def test_credentials_are_taken_as_salesforce_shows_them(field: str, typed: str, stored: str | None) -> None:
    assert FIELDS[field].parse(typed) == stored


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("domain", "acme.lightning.force.com"),
        ("domain", "salesforce.com.example.com"),
        ("domain", "acme.my.salesforce.com/path"),
        ("interval", "hour"),
        ("client_id", "acme"),
        ("client_id", ""),
        ("client_secret", ""),
        ("username", "dana"),
    ],
)
def test_slips_are_rejected(field: str, typed: str) -> None:
    with pytest.raises(UsageError):
        FIELDS[field].parse(typed)


def test_a_field_may_be_longer_than_the_csv_module_takes_by_itself() -> None:
    app = collector()
    app.twin.put(APP, at=START, size=1_500_000)

    app.finish()

    assert len(app.logs[0]["URI"]) == 1_500_000
    assert salesforce.APPS


every_object = pytest.mark.parametrize("app_type", OBJECTS)


@every_object
def test_rows_of_an_object_that_come_late_and_at_once_arrive_once(app_type: str) -> None:
    app = collector(app_type=app_type, page_size=100)
    app.twin.seed(
        app_type, events=600, burst=250, late=40, start=START, end=NOW, lateness=timedelta(minutes=8)
    )

    app.cut_short(runs=10)
    app.come_to_rest(lag=timedelta(minutes=10))

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600


@every_object
def test_rows_of_an_object_match_their_schema(app_type: str) -> None:
    app = collector(app_type=app_type)
    app.twin.seed(app_type, events=200, start=START, end=NOW - HOUR)
    app.finish()
    (name,) = services.find(app_type).schemas

    assert len(app.logs) == 200
    assert [log for log in app.logs if not accepts(services.schemas("salesforce")[name], log)] == []


def test_the_rest_of_an_object_that_is_no_longer_known_loses_nothing() -> None:
    app = collector(app_type=OBJECTS[0], page_size=50)
    app.twin.seed(OBJECTS[0], events=300, start=START, end=NOW - HOUR)
    app.run(pages=2)
    twin(app).forget_locators()

    app.come_to_rest(lag=timedelta(minutes=10))

    assert nothing_lost_or_repeated(app.tally())


@every_object
def test_an_object_that_the_user_may_not_see_is_told(app_type: str) -> None:
    with pytest.raises(CredentialsError) as told:
        collector(app_type=app_type, permitted=False).app().check()

    assert "Manage Users" in told.value.hint


def test_an_object_needs_no_interval() -> None:
    assert "interval" not in {field.name for field in services.find(OBJECTS[0]).auth}

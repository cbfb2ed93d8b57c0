"""Box's enterprise events, against their twin."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import BadResponse, CredentialsError, RateLimited, Unavailable, UsageError
from streamalert_apps.sdk.http import ToSimulator
from streamalert_apps.services.box.app import BoxAdminEvents, key_file
from streamalert_apps.services.box.twin import Box
from streamalert_apps.simulator.faults import CutBody, Dropped, Fault, HtmlPage, Status
from streamalert_apps.simulator.server import serve
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

APP = "box_admin_events"
START = NOW - timedelta(hours=3)
SEEN = NOW - timedelta(minutes=1)
DAY = timedelta(days=1)
SCHEMA = services.schemas("box")["box:admin_events_v2"]


def collector(*, faults: tuple[Fault, ...] = (), **options: Any) -> Collector:
    return Collector(Box(StillClock(), **options), APP, START, faults)


def asked_for(app: Collector) -> list[dict[str, str]]:
    return [dict(asked.params) for asked in app.requests if asked.method == "GET"]


def test_events_are_asked_for_by_position_500_a_page_until_one_is_empty() -> None:
    app = collector()
    app.twin.seed(APP, events=1200, start=START, end=SEEN)

    app.finish()

    asked = asked_for(app)
    assert {one["stream_type"] for one in asked} == {"admin_logs_streaming"}
    assert {one["limit"] for one in asked} == {"500"}
    assert asked[0]["stream_position"] == "0"
    begun, *pages = app.pages  # a run that begins notes that, before it asks for anything
    assert (begun, pages[-1]) == (0, 0)
    assert 0 not in pages[:-1]
    assert len(asked) == len(pages)
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("pages", [None, 1])
def test_a_backlog_with_a_busy_second_arrives_whole(pages: int | None) -> None:
    app = collector()
    app.twin.seed(APP, events=5000, burst=2500, late=50, start=START, end=SEEN)

    app.finish(pages=pages)
    app.twin.clock.sleep(300)
    app.finish(pages=pages)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 5000
    assert app.repeats > 100


def test_pages_that_are_not_full_are_not_the_end() -> None:
    app = collector(page_size=7)
    app.twin.seed(APP, events=200, start=START, end=SEEN)

    app.finish(pages=1)

    assert nothing_lost_or_repeated(app.tally())


def test_positions_are_handed_back_as_they_came() -> None:
    app = collector(page_size=20)
    app.twin.seed(APP, events=400, start=START, end=SEEN)

    app.finish(pages=1)

    positions = [one["stream_position"] for one in asked_for(app)[1:]]
    assert all(int(position) > 2**53 for position in positions)
    assert any(int(float(position)) != int(position) for position in positions)
    assert {asked.status for asked in app.requests} == {200}


def test_events_that_are_processed_late_arrive_once() -> None:
    app = collector()
    for minutes in range(60):
        at = NOW - timedelta(minutes=minutes)
        app.twin.put(APP, at=at, visible=NOW + timedelta(minutes=7 * minutes % 60))

    for _ in range(13):
        app.finish()
        app.twin.clock.sleep(300)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 60


@pytest.mark.parametrize("pages", [1, 3, 999])
def test_a_feed_that_grows_while_it_is_read_arrives_whole(pages: int) -> None:
    app = collector(page_size=50)
    app.twin.seed(APP, events=1500, burst=300, late=40, start=START, end=NOW + timedelta(minutes=30))

    for _ in range(60):
        app.run(pages=pages)
        app.twin.clock.sleep(40)
    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 1500


def test_an_enterprise_in_which_nothing_happens_keeps_its_position() -> None:
    app = collector()
    for _ in range(20):
        app.finish()
        app.twin.clock.sleep(DAY.total_seconds())
    app.twin.put(APP, at=app.twin.clock.now())
    app.twin.clock.sleep(60)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert {one["stream_type"] for one in asked_for(app)} == {"admin_logs_streaming"}


def test_a_first_run_leaves_out_what_happened_before_the_wanted_time() -> None:
    app = collector(page_size=50)
    app.twin.seed(APP, events=400, start=NOW - 10 * DAY, end=SEEN)

    app.finish(pages=1)

    assert nothing_lost_or_repeated(app.tally(since=START))


@pytest.mark.parametrize("pages", [None, 1])
def test_a_first_run_that_looks_back_further_than_two_weeks_takes_the_rest_from_the_log(
    pages: int | None,
) -> None:
    app = collector(page_size=100)
    app.since = NOW - 100 * DAY
    app.twin.seed(APP, events=3000, burst=500, start=NOW - 120 * DAY, end=SEEN)

    app.finish(pages=pages)

    assert nothing_lost_or_repeated(app.tally(since=app.since))
    assert asked_for(app)[0]["stream_type"] == "admin_logs_streaming"
    assert asked_for(app)[-1]["stream_type"] == "admin_logs"


@pytest.mark.parametrize("refuses_old", [True, False])
@pytest.mark.parametrize("pages", [None, 2])
def test_what_was_missed_in_a_month_is_collected_whether_or_not_box_tells(
    pages: int | None, *, refuses_old: bool
) -> None:
    app = collector(page_size=100, refuses_old=refuses_old)
    app.twin.seed(APP, events=150, start=START, end=SEEN)
    app.finish()
    app.twin.clock.sleep(30 * DAY.total_seconds())
    app.twin.seed(APP, events=2000, burst=400, start=NOW + timedelta(minutes=1), end=NOW + 30 * DAY)
    app.twin.clock.sleep(60)

    app.finish(pages=pages)

    tally = app.tally()
    assert (tally.lost, tally.foreign) == ((), ())
    assert all(name in app.twin.held(APP, until=SEEN) for name in tally.repeated)  # of the last day, in doubt


def test_after_a_gap_was_filled_all_is_as_before() -> None:
    app = collector()
    app.since = NOW - 30 * DAY
    app.twin.seed(APP, events=300, start=app.since, end=SEEN)
    app.finish()

    app.twin.put(APP, at=NOW)
    app.twin.clock.sleep(60)
    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert app.checkpoint is not None
    assert "gap" not in app.checkpoint


def test_new_events_come_before_a_gap_is_filled_to_its_end() -> None:
    app = collector(page_size=20)
    app.since = NOW - 60 * DAY
    app.twin.seed(APP, events=600, start=app.since, end=SEEN)
    app.run(pages=25)
    latest = app.twin.put(APP, at=NOW)
    app.twin.clock.sleep(60)

    app.run(pages=1)
    came_first = app.twin.identify(APP, app.logs[-1])
    app.finish(pages=3)

    assert came_first == latest
    assert nothing_lost_or_repeated(app.tally())


def test_a_position_that_is_refused_for_no_known_reason_costs_repeats_at_most() -> None:
    app = collector(page_size=50, faults=(Fault(Status(400), nth=3, path="/2.0/*"),))
    app.twin.seed(APP, events=500, start=START, end=SEEN)

    app.finish()

    assert app.tally().lost == ()
    assert {asked.status for asked in app.requests} == {200, 400}


def test_what_not_even_the_log_has_is_given_up_aloud(caplog: pytest.LogCaptureFixture) -> None:
    app = collector()
    app.since = NOW - 400 * DAY
    kept = app.twin.put(APP, at=NOW - 360 * DAY)

    app.finish()

    assert [app.twin.identify(APP, log) for log in app.logs] == [kept]
    assert "can't be collected any more" in caplog.text


def test_an_event_whose_time_cannot_be_read_is_forwarded_and_stops_nothing() -> None:
    app = collector()
    app.twin.put(APP, at=START, created_at="yesterday")
    app.twin.put(APP, at=SEEN)

    app.finish()
    app.twin.clock.sleep(2 * DAY.total_seconds())
    app.finish()

    assert len(app.logs) == 2
    assert app.app().watermark(app.checkpoint or {}) == app.twin.clock.now() - DAY


def test_a_token_serves_a_whole_run_and_is_renewed_when_it_is_refused() -> None:
    app = collector(page_size=50)
    app.twin.seed(APP, events=500, start=START, end=SEEN)
    fresh = app.app()
    polling = fresh.poll(fresh.start(START))
    first = [next(polling) for _ in range(3)]
    app.twin.revoke_tokens()

    rest = list(polling)

    assert len({identity for page in [*first, *rest] for identity in page.ids}) == 500
    assert [asked.path for asked in app.requests].count("/oauth2/token") == 2
    assert [asked.status for asked in app.requests].count(401) == 1


def test_a_token_is_renewed_before_it_ends() -> None:
    app = collector(page_size=20, token_seconds=600)
    app.twin.seed(APP, events=400, start=START, end=SEEN)
    app.slow_down(30)

    app.finish()

    assert {asked.status for asked in app.requests} == {200}
    assert [asked.path for asked in app.requests].count("/oauth2/token") > 1
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("minutes", [-90, -2, 0.7, 90])
def test_a_clock_that_differs_is_made_up_for_by_boxs_own(minutes: float) -> None:
    app = collector()
    app.clock = StillClock(NOW + timedelta(minutes=minutes))
    app.twin.put(APP, at=SEEN)

    app.finish()

    statuses = [asked.status for asked in app.requests if asked.path == "/oauth2/token"]
    assert statuses == [400, 200]
    assert nothing_lost_or_repeated(app.tally())


def test_each_attempt_to_sign_in_has_an_assertion_of_its_own() -> None:
    app = collector(faults=(Fault(CutBody(), nth=range(1, 4), path="/oauth2/*"),))
    app.twin.put(APP, at=SEEN)

    app.finish()

    statuses = [asked.status for asked in app.requests if asked.path == "/oauth2/token"]
    assert statuses == [200, 200, 200, 200]


def test_an_app_with_the_client_credentials_grant_needs_no_key() -> None:
    app = collector(grant="client_credentials")
    app.twin.seed(APP, events=100, start=START, end=SEEN)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("own", [None, {}, {"publicKeyID": "", "privateKey": "", "passphrase": ""}])
def test_a_file_whose_part_for_the_key_is_empty_or_missing_is_of_such_an_app(own: Any) -> None:
    app = collector(grant="client_credentials")
    file = deepcopy(app.twin.credentials["keyfile"])
    file["boxAppSettings"]["appAuth"] = own
    if own is None:
        del file["boxAppSettings"]["appAuth"]
    app.credentials = {"keyfile": key_file(json.dumps(file))}

    app.app().check()


def test_the_limit_of_a_minute_is_waited_for() -> None:
    app = collector(page_size=20, rate=10)
    app.twin.seed(APP, events=500, start=START, end=SEEN)

    app.finish()

    assert 429 in {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


def test_a_wait_for_which_there_is_no_time_is_told() -> None:
    app = collector(rate=0, faults=(Fault(Status(429, retry_after=600), path="/2.0/*"),))
    app.seconds = 60

    with pytest.raises(RateLimited) as limited:
        app.finish()

    assert limited.value.retry_after == 600


def test_faults_on_the_way_cost_nothing() -> None:
    faults = (
        Fault(Status(500), nth=1),
        Fault(Dropped(), nth=2),
        Fault(Status(429, retry_after=30), nth=4),
        Fault(CutBody(), nth=6),
        Fault(Status(503, retry_after=20), nth=8),
    )
    app = collector(page_size=100, faults=faults)
    app.twin.seed(APP, events=800, start=START, end=SEEN)

    app.finish()

    assert len([asked for asked in app.requests if asked.fault]) == 5
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault(HtmlPage(), nth=2), BadResponse), (Fault(Status(503)), Unavailable)]
)
def test_an_answer_that_is_none_is_an_error(fault: Fault, error: type[Exception]) -> None:
    with pytest.raises(error):
        collector(faults=(fault,)).finish()


@pytest.mark.parametrize(
    ("options", "changed", "said"),
    [
        ({"authorized": False}, {}, "authorizes it in the Admin Console"),
        ({"scope": False}, {}, "Manage enterprise properties"),
        ({}, {"clientSecret": "0" * 32}, "clientID and clientSecret"),
        ({}, {"publicKeyID": "00000000"}, "Create a new key"),
        ({}, {"enterpriseID": "1"}, "check enterpriseID"),
        ({"grant": "client_credentials"}, {"enterpriseID": "1"}, "check enterpriseID"),
    ],
)
def test_credentials_that_are_refused_are_explained(
    options: dict[str, Any], changed: dict[str, str], said: str
) -> None:
    app = collector(**options)
    app.credentials = {"keyfile": altered(app.twin.credentials["keyfile"], changed)}

    with pytest.raises(CredentialsError) as refused:
        app.app().check()

    assert said in refused.value.hint


def altered(file: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration file with other values, wherever they stand in it."""
    copy = deepcopy(file)
    settings = copy["boxAppSettings"]
    for name, value in changed.items():
        place = next((part for part in (settings["appAuth"], settings) if name in part), copy)
        place[name] = value
    return copy


def test_good_credentials_pass_the_check() -> None:
    app = collector()
    app.app().check()

    assert [one["stream_position"] for one in asked_for(app)] == ["now"]


@pytest.mark.parametrize("last", ["2023-11-21T01:00:00-08:00", "2023-11-21T09:00:00-00:00"])
def test_it_goes_on_from_the_state_of_streamalert(last: str) -> None:
    app = collector()
    for minutes in (70, 60, 50):
        app.twin.put(APP, at=NOW - timedelta(minutes=minutes))
    app.checkpoint = app.app().adopt(last, {})

    app.finish()

    assert nothing_lost_or_repeated(app.tally(since=datetime.fromisoformat(last)))


def test_streamalert_could_go_on_from_its_state() -> None:
    app = collector()
    fresh = app.app().last_timestamp(app.app().start(START))
    app.twin.put(APP, at=SEEN)
    app.twin.clock.sleep(2 * DAY.total_seconds())
    app.finish()

    assert fresh == 0
    assert app.app().last_timestamp(app.checkpoint or {}) == "2023-11-22T10:00:00+00:00"  # late ones may come


def test_a_run_over_a_real_connection_brings_the_same() -> None:
    app = collector()
    app.twin.seed(APP, events=1000, start=START, end=SEEN)

    with serve(app.twin) as server, ToSimulator(server.url) as app.wire:  # type: ignore[assignment]
        app.finish()

    assert {asked.status for asked in server.requests} == {200}
    assert nothing_lost_or_repeated(app.tally())


def test_its_logs_match_its_schema() -> None:
    app = collector()
    app.twin.seed(APP, events=1000, start=START, end=SEEN)
    app.finish()

    assert BoxAdminEvents.schemas == ("box:admin_events_v2",)
    assert len(app.logs) == 1000
    assert [log for log in app.logs if not accepts(SCHEMA, log)] == []


@pytest.fixture
def file() -> dict[str, Any]:
    return dict(Box().credentials["keyfile"])


def test_a_configuration_file_is_taken_by_its_path_and_by_its_text(
    file: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "box.json"
    path.write_text(json.dumps(file))

    assert key_file(str(path)) == key_file(json.dumps(file)) == file


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"clientSecret": ""}, "not the configuration file"),
        ({"enterpriseID": "0x7"}, "enterpriseID"),
        ({"enterpriseID": None}, "enterpriseID"),
        ({"passphrase": "0" * 32}, "can't be loaded"),
        ({"passphrase": ""}, "can't be loaded"),
        ({"privateKey": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"}, "can't be loaded"),
    ],
)
def test_a_file_that_lacks_something_is_refused(
    file: dict[str, Any], changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        key_file(json.dumps(altered(file, changed)))

    assert "AAAA" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ['{"type": "service_account"}', '{"boxAppSettings": []}', "[]", "no such file", ""]
)
def test_what_is_no_configuration_file_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        key_file(text)

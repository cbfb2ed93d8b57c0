"""Google Workspace's activity reports, against their twin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from streamalert_apps import services
from streamalert_apps.errors import (
    AppError,
    BadResponse,
    CredentialsError,
    RateLimited,
    RequestRefused,
    UsageError,
)
from streamalert_apps.sdk.http import ToSimulator
from streamalert_apps.services.gsuite.app import key_file
from streamalert_apps.services.gsuite.twin import Gsuite, Throttled
from streamalert_apps.services.gsuite.twin.access import SCOPE
from streamalert_apps.simulator.faults import CutBody, Dropped, Fault, HtmlPage, Status
from streamalert_apps.simulator.server import serve
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

LOGIN, TOKEN = "gsuite_login", "gsuite_token"
ALERTS = "gsuite_alerts"
KINDS = {name: kind for name, kind in services.apps("gsuite").items() if name != ALERTS}
START = NOW - timedelta(hours=10)
OLD = NOW - timedelta(hours=4)
HOUR = timedelta(hours=1)
OF_STREAMALERT = (
    *("access_transparency", "admin", "calendar", "drive", "gcp", "gplus", "groups", "groups_enterprise"),
    *("login", "meet", "mobile", "rules", "saml", "token", "user_accounts"),
)


def collector(app_type: str = LOGIN, *, faults: tuple[Fault, ...] = (), **options: Any) -> Collector:
    return Collector(Gsuite(StillClock(), **options), app_type, START, faults)


def google(app: Collector) -> Gsuite:
    assert isinstance(app.twin, Gsuite)
    return app.twin


def until_settled(
    app: Collector, *, pages: int | None = None, every: timedelta = timedelta(minutes=30)
) -> None:
    """Run on schedule until nothing can come any more."""
    ends = app.twin.complete(app.app_type) + 5 * HOUR
    while app.twin.clock.now() < ends:
        app.finish(pages=pages)
        app.twin.clock.sleep(every.total_seconds())


def reports(app: Collector) -> list[dict[str, str]]:
    """Return what was asked for of the report."""
    return [dict(asked.params) for asked in app.requests if asked.method == "GET"]


def test_there_is_a_type_for_each_of_googles_42_applications() -> None:
    assert len(KINDS) == 42
    assert {f"gsuite_{name}" for name in OF_STREAMALERT} <= KINDS.keys()
    assert {kind.type for kind in KINDS.values()} == KINDS.keys()


def test_the_document_says_of_each_type_what_it_collects_and_how_late() -> None:
    table = (services.room("gsuite") / "page.md").read_text("utf-8")

    for name, kind in KINDS.items():
        hours = (kind.lag or HOUR) // HOUR
        assert f"| `{name}` | {kind.collects} | {hours} h |\n" in table


@pytest.mark.parametrize("app_type", ["gsuite_gplus", "gsuite_jamboard"])
def test_the_report_of_a_retired_product_says_so(app_type: str) -> None:
    assert "retired" in KINDS[app_type].collects


@pytest.mark.parametrize("app_type", sorted(KINDS))
def test_each_type_collects_the_report_of_its_application(app_type: str) -> None:
    app = collector(app_type)
    app.twin.put(app_type, at=OLD)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert app.logs[0]["id"]["applicationName"] == app_type.removeprefix("gsuite_")
    assert app.requests[-1].path.endswith(f"/users/all/applications/{app_type.removeprefix('gsuite_')}")


def test_a_report_is_asked_for_between_two_milliseconds_a_thousand_a_page() -> None:
    app = collector()
    app.finish()

    look, sweep = reports(app)

    assert look == {
        "startTime": "2023-11-21T09:00:00.000Z",
        "endTime": "2023-11-21T10:00:00.001Z",
        "maxResults": "1000",
    }
    assert sweep["startTime"] == "2023-11-20T23:59:59.999Z"
    assert sweep["endTime"] == "2023-11-21T10:00:00.001Z"


@pytest.mark.parametrize("app_type", [LOGIN, TOKEN])
def test_a_backlog_with_a_busy_second_arrives_whole(app_type: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=5000, burst=2500, late=50, start=START, end=NOW)

    until_settled(app)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 5000


def test_a_backlog_that_is_read_page_by_page_by_as_many_runs_arrives_whole() -> None:
    app = collector(page_size=300)
    app.twin.seed(LOGIN, events=3000, burst=1500, start=START, end=OLD)
    app.twin.seed(LOGIN, events=60, late=10, start=NOW - HOUR, end=NOW)

    app.finish(pages=1, every=timedelta(minutes=1))  # a sweep's turn comes with time
    by_page = app.tally().arrived
    until_settled(app)

    assert by_page == 3060
    assert nothing_lost_or_repeated(app.tally())


def test_more_activities_in_one_millisecond_than_a_page_holds_arrive_whole() -> None:
    app = collector(page_size=100)
    for _ in range(350):
        app.twin.put(LOGIN, at=OLD)

    app.finish(pages=1)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 350


@pytest.mark.parametrize("pages", [None, 2])
def test_activities_that_show_up_hours_late_arrive_once(pages: int | None) -> None:
    app = collector(TOKEN)
    app.twin.seed(TOKEN, events=600, start=START, end=NOW)
    app.twin.seed(TOKEN, events=90, late=90, start=START, end=NOW, lateness=timedelta(minutes=110))

    until_settled(app, pages=pages)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 690


def test_few_activities_are_forwarded_as_soon_as_they_can_be_seen() -> None:
    app = collector(TOKEN)
    for minutes in range(0, 200, 2):
        app.twin.put(TOKEN, at=NOW - timedelta(minutes=minutes))

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("pages", [1, 4, 999])
def test_a_report_that_grows_while_it_is_read_arrives_whole(pages: int) -> None:
    app = collector(page_size=50)
    app.twin.seed(LOGIN, events=900, burst=200, late=30, start=START, end=NOW + HOUR)

    while app.twin.clock.now() < NOW + 2 * HOUR:
        app.run(pages=pages)
        app.twin.clock.sleep(60)
    until_settled(app)

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("seconds", [0.3, 40])
def test_a_busy_report_that_is_read_slowly_and_by_short_runs_arrives_whole(seconds: float) -> None:
    app = collector(TOKEN, page_size=200)
    app.twin.seed(TOKEN, events=4000, burst=600, late=300, start=START, end=NOW + 3 * HOUR)
    app.slow_down(seconds)

    while app.twin.clock.now() < NOW + 8 * HOUR:
        app.run(pages=30)
        app.twin.clock.sleep(600)
    until_settled(app)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 4000


def test_a_run_whose_requests_are_slow_comes_to_its_end() -> None:
    app = collector()
    app.twin.seed(LOGIN, events=100, start=START, end=NOW)
    app.slow_down(20)

    app.finish()

    assert len(app.requests) < 10


def test_after_a_crowd_of_activities_those_that_follow_come_at_once_again() -> None:
    app = collector()
    for _ in range(300):
        app.twin.put(LOGIN, at=NOW)
    app.finish()
    until_settled(app)

    latest = app.twin.put(LOGIN, at=app.twin.clock.now())
    app.finish()

    assert app.twin.identify(LOGIN, app.logs[-1]) == latest
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("pages", [1, 2])
def test_page_tokens_that_expire_between_two_runs_cost_nothing(pages: int) -> None:
    app = collector(page_size=100, page_token_seconds=60)
    app.twin.seed(LOGIN, events=2000, burst=150, late=20, start=START, end=NOW)

    for _ in range(60):
        app.run(pages=pages)
        app.twin.clock.sleep(90)
    until_settled(app)

    assert 400 in {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


def test_page_tokens_that_expire_within_a_run_cost_nothing() -> None:
    app = collector(page_size=30, page_token_seconds=15)
    app.twin.seed(LOGIN, events=400, start=START, end=NOW)
    app.slow_down(20)

    until_settled(app)

    assert nothing_lost_or_repeated(app.tally())


def test_a_token_that_leads_to_itself_is_the_end() -> None:
    app = collector(page_size=50, stuck_token=True)
    app.twin.seed(LOGIN, events=230, start=START, end=NOW)

    until_settled(app)

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("days", [40, 150])
def test_a_backlog_of_months_is_walked_through_in_spans_that_google_answers(days: int) -> None:
    app = collector("gsuite_gmail")
    app.since = NOW - timedelta(days=days)
    app.twin.seed("gsuite_gmail", events=900, start=app.since, end=NOW - 5 * HOUR)

    app.finish(pages=2)

    spans = [
        datetime.fromisoformat(asked["endTime"]) - datetime.fromisoformat(asked["startTime"])
        for asked in reports(app)
    ]
    assert nothing_lost_or_repeated(app.tally())
    assert {asked.status for asked in app.requests} == {200}
    assert max(spans) <= timedelta(days=30)


def test_what_is_older_than_google_keeps_is_given_up_aloud(caplog: pytest.LogCaptureFixture) -> None:
    app = collector()
    app.since = NOW - timedelta(days=190)
    app.twin.put(LOGIN, at=NOW - timedelta(days=179))

    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert "180 days" in caplog.text


def test_an_activity_whose_time_cannot_be_read_is_forwarded_and_stops_nothing() -> None:
    app = collector(page_size=2)
    for minutes in range(5):
        app.twin.put(LOGIN, at=OLD + timedelta(minutes=minutes))
    app.twin.put(LOGIN, at=OLD, id={"uniqueQualifier": "7"})

    app.finish(pages=1)
    app.finish()

    assert len(app.logs) == 6


def test_a_token_serves_a_whole_run_and_is_renewed_when_it_is_refused() -> None:
    app = collector(page_size=50)
    app.twin.seed(LOGIN, events=500, start=START, end=OLD)
    polling = app.app().poll({"floor": START.isoformat()})
    first = [next(polling) for _ in range(3)]
    app.twin.revoke_tokens()

    rest = list(polling)

    assert sum(len(page.logs) for page in [*first, *rest]) == 500
    assert [asked.path for asked in app.requests].count("/token") == 2
    assert [asked.status for asked in app.requests].count(401) == 1


def test_a_token_is_renewed_before_it_ends() -> None:
    app = collector(page_size=20, token_seconds=600)
    app.twin.seed(LOGIN, events=500, start=START, end=OLD)
    app.slow_down(100)

    app.finish()

    assert {asked.status for asked in app.requests} == {200}
    assert [asked.path for asked in app.requests].count("/token") > 3
    assert nothing_lost_or_repeated(app.tally())


LIMITS = [Throttled("rateLimitExceeded"), Throttled("userRateLimitExceeded"), Status(429), Status(503)]


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_a_limit_is_waited_out_whatever_its_status(limit: Any) -> None:
    app = collector(page_size=100, faults=(Fault(limit, nth=range(2, 5), path="/admin/*"),))
    app.twin.seed(LOGIN, events=500, start=START, end=OLD)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_a_limit_that_outlasts_the_run_is_told_as_one(limit: Any) -> None:
    app = collector(faults=(Fault(limit, path="/admin/*"),))

    with pytest.raises(RateLimited):
        app.finish()


def test_a_run_that_uses_up_the_quota_is_gone_on_with_by_the_next_one() -> None:
    app = collector(page_size=20, rate=10)
    app.twin.seed(LOGIN, events=500, start=START, end=OLD)

    runs = 0
    while runs == 0 or 429 in {asked.status for asked in app.requests[-1:]}:
        runs += 1
        with suppress(RateLimited):
            app.finish()
        app.twin.clock.sleep(60)

    assert runs > 1
    assert nothing_lost_or_repeated(app.tally())


def test_faults_on_the_way_cost_nothing() -> None:
    faults = (
        Fault(Status(500), nth=1),
        Fault(Dropped(), nth=2),
        Fault(Status(429, retry_after=30), nth=4),
        Fault(CutBody(), nth=6),
        Fault(Status(502), nth=8),
    )
    app = collector(page_size=100, faults=faults)
    app.twin.seed(LOGIN, events=800, start=START, end=OLD)

    app.finish()

    assert len([asked for asked in app.requests if asked.fault]) == 5
    assert nothing_lost_or_repeated(app.tally())


def test_a_page_for_people_is_an_error() -> None:
    with pytest.raises(BadResponse):
        collector(faults=(Fault(HtmlPage(), path="/admin/*"),)).finish()


def test_a_request_that_is_refused_for_itself_is_an_error() -> None:
    app = collector("gsuite_gmail").app()

    with pytest.raises(RequestRefused):
        app.fetch(NOW - timedelta(days=31), NOW, None)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("options", "changed", "said"),
    [
        ({"delegated": False}, {}, f"domain-wide delegation with the scope {SCOPE}"),
        ({"privilege": False}, {}, "privilege Reports"),
        ({"api_enabled": False}, {}, "Enable the Admin SDK API"),
        ({}, {"delegation_email": "nobody@example.com"}, "Check delegation_email"),
        ({}, {"client_email": "other@example.iam.gserviceaccount.com"}, "create a new key file"),
        ({}, {"private_key_id": "0" * 40}, "create a new key file"),
    ],
)
def test_credentials_that_are_refused_are_explained(
    options: dict[str, Any], changed: dict[str, str], said: str
) -> None:
    app = collector(**options)
    app.credentials = altered(app.twin.credentials, changed)

    with pytest.raises(CredentialsError) as refused:
        app.app().check()

    assert said in refused.value.hint


def altered(credentials: Mapping[str, Any], changed: dict[str, str]) -> dict[str, Any]:
    """Return credentials with other values, of the key file's as well."""
    key = dict(credentials["keyfile"])
    own = {name: value for name, value in changed.items() if name not in key}
    key |= {name: value for name, value in changed.items() if name in key}
    return {**credentials, "keyfile": key} | own


def test_a_clock_that_is_wrong_is_named_as_the_reason() -> None:
    app = collector()
    app.clock = StillClock(NOW - 2 * HOUR)

    with pytest.raises(CredentialsError) as refused:
        app.app().check()

    assert "clock" in refused.value.hint


def test_good_credentials_pass_the_check() -> None:
    collector().app().check()


def test_credentials_as_streamalert_stores_them_work() -> None:
    app = collector()
    app.twin.put(LOGIN, at=OLD)
    needed = ("type", "client_email", "private_key", "token_uri")
    key = {name: value for name, value in app.twin.credentials["keyfile"].items() if name in needed}
    app.credentials = {"keyfile": key, "delegation_email": app.twin.credentials["delegation_email"]}

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


def test_the_state_is_one_that_streamalert_goes_on_from_and_the_other_way_round() -> None:
    app = collector().app()
    checkpoint = app.adopt("2023-11-21T08:00:00.125000Z", {"last_event_ids": ["-7"]})

    assert app.last_timestamp(checkpoint) == "2023-11-21T08:00:00.125Z"


def test_a_run_over_a_real_connection_brings_the_same() -> None:
    app = collector(page_size=200)
    app.twin.seed(LOGIN, events=1000, start=START, end=OLD)

    with serve(app.twin) as server, ToSimulator(server.url) as app.wire:  # type: ignore[assignment]
        app.finish()

    assert {asked.status for asked in server.requests} == {200}
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("app_type", [LOGIN, "gsuite_drive", "gsuite_chrome"])
def test_its_logs_match_its_schema(app_type: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=500, start=START, end=OLD)
    app.finish()
    (name,) = KINDS[app_type].schemas
    schema = services.schemas("gsuite")[name]

    assert len(app.logs) == 500
    assert [log for log in app.logs if not accepts(schema, log)] == []


@pytest.fixture
def key() -> dict[str, str]:
    return dict(Gsuite().credentials["keyfile"])


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_key_file_is_taken_by_its_path_and_by_its_text(
    key: dict[str, str], mark: str, tmp_path: Path
) -> None:
    path = tmp_path / "key file.json"
    path.write_text(mark + json.dumps(key), "utf-8")

    assert key_file(str(path)) == key_file(f" '{path}' ") == key_file(json.dumps(key)) == key


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"type": "authorized_user"}, "not the key file of a service account"),
        ({"client_email": ""}, "not the key file of a service account"),
        (
            {"private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
            "can't be loaded",
        ),
        ({"private_key": None}, "can't be loaded"),
    ],
)
def test_a_file_of_another_kind_is_refused(key: dict[str, str], changed: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        key_file(json.dumps(key | changed))

    assert "AAAA" not in str(refused.value)


def test_a_key_of_another_kind_is_refused(key: dict[str, str]) -> None:
    pem = elliptic_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(UsageError, match="not an RSA key"):
        key_file(json.dumps(key | {"private_key": pem.decode()}))


@pytest.mark.parametrize("content", [b"", b"[]", b"not JSON", b"\xff\xfe", None])
def test_a_file_that_is_none_is_refused_by_its_name(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "key.p12"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UsageError, match=r"key\.p12") as refused:
        key_file(str(path))

    assert isinstance(refused.value, AppError)
    assert refused.value.hint


@pytest.mark.parametrize("text", ["", "{", '{"type": ', "\0"])
def test_what_is_neither_a_path_nor_json_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        key_file(text)


@pytest.mark.parametrize(
    ("text", "is_right"),
    [("auditor@example.com", True), ("a.b+c@sub.example.org", True), ("auditor", False), ("a@b", False)],
)
def test_the_administrators_address_has_to_be_one(text: str, *, is_right: bool) -> None:
    (field,) = (field for field in KINDS[LOGIN].auth if field.name == "delegation_email")
    if is_right:
        assert field.parse(text) == text
        return
    with pytest.raises(UsageError):
        field.parse(text)


def alerts(**options: Any) -> Collector:
    return Collector(Gsuite(StillClock(), rate=None, **options), ALERTS, NOW - timedelta(hours=3))


def test_alerts_that_come_late_and_at_once_arrive_once() -> None:
    app = alerts(page_size=50)
    app.twin.seed(
        ALERTS,
        events=400,
        burst=150,
        late=40,
        start=NOW - timedelta(hours=3),
        end=NOW,
        lateness=timedelta(minutes=8),
    )

    app.cut_short(runs=10)
    app.come_to_rest(lag=timedelta(minutes=10))

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 400


def test_a_page_token_of_alerts_that_is_no_longer_known_loses_nothing() -> None:
    twin = Gsuite(StillClock(), rate=None, page_size=50)
    twin.seed(ALERTS, events=200, start=NOW - timedelta(hours=3), end=NOW - timedelta(hours=1))
    app = Collector(twin, ALERTS, NOW - timedelta(hours=3))
    app.run(pages=2)
    twin.forget_page_tokens()

    app.come_to_rest(lag=timedelta(minutes=10))

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"delegated": False}, "https://www.googleapis.com/auth/apps.alerts"),
        ({"privilege": False}, "its privilege"),
        ({"api_enabled": False}, "Enable the Google Workspace Alert Center API"),
    ],
)
def test_what_is_missing_for_alerts_is_told(options: dict[str, bool], hint: str) -> None:
    with pytest.raises(CredentialsError) as told:
        alerts(**options).app().check()

    assert hint in told.value.hint

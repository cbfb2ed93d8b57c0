"""Salesforce's twin: tokens, queries, lists in batches, and which events are in which file."""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from datetime import timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps.errors import UsageError
from streamalert_apps.services.salesforce.twin import Salesforce
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

APP = "salesforce_login"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIELDS = "Id, EventType, LogDate, CreatedDate, Interval, Sequence, LogFile"
ALL = f"SELECT {FIELDS} FROM EventLogFile WHERE EventType = 'Login' ORDER BY CreatedDate, Id"


class Client:
    def __init__(self, **options: Any) -> None:
        self.twin = Salesforce(StillClock(), **options)
        self.http = httpx.Client(transport=transport(self.twin))
        self.host = "acme.my.salesforce.com"
        self.token = ""

    def grant(self, host: str = "", **form: str) -> httpx.Response:
        return self.http.post(f"https://{host or self.host}/services/oauth2/token", data=form)

    def pair(self) -> dict[str, str]:
        return {name: self.twin.credentials[name] for name in ("client_id", "client_secret")}

    def get(self, path: str, **params: str) -> httpx.Response:
        if not self.token:
            answer = self.grant(grant_type="client_credentials", **self.pair())
            self.token = answer.json()["access_token"]
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.http.get(f"https://{self.host}{path}", params=params or None, headers=headers)

    def query(self, soql: str = ALL, version: str = "66.0") -> httpx.Response:
        return self.get(f"/services/data/v{version}/query", q=soql)

    def files(self, soql: str = ALL) -> list[dict[str, Any]]:
        answer = self.query(soql)
        assert answer.status_code == 200, answer.text
        records: list[dict[str, Any]] = answer.json()["records"]
        return records

    def rows(self, file: dict[str, Any]) -> list[dict[str, str]]:
        answer = self.get(file["LogFile"])
        assert answer.headers["Content-Type"] == "text/csv"
        return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def error(answer: httpx.Response) -> tuple[int, str]:
    ((said),) = answer.json()
    assert said["message"]
    return answer.status_code, said["errorCode"]


def test_client_credentials_are_good_at_the_own_domain_in_both_forms() -> None:
    client = Client()
    pair = client.pair()
    basic = b64encode(f"{pair['client_id']}:{pair['client_secret']}".encode()).decode()

    by_form = client.grant(grant_type="client_credentials", **pair)
    by_header = client.http.post(
        f"https://{client.host}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {basic}"},
    )

    assert (by_form.status_code, by_header.status_code) == (200, 200)
    assert by_form.json()["instance_url"] == f"https://{client.host}"
    assert "expires_in" not in by_form.json()


def test_a_password_stands_with_the_security_token_behind_it() -> None:
    client = Client(flow="password")
    known = client.twin.credentials
    form = {"grant_type": "password", "username": known["username"], **client.pair()}

    right = client.grant("login.salesforce.com", password=known["password"] + known["security_token"], **form)
    wrong = client.grant("login.salesforce.com", password=known["password"], **form)

    assert (right.status_code, wrong.status_code) == (200, 400)
    assert wrong.json() == {"error": "invalid_grant", "error_description": "authentication failure"}


@pytest.mark.parametrize(
    ("host", "changed", "refusal"),
    [
        ("login.salesforce.com", {}, "invalid_grant"),
        ("", {"client_id": "3MVG9x"}, "invalid_client_id"),
        ("", {"client_secret": "0"}, "invalid_client"),
        ("", {"grant_type": "implicit"}, "unsupported_grant_type"),
    ],
)
def test_a_token_is_refused_with_a_reason(host: str, changed: dict[str, str], refusal: str) -> None:
    client = Client()

    answer = client.grant(host, **({"grant_type": "client_credentials"} | client.pair() | changed))

    assert (answer.status_code, answer.json()["error"]) == (400, refusal)


def test_a_session_ends_after_two_hours_or_when_it_is_revoked() -> None:
    client = Client()
    client.files()

    client.twin.clock.sleep(7200)
    assert error(client.query()) == (401, "INVALID_SESSION_ID")
    client.token = ""
    client.files()
    client.twin.revoke_tokens()
    assert error(client.query()) == (401, "INVALID_SESSION_ID")


@pytest.mark.parametrize(
    ("soql", "refusal"),
    [
        ("SELECT Id EventLogFile", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account", "INVALID_TYPE"),
        ("SELECT Id, Size FROM EventLogFile", "INVALID_FIELD"),
        ("SELECT Id FROM EventLogFile WHERE Size = 1", "INVALID_FIELD"),
        ("SELECT Id FROM EventLogFile WHERE CreatedDate > tomorrow", "MALFORMED_QUERY"),
        ("SELECT Id FROM EventLogFile WHERE CreatedDate > '2023-11-21T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM EventLogFile WHERE EventType", "MALFORMED_QUERY"),
        ("SELECT Id FROM EventLogFile ORDER BY Id SIDEWAYS", "MALFORMED_QUERY"),
    ],
)
def test_a_wrong_query_is_refused(soql: str, refusal: str) -> None:
    assert error(Client().query(soql)) == (400, refusal)


@pytest.mark.parametrize(
    ("path", "params", "refusal"),
    [
        ("/services/data/v99.0/query", {"q": ALL}, (404, "NOT_FOUND")),
        ("/services/data/v66.0/queries", {"q": ALL}, (404, "NOT_FOUND")),
        ("/services/data/v66.0/query", {"q": ALL, "limit": "1"}, (400, "MALFORMED_QUERY")),
        ("/services/data/v66.0/query/01gNone-2000", {}, (400, "INVALID_QUERY_LOCATOR")),
        ("/services/data/v66.0/sobjects/EventLogFile/0ATNone/LogFile", {}, (404, "NOT_FOUND")),
    ],
)
def test_an_unknown_version_path_parameter_or_file_is_refused(
    path: str, params: dict[str, str], refusal: tuple[int, str]
) -> None:
    assert error(Client().get(path, **params)) == refusal


def test_versions_are_listed_for_anybody() -> None:
    versions = Client().http.get("https://acme.my.salesforce.com/services/data/").json()

    assert {"label": "Release 66", "url": "/services/data/v66.0", "version": "66.0"} in versions


def test_interval_is_unknown_to_old_versions_and_without_hourly_files() -> None:
    assert error(Client().query(version="36.0")) == (400, "INVALID_FIELD")
    assert error(Client(hourly=False).query()) == (400, "INVALID_FIELD")


def test_the_user_needs_the_permission() -> None:
    assert error(Client(permitted=False).query()) == (400, "INVALID_TYPE")


def test_a_spent_allowance_is_403_and_each_answer_says_how_much_is_used() -> None:
    client = Client(calls=2)

    assert client.query().headers["Sforce-Limit-Info"] == "api-usage=1/2"
    client.query()
    assert error(client.query()) == (403, "REQUEST_LIMIT_EXCEEDED")


def test_a_file_has_the_events_of_an_hour_and_is_made_hours_later() -> None:
    client = Client()
    client.twin.put(APP, at=NOW - 2 * HOUR)  # 08:00
    client.twin.put(APP, at=NOW - 2 * HOUR + timedelta(minutes=59))

    assert client.files() == []
    client.twin.clock.sleep(2 * 3600)
    client.token = ""
    (file,) = client.files()

    assert (file["LogDate"], file["CreatedDate"]) == (
        "2023-11-21T08:00:00.000+0000",
        "2023-11-21T12:00:00.000+0000",
    )
    assert (file["Interval"], file["Sequence"]) == ("Hourly", 1)
    assert len(client.rows(file)) == 2


def test_later_events_of_an_hour_are_in_a_file_of_their_own_with_the_next_number() -> None:
    client = Client()
    client.twin.put(APP, at=NOW - 5 * HOUR)
    client.twin.put(APP, at=NOW - 5 * HOUR, visible=NOW - timedelta(minutes=1))

    files = client.files()

    assert [file["Sequence"] for file in files] == [1, 2]
    assert [len(client.rows(file)) for file in files] == [1, 1]
    assert files[0]["LogDate"] == files[1]["LogDate"]


def test_later_events_of_a_day_make_a_file_that_replaces_the_first_and_has_all() -> None:
    client = Client(interval="Daily")
    client.twin.put(APP, at=NOW - DAY)
    (first,) = client.files()

    client.twin.put(APP, at=NOW - DAY)  # its file has been made: it stays as it is
    (second,) = client.files()

    assert (first["Sequence"], second["Sequence"]) == (0, 0)
    assert first["Id"] != second["Id"]
    assert second["CreatedDate"] > first["CreatedDate"]
    assert len(client.rows(second)) == 2
    assert error(client.get(first["LogFile"])) == (404, "NOT_FOUND")


def test_files_are_kept_for_thirty_days() -> None:
    client = Client()
    client.twin.put(APP, at=NOW - 5 * HOUR)

    client.twin.clock.sleep((30 * DAY - 2 * HOUR).total_seconds())
    assert len(client.files()) == 1
    client.twin.clock.sleep(HOUR.total_seconds())
    client.token = ""
    assert client.files() == []


def test_a_list_comes_in_batches_and_stays_as_it_was_when_it_was_begun() -> None:
    client = Client(page_size=2)
    client.twin.seed(APP, events=100, start=NOW - 10 * HOUR, end=NOW - 5 * HOUR)
    answer = client.query().json()
    names = [file["Id"] for file in answer["records"]]
    client.twin.put(APP, at=NOW - 12 * HOUR)

    while not answer["done"]:
        assert len(answer["records"]) == 2
        answer = client.get(answer["nextRecordsUrl"]).json()
        names += [file["Id"] for file in answer["records"]]

    assert len(names) == len(set(names)) == answer["totalSize"] == 5
    assert "nextRecordsUrl" not in answer


def test_conditions_and_order_are_kept_and_without_an_order_there_is_none() -> None:
    client = Client()
    client.twin.seed(APP, events=300, start=NOW - 20 * HOUR, end=NOW - 5 * HOUR)
    client.twin.seed("salesforce_report", events=30, start=NOW - 20 * HOUR, end=NOW - 5 * HOUR)

    ascending = [file["CreatedDate"] for file in client.files()]
    descending = client.files(f"SELECT {FIELDS} FROM EventLogFile ORDER BY CreatedDate DESC")
    any_order = [file["Id"] for file in client.files("SELECT Id FROM EventLogFile")]
    since = "CreatedDate >= 2023-11-21T05:00:00.000Z AND Interval = 'Hourly'"
    some = client.files(f"SELECT {FIELDS} FROM EventLogFile WHERE EventType IN ('Login') AND {since}")

    assert ascending == sorted(ascending)
    assert [file["CreatedDate"] for file in descending] == sorted(
        (file["CreatedDate"] for file in descending), reverse=True
    )
    assert any_order != sorted(any_order)
    assert {file["EventType"] for file in descending} == {"Login", "Report"}
    assert {file["EventType"] for file in some} == {"Login"}
    assert min(file["CreatedDate"] for file in some) == "2023-11-21T05:00:00.000+0000"


def test_files_hold_all_that_csv_may_hold_and_are_packed_on_request() -> None:
    client = Client()
    client.twin.seed(APP, events=200, start=NOW - 6 * HOUR, end=NOW - 5 * HOUR - timedelta(seconds=1))
    (file,) = client.files()

    answer = client.get(file["LogFile"])
    rows = client.rows(file)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.text.startswith('"EVENT_TYPE","TIMESTAMP","REQUEST_ID"')
    assert len(rows) == 200
    assert {row["BROWSER_TYPE"] for row in rows} >= {"two\nlines", 'Chrome "quoted", with a comma'}
    assert {client.twin.identify(APP, row) for row in rows} == client.twin.held(APP).keys()


def test_held_counts_by_when_an_event_happened_and_complete_by_when_its_file_is_made() -> None:
    client = Client()
    client.twin.put(APP, at=NOW - DAY)
    client.twin.put(APP, at=NOW)

    assert client.twin.held(APP, since=NOW - HOUR).total() == 1
    assert client.twin.held(APP, until=NOW - HOUR).total() == 1
    assert client.twin.complete(APP) == NOW + 4 * HOUR


def test_another_type_is_a_slip_that_is_named() -> None:
    with pytest.raises(UsageError, match="salesforce_cloud"):
        Salesforce(StillClock()).seed("salesforce_cloud")

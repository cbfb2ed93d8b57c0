"""simple-salesforce: signing in, files by query in more than one page, their rows, and what is refused."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from simple_salesforce import Salesforce as Client
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceMalformedRequest,
)

from streamalert_apps.services.salesforce.twin import Salesforce
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(days=1)
BEGIN = END - timedelta(days=5)
FILES = "SELECT Id, CreatedDate, LogFile FROM EventLogFile WHERE EventType = 'Login'"


def client(twin: Salesforce, **other: str) -> Any:
    given = twin.credentials | other
    return Client(
        consumer_key=given["client_id"],
        consumer_secret=given["client_secret"],
        domain=given["domain"].removesuffix(".salesforce.com"),
        version="66.0",
    )


@pytest.mark.parametrize("when", ["", " AND CreatedDate = LAST_N_DAYS:7", " AND LogDate < TODAY"])
def test_every_row_of_every_file_comes(served: Serve, when: str) -> None:
    twin = Salesforce(page_size=2, interval="Daily")
    twin.seed("salesforce_login", events=100, start=BEGIN, end=END)
    served(twin)
    asking = client(twin)

    files = asking.query_all(f"{FILES} AND Interval = 'Daily'{when}")["records"]
    rows = []
    for file in files:
        text = asking._call_salesforce("GET", f"https://{asking.sf_instance}{file['LogFile']}").text
        rows += list(csv.DictReader(io.StringIO(text, newline="")))

    assert len(files) > 2
    assert len(rows) >= 90


def test_a_wrong_secret_is_told(served: Serve) -> None:
    twin = Salesforce()
    served(twin)

    with pytest.raises(SalesforceAuthenticationFailed, match="invalid_client"):
        client(twin, client_secret="A" * 64)


def test_a_wrong_query_is_told(served: Serve) -> None:
    twin = Salesforce()
    served(twin)

    with pytest.raises(SalesforceMalformedRequest, match="No such column"):
        client(twin).query("SELECT Name FROM EventLogFile")


def test_a_session_that_has_ended_is_renewed(served: Serve) -> None:
    twin = Salesforce()
    server = served(twin)
    asking = client(twin)
    twin.revoke_tokens()

    assert asking.query(FILES)["totalSize"] == 0
    assert 401 in [asked.status for asked in server.requests]


@pytest.mark.parametrize(
    ("app_type", "name", "time"),
    [
        ("salesforce_loginhistory", "LoginHistory", "LoginTime"),
        ("salesforce_setupaudittrail", "SetupAuditTrail", "CreatedDate"),
    ],
)
def test_every_row_of_an_object_comes(served: Serve, app_type: str, name: str, time: str) -> None:
    twin = Salesforce(page_size=40)
    twin.seed(app_type, events=100, start=BEGIN, end=END)
    served(twin)
    span = f"{time} >= {BEGIN:%Y-%m-%dT%H:%M:%SZ} AND {time} <= {END:%Y-%m-%dT%H:%M:%SZ}"

    soql = f"SELECT Id, {time} FROM {name} WHERE {span} ORDER BY {time} ASC, Id ASC"
    found = client(twin).query_all(soql)["records"]

    assert len({row["Id"] for row in found}) == 100

"""Microsoft 365's twin: subscriptions, how blobs are listed, and what they hold."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps.services.m365.twin import M365
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

APP = "m365_entra"
CONTENT = "Audit.AzureActiveDirectory"
DAY = timedelta(days=1)
START = NOW - timedelta(hours=3)


class Client:
    """Asks as documented."""

    def __init__(self, **options: Any) -> None:
        self.twin = M365(StillClock(), **options)
        self.http = httpx.Client(transport=transport(self.twin))
        self.tenant = self.twin.credentials["tenant_id"]

    def headers(self) -> dict[str, str]:
        given = self.twin.credentials
        form = {
            "grant_type": "client_credentials",
            "scope": "https://manage.office.com/.default",
            "client_id": given["client_id"],
            "client_secret": given["client_secret"],
        }
        url = f"https://login.microsoftonline.com/{self.tenant}/oauth2/v2.0/token"
        return {"Authorization": f"Bearer {self.http.post(url, data=form).json()['access_token']}"}

    def ask(self, name: str, *, method: str = "GET", **params: str) -> httpx.Response:
        url = f"https://manage.office.com/api/v1.0/{self.tenant}/activity/feed/subscriptions/{name}"
        usual = {"contentType": CONTENT, "PublisherIdentifier": self.tenant}
        return self.http.request(method, url, params=usual | params, headers=self.headers())

    def listed(self, since: datetime, until: datetime) -> httpx.Response:
        return self.ask("content", startTime=f"{since:%Y-%m-%dT%H:%M}", endTime=f"{until:%Y-%m-%dT%H:%M}")

    def records(self, blob: dict[str, str]) -> httpx.Response:
        params = {"PublisherIdentifier": self.tenant}
        return self.http.get(blob["contentUri"], params=params, headers=self.headers())


def code(answer: httpx.Response) -> str:
    assert answer.status_code == 400
    said: str = answer.json()["error"]["code"]
    return said


def test_what_was_published_before_a_subscription_is_not_shown() -> None:
    client = Client(subscribed=False, first=timedelta(hours=1))
    client.twin.put(APP, at=START)

    assert code(client.ask("content")) == "AF20022"
    assert client.ask("start", method="POST").json()["status"] == "enabled"
    assert code(client.ask("start", method="POST")) == "AF20024"
    assert client.ask("content").json() == []
    assert [one["contentType"] for one in client.ask("list").json()] == [CONTENT]


@pytest.mark.parametrize(
    ("since", "until"),
    [(NOW - DAY - timedelta(minutes=1), NOW), (NOW - 8 * DAY, NOW - 7 * DAY), (NOW, NOW - DAY), (NOW, NOW)],
)
def test_a_span_that_is_too_long_too_old_or_none_is_refused(since: datetime, until: datetime) -> None:
    assert code(Client().listed(since, until)) == "AF20030"


def test_one_bound_alone_is_refused_and_none_means_a_day() -> None:
    client = Client()
    client.twin.put(APP, at=START)

    assert code(client.ask("content", startTime="2023-11-21")) == "AF20030"
    assert len(client.ask("content").json()) == 1


def test_the_first_bound_is_counted_in_and_the_second_is_not() -> None:
    client = Client(delay=timedelta(0))
    client.twin.put(APP, at=START)

    assert len(client.listed(START, START + DAY / 24).json()) == 1
    assert client.listed(START - DAY / 24, START).json() == []


def test_a_header_leads_to_the_next_page() -> None:
    client = Client(page_size=3)
    client.twin.seed(APP, events=200, start=START, end=NOW - DAY / 24)
    answer = client.ask("content")
    blobs = answer.json()

    while url := answer.headers.get("NextPageUri"):
        answer = client.http.get(url, headers=client.headers())
        blobs += answer.json()

    records = [record["Id"] for blob in blobs for record in client.records(blob).json()]
    assert len(blobs) > 3
    assert len(set(records)) == len(records) == 200


def test_a_page_that_was_not_named_is_refused() -> None:
    assert code(Client().ask("content", nextPage="no")) == "AF20031"


def test_a_record_that_comes_after_its_blob_is_in_another_one() -> None:
    client = Client(delay=timedelta(0))
    client.twin.put(APP, at=START)
    (before,) = client.ask("content").json()

    client.twin.put(APP, at=START)
    client.ask("content")
    client.twin.clock.sleep(60)
    blobs = client.ask("content").json()

    assert blobs[0] == before
    assert [len(client.records(blob).json()) for blob in blobs] == [1, 1]
    assert blobs[1]["contentCreated"] > before["contentCreated"]


def test_a_blob_is_there_for_seven_days() -> None:
    client = Client()
    client.twin.put(APP, at=START)
    (blob,) = client.ask("content").json()
    client.twin.clock.sleep(7 * 86400)

    assert code(client.records(blob)) == "AF20051"


def test_a_record_does_not_say_that_its_time_is_utc() -> None:
    client = Client()
    client.twin.put(APP, at=START)
    (blob,) = client.ask("content").json()

    assert client.records(blob).json()[0]["CreationTime"] == f"{START:%Y-%m-%dT%H:%M:%S}"


def test_who_names_no_publisher_soon_has_asked_too_often() -> None:
    client = Client()

    answers = [client.ask("content", PublisherIdentifier="") for _ in range(11)]

    assert [answer.status_code for answer in answers] == [200] * 10 + [403]
    assert answers[-1].json()["error"]["code"] == "AF429"


def test_another_tenant_is_refused() -> None:
    client = Client()
    url = f"https://manage.office.com/api/v1.0/{client.tenant[::-1]}/activity/feed/subscriptions/list"

    assert code(client.http.get(url, headers=client.headers())) == "AF20010"


def test_a_content_type_that_does_not_exist_is_refused() -> None:
    assert code(Client().ask("content", contentType="Audit.Everything")) == "AF20020"

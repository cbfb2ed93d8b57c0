"""Zoom's twin: the sign-in, days, pages, codes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps.services.zoom.twin import Zoom
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

APP = "zoom_activities"
DAY = timedelta(days=1)


class Client:
    """Asks as documented."""

    def __init__(self, **options: Any) -> None:
        self.twin = Zoom(StillClock(), **options)
        self.http = httpx.Client(transport=transport(self.twin))

    def grant(self) -> dict[str, Any]:
        given = self.twin.credentials
        params = {"grant_type": "account_credentials", "account_id": given["account_id"]}
        pair = (given["client_id"], given["client_secret"])
        answer = self.http.post("https://zoom.us/oauth/token", params=params, auth=pair)
        return dict(answer.json())

    def get(self, since: str, until: str, **params: Any) -> httpx.Response:
        granted = self.grant()
        headers = {"Authorization": f"Bearer {granted['access_token']}"}
        days = {"from": since, "to": until}
        return self.http.get(
            f"{granted['api_url']}/v2/report/activities", params=days | params, headers=headers
        )


def times(answer: httpx.Response) -> list[str]:
    return [row["time"] for row in answer.json()["activity_logs"]]


def test_both_days_are_counted_in_and_the_time_of_day_is_cut_off() -> None:
    client = Client()
    for hours in (0, 10, 23, 34):
        client.twin.put(APP, at=NOW - timedelta(hours=hours))

    assert len(times(client.get("2023-11-20", "2023-11-21"))) == 4
    assert len(times(client.get("2023-11-21T09:00:00Z", "2023-11-21T09:30:00Z"))) == 2
    assert len(times(client.get("2023-11-19", "2023-11-19"))) == 0


def test_a_day_begins_at_midnight_of_the_accounts_zone() -> None:
    client = Client(zone=13)
    client.twin.put(APP, at=NOW - timedelta(hours=22))  # noon, a day before: in the zone it is the 21st

    assert len(times(client.get("2023-11-21", "2023-11-21"))) == 1


def test_pages_have_thirty_rows_unless_more_are_asked_for_and_the_last_has_an_empty_token() -> None:
    client = Client()
    client.twin.seed(APP, events=70, start=NOW - DAY, end=NOW)
    first = client.get("2023-11-20", "2023-11-21")
    second = client.get("2023-11-20", "2023-11-21", next_page_token=first.json()["next_page_token"])

    assert len(times(first)) == len(times(second)) == 30
    assert times(first)[-1] >= times(second)[0]
    assert client.get("2023-11-20", "2023-11-21", page_size=300).json()["next_page_token"] == ""


def test_a_page_token_is_known_for_fifteen_minutes() -> None:
    client = Client()
    client.twin.seed(APP, events=70, start=NOW - DAY, end=NOW)
    token = client.get("2023-11-20", "2023-11-21").json()["next_page_token"]
    client.twin.clock.sleep(901)

    assert client.get("2023-11-20", "2023-11-21", next_page_token=token).status_code == 300


@pytest.mark.parametrize(
    ("since", "until", "status"),
    [
        ("2023-05-01", "2023-05-20", 300),
        ("2023-10-01", "2023-11-20", 400),
        ("2023-11-21", "2023-11-20", 400),
        ("", "2023-11-20", 400),
    ],
)
def test_days_that_are_too_many_or_too_old_or_none_are_refused(since: str, until: str, status: int) -> None:
    assert Client().get(since, until).status_code == status


def test_a_wrong_secret_is_refused() -> None:
    client = Client()
    client.twin.credentials["client_secret"] = "another"
    answer = client.http.post("https://zoom.us/oauth/token", params={"grant_type": "account_credentials"})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")

"""OpenAI's twin: keys, bounds, pages, and what is of the tenant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps.services.openai.twin import OpenAI
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

APP = "openai_audit"
AT = int((NOW - timedelta(hours=1)).timestamp())


class Client:
    """Asks as documented."""

    def __init__(self, **options: Any) -> None:
        self.twin = OpenAI(StillClock(), **options)
        self.http = httpx.Client(transport=transport(self.twin))

    def get(self, key: str = "", **params: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key or self.twin.credentials['api_key']}"}
        return self.http.get(
            "https://api.openai.com/v1/organization/audit_logs", params=params, headers=headers
        )

    def ids(self, **params: Any) -> list[str]:
        return [row["id"] for row in self.get(**params).json()["data"]]


@pytest.mark.parametrize(
    ("bound", "count"),
    [("gt", 0), ("gte", 1), ("lt", 0), ("lte", 1)],
)
def test_a_bound_is_counted_in_or_not_as_its_name_says(bound: str, count: int) -> None:
    client = Client()
    client.twin.put(APP, at=NOW - timedelta(hours=1))

    assert len(client.ids(**{f"effective_at[{bound}]": AT})) == count


def test_pages_have_twenty_logs_and_go_on_after_an_id() -> None:
    client = Client()
    client.twin.seed(APP, events=50, start=NOW - timedelta(hours=2), end=NOW)

    first = client.get().json()
    second = client.get(after=first["last_id"]).json()

    assert (len(first["data"]), first["has_more"]) == (20, True)
    assert first["data"][-1]["effective_at"] >= second["data"][0]["effective_at"]
    assert not {row["id"] for row in first["data"]} & {row["id"] for row in second["data"]}


@pytest.mark.parametrize("params", [{"limit": 101}, {"limit": 0}, {"after": "audit_log-no"}, {"page": 2}])
def test_a_wrong_argument_is_refused(params: dict[str, Any]) -> None:
    assert Client().get(**params).status_code == 400


def test_what_is_of_the_tenant_is_shown_only_where_it_is_asked_for() -> None:
    client = Client()
    name = client.twin.put("openai_tenant", at=NOW - timedelta(hours=1))

    assert client.ids() == []
    assert client.ids(tenant_only="true") == [name]


def test_a_wrong_key_is_refused() -> None:
    answer = Client().get(key="sk-admin-another")

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")

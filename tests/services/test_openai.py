"""OpenAI's audit logs, against their twin; the order, which is only shown, is tried both ways."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, BadResponse, CredentialsError, RateLimited
from streamalert_apps.services.openai.twin import OpenAI
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

APP = "openai_audit"
LAG = timedelta(minutes=10)
START = NOW - timedelta(hours=3)


def collector(app_type: str = APP, **options: Any) -> Collector:
    return Collector(OpenAI(StillClock(), **({"rate": None} | options)), app_type, START)


@pytest.mark.parametrize("app_type", ["openai_audit", "openai_tenant"])
@pytest.mark.parametrize("newest_first", [True, False])
def test_a_backlog_arrives_whole_whatever_its_order(app_type: str, *, newest_first: bool) -> None:
    app = collector(app_type, newest_first=newest_first)
    app.twin.seed(app_type, events=600, burst=250, late=40, start=START, end=NOW)

    app.cut_short(runs=20)
    app.come_to_rest(lag=LAG)

    (schema,) = services.schemas("openai").values()
    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600
    assert all(accepts(schema, log) for log in app.logs)


def test_what_is_of_the_tenant_is_in_its_own_list_alone() -> None:
    app = collector()
    name = app.twin.put("openai_tenant", at=NOW - timedelta(hours=1))
    app.finish()
    tenant = Collector(app.twin, "openai_tenant", START)
    tenant.finish()

    assert app.logs == []
    assert [log["id"] for log in tenant.logs] == [name]


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, {"error": {"code": "invalid_api_key"}}, CredentialsError, "refused the key"),
        (403, {"error": {"message": "x"}}, CredentialsError, "refused access"),
        (429, {"error": {"code": "rate_limit_exceeded"}}, RateLimited, "too many requests"),
        (200, {"data": [], "has_more": True, "last_id": None}, BadResponse, "the last"),
    ],
)
def test_an_answer_means(status: int, body: dict[str, Any], kind: type[AppError], said: str) -> None:
    error, _ = refused(APP, "/v1", status, body)

    assert type(error) is kind
    assert said in error.message


@pytest.mark.parametrize("key", ["sk-proj-0123456789abcdefghij", "sk-0123456789abcdefghij", "sk-admin-short"])
def test_a_key_that_is_no_admin_key_is_not_taken(key: str) -> None:
    (field,) = services.find(APP).auth

    with pytest.raises(AppError):
        field.parse(key)

"""Zendesk's audit log, against its twin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, BadResponse, CredentialsError, RateLimited
from streamalert_apps.services.zendesk.twin import Zendesk
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

APP = "zendesk_audit"
START = NOW - timedelta(hours=3)
OLD = {"client_id": "", "client_secret": "", "email": "avery@acme.example", "api_token": "a1B2" * 10}


def collector(**options: Any) -> Collector:
    return Collector(Zendesk(StillClock(), **({"rate": None} | options)), APP, START)


@pytest.mark.parametrize(("sign_in", "inclusive"), [("client", True), ("client", False), ("token", True)])
def test_a_backlog_arrives_whole_whoever_signs_in_and_whatever_bounds_mean(
    sign_in: str, *, inclusive: bool
) -> None:
    app = collector(sign_in=sign_in, inclusive=inclusive)
    app.twin.seed(APP, events=600, burst=250, late=40, start=START, end=NOW)

    app.cut_short(runs=20)
    app.come_to_rest(lag=timedelta(minutes=5))

    schema = services.schemas("zendesk")["zendesk:audit"]
    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600
    assert [log for log in app.logs if not accepts(schema, log)] == []


def test_both_bounds_of_a_span_are_sent_the_earlier_one_first() -> None:
    app = collector()
    app.run()

    spans = [[value for name, value in one.params if name == "filter[created_at][]"] for one in app.requests]

    assert all(len(span) == 2 and span[0] < span[1] for span in spans if span)
    assert any(spans)


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"client_secret": "0" * 64}, "Confidential"),
        ({"scoped": False}, {}, "auditlogs:read"),
        ({"permitted": False}, {}, "Enterprise"),
        ({"sign_in": "token"}, {"api_token": "0" * 40}, "30 days"),
        ({}, OLD | {"email": ""}, "one of the two"),
        ({}, OLD | {"client_id": "x", "client_secret": "0" * 64}, "one of the two"),
    ],
)
def test_credentials_that_are_refused_are_explained(
    options: dict[str, Any], changed: dict[str, str], hint: str
) -> None:
    app = collector(**options)
    app.credentials = dict(app.twin.credentials) | changed

    with pytest.raises(CredentialsError) as caught:
        app.app().check()

    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("path", "status", "body", "kind", "said"),
    [
        ("/api", 404, {"error": "x"}, CredentialsError, "no account at this host"),
        ("/api", 429, {"error": "x"}, RateLimited, "too many requests"),
        ("/api", 200, {"audit_logs": [], "meta": {"has_more": True}}, BadResponse, "no cursor"),
        ("/oauth", 401, {"error": "invalid_client"}, CredentialsError, "to sign the OAuth client in"),
        ("/oauth", 400, {"error": "temporarily_unavailable"}, AppError, "just now"),
    ],
)
def test_an_answer_means(
    path: str, status: int, body: dict[str, Any], kind: type[AppError], said: str
) -> None:
    error, _ = refused(APP, path, status, body)

    assert isinstance(error, kind)
    assert said in error.message


def test_the_host_is_taken_as_people_give_it_and_no_other_is() -> None:
    field = services.find(APP).auth[0]

    assert {field.parse(text) for text in ("acme.zendesk.com", "https://ACME.zendesk.com/")} == {
        "acme.zendesk.com"
    }
    for text in ("acme", "support.acme.example", "acme.zendesk.com.evil.test", "acme.zendesk.com/agent"):
        with pytest.raises(AppError):
            field.parse(text)

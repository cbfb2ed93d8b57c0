"""JumpCloud's Directory Insights, against its twin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, BadResponse, CredentialsError, RateLimited
from streamalert_apps.services.jumpcloud.twin import HOSTS, Jumpcloud
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.simulator.world import NOW, StillClock

APP = "jumpcloud_all"
START = NOW - timedelta(hours=3)
ORG = "6ce434e87128303e528e747b"
ROW = {"id": "655c7a390b2f4e0001a7d311", "timestamp": "2023-11-21T09:12:25.271Z"}


def collector(app_type: str = APP, **options: Any) -> Collector:
    return Collector(Jumpcloud(StillClock(), **({"rate": None} | options)), app_type, START)


@pytest.mark.parametrize(("sized", "sign_in"), [(True, "account"), (False, "key")])
def test_a_backlog_arrives_whole_whether_pages_tell_their_size_or_not(sign_in: str, *, sized: bool) -> None:
    app = collector(sized=sized, sign_in=sign_in, page_size=100)
    app.twin.seed(APP, events=600, burst=250, late=40, start=START, end=NOW)

    app.cut_short(runs=20)
    app.come_to_rest(lag=timedelta(minutes=15))

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600


@pytest.mark.parametrize("app_type", services.apps("jumpcloud"))
def test_each_type_collects_a_service_of_its_own(app_type: str) -> None:
    app = collector(app_type)
    names = {kind: app.twin.put(kind, at=NOW - timedelta(hours=1)) for kind in services.apps("jumpcloud")}

    app.finish()

    assert [log["id"] for log in app.logs] == [names[app_type]]


@pytest.mark.parametrize(("region", "org_id"), [("us", ""), ("eu", ORG), ("in", "")])
def test_each_region_has_its_host_and_a_provider_names_the_organization(region: str, org_id: str) -> None:
    for sign_in in ("key", "account"):
        app = collector(region=region, org_id=org_id, sign_in=sign_in)
        app.app().check()

        assert app.requests[-1].status == 200

    _, urls = refused(APP, "", 500, {}, None, region=region)
    assert {url.host for url in urls} == {HOSTS[region][0]}


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({"sign_in": "account"}, {"client_secret": "0" * 40}, "client secret"),
        ({"sign_in": "account"}, {"api_key": "0" * 40}, "one of the two"),
        ({}, {"api_key": ""}, "one of the two"),
        ({}, {"api_key": "0" * 40}, "new key"),
        ({"org_id": ORG}, {"org_id": "0" * 24}, "org_id"),
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
    ("status", "body", "headers", "kind", "said"),
    [
        (401, {"message": "Unauthorized"}, {}, CredentialsError, "refused the credentials"),
        (403, {"message": "Forbidden"}, {}, CredentialsError, "refused access"),
        (429, {"message": "x"}, {}, RateLimited, "too many requests"),
        (200, [ROW], {"X-Limit": "1"}, BadResponse, "where they start"),
        (200, [ROW], {}, BadResponse, "where they start"),
    ],
)
def test_an_answer_means(
    status: int, body: Any, headers: dict[str, str], kind: type[AppError], said: str
) -> None:
    error, _ = refused(APP, "", status, body, headers)

    assert type(error) is kind
    assert said in error.message


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("api_key", ["0a1B" * 10, "jca_" + "0a1B" * 9], ["0a1B" * 9, "x-api-key: 0a1b"]),
        ("region", ["us", "eu", "in"], ["EU", "de"]),
        ("org_id", [ORG], [ORG[:-1], ORG.upper()]),
    ],
)
def test_a_credential_of_the_right_form_is_taken(name: str, right: list[str], wrong: list[str]) -> None:
    (field,) = (one for one in services.find(APP).auth if one.name == name)

    assert [field.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(AppError):
            field.parse(text)

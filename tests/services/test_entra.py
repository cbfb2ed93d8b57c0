"""Entra ID's logs, against their twin; whatever Microsoft does not document is tried both ways."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, BadResponse, CredentialsError, RateLimited, Unavailable
from streamalert_apps.services.entra.twin import Entra
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

START = NOW - timedelta(hours=3)
LAG = timedelta(hours=1)
APPS = sorted(services.apps("entra"))

every = pytest.mark.parametrize("app_type", APPS)


def collector(app_type: str, **options: Any) -> Collector:
    return Collector(Entra(StillClock(), **({"rate": None} | options)), app_type, START)


@every
@pytest.mark.parametrize("newest_first", [True, False])
def test_a_backlog_arrives_whole_whatever_its_order(app_type: str, *, newest_first: bool) -> None:
    app = collector(app_type, page_size=100, newest_first=newest_first)
    app.twin.seed(app_type, events=500, burst=250, late=40, start=START, end=NOW)

    app.cut_short(runs=20)
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 500


@every
def test_its_logs_match_its_schema(app_type: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=300, start=START, end=NOW - LAG)
    app.finish()
    (name,) = services.find(app_type).schemas

    assert len(app.logs) == 300
    assert [log for log in app.logs if not accepts(services.schemas("entra")[name], log)] == []


def test_each_kind_of_sign_in_has_a_list_of_its_own() -> None:
    kinds = [name for name in APPS if name not in {"entra_audits", "entra_provisioning", "entra_risks"}]
    twin = Entra(StillClock(), rate=None)
    for kind in kinds:
        twin.seed(kind, events=10, start=START, end=NOW - LAG)

    for kind in kinds:
        app = Collector(twin, kind, START)
        app.finish()
        assert nothing_lost_or_repeated(app.tally())
        assert app.tally().arrived == 10


def test_each_state_of_a_risk_is_one_log() -> None:
    app = collector("entra_risks")
    for minutes, state in ((90, "atRisk"), (80, "confirmedCompromised"), (70, "remediated")):
        app.twin.put("entra_risks", at=NOW - timedelta(minutes=minutes), id="one", riskState=state)

    app.finish()

    assert sorted(log["riskState"] for log in app.logs) == ["atRisk", "confirmedCompromised", "remediated"]
    assert {log["id"] for log in app.logs} == {"one"}


@pytest.mark.parametrize("cloud", ["global", "gcc", "gcchigh", "dod", "china"])
def test_each_cloud_has_hosts_of_its_own(cloud: str) -> None:
    app = collector("entra_audits", cloud=cloud)
    app.twin.put("entra_audits", at=NOW - LAG)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


def test_no_cloud_is_the_global_one() -> None:
    app = collector("entra_audits")
    app.credentials = {name: value for name, value in app.twin.credentials.items() if name != "cloud"}

    app.app().check()

    assert {asked.status for asked in app.requests} == {200}


def test_a_link_that_is_no_longer_known_loses_nothing() -> None:
    twin = Entra(StillClock(), rate=None, page_size=50)
    twin.seed("entra_signins", events=300, start=START, end=NOW - LAG)
    app = Collector(twin, "entra_signins", START)
    app.run(pages=2)
    twin.forget_cursors()

    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())


def test_the_limit_is_kept_to() -> None:
    app = collector("entra_signins", page_size=50, rate=5)
    app.twin.seed("entra_signins", events=900, start=START, end=NOW - LAG)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


def test_a_wait_may_have_a_fraction() -> None:
    throttled = {"error": {"code": "TooManyRequests", "message": "This request is throttled."}}

    error, _ = refused("entra_signins", "/v1.0", 429, throttled, {"Retry-After": "9.5"})

    assert isinstance(error, RateLimited)
    assert error.retry_after == pytest.approx(9.5)


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"client_secret": "x" * 40}, "the value of a secret, not its ID"),
        ({}, {"client_id": "0a" * 4 + "-0000-4000-8000-000000000000"}, "registered in this tenant"),
        ({}, {"tenant_id": "0a" * 4 + "-0000-4000-8000-000000000000"}, "the cloud that the tenant is in"),
        ({"permitted": False}, {}, "grant consent"),
        ({"premium": False}, {}, "P1 or P2"),
    ],
)
def test_credentials_that_are_refused_are_explained(
    options: dict[str, Any], changed: dict[str, str], hint: str
) -> None:
    app = collector("entra_signins", **options)
    app.credentials = dict(app.twin.credentials) | changed

    with pytest.raises(CredentialsError) as caught:
        app.app().check()

    assert hint in caught.value.hint
    assert not any(str(value) in str(caught.value) for value in changed.values())


def test_audits_need_no_licence() -> None:
    collector("entra_audits", premium=False).app().check()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "temporarily_unavailable", "error_description": "AADSTS90033"}, Unavailable),
        (401, {"error": "invalid_client", "error_description": "AADSTS7000222: expired"}, CredentialsError),
        (400, {"error": "invalid_client", "error_description": "no code"}, CredentialsError),
    ],
)
def test_a_refused_sign_in_means(status: int, body: dict[str, str], kind: type[AppError]) -> None:
    tenant = Entra(StillClock()).credentials["tenant_id"]

    error, _ = refused("entra_audits", f"/{tenant}", status, body)

    assert type(error) is kind


@pytest.mark.parametrize(
    "link",
    ["https://evil.test/v1.0/auditLogs/signIns", "http://graph.microsoft.com/v1.0", "/v1.0/auditLogs"],
)
def test_a_link_to_another_place_is_not_followed(link: str) -> None:
    error, urls = refused("entra_signins", "/v1.0", 200, {"value": [], "@odata.nextLink": link})

    assert isinstance(error, BadResponse)
    assert {url.host for url in urls} == {"login.microsoftonline.com", "graph.microsoft.com"}

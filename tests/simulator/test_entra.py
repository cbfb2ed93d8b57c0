"""Entra's twin: the sign-in, filters, kinds of sign-ins, links, limits, licenses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps.services.entra.twin import Entra
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

START = NOW - timedelta(hours=1)
SINCE = f"{START:%Y-%m-%dT%H:%M:%SZ}"
SPAN = f"createdDateTime ge {SINCE} and createdDateTime le {NOW:%Y-%m-%dT%H:%M:%SZ}"
SIGN_INS = "/v1.0/auditLogs/signIns"
BETA = "/beta/auditLogs/signIns"
AUDITS = "/v1.0/auditLogs/directoryAudits"
RISKS = "/v1.0/identityProtection/riskDetections"


class Client:
    """Asks as documented."""

    def __init__(self, **options: Any) -> None:
        self.twin = Entra(StillClock(), **options)
        self.http = httpx.Client(transport=transport(self.twin))

    def grant(self, **changed: str) -> httpx.Response:
        given = self.twin.credentials
        form = {
            "grant_type": "client_credentials",
            "scope": "https://graph.microsoft.com/.default",
            "client_id": given["client_id"],
            "client_secret": given["client_secret"],
        }
        url = f"https://login.microsoftonline.com/{given['tenant_id']}/oauth2/v2.0/token"
        return self.http.post(url, data=form | changed)

    def get(self, path: str, wanted: str = SPAN, **params: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.grant().json()['access_token']}"}
        named = {f"${name}": value for name, value in params.items()}
        url = f"https://graph.microsoft.com{path}"
        return self.http.get(url, params={"$filter": wanted} | named, headers=headers)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"client_secret": "no"}, 401, 7000215),
        ({"client_id": "no"}, 400, 700016),
        ({"grant_type": "password"}, 400, 70003),
        ({"scope": "https://graph.microsoft.com/AuditLog.Read.All"}, 400, 1002012),
    ],
)
def test_a_wrong_sign_in_is_refused_with_its_code(changed: dict[str, str], status: int, error: int) -> None:
    answer = Client().grant(**changed)

    assert (answer.status_code, answer.json()["error_codes"]) == (status, [error])
    assert answer.json()["error_description"].startswith(f"AADSTS{error}: ")


@pytest.mark.parametrize(
    ("kind", "app_type"),
    [
        ("nonInteractiveUser", "entra_noninteractive"),
        ("servicePrincipal", "entra_serviceprincipals"),
        ("managedIdentity", "entra_managedidentities"),
        ("interactiveUser", "entra_signins"),
    ],
)
def test_a_kind_of_sign_in_is_shown_in_the_beta_alone(kind: str, app_type: str) -> None:
    client = Client()
    name = client.twin.put(app_type, at=START)
    wanted = f"{SPAN} and signInEventTypes/any(t: t eq '{kind}')"

    assert [row["id"] for row in client.get(BETA, wanted).json()["value"]] == [name]
    assert code(client.get(SIGN_INS, wanted)) == (400, "BadRequest") or kind == "interactiveUser"


def test_without_a_kind_only_interactive_sign_ins_are_shown() -> None:
    client = Client()
    for app_type in ("entra_noninteractive", "entra_serviceprincipals", "entra_managedidentities"):
        client.twin.put(app_type, at=START)
    name = client.twin.put("entra_signins", at=START)

    for path in (SIGN_INS, BETA):
        assert [row["id"] for row in client.get(path).json()["value"]] == [name]


def test_a_link_goes_on_after_a_page_with_the_filter_of_the_first() -> None:
    client = Client()
    client.twin.seed("entra_signins", events=25, start=START, end=NOW)
    answer = client.get(SIGN_INS, top=10)
    rows = answer.json()["value"]

    while link := answer.json().get("@odata.nextLink"):
        assert "$skiptoken=" in link
        answer = client.http.get(link, headers=dict(answer.request.headers))
        rows += answer.json()["value"]

    times = [row["createdDateTime"] for row in rows]
    assert len({row["id"] for row in rows}) == 25
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("params", [{"skip": 10}, {"orderby": "createdDateTime"}, {"top": 1001}])
def test_what_sign_ins_do_not_take_is_refused(params: dict[str, Any]) -> None:
    assert code(Client().get(SIGN_INS, **params)) == (400, "BadRequest")


def test_a_filter_that_is_not_simulated_is_refused() -> None:
    assert code(Client().get(SIGN_INS, "appId eq '1'")) == (400, "BadRequest")


def test_risks_come_by_twenty_unless_more_are_asked_for() -> None:
    client = Client(rate=None)
    client.twin.seed("entra_risks", events=60, start=START, end=NOW)
    span = SPAN.replace("createdDateTime", "lastUpdatedDateTime")

    assert len(client.get(RISKS, span).json()["value"]) == 20
    assert len(client.get(RISKS, span, top=500).json()["value"]) == 60


def test_bounds_of_provisioning_are_not_part_of_what_is_shown() -> None:
    client = Client()
    client.twin.put("entra_provisioning", at=START)
    name = client.twin.put("entra_provisioning", at=START + timedelta(seconds=1))
    wanted = f"activityDateTime gt {SINCE} and activityDateTime lt {NOW:%Y-%m-%dT%H:%M:%SZ}"

    answer = client.get("/v1.0/auditLogs/provisioning", wanted)

    assert [row["id"] for row in answer.json()["value"]] == [name]


def test_the_sixth_request_in_ten_seconds_is_throttled_and_told_how_long() -> None:
    client = Client()

    answers = [client.get(SIGN_INS) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert code(answers[-1]) == (429, "TooManyRequests")
    assert answers[-1].headers["Retry-After"] == "10"


def test_identity_protection_does_not_say_how_long() -> None:
    client = Client()
    span = SPAN.replace("createdDateTime", "lastUpdatedDateTime")

    answers = [client.get(RISKS, span) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert "Retry-After" not in answers[-1].headers


def test_a_tenant_without_a_license_has_its_audits_alone() -> None:
    client = Client(premium=False)
    refused = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"

    assert client.get(AUDITS, SPAN.replace("createdDateTime", "activityDateTime")).status_code == 200
    assert code(client.get(SIGN_INS)) == (403, refused)


def test_a_time_has_seven_digits_of_a_second_less_the_zeros_at_their_end() -> None:
    client = Client()
    client.twin.put("entra_signins", at=START + timedelta(microseconds=271776))
    client.twin.put("entra_signins", at=START)

    times = [row["createdDateTime"] for row in client.get(SIGN_INS).json()["value"]]

    assert times[0].startswith("2023-11-21T09:00:00.271776")
    assert times[1] == "2023-11-21T09:00:00Z"

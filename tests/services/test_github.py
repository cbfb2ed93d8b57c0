"""GitHub's audit log against a twin: both kinds of events, every host, a token and an app."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps import services
from streamalert_apps.errors import CredentialsError, UsageError
from streamalert_apps.services.github.app import GithubAudit
from streamalert_apps.services.github.twin import Github
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.faults import Delivery, Fault
from tests.services import running
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.simulator.world import NOW, StillClock

WEB, GIT = "github_audit", "github_git"
START = NOW - timedelta(hours=3)
SETTLED = NOW - timedelta(hours=1)
LAG = GithubAudit.lag

every = pytest.mark.parametrize("app_type", [WEB, GIT])
signing_in = pytest.mark.parametrize("sign_in", ["token", "app"])
SERVER = "github.acme.example"


@pytest.fixture(autouse=True)
def _counts_of_rows_without_id_fit_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events of Git may have no id: while a listing is under way its checkpoint holds counts of them."""
    monkeypatch.setattr(running, "CHECKPOINT_BYTES", 75_000)


def collector(app_type: str = WEB, *, faults: tuple[Fault, ...] = (), **options: Any) -> Collector:
    return Collector(Github(StillClock(), **({"rate": None} | options)), app_type, START, faults)


@every
@signing_in
@pytest.mark.parametrize("host", ["github.com", "acme.ghe.com", SERVER])
def test_a_backlog_arrives_whole_from_every_host(app_type: str, host: str, sign_in: str) -> None:
    app = collector(app_type, host=host, sign_in=sign_in)
    app.twin.seed(app_type, events=450, burst=150, start=START, end=SETTLED)

    app.app().check()
    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 450


@every
def test_events_that_show_up_late_arrive_once(app_type: str) -> None:
    app = collector(app_type)
    app.twin.seed(app_type, events=300, late=120, start=START, end=NOW, lateness=timedelta(minutes=20))

    app.cut_short(runs=20)
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())


def test_two_equal_events_of_git_are_two() -> None:
    app = collector(GIT)
    for _ in range(2):
        app.twin.put(
            GIT,
            at=SETTLED,
            action="git.push",
            actor="dana",
            actor_id=1,
            user="dana",
            transport_protocol=1,
            transport_protocol_name="http",
            external_identity_nameid="x",
        )

    app.finish()

    assert app.tally().arrived == 2
    assert set(app.twin.held(GIT).values()) == {2}


@signing_in
def test_an_enterprise_has_a_log_of_its_own(sign_in: str) -> None:
    app = collector(enterprise=True, sign_in=sign_in)
    app.twin.put(WEB, at=SETTLED)

    app.finish()

    assert {asked.path for asked in app.requests if asked.method == "GET"} == {"/enterprises/acme/audit-log"}
    assert app.tally().arrived == 1


class Elsewhere:
    """A fault: the links lead to another host."""

    def deliver(self, twin: Any, request: Request) -> Delivery:
        answer = twin.handle(request)
        headers = tuple(
            (name, value.replace("api.github.com", "evil.example.com")) for name, value in answer.headers
        )
        return Delivery(Response(answer.status, answer.body, headers))


def test_a_link_to_another_place_is_not_followed() -> None:
    app = collector(faults=(Fault(Elsewhere()),))
    app.twin.seed(WEB, events=250, start=START, end=SETTLED)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize("limited", [403, 429])
def test_a_limit_is_waited_out_whichever_status_tells_it(limited: int) -> None:
    app = collector(rate=3, limited=limited, page_size=20)
    app.twin.seed(WEB, events=100, start=START, end=SETTLED)

    app.finish()

    assert limited in {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


def test_a_token_of_an_installation_is_renewed_when_it_ends() -> None:
    app = collector(sign_in="app")
    app.twin.seed(WEB, events=250, start=START, end=SETTLED)
    app.run(pages=1)
    app.twin.clock.sleep(3700)

    app.finish()

    assert sum(asked.method == "POST" for asked in app.requests) == 2
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"token": "ghp_" + "x" * 36}, "create a new one"),
        ({"sso": True}, {}, "Configure SSO"),
        ({"permitted": False}, {}, "read:audit_log"),
        ({}, {"organization": "other"}, "read:audit_log"),
        ({}, {"enterprise": "acme"}, "not both"),
        ({}, {"token": None}, "one of the two"),
        ({"sign_in": "app"}, {"client_id": "Iv23liNobody000000"}, "client ID"),
        ({"sign_in": "app"}, {"installation_id": "1"}, "installation_id"),
        ({"sign_in": "app"}, {"installation_id": None}, "one of the two"),
    ],
)
def test_credentials_that_are_refused_are_explained(
    options: dict[str, Any], changed: dict[str, Any], hint: str
) -> None:
    app = collector(**options)
    app.credentials = dict(app.twin.credentials) | changed

    with pytest.raises(CredentialsError) as refused:
        app.app().check()

    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        (None, "api.github.com"),
        ("github.com", "api.github.com"),
        ("api.github.com", "api.github.com"),
        ("acme.ghe.com", "api.acme.ghe.com"),
        ("api.acme.ghe.com", "api.acme.ghe.com"),
        (SERVER, SERVER),
    ],
)
def test_each_host_is_asked_where_its_api_is(host: str | None, asked: str) -> None:
    hosts: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(200, json=[])

    app = collector()
    app.wire = httpx.MockTransport(note)  # type: ignore[assignment]
    app.credentials = dict(app.twin.credentials) | {"host": host}
    app.app().check()

    assert hosts == [asked]


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        (
            "token",
            ["ghp_" + "a1" * 18, "github_pat_11ABCDEFG0abc_" + "x" * 59, "0a" * 20],
            ["gho", "Bearer ghp_x", "ghp-1"],
        ),
        ("organization", ["acme", "acme-eng", "a"], ["acme/platform", "github.com/acme", "-acme"]),
        (
            "host",
            ["acme.ghe.com", SERVER],
            ["localhost", "http://github.acme.example", "github.acme.example/api/v3"],
        ),
        (
            "client_id",
            ["Iv1.8a61f9b3a7aba766", "Iv23liabcdEFGH012345", "123456"],
            ["acme", "ghp_" + "a1" * 18],
        ),
        ("installation_id", ["48213377"], ["abc"]),
    ],
)
def test_what_github_issues_is_taken_and_a_slip_is_not(name: str, right: list[str], wrong: list[str]) -> None:
    (field,) = (one for one in services.find(WEB).auth if one.name == name)

    assert [field.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            field.parse(text)

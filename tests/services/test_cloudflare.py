"""Cloudflare's two logs against a twin: a cursor in either place, bounds in either sense, busy seconds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import CredentialsError, RequestRefused, UsageError
from streamalert_apps.services.cloudflare.app import CloudflareAudit
from streamalert_apps.services.cloudflare.twin import HOSTS, Cloudflare
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.simulator.world import NOW, StillClock

AUDIT, ACCESS = "cloudflare_audit", "cloudflare_access"
START = NOW - timedelta(hours=3)
SETTLED = NOW - timedelta(hours=1)
LAG = CloudflareAudit.lag

every = pytest.mark.parametrize("app_type", [AUDIT, ACCESS])
undocumented = pytest.mark.parametrize("reading", [{}, {"inclusive": False}, {"nested": True}], ids=str)


def collector(app_type: str, **options: Any) -> Collector:
    return Collector(Cloudflare(StillClock(), **({"rate": None} | options)), app_type, START)


@every
@undocumented
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
def test_what_came_late_and_what_came_at_once_arrives_once(
    app_type: str, reading: dict[str, Any], *, cut: bool
) -> None:
    app = collector(app_type, **reading)
    app.twin.seed(
        app_type, events=1500, burst=400, late=60, start=START, end=NOW, lateness=timedelta(minutes=9)
    )

    if cut:
        app.cut_short(runs=20)
    app.come_to_rest(lag=LAG)

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 1500


def test_a_second_with_more_sign_ins_than_are_shown_is_told(caplog: pytest.LogCaptureFixture) -> None:
    app = collector(ACCESS)
    for _ in range(1005):
        app.twin.put(ACCESS, at=SETTLED)
    app.twin.put(ACCESS, at=SETTLED + timedelta(seconds=1))

    app.finish()

    assert len(app.logs) == 1001
    assert "shows only 1000 of the events in second" in caplog.text


@pytest.mark.parametrize("cloud", HOSTS)
def test_each_cloud_has_its_host(cloud: str) -> None:
    app = collector(AUDIT, cloud=cloud)
    app.twin.put(AUDIT, at=SETTLED)

    app.app().check()
    app.finish()

    assert app.tally().arrived == 1


@every
def test_the_limit_is_waited_out(app_type: str) -> None:
    app = collector(app_type, rate=3, page_size=20)
    app.twin.seed(app_type, events=100, start=START, end=SETTLED)

    app.finish()

    assert 429 in {asked.status for asked in app.requests}
    assert nothing_lost_or_repeated(app.tally())


@every
@pytest.mark.parametrize(
    ("changed", "hint"),
    [({"token": "x" * 40}, "Account Settings: Read"), ({"account_id": "0" * 32}, "account_id")],
)
def test_credentials_that_are_refused_are_explained(
    app_type: str, changed: dict[str, str], hint: str
) -> None:
    app = collector(app_type)
    app.credentials = dict(app.twin.credentials) | changed

    with pytest.raises(CredentialsError) as told:
        app.app().check()

    assert hint in told.value.hint


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 6003, CredentialsError),
        (400, 10001, RequestRefused),
        (403, 9109, CredentialsError),
        (401, 0, CredentialsError),
    ],
)
def test_a_refusal_means(status: int, code: int, kind: type[Exception]) -> None:
    body = {"success": False, "errors": [{"code": code, "message": "x"}], "messages": [], "result": None}

    error, _ = refused(AUDIT, "", status, body)

    assert type(error) is kind


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        (
            "account_id",
            ["9f3c1b7d5e204a86b1d7c9e3f5a02864"],
            ["9F3C1B7D5E204A86B1D7C9E3F5A02864", "acme", "0" * 33],
        ),
        (
            "token",
            ["a1B2_-" * 7, "cfat_" + "x" * 48],
            ["9f3c1b7d5e204a86b1d7c9e3f5a02864", "Bearer " + "x" * 40],
        ),
        ("cloud", ["global", "fed"], ["eu"]),
    ],
)
def test_what_cloudflare_issues_is_taken_and_a_slip_is_not(
    name: str, right: list[str], wrong: list[str]
) -> None:
    (field,) = (one for one in services.find(AUDIT).auth if one.name == name)

    assert [field.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            field.parse(text)

"""What holds for services alike: a real connection, the classifier's schemas, the form of credentials."""

from __future__ import annotations

from datetime import timedelta

import pytest

from streamalert_apps import services
from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.app import service_of
from streamalert_apps.sdk.http import Api, ToSimulator
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

START = NOW - timedelta(hours=2)
SETTLED = NOW - timedelta(hours=1)

every = pytest.mark.parametrize(
    "app_type", ["aliyun_actiontrail", "intercom_admin_activity_logs", "onelogin_events"]
)


def collector(app_type: str) -> Collector:
    app = Collector(twins.twin(service_of(app_type), clock=StillClock(), rate=None), app_type, START)
    app.twin.seed(app_type, events=500, burst=100, start=START, end=SETTLED)
    return app


@every
def test_a_run_over_a_real_connection_brings_the_same(app_type: str) -> None:
    app = collector(app_type)

    with serve(app.twin) as server, ToSimulator(server.url) as app.wire:  # type: ignore[assignment]
        app.finish()

    assert {asked.status for asked in server.requests} == {200}
    assert nothing_lost_or_repeated(app.tally())


@every
def test_its_logs_match_its_schema(app_type: str) -> None:
    app = collector(app_type)
    app.finish()
    (name,) = services.find(app_type).schemas
    schema = services.schemas(service_of(app_type))[name]

    assert len(app.logs) == 500
    assert [log for log in app.logs if not accepts(schema, log)] == []


@pytest.mark.parametrize("app_type", services.names())
def test_how_far_an_app_is_can_be_told_without_its_credentials(app_type: str) -> None:
    app = services.find(app_type).without_credentials(Api(clock=StillClock()))
    begun = app.start(START)

    assert app.export(begun, None, []) is not None
    assert (app.watermark(begun) or START) <= START
    assert (app.gaps(begun), app.lateness(begun)) == ([], None)


@pytest.mark.parametrize(
    ("app_type", "field", "right", "wrong"),
    [
        (
            "aliyun_actiontrail",
            "access_key_id",
            ["LTAI5tExampleKeyId000001", "LTAI0123456789ab"],
            ["STS.NUexample", "LTAI", "ltai0123456789ab", "LTAI5tExampleKeyId000001 "],
        ),
        (
            "aliyun_actiontrail",
            "access_key_secret",
            ["ExampleSecret0123456789abcdef0"],
            ["LTAI5tExampleKeyId000001", "Example Secret0123456789abcdef0"],
        ),
        (
            "aliyun_actiontrail",
            "region_id",
            ["cn-hangzhou", "ap-southeast-1", "us-east-1", "cn-shanghai-finance-1", "me-central-1"],
            ["Hangzhou", "eu-central-1.aliyuncs.com", "https://x", ""],
        ),
        (
            "intercom_admin_activity_logs",
            "token",
            ["dG9rOjEyMzQ1Njc4X2FiY2RfNDIwMF84MDAwXzEyMzQ1Njc4OTBhYjoxOjA="],
            ["dG9r", "an access token of thirty letters", "Bearer dG9rOjEyMzQ1Njc4X2FiY2RfNDIwMF84MDAw"],
        ),
        ("intercom_admin_activity_logs", "region", ["us", "eu", "au"], ["EU", "de", "api.eu.intercom.io"]),
        ("onelogin_events", "region", ["us", "eu"], ["en", "US", "api.us"]),
        (
            "onelogin_events",
            "subdomain",
            ["acme", "acme-corp", "a1"],
            ["acme.onelogin.com", "Acme", "-acme", "https://acme"],
        ),
        ("onelogin_events", "client_id", ["0a" * 32], ["0a" * 31, "", "client_id"]),
        ("onelogin_events", "client_secret", ["z9" * 32], ["z9" * 33]),
    ],
)
def test_a_credential_of_the_right_form_is_taken_and_a_slip_is_not(
    app_type: str, field: str, right: list[str], wrong: list[str]
) -> None:
    (described,) = (one for one in services.find(app_type).auth if one.name == field)

    assert [described.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            described.parse(text)

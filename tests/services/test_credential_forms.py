"""What every credential's form takes, and which slips it does not: blanks, URLs, another field's value."""

from __future__ import annotations

from collections.abc import Iterator
from re import Pattern
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.app import AuthField
from streamalert_apps.services import twins
from streamalert_apps.simulator.contract import Twin
from tests.simulator.world import StillClock

ALIKE = {  # what has one form
    "dropbox": {("app_key", "app_secret"), ("app_secret", "app_key")},
    **{
        service: {("client_id", "tenant_id"), ("tenant_id", "client_id")}
        for service in ("defender", "entra", "intune", "m365")
    },
    "onelogin": {("client_id", "client_secret"), ("client_secret", "client_id")},
    "snowflake": {
        (one, other) for one in ("user", "role", "warehouse") for other in ("user", "role", "warehouse")
    },
    "zoom": {("account_id", "client_id"), ("client_id", "account_id")},
}


def typed() -> Iterator[tuple[str, AuthField, str, dict[str, Any]]]:
    """Yield each field that is typed in, with what the twin of its service takes for it and for all."""
    for service in services.services():
        twin: Twin = twins.twin(service, clock=StillClock())
        kind = next(iter(services.apps(service).values()))
        for field in kind.auth:
            if isinstance(field.format, Pattern) and field.name in twin.credentials:
                yield service, field, str(twin.credentials[field.name]), dict(twin.credentials)


each = pytest.mark.parametrize(
    ("service", "field", "value", "credentials"),
    [pytest.param(*one, id=f"{one[0]}-{one[1].name}") for one in typed()],
)


@each
def test_blanks_and_urls_are_not_part_of_a_value(
    service: str, field: AuthField, value: str, credentials: dict[str, Any]
) -> None:
    assert field.parse(value) == value
    for slip in (f"{value} ", f" {value}", f"{value}\n", f"{value}\u00a0", f"https://{value}", f'"{value}"'):
        with pytest.raises(UsageError):
            field.parse(slip)


@each
def test_the_value_of_another_field_is_not_taken(
    service: str, field: AuthField, value: str, credentials: dict[str, Any]
) -> None:
    others = {name: other for name, other in credentials.items() if name != field.name}
    for name, other in others.items():
        if (field.name, name) in ALIKE.get(service, ()):
            continue
        with pytest.raises(UsageError):
            field.parse(str(other))


NEW_SECRET = "0F1e2D3c" * 8
CONSUMER_KEY = "3MVG9" + "aB3dE" * 16


@pytest.mark.parametrize(
    ("app_type", "field", "right", "wrong"),
    [
        (
            "duo_auth",
            "api_hostname",
            ["api-0123abcd.duosecurity.com", "api-0123abcd.duofederal.com"],
            ["admin-0123abcd.duosecurity.com", "api-0123abcd", "api-0123abcd.duosecurity.com.evil.test"],
        ),
        ("duo_auth", "integration_key", ["DIABCDEFGHIJKLMN1234"], ["diabcdefghijklmn1234", "a" * 40]),
        ("duo_auth", "secret_key", ["aB3" * 13 + "z"], ["DIABCDEFGHIJKLMN1234", "*" * 40]),
        (
            "gsuite_login",
            "delegation_email",
            [
                "dana@example.com",
                "pat.o'brien+logs@mail.example.co.uk",
                "r&d@example.com",
                "a=b@example.com",
                "a/b@example.com",
                "a!#$%*?^`{|}~@example.com",
                "dana@xn--bcher-kva.example",
                "dana@example.xn--p1ai",
            ],
            [
                "dana",
                "dana@localhost",
                "dana@a@example.com",
                "dana@.com",
                "dana@example.com/",
                "collector@project.iam.gserviceaccount.com",
                "Dana <dana@example.com>",
            ],
        ),
        ("salesforce_login", "client_id", [CONSUMER_KEY, f"{CONSUMER_KEY}._@#"], [NEW_SECRET, "é" * 85]),
        (
            "salesforce_login",
            "client_secret",
            [NEW_SECRET, "1234567890123456789"],
            [CONSUMER_KEY, "secret"],
        ),
        ("slack_access", "team_id", ["T01ABCDEFGH"], ["E01ABCDEFGH", "acme", "acme.slack.com"]),
        (
            "slack_access",
            "auth_token",
            ["xoxp-1234567890-1234567890-1234567890-0a1b2c", "xoxe.xoxp-1-Mi0yLTEyMzQ1"],
            ["xoxb-1234567890-1234567890-0a1b2c", "xapp-1-A1", "xoxe-1-Mi0y"],
        ),
    ],
)
def test_what_vendors_issue_is_taken_old_and_new(
    app_type: str, field: str, right: list[str], wrong: list[str]
) -> None:
    (described,) = (one for one in services.find(app_type).auth if one.name == field)

    assert [described.parse(text) for text in right] == right
    for text in wrong:
        with pytest.raises(UsageError):
            described.parse(text)


def test_hosts_are_taken_as_people_give_them() -> None:
    for app_type, field, host in (
        ("duo_auth", "api_hostname", "api-0123abcd.duosecurity.com"),
        ("duo_auth", "api_hostname", "api-0123abcd.duofederal.com"),
        ("salesforce_login", "domain", "acme.my.salesforce.com"),
        ("salesforce_login", "domain", "acme--dev.sandbox.my.salesforce.com"),
        ("salesforce_login", "domain", "acme.my.salesforce.mil"),
        ("salesforce_login", "domain", "acme.my.cloudforce.com"),
        ("salesforce_login", "domain", "acme.my.crmforce.mil"),
        ("salesforce_login", "domain", "acme.my.sfcrmproducts.cn"),
        ("slack_audit", "domain", "slack-gov.com"),
        ("slack_access", "domain", "slack.com"),
    ):
        (described,) = (one for one in services.find(app_type).auth if one.name == field)
        for text in (host, host.upper(), f"https://{host}", f"https://{host}/", f"{host}:443", f" {host}\n"):
            assert described.parse(text) == host, text
        for text in (
            f"http://{host}",
            f"{host}:8443",
            f"{host}.evil.test",
            f"evil.test/{host}",
            f"me@{host}",
            f"{host}@evil.test",
            f"{host}\\.evil.test",
            f"evil.test#{host}",
            "evil.test",
            f"{host}\n.evil.test",
        ):
            with pytest.raises(UsageError):
                described.parse(text)


@pytest.mark.parametrize(
    "region", ["cn-hangzhou-finance", "rus-west-1-pop", "cn-edge-1", "me-central-1", "na-south-1"]
)
def test_a_region_is_taken_whatever_its_form(region: str) -> None:
    (described,) = (one for one in services.find("aliyun_actiontrail").auth if one.name == "region_id")

    assert described.parse(region) == region
    for text in (f"{region}.evil.test/", f"{region}/", f"{region}@", "hangzhou", region.upper()):
        with pytest.raises(UsageError):
            described.parse(text)

"""Credentials that conf/ does not hold but says where to find."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.aws.session import Session
from streamalert_apps.cli import credentials
from streamalert_apps.config import conf
from streamalert_apps.errors import AppError, CredentialsError, UsageError
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.services.duo.app import DuoAuth
from streamalert_apps.simulator.server import serve
from tests.destinations.http import TOKEN, Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Duo, Ran

    Command = Callable[..., Ran]

KEYS = {
    "api_hostname": "api-abcdef12.duosecurity.com",
    "integration_key": "DIABCDEFGHIJKLMNOPQR",
    "secret_key": "s3cr3t" * 6 + "abcd",
}
WHOLE = json.dumps(KEYS)
URL = "https://logs.example.com/in"


def read(reference: str) -> dict[str, Any]:
    return credentials.read_reference(conf.load(Path.cwd()), reference, DuoAuth.auth)


def test_an_environment_variable_holds_them(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUO_AUTH", WHOLE)

    assert read("env:DUO_AUTH") == KEYS


def test_a_file_holds_them_and_is_read_anew(local: Path) -> None:
    (local / "duo.json").write_text(WHOLE)
    assert read("file:duo.json") == read(f"file:{local / 'duo.json'}") == KEYS

    other = {**KEYS, "api_hostname": "api-12345678.duosecurity.com"}
    (local / "duo.json").write_text(json.dumps(other))
    assert read("file:duo.json") == other


def test_a_secret_of_aws_holds_them(local: Path, aws_env: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Session("us-east-1").client("secretsmanager")
    arn = client.create_secret(Name="duo", SecretString=WHOLE)["ARN"]

    assert read("secretsmanager:duo") == KEYS
    assert read(f"secretsmanager:{arn}") == KEYS
    with pytest.raises(CredentialsError, match=r"There is no secret nothing with the credentials\."):
        read("secretsmanager:nothing")


def test_a_secret_of_aws_takes_a_region(
    local: Path, aws_env: str, monkeypatch: pytest.MonkeyPatch, sa_apps: Command
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    ran = sa_apps("new", "duo_auth", "-c", "prod", "--auth-from", "secretsmanager:nowhere")
    assert ran.code == 1
    assert "No AWS region is set." in ran.err
    assert "account.region" in ran.err


def test_a_file_that_others_can_read_is_warned_of(local: Path, sa_apps: Command) -> None:
    (local / "duo.json").write_text(WHOLE)
    (local / "duo.json").chmod(0o644)
    new = sa_apps("new", "duo_auth", "-c", "prod", "--auth-from", "file:duo.json", "--no-check")
    assert new.code == 0
    assert "duo.json can be read by others on this machine; `chmod 600 " in new.err
    assert f"Others on this machine can read {local / 'duo.json'}." in sa_apps("doctor").out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "The environment variable DUO_AUTH is not set; it is to hold credentials."),
        ("{", "env:DUO_AUTH is not valid JSON"),
        ("[]", "env:DUO_AUTH must hold a JSON object."),
        (json.dumps({**KEYS, "secret": "x"}), "unknown: secret"),
        (json.dumps({"api_hostname": "x"}), "missing: secret_key"),
        (json.dumps({**KEYS, "api_hostname": "x"}), "wrong form: api_hostname"),
    ],
)
def test_they_are_checked_as_those_of_a_prompt(
    local: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.setenv("DUO_AUTH", text)

    with pytest.raises((CredentialsError, UsageError)) as caught:
        read("env:DUO_AUTH")

    assert told in caught.value.message
    assert KEYS["secret_key"] not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("made", ["folder", "binary", "huge", "absent", "pipe"])
def test_a_file_that_can_not_be_read_is_one_clear_line(local: Path, made: str) -> None:
    path = local / "duo.json"
    if made == "folder":
        path.mkdir()
    elif made == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("Windows has no such pipes")
        os.mkfifo(path)
    elif made != "absent":
        path.write_bytes(b"\xff" if made == "binary" else b" " * ((1 << 20) + 1))

    with pytest.raises(AppError, match=r"duo\.json"):
        read("file:duo.json")


def test_an_app_is_set_up_checked_and_run_by_reference(
    local: Path, sa_apps: Command, duo: Duo, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {key: getattr(duo, key) for key in KEYS}
    monkeypatch.setenv("DUO_AUTH", json.dumps(keys))
    to = ("--simulator", duo.url)

    made = sa_apps("new", "duo_auth", "-c", "prod", "--auth-from", "env:DUO_AUTH", *to)
    assert (made.code, "The service accepts the credentials." in made.err) == (0, True)
    assert conf.load(local).find("collector").auth_from == "env:DUO_AUTH"
    assert not list((local / ".sa-apps").glob("*/auth.json"))
    assert sa_apps("check", "collector", *to).code == 0
    assert sa_apps("run", "collector", *to).code == 0

    refused = sa_apps("update-auth", "collector", "--no-input", "--auth-file", "x.json")
    assert "The credentials of collector come from env:DUO_AUTH, as conf/ says." in refused.err
    monkeypatch.setenv("DUO_AUTH", json.dumps({**keys, "secret_key": "x" * 40}))
    failed = sa_apps("run", "collector", *to)
    assert failed.code == 4
    assert "x" * 40 not in failed.err + failed.out


def test_credentials_that_the_service_refuses_add_no_app(
    local: Path, sa_apps: Command, duo: Duo, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {key: getattr(duo, key) for key in KEYS}
    monkeypatch.setenv("DUO_AUTH", json.dumps({**keys, "secret_key": "x" * 40}))

    made = sa_apps("new", "duo_auth", "-c", "prod", "--auth-from", "env:DUO_AUTH", "--simulator", duo.url)

    assert made.code == 4
    assert conf.load(local).all_apps == ()


@pytest.mark.parametrize("reference", ["DUO", "env:", "env:1X", "vault:duo", "file:"])
def test_what_says_no_place_is_refused(local: Path, sa_apps: Command, reference: str) -> None:
    made = sa_apps("new", "duo_auth", "-c", "prod", "--auth-from", reference)

    assert made.code == 2
    assert "does not say where credentials are" in made.err


# Destinations


def test_a_destination_finds_its_credentials_by_reference(
    local: Path, sa_apps: Command, duo: Duo, auth_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOC_AUTH", json.dumps({"token": TOKEN}))
    twin = Endpoint(SystemClock())
    with serve(twin) as endpoint:  # type: ignore[arg-type] # it is asked for no more than this
        made = sa_apps(
            *("destination", "add", "soc", "--type", "http"),
            *("--set", f"url={endpoint.url}/in", "--set", 'credentials={"from": "env:SOC_AUTH"}'),
        )
        assert made.code == 0, made.err
        assert sa_apps("destination", "test", "soc").code == 0
        monkeypatch.setenv("SOC_AUTH", json.dumps({"tokens": TOKEN}))
        failed = sa_apps("destination", "test", "soc")
        assert failed.code != 0
        assert "env:SOC_AUTH does not hold the right credentials." in failed.err

    assert not (local / ".sa-apps/destinations").exists()
    refused = sa_apps("destination", "add", "soc", "--update-auth", "--auth-file", str(auth_file))
    assert "The credentials of soc come from env:SOC_AUTH, as conf/ says." in refused.err


@pytest.mark.parametrize(
    "auth", ['"env:X"', '{"from": "vault:x"}', "{}", '{"from": "env:X", "also": 1}', '{"from": 1}']
)
def test_a_destinations_auth_that_names_no_place_is_refused(local: Path, sa_apps: Command, auth: str) -> None:
    made = sa_apps(
        "destination", "add", "soc", "--type", "http", "--set", f"url={URL}", "--set", f"credentials={auth}"
    )

    assert made.code == 2
    assert "It does not say where credentials are." in made.err

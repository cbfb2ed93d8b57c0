"""`sa-apps check`: whether stored credentials work."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.cli.conftest import FUNCTION, write_auth
from tests.cli.test_json import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Duo, Ran

    Command = Callable[..., Ran]


@pytest.fixture
def with_keys(local: Path, sa_apps: Command, duo: Duo, tmp_path: Path) -> Callable[..., None]:
    def store(**wrong: str) -> None:
        keys = {key: getattr(duo, key) for key in ("api_hostname", "integration_key", "secret_key")}
        auth = write_auth(tmp_path / "keys.json", **{**keys, **wrong})
        words = ("new", "duo_auth", "-c", "prod", "--auth-file", str(auth), "--no-check")
        assert sa_apps(*words).code == 0

    return store


def test_credentials_that_the_service_accepts_are_fine(
    with_keys: Callable[..., None], sa_apps: Command, duo: Duo
) -> None:
    with_keys()
    answer = check(sa_apps("check", "collector", "--simulator", duo.url, "--json").out, "check")
    assert answer["accepted"] is True


def test_credentials_that_the_service_refuses_are_explained(
    with_keys: Callable[..., None], sa_apps: Command, duo: Duo
) -> None:
    with_keys(secret_key="b" * 40)

    ran = sa_apps("check", "collector", "--simulator", duo.url)

    assert ran.code == 4
    assert "refused" in ran.err
    assert "sa-apps update-auth collector" in ran.err
    assert "b" * 40 not in ran.err


def test_a_service_that_cannot_be_asked_says_nothing_of_the_credentials(
    with_keys: Callable[..., None], sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamalert_apps.cli.credentials.CHECK_SECONDS", 1.5)
    with_keys()

    ran = sa_apps("check", "collector", "--simulator", "http://127.0.0.1:9")

    assert ran.code == 1
    assert "This doesn't mean that the credentials are wrong." in ran.err


def test_an_app_without_credentials_says_how_to_give_them(deployable: Path, sa_apps: Command) -> None:
    boto3.client("ssm").delete_parameter(Name=f"{FUNCTION}_auth")
    ran = sa_apps("check", "collector")
    assert ran.code == 4
    assert "update-auth" in ran.err


def test_credentials_that_lack_a_value_are_told(deployable: Path, sa_apps: Command) -> None:
    boto3.client("ssm").put_parameter(
        Name=f"{FUNCTION}_auth",
        Value=json.dumps({"secret_key": "s" * 40}),
        Type="SecureString",
        Overwrite=True,
    )
    ran = sa_apps("check", "collector")
    assert ran.code == 4
    assert "lack api_hostname, integration_key" in ran.err

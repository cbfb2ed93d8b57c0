"""`sa-apps check`: whether stored credentials work."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
from jsonschema import Draft202012Validator

from tests.cli.conftest import FUNCTION, write_auth
from tests.cli.test_json import SCHEMA, check

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


def test_a_verbose_command_shows_each_request_and_no_secret(
    with_keys: Callable[..., None], sa_apps: Command, duo: Duo
) -> None:
    with_keys()
    shown = sa_apps("check", "collector", "--verbose", "--simulator", duo.url).err
    usual = sa_apps("check", "collector", "--simulator", duo.url).err

    assert f"request: asked GET {duo.api_hostname}/admin/v2/logs/authentication, answer 200, " in shown
    assert duo.secret_key not in shown
    assert "request" not in usual


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


@pytest.fixture
def two(with_keys: Callable[..., None], local: Path) -> None:
    """A project with the app `collector`, whose credentials are right, and `other`, which has none."""
    with_keys()
    path = local / "conf/clusters/prod.json"
    conf = json.loads(path.read_text())
    apps = conf["modules"]["streamalert_apps"]
    (entry,) = apps.values()
    apps["local_prod_duo_auth_other_app"] = {**entry, "app_name": "other"}
    path.write_text(json.dumps(conf))


@pytest.mark.usefixtures("two")
def test_all_apps_are_checked_whatever_becomes_of_one(sa_apps: Command, duo: Duo) -> None:
    ran = sa_apps("check", "--all", "--simulator", duo.url, "--json")

    answer = json.loads(ran.out)
    Draft202012Validator({"$ref": "#/$defs/check", "$defs": SCHEMA["$defs"]}).validate(answer)
    assert ran.code == 5
    assert {app["name"]: app["accepted"] for app in answer["apps"]} == {"collector": True, "other": False}
    assert answer["errors"] == [answer["apps"][1]["error"]]
    assert "2 apps: 1 accepted, 1 failed." in ran.err


@pytest.mark.usefixtures("two")
def test_all_apps_and_one_of_them_is_no_question(sa_apps: Command) -> None:
    assert sa_apps("check", "collector", "--all").code == 2


def test_a_project_without_apps_has_none_to_check(local: Path, sa_apps: Command) -> None:
    ran = sa_apps("check", "--all")
    assert (ran.code, "`sa-apps new` adds one." in ran.err) == (2, True)

"""`sa-apps update-auth`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
import pytest

from streamalert_apps.runtime.head import Head, Lease
from streamalert_apps.runtime.store.local import LocalStore
from streamalert_apps.sdk.clock import SystemClock
from tests.cli.conftest import write_auth
from tests.terminal import ENTER, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Duo, Ran

    Command = Callable[..., Ran]

OTHER = "c" * 40


@pytest.fixture
def with_app(local: Path, auth_file: Path, sa_apps: Command) -> Path:
    arguments = ["--name", "duo_prod", "--auth-file", str(auth_file), "--no-check"]
    assert sa_apps("new", "duo_auth", "--cluster", "prod", *arguments).code == 0
    return local


@pytest.fixture
def other(tmp_path: Path) -> str:
    return str(write_auth(tmp_path / "other.json", secret_key=OTHER))


def stored(root: Path) -> Any:
    return json.loads((root / ".sa-apps/local_prod_duo_auth_duo_prod_app/auth.json").read_text())


@pytest.mark.parametrize(
    "words",
    [
        ["duo_prod"],
        ["duo_prod", "--cluster", "prod"],
        ["--cluster", "prod", "--name", "duo_prod"],
        ["-c", "prod", "-n", "duo_prod"],
        ["local_prod_duo_auth_duo_prod_app"],
    ],
)
def test_an_app_can_be_named_in_every_way(
    with_app: Path, sa_apps: Command, other: str, words: list[str]
) -> None:
    ran = sa_apps("update-auth", *words, "--auth-file", other, "--no-check")
    assert ran.code == 0
    assert "successfully saved" in ran.err
    assert stored(with_app)["secret_key"] == OTHER


def test_the_same_credentials_are_no_change(with_app: Path, sa_apps: Command, auth_file: Path) -> None:
    words = ["update-auth", "duo_prod", "--auth-file", str(auth_file), "--no-check"]
    assert "No changes" in sa_apps(*words).err
    assert json.loads(sa_apps(*words, "--json").out)["changed"] is False


def test_refused_credentials_leave_the_old_ones(
    with_app: Path, sa_apps: Command, other: str, auth_file: Path, duo: Duo
) -> None:
    ran = sa_apps("update-auth", "duo_prod", "--auth-file", other, "--simulator", duo.url)
    assert ran.code == 4
    assert stored(with_app) == json.loads(auth_file.read_text())


def test_a_mistyped_name_gets_a_suggestion(with_app: Path, sa_apps: Command, other: str) -> None:
    ran = sa_apps("update-auth", "duo_prd", "--auth-file", other)
    assert ran.code == 2
    assert "Did you mean 'duo_prod'?" in ran.err


def test_without_a_name_or_a_terminal_the_names_are_told(with_app: Path, sa_apps: Command) -> None:
    ran = sa_apps("update-auth")
    assert ran.code == 2
    assert "one of duo_prod" in ran.err


def test_without_any_app_new_is_named(local: Path, sa_apps: Command) -> None:
    ran = sa_apps("update-auth")
    assert ran.code == 2
    assert "sa-apps new" in ran.err


def test_broken_credentials_are_replaced(with_app: Path, sa_apps: Command, other: str) -> None:
    (with_app / ".sa-apps/local_prod_duo_auth_duo_prod_app/auth.json").write_text("broken")
    assert sa_apps("update-auth", "duo_prod", "--auth-file", other, "--no-check").code == 0
    assert stored(with_app)["secret_key"] == OTHER


def test_a_wrong_variable_is_named(
    aws_project: Path, sa_apps: Command, auth_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SA_APPS_READ_SECONDS", "soon")
    ran = sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    assert ran.code == 1
    assert "SA_APPS_READ_SECONDS is wrong" in ran.err


def test_a_person_keeps_what_is_shown_and_types_the_secret(with_app: Path, auth_file: Path) -> None:
    secret = json.loads(auth_file.read_text())["secret_key"]
    with Terminal("update-auth", "--no-check", folder=with_app) as terminal:
        terminal.see("Which app?").type(ENTER)
        terminal.see("duosecurity.com': api-abcdef12.duosecurity.com").type(ENTER)
        terminal.see("DIABCDEFGHIJKLMN1234': DIABCDEFGHIJKLMN1234").type(ENTER)
        assert secret not in terminal.see("secret key").text
        terminal.type(OTHER + ENTER)
        assert terminal.ends() == 0
        assert OTHER not in terminal.text
    assert stored(with_app) == json.loads(auth_file.read_text()) | {"secret_key": OTHER}


def test_a_secret_is_kept_by_enter(with_app: Path, auth_file: Path) -> None:
    with Terminal("update-auth", "duo_prod", "--no-check", folder=with_app) as terminal:
        terminal.see("the API hostname of your").type("\x15" + "api-99999999.duosecurity.com" + ENTER)
        terminal.see("integration key").type(ENTER)
        terminal.see("(Enter keeps it)").type(ENTER)
        assert terminal.ends() == 0
    before = json.loads(auth_file.read_text())
    assert stored(with_app) == before | {"api_hostname": "api-99999999.duosecurity.com"}


def test_the_earlier_ones_can_be_had_back_and_the_later_ones_again(
    with_app: Path, sa_apps: Command, other: str, auth_file: Path
) -> None:
    first = json.loads(auth_file.read_text())
    sa_apps("update-auth", "duo_prod", "--auth-file", other, "--no-check")

    assert sa_apps("update-auth", "duo_prod", "--rollback", "--no-check").code == 0
    assert stored(with_app) == first
    assert sa_apps("update-auth", "duo_prod", "--rollback", "--no-check").code == 0
    assert stored(with_app)["secret_key"] == OTHER


def test_both_are_readable_by_their_owner_alone(with_app: Path, sa_apps: Command, other: str) -> None:
    sa_apps("update-auth", "duo_prod", "--auth-file", other, "--no-check")

    folder = with_app / ".sa-apps/local_prod_duo_auth_duo_prod_app"
    assert {path.stat().st_mode & 0o777 for path in folder.glob("auth*.json")} == {0o600}
    assert len([*folder.glob("auth*.json")]) == 2


def test_earlier_ones_that_the_service_refuses_are_not_stored(
    with_app: Path, sa_apps: Command, other: str, duo: Duo
) -> None:
    sa_apps("update-auth", "duo_prod", "--auth-file", other, "--no-check")

    ran = sa_apps("update-auth", "duo_prod", "--rollback", "--simulator", duo.url)

    assert ran.code == 4
    assert stored(with_app)["secret_key"] == OTHER


def test_where_there_are_no_earlier_ones_that_is_said(with_app: Path, sa_apps: Command) -> None:
    ran = sa_apps("update-auth", "duo_prod", "--rollback", "--no-check")

    assert (ran.code, "no earlier credentials" in ran.err) == (2, True)


def test_when_the_old_ones_can_be_revoked_is_said(with_app: Path, sa_apps: Command, other: str) -> None:
    store = LocalStore(with_app / ".sa-apps", "local_prod_duo_auth_duo_prod_app")
    lease = Lease("run", SystemClock().now().timestamp() + 60)
    head = Head("it", "born", "00", 1, lease=lease)
    store.write("head.json", msgspec.json.encode(head), replacing=None)

    ran = sa_apps("update-auth", "duo_prod", "--auth-file", other, "--no-check")
    assert "still uses the old ones" in ran.err
    store.delete(["head.json"])
    ran = sa_apps("update-auth", "duo_prod", "--rollback", "--no-check")
    assert "can be revoked" in ran.err


def test_in_parameter_store_the_earlier_ones_are_an_earlier_version(
    deployable: Path, sa_apps: Command, other: str, auth_file: Path
) -> None:
    sa_apps("update-auth", "collector", "--auth-file", other, "--no-check")

    assert sa_apps("update-auth", "collector", "--rollback", "--no-check").code == 0

    name = "acme_prod_duo_auth_collector_app_auth"
    value = boto3.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    assert json.loads(value) == json.loads(auth_file.read_text())


def test_removed_with_the_app_both_are_gone(with_app: Path, sa_apps: Command, other: str) -> None:
    sa_apps("update-auth", "duo_prod", "--auth-file", other, "--no-check")

    assert sa_apps("remove", "duo_prod", "--yes").code == 0

    assert [*(with_app / ".sa-apps").rglob("auth*")] == []

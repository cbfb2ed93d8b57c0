"""`sa-apps remove`: what goes is shown, and nothing of it is left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.cli.conftest import FUNCTION, writes
from tests.cli.test_json import check
from tests.deploy.cloud import world
from tests.proxy import Refuse
from tests.terminal import ENTER, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran
    from tests.proxy import Proxy

    Command = Callable[..., Ran]


@pytest.fixture
def ran_once(deployed: Path) -> Path:
    """Return a project whose app has a state."""
    boto3.client("ssm").put_parameter(Name=f"{FUNCTION}_state", Value="{}", Type="SecureString")
    return deployed


def parameters() -> list[str]:
    return sorted(p["Name"] for p in boto3.client("ssm").describe_parameters()["Parameters"])


def conf(folder: Path) -> str:
    return (folder / "conf/clusters/prod.json").read_text()


def test_nothing_is_left_behind(ran_once: Path, sa_apps: Command) -> None:
    ran = sa_apps("remove", "collector", "--yes")

    assert ran.code == 0
    assert not any(world().values())
    assert parameters() == []
    assert FUNCTION not in conf(ran_once)


def test_what_goes_is_shown_and_told(ran_once: Path, sa_apps: Command) -> None:
    answer = check(sa_apps("remove", "collector", "--yes", "--json").out, "remove")

    assert [thing["kind"] for thing in answer["removed"]] == [
        *("alarm", "alarm", "alarm", "target", "rule", "function", "log group", "role"),
        *("parameter", "parameter", "entries"),
    ]


def test_credentials_can_be_kept(ran_once: Path, sa_apps: Command) -> None:
    assert sa_apps("remove", "collector", "--keep-auth", "--yes").code == 0
    assert parameters() == [f"{FUNCTION}_auth"]


def test_without_a_terminal_nothing_goes_unasked(ran_once: Path, sa_apps: Command, aws: Proxy) -> None:
    ran = sa_apps("remove", "collector")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert writes(aws) == []


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 130)])
def test_on_a_terminal_it_asks(ran_once: Path, answer: str, code: int) -> None:
    with Terminal("remove", "collector", folder=ran_once) as terminal:
        terminal.see("This will delete collector (prod):").see("Delete collector (prod)?").type(
            answer + ENTER
        )
        assert terminal.ends() == code
    assert (FUNCTION in conf(ran_once)) == (code != 0)


def test_a_letter_alone_deletes_nothing(ran_once: Path) -> None:
    with Terminal("remove", "collector", folder=ran_once) as terminal:
        terminal.see("Delete collector (prod)?").type("y")
        terminal.see("Yes").type("n" + ENTER)
        assert terminal.ends() == 130
    assert FUNCTION in conf(ran_once)


def test_a_removal_that_fails_midway_leaves_conf_and_is_completed_by_the_next(
    ran_once: Path, sa_apps: Command, aws: Proxy
) -> None:
    aws.before = lambda call: (
        Refuse(403, "AccessDeniedException") if call.name == "lambda.DeleteFunction" else None
    )
    assert sa_apps("remove", "collector", "--yes").code == 4
    assert FUNCTION in conf(ran_once)
    assert parameters()
    aws.before = lambda _: None

    assert sa_apps("remove", "collector", "--yes").code == 0

    assert not any(world().values())
    assert parameters() == []


def test_what_was_never_deployed_goes_from_conf_and_parameter_store(
    deployable: Path, sa_apps: Command
) -> None:
    assert sa_apps("remove", "collector", "--yes").code == 0
    assert parameters() == []
    assert FUNCTION not in conf(deployable)


def test_the_other_apps_stay(ran_once: Path, sa_apps: Command, auth_file: Path) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "-n", "other", "--auth-file", str(auth_file), "--no-check")
    sa_apps("deploy", "--yes")

    sa_apps("remove", "collector", "--yes")

    assert list(world()["functions"]) == ["acme_prod_duo_auth_other_app"]
    assert parameters() == ["acme_prod_duo_auth_other_app_auth"]
    assert [app["name"] for app in json.loads(sa_apps("list", "--json").out)["apps"]] == ["other"]


def test_a_local_app_goes_with_its_files(local: Path, sa_apps: Command, auth_file: Path) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    folder = local / ".sa-apps/local_prod_duo_auth_collector_app"
    assert (folder / "auth.json").exists()

    check(sa_apps("remove", "collector", "--yes", "--json").out, "remove")

    assert not folder.exists()
    assert json.loads(sa_apps("list", "--json").out)["apps"] == []


def test_an_app_that_is_none_is_an_error(deployable: Path, sa_apps: Command) -> None:
    assert sa_apps("remove", "colector", "--yes").code == 2


@pytest.mark.parametrize("words", [[], ["--keep-auth"]])
def test_what_a_killed_update_left_of_the_credentials_goes_too(
    local: Path, sa_apps: Command, auth_file: Path, words: list[str]
) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    (folder,) = (path.parent for path in (local / ".sa-apps").glob("*/auth.json"))
    (folder / ".auth.json.abcd1234").write_text('{"secret_key": "s3cr3t"}')

    assert sa_apps("remove", "collector", "--yes", *words).code == 0

    left = [path.name for path in folder.iterdir()] if folder.exists() else []
    assert left == (["auth.json"] if words else [])


def test_a_folder_that_can_not_be_removed_is_told(
    local: Path, sa_apps: Command, auth_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("streamalert_apps.cli.commands.remove.rmtree", refuse)
    ran = sa_apps("remove", "collector", "--yes")
    assert ran.code == 1
    assert "can't be removed: Permission denied" in ran.err
    assert "is deleted" not in ran.err

"""`sa-apps init`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.terminal import ENTER, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

AWS = ("--prefix", "acme", "--account-id", "123456789012", "--region", "us-east-1")


def content(path: Path) -> Any:
    return json.loads(path.read_text())


def test_a_project_in_aws_is_laid_out_as_streamalerts(project: Path, sa_apps: Command) -> None:
    assert sa_apps("init", *AWS).code == 0
    assert content(project / "conf/global.json") == {
        "account": {"aws_account_id": "123456789012", "prefix": "acme", "region": "us-east-1"}
    }
    assert content(project / "conf/clusters/prod.json") == {"data_sources": {}, "id": "prod", "modules": {}}


def test_a_local_project_needs_no_flag(project: Path, sa_apps: Command) -> None:
    assert sa_apps("init", "--local").code == 0
    assert content(project / "conf/global.json") == {
        "account": {"prefix": "local"},
        "sa_apps": {"store": "local"},
    }


def test_a_second_time_nothing_is_changed(project: Path, sa_apps: Command) -> None:
    sa_apps("init", *AWS)
    before = {path: path.read_bytes() for path in project.rglob("*.json")}
    ran = sa_apps("init")
    assert ran.code == 0
    assert "nothing was changed" in ran.err
    assert {path: path.read_bytes() for path in project.rglob("*.json")} == before


def test_a_cluster_can_be_added_to_a_project_that_is_there(project: Path, sa_apps: Command) -> None:
    sa_apps("init", *AWS)
    ran = sa_apps("init", "--cluster", "corp", "--json")
    assert json.loads(ran.out)["created"] == ["conf/clusters/corp.json"]


def test_values_that_an_existing_project_contradicts_are_refused(project: Path, sa_apps: Command) -> None:
    sa_apps("init", *AWS)
    ran = sa_apps("init", "--prefix", "other", "--cluster", "corp")
    assert ran.code == 1
    assert "prefix 'acme'" in ran.err
    assert not (project / "conf/clusters/corp.json").exists()


def test_a_local_project_is_not_taken_for_one_in_aws(local: Path, sa_apps: Command) -> None:
    ran = sa_apps("init", "--prefix", "acme", "--account-id", "123456789012", "--region", "us-east-1")
    assert ran.code == 1
    assert "of a project on this machine" in ran.err
    assert "Use another folder" in ran.err


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--prefix", "Acme_1"),
        ("--account-id", "1234"),
        ("--region", "virginia"),
        ("--region", "us-east-9"),
        ("--cluster", "Prod!"),
    ],
)
def test_an_impossible_value_is_refused_before_anything_is_written(
    project: Path, sa_apps: Command, flag: str, value: str
) -> None:
    ran = sa_apps("init", *AWS, flag, value)
    assert ran.code == 2
    assert f"'{value}'" in ran.err
    assert not list(project.iterdir())


def test_what_is_missing_is_asked_for_on_a_terminal(project: Path) -> None:
    with Terminal("init", "--region", "us-east-1", folder=project) as terminal:
        terminal.answer("AWS account id", "1234")
        terminal.see("It has 12 digits.").type("\x15")
        terminal.answer("AWS account id", "123456789012")
        terminal.answer("prefix", "acme")
        assert terminal.ends() == 0
    assert content(project / "conf/global.json")["account"]["aws_account_id"] == "123456789012"


def test_this_machine_is_the_first_choice(project: Path) -> None:
    with Terminal("init", folder=project) as terminal:
        terminal.see("Where will the apps run?").see("on this machine").type(ENTER)
        assert terminal.ends() == 0
    assert content(project / "conf/global.json")["sa_apps"] == {"store": "local"}


def test_account_and_region_are_suggested_from_aws_configuration(
    project: Path, aws: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with Terminal("init", folder=project) as terminal:
        terminal.see("Where will the apps run?").type("in AWS" + ENTER)
        terminal.see("AWS account id").see("123456789012").type(ENTER)
        terminal.see("AWS region").see("eu-west-1").type(ENTER)
        terminal.answer("prefix", "acme")
        assert terminal.ends() == 0
    account = content(project / "conf/global.json")["account"]
    assert account == {"aws_account_id": "123456789012", "prefix": "acme", "region": "eu-west-1"}


def test_a_region_that_aws_does_not_have_is_told_with_those_that_are_like_it(
    project: Path, sa_apps: Command
) -> None:
    ran = sa_apps("init", *AWS, "--region", "us-esat-1")
    assert (ran.code, list(project.iterdir())) == (2, [])
    assert "Did you mean" in ran.err
    assert "us-east-1" in ran.err


def test_ctrl_c_in_a_prompt_leaves_nothing_behind(project: Path) -> None:
    with Terminal("init", folder=project) as terminal:
        terminal.see("Where will the apps run?").type("\x03")
        assert terminal.ends() == 130
        assert "Cancelled; nothing was changed." in terminal.text
        assert "Traceback" not in terminal.text
    assert not list(project.iterdir())


@pytest.mark.parametrize("silencer", ["--no-input", "CI"])
def test_a_terminal_is_not_asked_where_that_is_not_wanted(
    project: Path, silencer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if silencer == "CI":
        monkeypatch.setenv("CI", "true")
    flags = [silencer] if silencer.startswith("--") else []
    with Terminal("init", *flags, folder=project) as terminal:
        assert terminal.ends() == 2
        assert silencer in terminal.text
        assert "--account-id" in terminal.text


def test_an_answer_is_taken_without_the_spaces_around_it(project: Path) -> None:
    with Terminal("init", "--region", "us-east-1", "--prefix", "acme", folder=project) as terminal:
        terminal.see("AWS account id").type(" 123456789012 " + ENTER)
        assert terminal.ends() == 0
    assert content(project / "conf/global.json")["account"]["aws_account_id"] == "123456789012"

"""Commands that take several names: each app is told of, and one that fails stops none of the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from jsonschema import Draft202012Validator

from tests.cli.conftest import FUNCTION, settings, writes
from tests.cli.test_json import SCHEMA
from tests.proxy import Cut, Refuse
from tests.terminal import ENTER, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran
    from tests.proxy import Fault, Proxy

    Command = Callable[..., Ran]

OTHER = FUNCTION.replace("collector", "other")
COMMANDS = ("check", "disable", "enable", "invoke", "remove", "rollback", "run", "status", "verify")


def answer_of(ran: Ran, command: str) -> dict[str, Any]:
    """Return the answer, which has the form that the schema gives."""
    answer: dict[str, Any] = json.loads(ran.out)
    Draft202012Validator({"$ref": f"#/$defs/{command}", "$defs": SCHEMA["$defs"]}).validate(answer)
    return answer


@pytest.fixture
def two(local: Path, auth_file: Path, sa_apps: Command) -> Path:
    """Return a local project with the apps `collector` and `other`."""
    for name in ("collector", "other"):
        sa_apps("new", "duo_auth", "-c", "prod", "-n", name, "--auth-file", str(auth_file), "--no-check")
    return local


@pytest.mark.parametrize("command", COMMANDS)
def test_names_can_be_given_as_arguments_or_options_but_not_with_all(
    two: Path, sa_apps: Command, command: str
) -> None:
    unknown = sa_apps("--no-input", command, "collector", "--name", "nobody")
    assert (unknown.code, "There is no app 'nobody'." in unknown.err) == (2, True)
    both = sa_apps(command, "collector", "other", "--all")
    assert (both.code, "Leave out the names, or --all." in both.err) == (2, True)


@pytest.mark.parametrize(
    "fault", [Refuse(500, "InternalException"), Refuse(400, "ThrottlingException"), Cut()], ids=str
)
def test_what_keeps_aws_from_answering_for_one_app_stops_none_of_the_others(
    deployed: Path, sa_apps: Command, aws: Proxy, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    settings(deployed, OTHER)
    aws.before = lambda call: fault if OTHER.encode() in call.body else None

    ran = sa_apps("disable", "other", "collector", "--json")

    answer = answer_of(ran, "disable")
    assert [(app["name"], bool(app["error"])) for app in answer["apps"]] == [
        ("other", True),
        ("collector", False),
    ]
    assert ran.code == 5


def test_several_apps_are_switched_and_one_that_fails_stops_none(
    deployed: Path, sa_apps: Command, aws: Proxy
) -> None:
    settings(deployed, OTHER)

    ran = sa_apps("disable", "other", "collector", "--json")

    answer = answer_of(ran, "disable")
    assert ran.code == 5
    assert [(app["name"], app.get("changed"), bool(app["error"])) for app in answer["apps"]] == [
        ("other", None, True),
        ("collector", True, False),
    ]
    assert boto3.client("events").describe_rule(Name=f"{FUNCTION}_schedule")["State"] == "DISABLED"
    assert "2 apps: 1 disabled, 1 failed." in ran.err


def test_an_app_that_is_named_twice_is_one(deployed: Path, sa_apps: Command) -> None:
    assert answer_of(sa_apps("enable", "collector", "--name", "collector", "--json"), "enable")["name"]


def test_several_apps_are_removed_after_one_question(two: Path) -> None:
    with Terminal("remove", "collector", "other", folder=two) as terminal:
        terminal.see("This will delete collector").see("This will delete other").see("Delete 2 apps?")
        terminal.type("y" + ENTER)
        assert terminal.ends() == 0
        assert "2 apps: 2 deleted." in terminal.text
    assert "collector" not in (two / "conf/clusters/prod.json").read_text()


def test_nothing_is_removed_where_not_all_of_it_can_be_looked_up(
    deployed: Path, sa_apps: Command, aws: Proxy
) -> None:
    settings(deployed, OTHER)
    aws.before = lambda call: (
        Refuse(403, "AccessDeniedException") if call.name == "ssm.GetParameters" else None
    )
    assert sa_apps("remove", "collector", "other", "--yes").code == 4
    assert writes(aws) == []


def test_a_version_belongs_to_one_app(two: Path, sa_apps: Command) -> None:
    ran = sa_apps("rollback", "collector", "other", "--to", "4")
    assert (ran.code, "--to names a version of one app." in ran.err) == (2, True)


def test_status_shows_those_that_are_named(two: Path, sa_apps: Command) -> None:
    shown = answer_of(sa_apps("status", "other", "--json"), "status")["apps"]
    assert [app["name"] for app in shown] == ["other"]
    shown = answer_of(sa_apps("status", "other", "collector", "--json"), "status")["apps"]
    assert {app["name"] for app in shown} == {"other", "collector"}

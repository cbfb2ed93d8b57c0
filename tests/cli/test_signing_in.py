"""Each command signs in once, before anything else, to the account and the region that conf/ names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.cli.conftest import FUNCTION, writes
from tests.proxy import Answer
from tests.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.proxy import Call, Fault, Proxy

OF_AWS = [
    ["deploy", "--yes"],
    ["deploy", "--dry-run"],
    ["deploy", "--yes", "--prune"],
    ["deploy", "--yes", "--with-classifier"],
    ["status"],
    ["logs", "collector"],
    ["logs", "collector", "--follow"],
    ["invoke", "collector"],
    ["check", "collector"],
    ["rollback", "collector"],
    ["disable", "collector"],
    ["enable", "collector"],
    ["remove", "collector", "--yes"],
    ["run", "collector"],
    ["run", "collector", "--since", "1h"],
    ["run", "collector", "--to", "classifier"],
    ["state", "show", "collector"],
    ["state", "export", "collector"],
    ["journal", "purge", "collector", "--since", "2h", "--until", "1h", "--yes"],
]


def of_account(number: str) -> Callable[[Call], Fault | None]:
    """Return a hook by which AWS says that this account is signed in."""
    told = f"<GetCallerIdentityResult><Account>{number}</Account></GetCallerIdentityResult>"
    whole = f"<GetCallerIdentityResponse>{told}</GetCallerIdentityResponse>".encode()
    return lambda call: Answer(200, whole) if call.name == "sts.GetCallerIdentity" else None


@pytest.mark.parametrize("words", OF_AWS, ids=" ".join)
def test_in_another_account_nothing_else_is_asked(
    sa_apps: Any, deployable: Path, aws: Proxy, words: list[str]
) -> None:
    aws.before = of_account("999999999999")

    ran = sa_apps(*words)

    assert ran.code == 4
    assert "account 999999999999, but conf/global.json names 123456789012" in ran.err
    assert aws.names() == ["sts.GetCallerIdentity"]


@pytest.mark.parametrize(
    "words", [["new", "duo_auth", "-c", "prod", "-n", "other"], ["update-auth", "collector"]]
)
def test_no_credentials_are_stored_in_another_account(
    sa_apps: Any, deployable: Path, aws: Proxy, auth_file: Path, words: list[str]
) -> None:
    aws.before = of_account("999999999999")

    assert sa_apps(*words, "--auth-file", str(auth_file), "--no-check").code == 4
    assert aws.names() == ["sts.GetCallerIdentity"]


@pytest.mark.parametrize(
    "words", [["status"], ["deploy", "--yes"], ["run", "collector"], ["state", "show", "collector"]]
)
def test_a_command_signs_in_once(sa_apps: Any, deployable: Path, aws: Proxy, words: list[str]) -> None:
    sa_apps(*words)
    assert aws.names().count("sts.GetCallerIdentity") == 1


def test_another_region_in_the_environment_is_the_region_of_all(
    sa_apps: Any, deployable: Path, aws: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SA_APPS_REGION", "eu-west-1")

    assert sa_apps("deploy", "--yes").code == 0

    functions: Any = boto3.client("lambda", region_name="eu-west-1")
    told = functions.get_function(FunctionName=FUNCTION)["Configuration"]
    assert told["Environment"]["Variables"]["SA_APPS_BUCKET"] == "acme-sa-apps-123456789012-eu-west-1"
    policy = boto3.client("iam").get_role_policy(RoleName=f"{FUNCTION}_role", PolicyName="sa-apps")
    assert "us-east-1" not in json.dumps(policy["PolicyDocument"])
    permission = functions.get_policy(FunctionName=FUNCTION, Qualifier="production")["Policy"]
    assert ":events:eu-west-1:" in permission
    aws.calls.clear()
    assert sa_apps("deploy", "--yes").code == 0
    assert writes(aws) == []
    assert sa_apps("status").code == 0


def test_a_region_in_the_environment_that_is_none_is_refused(
    sa_apps: Any, deployable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SA_APPS_REGION", "virginia")
    ran = sa_apps("list")
    assert ran.code == 1
    assert 'SA_APPS_REGION must be an AWS region like us-east-1, not "virginia"' in ran.err


@pytest.fixture
def with_a_device(deployable: Path, aws: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """Sign in through a role that takes the code of a device; return what is asked of AWS from now on."""
    config = tmp_path / "aws-config"
    config.write_text(
        "[profile base]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
        "[profile audit]\nsource_profile = base\nrole_arn = arn:aws:iam::123456789012:role/audit\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/jo\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "audit")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    aws.calls.clear()
    return aws


@pytest.mark.parametrize("words", [["status"], ["deploy", "--yes"], ["run", "collector"]])
def test_without_a_terminal_nobody_is_asked_for_a_code(
    sa_apps: Any, with_a_device: Proxy, words: list[str]
) -> None:
    ran = sa_apps(*words, "--json")
    assert ran.code == 4
    assert json.loads(ran.out)["errors"][0]["code"] == "credentials_refused"
    assert "AWS wants a code" in ran.err
    assert with_a_device.names() == []


def test_a_code_is_asked_for_once_and_seen(with_a_device: Proxy, deployable: Path) -> None:
    with Terminal("status", folder=deployable) as terminal:
        terminal.answer("Enter MFA code for arn:aws:iam::123456789012:mfa/jo:", "123456")
        terminal.see("collector (prod)")
        assert terminal.text.count("Enter MFA code") == 1
        terminal.ends()
    assert with_a_device.names().count("sts.AssumeRole") == 1

"""`sa-apps invoke`, `check`, `rollback`, `disable`, `enable`: living with an app that is deployed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests import proxy
from tests.cli.conftest import write_auth
from tests.cli.test_deploy import FUNCTION, settings, writes
from tests.cli.test_json import check
from tests.proxy import Refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Duo, Ran
    from tests.proxy import Proxy

    Command = Callable[..., Ran]

EVENT = {
    "app_type": "duo_auth",
    "destination_function_name": "acme_prod_streamalert_classifier",
    "schedule_expression": "rate(2 hours)",
}


@pytest.fixture
def aws(aws_env: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxy.serve(aws_env) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield aws


def live() -> Any:
    return boto3.client("lambda").get_function(FunctionName=FUNCTION, Qualifier="production")["Configuration"]


def test_an_invocation_is_that_of_the_schedule(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    ran = sa_apps("invoke", "collector")

    assert (ran.code, ran.out) == (0, "")
    (call,) = aws.calls
    assert call.path == f"/2015-03-31/functions/{FUNCTION}/invocations?Qualifier=production"
    assert (call.headers["X-Amz-Invocation-Type"], call.json) == ("Event", EVENT)


def test_the_end_of_a_run_can_be_waited_for(deployed: Path, sa_apps: Command) -> None:
    answer = check(sa_apps("invoke", "collector", "--wait", "--json").out, "invoke")
    assert (answer["waited"], answer["summary"]) == (True, EVENT)  # moto answers with what it was given


def test_a_run_that_failed_is_told(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    raised = json.dumps({"errorType": "CredentialsError", "errorMessage": "Duo refused the credentials."})
    aws.before = lambda _: proxy.Answer(200, raised.encode(), {"X-Amz-Function-Error": "Unhandled"})

    ran = sa_apps("invoke", "collector", "--wait", "--json")

    assert ran.code == 1
    assert "CredentialsError: Duo refused the credentials." in json.loads(ran.out)["errors"][0]["message"]


def test_a_run_is_never_made_twice(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    aws.after = lambda _: proxy.Cut()

    assert sa_apps("invoke", "collector", "--wait").code == 1
    assert len(aws.calls) == 1


def test_no_room_for_another_run_is_explained(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    aws.before = lambda _: Refuse(
        429, "TooManyRequestsException", message="ReservedFunctionConcurrentInvocationLimitExceeded"
    )
    ran = sa_apps("invoke", "collector", "--wait")
    assert ran.code == 1
    assert "runs already" in ran.err


@pytest.mark.parametrize("word", ["invoke", "rollback", "disable", "enable"])
def test_what_is_not_deployed_is_told(deployable: Path, sa_apps: Command, aws: Proxy, word: str) -> None:
    aws.before = lambda call: (  # moto takes any
        Refuse(404, "ResourceNotFoundException") if call.name == "lambda.Invoke" else None
    )

    ran = sa_apps(word, "collector")

    assert ran.code == 1
    assert f"{FUNCTION} is not deployed." in ran.err


@pytest.mark.parametrize("word", ["invoke", "rollback", "disable", "enable"])
def test_a_local_project_has_nothing_deployed(
    local: Path, sa_apps: Command, auth_file: Path, word: str
) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    ran = sa_apps(word, "collector")
    assert ran.code == 1
    assert "lives without AWS" in ran.err


def test_a_rollback_goes_to_the_version_before(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    settings(deployed, memory=256)
    sa_apps("deploy", "--yes")
    writes(aws)

    answer = check(sa_apps("rollback", "collector", "--json").out, "rollback")

    assert (answer["before"], answer["after"], live()["MemorySize"]) == ("2", "1", 128)
    assert writes(aws) == ["lambda.UpdateAlias"]


def test_a_rollback_goes_to_the_version_that_is_named_and_forward_again(
    deployed: Path, sa_apps: Command, aws: Proxy
) -> None:
    for memory in (256, 512):
        settings(deployed, memory=memory)
        sa_apps("deploy", "--yes")

    assert sa_apps("rollback", "collector", "--to", "1").code == 0
    assert live()["MemorySize"] == 128
    assert sa_apps("rollback", "collector", "--to", "3").code == 0
    assert live()["MemorySize"] == 512
    writes(aws)
    assert sa_apps("rollback", "collector", "--to", "3").code == 0
    assert writes(aws) == []


def test_a_rollback_passes_over_versions_that_are_the_same(deployed: Path, sa_apps: Command) -> None:
    client = boto3.client("lambda")
    for memory in (256, 256):
        client.update_function_configuration(FunctionName=FUNCTION, MemorySize=memory)
        version = client.publish_version(FunctionName=FUNCTION)["Version"]
        client.update_alias(FunctionName=FUNCTION, Name="production", FunctionVersion=version)

    assert json.loads(sa_apps("rollback", "collector", "--json").out)["after"] == "1"


def test_a_version_that_is_not_there_is_an_error_that_names_those_that_are(
    deployed: Path, sa_apps: Command
) -> None:
    ran = sa_apps("rollback", "collector", "--to", "7")
    assert ran.code == 2
    assert "Versions: 1." in ran.err


def test_the_first_version_has_none_before(deployed: Path, sa_apps: Command) -> None:
    assert sa_apps("rollback", "collector").code == 1


def test_a_deploy_after_a_rollback_brings_what_conf_says_without_an_upload(
    deployed: Path, sa_apps: Command, aws: Proxy
) -> None:
    settings(deployed, memory=256)
    sa_apps("deploy", "--yes")
    sa_apps("rollback", "collector")
    writes(aws)

    sa_apps("deploy", "--yes")

    assert live()["MemorySize"] == 256
    assert "lambda.UpdateFunctionCode" not in writes(aws)


def test_the_schedule_is_switched_off_and_on(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    off = check(sa_apps("disable", "collector", "--json").out, "disable")
    assert (off["enabled"], off["changed"]) == (False, True)
    assert boto3.client("events").describe_rule(Name=f"{FUNCTION}_schedule")["State"] == "DISABLED"
    on = check(sa_apps("enable", "collector", "--json").out, "enable")
    assert (on["enabled"], on["changed"]) == (True, True)
    assert boto3.client("events").describe_rule(Name=f"{FUNCTION}_schedule")["State"] == "ENABLED"


@pytest.mark.parametrize("word", ["enable", "disable"])
def test_what_is_so_already_is_not_written(deployed: Path, sa_apps: Command, aws: Proxy, word: str) -> None:
    sa_apps(word, "collector")
    writes(aws)

    ran = sa_apps(word, "collector")

    assert (ran.code, writes(aws)) == (0, [])
    assert "No change" in ran.err


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
    assert "It says nothing of the credentials." in ran.err


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

"""`sa-apps rollback`: let an earlier version of an app run again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3

from tests.cli.conftest import FUNCTION, settings, writes
from tests.cli.test_json import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran
    from tests.proxy import Proxy

    Command = Callable[..., Ran]


def live() -> Any:
    return boto3.client("lambda").get_function(FunctionName=FUNCTION, Qualifier="production")["Configuration"]


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

"""`sa-apps rollback`: let an earlier version of an app run again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3

from streamalert_apps.cli.project import aws_session, open_project
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.head import Identity
from streamalert_apps.sdk.clock import Deadline, SystemClock
from streamalert_apps.serve.export import is_sealed
from streamalert_apps.serve.turn import Place, place_of
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


def of_0_1_0(aws: Proxy) -> str:
    """Publish a version that knows no record; return its number."""
    client = boto3.client("lambda")
    client.update_function_configuration(
        FunctionName=FUNCTION, Environment={"Variables": {"SA_APPS_TYPE": "duo_auth"}}
    )
    version: str = client.publish_version(FunctionName=FUNCTION)["Version"]
    writes(aws)
    return version


def begin_a_record(folder: Path) -> Place:
    """Put a floor on record, as a run does."""
    project = open_project(folder)
    (app,) = project.all_apps
    place = place_of(project, app, lambda: aws_session(project.account))
    held = heads.take(
        place.store,
        Identity(place.owner, "run"),
        clock=SystemClock(),
        deadline=Deadline.never(),
        first_look=timedelta(hours=1),
    )
    held.head.checkpoint, held.head.buried = {"floor": "2026-11-24T12:00:00+00:00"}, True
    held.head.lease = None
    held.write()
    return place


def state() -> Any:
    (parameter,) = boto3.client("ssm").get_parameters(Names=[f"{FUNCTION}_state"], WithDecryption=True)[
        "Parameters"
    ]
    return json.loads(parameter["Value"])


def test_a_version_without_a_record_gets_the_state_before_it_runs(
    deployed: Path, sa_apps: Command, aws: Proxy
) -> None:
    version = of_0_1_0(aws)
    place = begin_a_record(deployed)
    aws.calls.clear()

    answer = check(sa_apps("rollback", "collector", "--to", version, "--json").out, "rollback")

    assert answer["handed_back"]["since"] == "2026-11-24T12:00:00+00:00"
    assert state()["sa_apps"]["checkpoint"] == {"floor": "2026-11-24T12:00:00+00:00"}
    made = writes(aws)
    assert made.index("ssm.PutParameter") < made.index("lambda.UpdateAlias")
    assert is_sealed(place)


def test_coming_back_hands_nothing_over(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    version = of_0_1_0(aws)
    begin_a_record(deployed)
    sa_apps("rollback", "collector", "--to", version)
    writes(aws)

    answer = check(sa_apps("rollback", "collector", "--to", "1", "--json").out, "rollback")

    assert answer["handed_back"] is None
    assert writes(aws) == ["lambda.UpdateAlias"]


def test_during_a_run_the_alias_stays(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    version = of_0_1_0(aws)
    place = begin_a_record(deployed)
    heads.take(
        place.store,
        Identity(place.owner, "other"),
        clock=SystemClock(),
        deadline=Deadline.never(),
        first_look=timedelta(hours=1),
    )
    writes(aws)

    assert sa_apps("rollback", "collector", "--to", version).code == 1
    assert "lambda.UpdateAlias" not in writes(aws)

"""The installed command, from an empty folder to logs: with AWS, and without."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from streamalert_apps.runtime import names
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from streamalert_apps.simulator.tally import Tally, compare
from tests import proxy
from tests.lambda_rig import ACCOUNT, REGION, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

UNLIMITED = Path(__file__).parent / "unlimited"
COMMAND = Path(sys.executable).with_name("sa-apps")
BUCKET = names.bucket("acme", ACCOUNT, REGION)
EVENTS = 300
INIT = {
    "aws": ["--prefix", "acme", "--account-id", ACCOUNT, "--region", REGION],
    "local": ["--local"],
}
FUNCTION = {
    "aws": names.function_name("acme", "prod", "duo_auth", "collector"),
    "local": names.function_name("local", "prod", "duo_auth", "collector"),
}


@dataclass(frozen=True)
class World:
    """A project in a folder, and the Duo tenant that it collects from."""

    folder: Path
    store: str
    twin: Any
    url: str

    def sa_apps(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(COMMAND), *words]
        return subprocess.run(
            command,
            cwd=self.folder,
            input=stdin,
            env={**os.environ, "PYTHONPATH": str(UNLIMITED)},
            capture_output=True,
            text=True,
            check=False,
        )

    def asks_duo(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self.sa_apps(*words, "--simulator", self.url, stdin=stdin)

    def credentials(self, **changes: str) -> str:
        return json.dumps(self.twin.credentials | changes)

    def set_up(self) -> None:
        self.sa_apps("init", *INIT[self.store]).check_returncode()
        new = ["new", "duo_auth", "--cluster", "prod", "--auth-file", "-"]
        self.asks_duo(*new, stdin=self.credentials()).check_returncode()

    def tally(self, *outputs: str) -> Tally:
        logs = [json.loads(line) for output in outputs for line in output.splitlines()]
        return compare(self.twin, "duo_auth", logs)


@pytest.fixture(params=["aws", "local"])
def store(request: pytest.FixtureRequest) -> str:
    """The project's store; the local one has to do without anything of AWS."""
    store: str = request.param
    if store == "aws":
        request.getfixturevalue("aws_env")
        boto3.client("s3").create_bucket(Bucket=BUCKET)
    return store


@pytest.fixture
def world(project: Path, store: str) -> Iterator[World]:
    clock = SystemClock()
    twin = twins.twin("duo", clock=clock, rate=None)  # two a minute would be a wait of a minute
    now = clock.now()
    twin.seed("duo_auth", events=EVENTS, start=now - timedelta(minutes=100), end=now - timedelta(minutes=3))
    with serve(twin) as server:
        yield World(project, store, twin, server.url)


def test_from_an_empty_folder_to_all_the_logs(world: World) -> None:
    world.set_up()
    listed = json.loads(world.sa_apps("list", "--json").stdout)
    ran = world.asks_duo("run", "collector")

    assert listed["status"] == "ok"
    assert FUNCTION[world.store] in json.dumps(listed)
    assert ran.returncode == 0, ran.stderr
    assert world.tally(ran.stdout) == Tally(EVENTS, EVENTS, (), (), ())


def test_what_arrived_once_does_not_arrive_again(world: World) -> None:
    world.set_up()
    first = world.asks_duo("run", "collector")
    second = world.asks_duo("run", "collector", "--json")

    *logs, summary = second.stdout.splitlines()
    assert logs == []
    assert (json.loads(summary)["status"], json.loads(summary)["logs"]) == ("ok", 0)
    assert world.tally(first.stdout).repeated == ()


def test_a_key_that_was_revoked_is_told_and_can_be_replaced(world: World) -> None:
    world.set_up()
    update = ["update-auth", "collector", "--auth-file", "-"]
    world.sa_apps(*update, "--no-check", stdin=world.credentials(secret_key="0" * 40)).check_returncode()
    refused = world.asks_duo("run", "collector", "--json")
    updated = world.asks_duo(*update, stdin=world.credentials())
    ran = world.asks_duo("run", "collector")

    assert refused.returncode == 4
    assert json.loads(refused.stdout)["errors"][0]["code"] == "credentials_refused"
    assert updated.returncode == ran.returncode == 0, updated.stderr + ran.stderr
    assert world.tally(ran.stdout).lost == ()


def test_credentials_that_duo_refuses_are_not_stored(world: World) -> None:
    world.set_up()
    wrong = world.credentials(secret_key="0" * 40)
    refused = world.asks_duo("update-auth", "collector", "--auth-file", "-", stdin=wrong)
    ran = world.asks_duo("run", "collector")

    assert refused.returncode == 4
    assert "Duo refused the credentials" in refused.stderr
    assert ran.returncode == 0, ran.stderr


def test_no_secret_is_printed_or_written_into_conf(world: World) -> None:
    world.sa_apps("init", *INIT[world.store]).check_returncode()
    ran = world.asks_duo(
        "new", "duo_auth", "-c", "prod", "--auth-file", "-", "--json", stdin=world.credentials()
    )
    written = "".join(path.read_text() for path in (world.folder / "conf").rglob("*.json"))

    assert ran.returncode == 0, ran.stderr
    assert world.twin.credentials["secret_key"] not in ran.stdout + ran.stderr + written


@pytest.mark.parametrize("store", ["aws"], indirect=True)
def test_in_aws_credentials_are_a_secure_parameter_and_the_record_is_in_the_bucket(world: World) -> None:
    world.set_up()
    world.asks_duo("run", "collector").check_returncode()
    function = FUNCTION["aws"]
    (auth,) = boto3.client("ssm").get_parameters(
        Names=[names.auth_parameter(function), names.state_parameter(function)], WithDecryption=True
    )["Parameters"]
    head = boto3.client("s3").get_object(Bucket=BUCKET, Key=f"{function}/head.json")["Body"].read()

    assert (auth["Name"], auth["Type"]) == (names.auth_parameter(function), "SecureString")
    assert json.loads(auth["Value"]) == world.twin.credentials
    assert json.loads(head)["status"] == "succeeded"


@pytest.mark.parametrize("store", ["aws"], indirect=True)
def test_the_classifier_can_be_fed_from_this_machine(
    world: World, aws_env: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.set_up()
    publish(names.classifier("acme", "prod"))
    with proxy.serve(aws_env) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        ran = world.asks_duo("run", "collector", "--to", "classifier")

    records = [call.json["Records"][0] for call in aws.accepted if call.name == "lambda.Invoke"]
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    assert {record["streamalert_app"] for record in records} == {FUNCTION["aws"]}
    assert compare(world.twin, "duo_auth", [log for r in records for log in r["logs"]]).lost == ()


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")
@pytest.mark.parametrize("store", ["local"], indirect=True)
def test_without_aws_files_are_for_their_owner_alone(world: World) -> None:
    world.set_up()
    world.asks_duo("run", "collector").check_returncode()
    folder = world.folder / ".sa-apps"
    kept = [path for path in folder.rglob("*") if path.name not in {".gitignore", "conf.lock"}]

    assert {stat.S_IMODE(path.stat().st_mode) for path in kept if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, *kept) if path.is_dir()} == {0o700}
    assert {path.suffix for path in kept if path.is_file()} >= {".db", ".json", ".jsonl"}

"""The zip in AWS's own runtime client, with nothing beside it but what Lambda itself has."""

from __future__ import annotations

import io
import json
import sys
from datetime import timedelta
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote
from zipfile import ZipFile

import boto3
import pytest

from streamalert_apps.deploy.package import HANDLER, build
from streamalert_apps.runtime import names
from streamalert_apps.runtime.event import Event
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from streamalert_apps.simulator.tally import Tally, compare
from tests import proxy
from tests.deploy.test_package import here
from tests.lambda_rig import LambdaFunction, publish

if TYPE_CHECKING:
    from collections.abc import Iterable

CLASSIFIER = names.classifier("acme", "prod")
FUNCTION = names.function_name("acme", "prod", "duo_auth", "collector")
SCHEDULED = json.loads(Event("duo_auth", CLASSIFIER, "rate(1 hour)").to_json())
EVENTS = 300
IN_LAMBDA = (
    *("awslambdaric", "simplejson", "snapshot-restore-py"),
    *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Lambda's runtime client is for Linux")


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """Return a folder with what the zip for this machine holds."""
    with ZipFile(io.BytesIO(build("duo_auth", *here()).archive)) as archive:
        archive.extractall(tmp_path / "task")
    return tmp_path / "task"


@pytest.fixture
def in_lambda(tmp_path: Path) -> Path:
    """Return a folder with Lambda's runtime client and boto3."""
    folder = tmp_path / "in-lambda"
    folder.mkdir()
    for top in {top for name in IN_LAMBDA for top in tops(name)}:
        (folder / top.name).symlink_to(top)
    return folder


def tops(name: str) -> Iterable[Path]:
    """Return where an installed package begins: its modules and packages."""
    found = distribution(name)
    files = [Path(file) for file in found.files or ()]
    inside = {file.parts[0] for file in files if file.parts[0] not in {"..", "__pycache__"}}
    return [Path(str(found.locate_file(top))) for top in inside]


def test_duo_is_collected_end_to_end_by_the_zip_and_boto3_alone(
    aws_env: str, task: Path, in_lambda: Path
) -> None:
    twin = twins.twin("duo", clock=SystemClock())
    now = twin.clock.now()
    twin.seed("duo_auth", events=EVENTS, start=now - timedelta(minutes=50), end=now - timedelta(minutes=10))
    publish(CLASSIFIER, FUNCTION)
    boto3.client("ssm").put_parameter(
        Name=names.auth_parameter(FUNCTION), Value=json.dumps(twin.credentials), Type="SecureString"
    )
    boto3.client("s3").create_bucket(Bucket="record")
    with proxy.serve(aws_env) as aws, serve(twin) as duo:
        env = {
            "AWS_ENDPOINT_URL": aws.url,
            "SA_APPS_BUCKET": "record",
            "SA_APPS_SIMULATOR": duo.url,
            "SA_APPS_TYPE": "duo_auth",
        }
        with LambdaFunction(FUNCTION, HANDLER, env, [task, in_lambda], sealed=True) as function:
            reply = function.invoke(SCHEDULED)
            log = function.log
        delivered = [call.json["Records"][0] for call in aws.accepted if invoked(call) == CLASSIFIER]

    assert reply.kind == "response", (reply, log)
    assert (reply.body["status"], reply.body["logs"]) == ("succeeded", EVENTS)
    logs = [log for record in delivered for log in record["logs"]]
    assert compare(twin, "duo_auth", logs) == Tally(EVENTS, EVENTS, (), (), ())


def test_an_app_type_of_another_service_fails_at_once_and_is_named(task: Path, in_lambda: Path) -> None:
    env = {"SA_APPS_TYPE": "acme_audit"}
    with LambdaFunction(FUNCTION, HANDLER, env, [task, in_lambda], sealed=True) as function:
        reply = function.invoke(SCHEDULED)

    assert (reply.kind, reply.body["errorType"]) == ("init_error", "UsageError")
    assert "acme_audit" in reply.body["errorMessage"]


def invoked(call: proxy.Call) -> str:
    return unquote(call.path.split("/")[3]) if call.name == "lambda.Invoke" else ""

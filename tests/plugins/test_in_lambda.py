"""A plugin's zip in AWS's own runtime client, with nothing beside it but what Lambda itself has."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING
from zipfile import ZipFile

import boto3
import pytest

from streamalert_apps.deploy.package import HANDLER, Package, build
from streamalert_apps.plugins.plugin import Plugin
from streamalert_apps.plugins.registry import Registry
from streamalert_apps.runtime import names
from streamalert_apps.runtime.event import Event
from streamalert_apps.simulator.tally import Tally, compare
from streamalert_apps.testing import load_plugin
from tests import proxy
from tests.deploy.test_package import here
from tests.deploy.test_package_in_lambda import in_lambda, invoked
from tests.lambda_rig import LambdaFunction, publish
from tests.plugins.conftest import EVENTS, served
from tests.plugins.test_discovery import install, site

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["in_lambda", "site"]

CLASSIFIER = names.classifier("acme", "prod")
FUNCTION = names.function_name("acme", "prod", "box_events", "collector")
SCHEDULED = json.loads(Event("box_events", CLASSIFIER, "rate(1 hour)").to_json())

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Lambda's runtime client is for Linux")


def unpacked(package: Package, folder: Path) -> Path:
    with ZipFile(io.BytesIO(package.archive)) as archive:
        archive.extractall(folder / "task")
    return folder / "task"


def collected(task: Path, in_lambda: Path, aws_env: str, box: Path) -> Tally:
    """Run the function once; return what arrived at the classifier, held against what the twin had."""
    publish(CLASSIFIER, FUNCTION)
    with served(box / "apps/box/app.py", box) as service, proxy.serve(aws_env) as aws:
        boto3.client("ssm").put_parameter(
            Name=names.auth_parameter(FUNCTION), Value=service.auth.read_text(), Type="SecureString"
        )
        boto3.client("s3").create_bucket(Bucket="record")
        env = {
            "AWS_ENDPOINT_URL": aws.url,
            "SA_APPS_BUCKET": "record",
            "SA_APPS_SIMULATOR": service.url,
            "SA_APPS_TYPE": "box_events",
        }
        with LambdaFunction(FUNCTION, HANDLER, env, [task, in_lambda], sealed=True) as function:
            reply = function.invoke(SCHEDULED)
            assert reply.kind == "response", (reply, function.log)
        records = [call.json["Records"][0] for call in aws.accepted if invoked(call) == CLASSIFIER]
        return compare(service.twin, "box_events", [log for record in records for log in record["logs"]])


def test_a_plugins_zip_collects_as_a_built_in_services_does(
    aws_env: str, box: Path, in_lambda: Path, tmp_path: Path
) -> None:
    package = build("box_events", *here(), load_plugin(box / "apps/box/app.py"))

    tally = collected(unpacked(package, tmp_path), in_lambda, aws_env, box)

    assert tally == Tally(EVENTS, EVENTS, (), (), ())


@pytest.fixture(params=["of_box.apps.events", "of_box.apps.events:BoxEvents"])
def installed(request: pytest.FixtureRequest, box: Path, site: Path) -> Plugin | None:
    """Return the plugin of a distribution whose module needs another of its package."""
    source = (box / "apps/box/app.py").read_text().replace('"https://', 'SCHEME + "://')
    source = source.replace(
        "from streamalert_apps import", "from .. import SCHEME\nfrom streamalert_apps import"
    )
    files = {
        "of_box/__init__.py": "SCHEME = 'https'\n",
        "of_box/apps/__init__.py": "",
        "of_box/apps/events.py": source,
        "of_box/tests/test_any.py": "",
    }
    install(site, request.param, files, "box")
    return Registry().plugin("box_events")


def test_the_zip_of_an_installed_plugin_holds_its_whole_package(
    aws_env: str, box: Path, in_lambda: Path, tmp_path: Path, installed: Plugin
) -> None:
    package = build("box_events", *here(), installed)

    tally = collected(unpacked(package, tmp_path), in_lambda, aws_env, box)

    assert tally == Tally(EVENTS, EVENTS, (), (), ())
    assert "of_box/tests/test_any.py" not in package.files


def test_the_zip_of_a_plugin_holds_no_simulator_schema_or_test(box: Path) -> None:
    package = build("box_events", *here(), load_plugin(box / "apps/box/app.py"))

    assert [name for name in package.files if "/box/" in name] == [
        "streamalert_apps/services/box/__init__.py",
        "streamalert_apps/services/box/app.py",
    ]

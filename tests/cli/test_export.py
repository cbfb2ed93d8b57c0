"""`sa-apps export`: a file for another tool, and no call to AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import FUNCTION
from tests.cli.test_json import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran
    from tests.proxy import Proxy

    Command = Callable[..., Ran]


@pytest.mark.parametrize("form", ["cloudformation", "terraform"])
def test_the_file_is_written_without_asking_anybody(
    deployable: Path, sa_apps: Command, aws: Proxy, form: str
) -> None:
    ran = sa_apps("export", form, "--output", "apps.json")
    assert (ran.code, ran.out, aws.names()) == (0, "", [])
    assert FUNCTION in json.dumps(json.loads((deployable / "apps.json").read_text()))


def test_without_a_file_it_is_standard_output(deployable: Path, sa_apps: Command) -> None:
    assert json.loads(sa_apps("export", "cloudformation").out)["AWSTemplateFormatVersion"] == "2010-09-09"


def test_the_packages_are_where_the_file_says(deployable: Path, sa_apps: Command) -> None:
    answer = check(sa_apps("export", "terraform", "--packages", "packages", "--json").out, "export")
    (function,) = answer["content"]["resource"]["aws_lambda_function"].values()
    (path,) = answer["packages"]
    assert function["filename"].replace("${var.packages}", "packages") == path
    assert (deployable / path).read_bytes()[:2] == b"PK"


def test_named_apps_come_without_what_all_share(deployable: Path, sa_apps: Command) -> None:
    assert "aws_s3_bucket" not in json.loads(sa_apps("export", "terraform", "collector").out)["resource"]


def test_no_secret_is_in_it(deployable: Path, sa_apps: Command) -> None:
    assert "a" * 40 not in sa_apps("export", "cloudformation").out


@pytest.mark.parametrize("form", ["pulumi", "cloudformation"])
def test_what_can_not_be_exported_is_told(local: Path, sa_apps: Command, form: str) -> None:
    assert sa_apps("export", form).code == (2 if form == "pulumi" else 1)

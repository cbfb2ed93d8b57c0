"""What every test starts from: a clean environment, no network but loopback, and AWS where it asks for it."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING

import botocore.session
import pytest
import typer.main

from tests import moto_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOWHERE = "http://127.0.0.1:9"  # the discard port: refused at once

collect_ignore: list[str] = []
if sys.platform != "linux":  # AWS's runtime client is for Linux alone
    collect_ignore += ["runtime/test_handler_in_lambda.py", "test_rig.py", "test_end_to_end.py"]
if sys.platform == "win32":  # no pseudo-terminal, no bash
    with_terminal = (
        "deploy",
        "init",
        "list",
        "new",
        "optional_credentials",
        "remove",
        "status_on_a_terminal",
        "update_auth",
    )
    collect_ignore += [
        "test_documents.py",
        "test_ten_sources.py",
        *(f"cli/test_{name}.py" for name in with_terminal),
    ]


@pytest.fixture(scope="session", autouse=True)
def _read_once() -> Iterator[None]:
    """Read AWS's service models and build the tree of commands once, not for each command of a test."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        patched.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take the developer's settings away; a child process, too, finds no way to the real AWS."""
    for name in os.environ:
        if name.startswith(("AWS_", "SA_APPS_")) or name in {"CI", "FORCE_COLOR", "NO_COLOR"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)


@pytest.fixture(scope="session")
def _moto_process() -> Iterator[str]:
    with moto_server.serve() as url:
        yield url


@pytest.fixture
def moto_url(_moto_process: str) -> str:
    """Return the URL of an AWS that holds nothing yet."""
    moto_server.reset(_moto_process)
    return _moto_process


@pytest.fixture
def aws_env(monkeypatch: pytest.MonkeyPatch, moto_url: str) -> str:
    """Point boto3 and every child process at that AWS; return its URL."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    return moto_url


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty folder that is the working directory."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder

"""Starting: the command line beside a bare Typer program and Chalice; a function's cold start; the zips.

A cold start here is what Python does of it: a new process that imports the handler from the unpacked zip,
beside one that only makes the same two boto3 clients.
"""

from __future__ import annotations

import io
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from zipfile import ZipFile

from streamalert_apps.deploy.package import build
from tests.bench import _chalice
from tests.bench.deploy import apps, project

ROUNDS: Final = 21
APPS: Final = 50
ZIPS: Final = ("duo_auth", "slack_audit", "salesforce_login", "box_admin_events", "gsuite_login")

_BARE_TYPER: Final = """import typer

app = typer.Typer()


@app.command()
def list(json: bool = False) -> None:
    print("[]")


@app.command()
def deploy() -> None:
    pass


app()
"""
_BARE_CLIENTS: Final = "import boto3; boto3.client('ssm'); boto3.client('lambda')"
_HANDLER: Final = "import streamalert_apps.runtime.handler"


def main() -> None:
    """Print median milliseconds of each start, and the size of some zips."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        project(folder)
        apps(folder, APPS)
        (folder / "bare.py").write_text(_BARE_TYPER)
        ours = [sys.executable, "-m", "streamalert_apps"]
        starts = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "a bare Typer program --help": [sys.executable, "bare.py", "--help"],
            "sa-apps --help": [*ours, "--help"],
            f"sa-apps list --json, {APPS} apps": [*ours, "list", "--json"],
        }
        if chalice := _chalice.chalice():
            starts["chalice --help"] = [str(chalice), "--help"]
        _print(folder, starts, os.environ)
        _print(folder, *_cold(folder / "task"))
    for app_type in ZIPS:
        size = len(build(app_type, *_here()).archive) / 1e6
        print(f"{'zip of ' + app_type:34}{size:9.2f} MB")


def _here() -> tuple[str, str]:
    """Return this machine's Python and processor in Lambda's words."""
    processor = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    return f"python{sys.version_info.major}.{sys.version_info.minor}", processor


def _cold(task: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the starts in Lambda, and the environment they are in."""
    with ZipFile(io.BytesIO(build("duo_auth", *_here()).archive)) as archive:
        archive.extractall(task)
    environment = os.environ | {
        "PYTHONPATH": str(task),  # ahead of what is installed: the zip's own files are imported
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "bench_prod_duo_auth_app0_app",
        "SA_APPS_TYPE": "duo_auth",
    }
    starts = {
        "cold start, two boto3 clients": [sys.executable, "-c", _BARE_CLIENTS],
        "cold start, the handler": [sys.executable, "-c", _HANDLER],
    }
    return starts, environment


def _print(
    folder: Path, starts: dict[str, list[str]], environment: os._Environ[str] | dict[str, str]
) -> None:
    """Start each in turn, so that all have the same weather."""
    seconds: dict[str, list[float]] = {name: [] for name in starts}
    for words in starts.values():  # the first of each writes what Python caches
        subprocess.run(words, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    for _ in range(ROUNDS):
        for name, words in starts.items():
            began = time.perf_counter()
            subprocess.run(words, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
            seconds[name].append(time.perf_counter() - began)
    for name, taken in seconds.items():
        print(f"{name:34}{statistics.median(taken) * 1000:9.0f} ms", flush=True)

"""`sa-apps deploy` and `chalice deploy` against a moto server on the same machine: whole processes, warm.

First and unchanged, for 1, 10 and 50 apps; 50 unchanged also with 40 ms more for each call. Only the last
goes through a proxy. Calls are counted by one run through the proxy that is not timed.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from tests import moto_server, proxy
from tests.bench import _chalice
from tests.proxy import Delay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS: Final = {1: 7, 10: 5, 50: 3}
UNCHANGED_ROUNDS: Final = 7
SLOW_ROUNDS: Final = 3
OURS: Final = (sys.executable, "-m", "streamalert_apps", "deploy", "--yes")
DELAY_SECONDS: Final = 0.04
READS: Final = ("Get", "List", "Describe")


@dataclass(frozen=True)
class Ran:
    """One process: wall seconds and peak memory in MB."""

    seconds: float
    peak: float


def main() -> None:
    """Print median seconds, calls and peak memory of each case."""
    with moto_server.serve() as url, TemporaryDirectory() as folder:
        project(Path(folder))
        print(f"{'':34}{'median s':>9}{'range s':>14}{'calls':>7}{'writes':>8}{'peak MB':>9}")
        for count in ROUNDS:
            apps(Path(folder), count)
            _measure("sa-apps", url, _Deploy(OURS, Path(folder)), count)
        if chalice := _chalice.chalice():
            peer = _Deploy((str(chalice), "deploy"), Path(folder) / "chalice", _chalice.environment)
            for count in ROUNDS:
                _chalice.chalice_project(peer.folder, count)
                _empty(url)
                peer.run(url)  # fetches the packages
                _measure("chalice", url, peer, count)


def _measure(who: str, url: str, deploy: _Deploy, count: int) -> None:
    first = []
    for _ in range(ROUNDS[count]):
        _empty(url)
        deploy.forget()
        first.append(deploy.run(url))
    unchanged = [deploy.run(url) for _ in range(UNCHANGED_ROUNDS)]
    with proxy.serve(url) as aws:
        deploy.run(aws.url)
        _row(f"{who}, {count} unchanged", unchanged, aws.names())
        if count == max(ROUNDS):
            aws.before = lambda _: Delay(DELAY_SECONDS)
            slow = [deploy.run(aws.url) for _ in range(SLOW_ROUNDS)]
            _row(f"{who}, {count} unchanged, +{DELAY_SECONDS * 1000:.0f} ms", slow, [])
        aws.before = lambda _: None
        _empty(url)
        deploy.forget()
        aws.calls.clear()
        deploy.run(aws.url)
        _row(f"{who}, {count} first", first, aws.names())


def _row(what: str, runs: list[Ran], calls: list[str]) -> None:
    seconds = [run.seconds for run in runs]
    writes = sum(not name.partition(".")[2].startswith(READS) for name in calls)
    spread = f"{min(seconds):.2f}-{max(seconds):.2f}"
    counted = f"{len(calls):7}{writes:8}" if calls else f"{'':15}"
    peak = max(run.peak for run in runs)
    print(f"{what:34}{statistics.median(seconds):9.2f}{spread:>14}{counted}{peak:9.1f}", flush=True)


def _empty(url: str) -> None:
    """Forget everything. The first question to a service makes moto's back end: that is not ours to count."""
    import boto3

    moto_server.reset(url)
    with _environment(url):
        for service, question in (
            ("iam", "list_roles"),
            ("lambda", "list_functions"),
            ("events", "list_rules"),
            ("logs", "describe_log_groups"),
            ("cloudwatch", "describe_alarms"),
            ("ssm", "describe_parameters"),
            ("sts", "get_caller_identity"),
        ):
            make: Any = boto3.client
            getattr(make(service), question)()


@dataclass(frozen=True)
class _Deploy:
    """A command that deploys what a folder says."""

    words: tuple[str, ...]
    folder: Path
    environment: Callable[[], dict[str, str]] = field(default=lambda: dict(os.environ))

    def run(self, url: str) -> Ran:
        """Run it against the AWS at `url`."""
        with _environment(url):
            began = time.perf_counter()
            process = subprocess.Popen(
                self.words,
                cwd=self.folder,
                env=self.environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert process.stderr is not None
            said = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(said)
        return Ran(seconds, usage.ru_maxrss / 1024)

    def forget(self) -> None:
        """Make the next deploy a first one: forget what the command noted of the last, not its packages."""
        shutil.rmtree(self.folder / ".chalice" / "deployed", ignore_errors=True)


@contextmanager
def _environment(url: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": url,
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def project(folder: Path) -> None:
    """Write a project without apps."""
    (folder / "conf/clusters").mkdir(parents=True)
    account = {"aws_account_id": "123456789012", "prefix": "bench", "region": "us-east-1"}
    (folder / "conf/global.json").write_text(json.dumps({"account": account}))


def apps(folder: Path, count: int) -> None:
    """Configure so many apps, and no other."""
    entries = {
        f"bench_prod_duo_auth_app{number}_app": {
            "app_name": f"app{number}",
            "concurrency_limit": 1,
            "schedule_expression": "rate(1 hour)",
            "type": "duo_auth",
        }
        for number in range(count)
    }
    conf = {"modules": {"streamalert_apps": entries}}
    (folder / "conf/clusters/prod.json").write_text(json.dumps(conf))

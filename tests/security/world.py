"""The command as a process, services and AWS on loopback, and a look at all that could show a secret."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile, is_zipfile

import boto3

from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests.destinations.http import TOKEN, Endpoint
from tests.security.canary import Canary

UNLIMITED = Path(__file__).parent.parent / "unlimited"

APPS = {"duo": "duo_auth", "gsuite": "gsuite_login", "onelogin": "onelogin_events"}
SECRETS = {"duo": "secret_key", "gsuite": "keyfile", "onelogin": "client_secret"}
NOWHERE = "http://127.0.0.1:9"
AWS_SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "Canary+Aws/Secret0Key1",
    "AWS_SESSION_TOKEN": "CanarySession/Token+2",
}

# What a developer may do wrong: an error that shows all that a request carries.
CRASH = """
import httpx
def send(self, request, **_):
    raise RuntimeError(f"{dict(request.headers)} {request.url} {request.content!r}")
httpx.Client.send = send
"""


@dataclass
class World:
    """Services, a project, and the canary."""

    folder: Path
    stack: ExitStack
    env: dict[str, str]
    canary: Canary = field(default_factory=Canary)
    twins: dict[str, Any] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    said: str = ""

    def __post_init__(self) -> None:
        self.temporary = self.folder.parent / "temporary"
        self.temporary.mkdir()
        self.env |= {"TMPDIR": str(self.temporary), "COLUMNS": "4000"} | AWS_SECRETS
        for name, secret in AWS_SECRETS.items():
            self.canary.guard(name, secret)
        self.sink = Endpoint(SystemClock())
        self.sink_url = self.stack.enter_context(serve(self.sink)).url  # type: ignore[arg-type]
        self.canary.guard("the sink's token", TOKEN)
        now = SystemClock().now()
        for service, app_type in APPS.items():
            twin: Any = twins.twin(service, clock=SystemClock(), rate=None)
            twin.seed(app_type, events=5, start=now - timedelta(minutes=90), end=now - timedelta(minutes=60))
            self._listen(service, twin)
            self.twins[service] = twin
            self.urls[service] = self.stack.enter_context(serve(twin)).url
            for credentials in (twin.credentials, twin.wrong_credentials):
                self.canary.guard(service, credentials[SECRETS[service]])

    def _listen(self, service: str, twin: Any) -> None:
        """Guard what requests are signed in with: tokens and signatures."""
        handle = twin.handle

        def listened(request: Any) -> Any:
            authorization = {name.lower(): value for name, value in dict(request.headers).items()}
            if signed := authorization.get("authorization", "").rpartition(" ")[2]:
                self.canary.guard(f"{service}'s authorization", signed)
            return handle(request)

        twin.handle = listened

    def credentials(self, service: str, *, wrong: bool = False) -> str:
        twin = self.twins[service]
        return json.dumps(twin.wrong_credentials if wrong else twin.credentials)

    def run(self, *words: str, stdin: str = "", crash: bool = False, **env: str) -> int:
        """Run the command and look at what it says, and at the arguments of every process meanwhile."""
        if crash:
            broken = self.folder.parent / "broken"
            broken.mkdir(exist_ok=True)
            (broken / "sitecustomize.py").write_text(CRASH)
            env["PYTHONPATH"] = str(broken)
        env.setdefault("PYTHONPATH", str(UNLIMITED))
        return self.look_at([sys.executable, "-m", "streamalert_apps", *words], stdin, env, " ".join(words))

    def look_at(self, command: list[str], stdin: str, env: dict[str, str], what: str) -> int:
        with _Arguments(str(self.temporary)) as arguments:
            ran = subprocess.run(
                command,
                cwd=self.folder,
                env={**os.environ, **self.env, **env},
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
        self.look(f"standard output of `{what}`", ran.stdout)
        self.look(f"standard error of `{what}`", ran.stderr)
        self.look(f"the arguments of `{what}`", arguments.seen)
        self.said = ran.stderr
        return ran.returncode

    def look(self, where: str, text: str) -> None:
        self.leaks += [f"{name} in {where}" for name in sorted(self.canary.seen(text))]

    def look_at_files(self) -> None:
        """Look at every file that a command wrote, but for the credentials' own."""
        for folder in (self.folder, self.temporary):
            for path in folder.rglob("*"):
                if path.is_file() and path.name != "auth.json":
                    for name, data in _contents(path):
                        self.look(name, data.decode("latin-1"))

    def look_at_aws(self) -> None:
        """Look at every resource but for the parameters of credentials."""
        ssm, functions, events = boto3.client("ssm"), boto3.client("lambda"), boto3.client("events")
        for page in ssm.get_paginator("describe_parameters").paginate():
            for told in page["Parameters"]:
                self.look("a parameter's description", json.dumps(told, default=str))
                if not told["Name"].endswith("_auth"):
                    value = ssm.get_parameters(Names=[told["Name"]], WithDecryption=True)
                    self.look(f"the parameter {told['Name']}", json.dumps(value["Parameters"], default=str))
                assert told["Type"] == "SecureString"
        for function in functions.list_functions()["Functions"]:
            whole = functions.get_function(FunctionName=function["FunctionName"])
            self.look("a function", json.dumps([function, whole], default=str))
        for rule in events.list_rules()["Rules"]:
            targets = events.list_targets_by_rule(Rule=rule["Name"])
            self.look("a schedule", json.dumps([rule, targets["Targets"]], default=str))
        s3 = boto3.client("s3")
        for bucket in (told["Name"] for told in s3.list_buckets()["Buckets"]):
            for item in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
                body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                self.look(f"the object {item['Key']}", body.decode("latin-1"))
        roles = boto3.client("iam").list_roles()["Roles"]
        alarms = boto3.client("cloudwatch").describe_alarms()
        groups = boto3.client("logs").describe_log_groups()
        self.look("a role, an alarm or a log group", json.dumps([roles, alarms, groups], default=str))


class _Arguments:
    """Notes the arguments of processes that have `mark` in their environment, where the system shows them."""

    def __init__(self, mark: str) -> None:
        self._mark = mark.encode()
        self._seen: set[str] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def seen(self) -> str:
        return "\n".join(self._seen)

    def __enter__(self) -> _Arguments:  # noqa: PYI034
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.2):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    if self._mark in (process / "environ").read_bytes():
                        arguments = (process / "cmdline").read_bytes()
                        self._seen.add(arguments.replace(b"\0", b" ").decode("latin-1"))


def _contents(path: Path) -> list[tuple[str, bytes]]:
    """Return what a file holds; of a zip, what its files hold."""
    data = path.read_bytes()
    if not is_zipfile(path):
        return [(str(path), data)]
    with ZipFile(io.BytesIO(data)) as archive:
        return [(f"{path.name}: {name}", archive.read(name)) for name in archive.namelist()]

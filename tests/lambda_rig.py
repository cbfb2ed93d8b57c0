"""A Lambda function on this machine: AWS's own runtime client, in a process that can be killed any time."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import Empty
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Self
from uuid import uuid4
from zipfile import ZipFile

import boto3

from tests import runtime_api
from tests.runtime_api import Invocation, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ACCOUNT = "123456789012"
REGION = "us-east-1"
ALIAS = "production"


@dataclass
class LambdaFunction:
    """A function and its execution environment, which is made when an event needs one, as Lambda does.

    `env` is all that the function sees of this machine's environment; `path` comes first on its sys.path,
    or is all there is beside the standard library where `sealed` says so.
    """

    name: str
    handler: str
    env: Mapping[str, str] = field(default_factory=dict)
    path: Sequence[Path] = ()
    sealed: bool = False
    timeout_seconds: float = 60
    alias: str = ALIAS
    starts: int = 0

    def __post_init__(self) -> None:
        self._log = TemporaryFile()  # noqa: SIM115 (close() does)
        self._environment: _Environment | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._discard()
        self._log.close()

    @property
    def arn(self) -> str:
        """What its callers name."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}:{self.alias}"

    @property
    def log(self) -> str:
        """All that it has written, in every process it ever had."""
        return os.pread(self._log.fileno(), 100_000_000, 0).decode(errors="replace")

    def invoke(self, event: Mapping[str, Any], *, request_id: str = "") -> Reply:
        """Run the handler on an event; past the time limit the process is killed, as Lambda does.

        `request_id`: of an invocation that Lambda tries again.
        """
        if self._environment is None:
            self._environment = _Environment(self, self._log)
            self.starts += 1
        reply = self._environment.invoke(
            Invocation(event, self.arn, self.timeout_seconds, request_id or str(uuid4()))
        )
        if reply.kind not in {"response", "error"}:
            self._discard()
        return reply

    def kill(self) -> None:
        """End its process now, from any thread; the invocation under way is answered `killed`."""
        if self._environment:
            self._environment.kill()

    def _discard(self) -> None:
        if self._environment:
            self._environment.close()
            self._environment = None

    def environ(self, runtime_address: str) -> dict[str, str]:
        """Return what Lambda sets, and what the function's configuration adds."""
        return {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_RUNTIME_API": runtime_address,
            "AWS_REGION": REGION,
            "AWS_SECRET_ACCESS_KEY": "testing",
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": os.pathsep.join(map(str, self.path)),
            "TZ": ":UTC",
            "_HANDLER": self.handler,
            **self.env,
        }


class _Environment:
    """One process and the Runtime API it talks to."""

    def __init__(self, function: LambdaFunction, log: IO[bytes]) -> None:
        self._open = ExitStack()
        self._api = self._open.enter_context(runtime_api.serve())
        options = ["-S", "-P"] if function.sealed else []
        self._process = subprocess.Popen(
            [sys.executable, *options, "-m", "awslambdaric", function.handler],
            env=function.environ(self._api.address),
            stdout=log,
            stderr=log,
        )
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def invoke(self, invocation: Invocation) -> Reply:
        self._api.send(invocation)
        try:
            return self._api.replies.get(timeout=invocation.seconds)
        except Empty:
            return Reply("timed_out")

    def kill(self) -> None:
        """End the process; return once it is gone."""
        self._process.kill()
        self._watcher.join()

    def close(self) -> None:
        self.kill()
        self._open.close()

    def _watch(self) -> None:
        self._process.wait()
        self._api.replies.put(Reply("killed"))


def publish(*functions: str) -> None:
    """Make functions that moto answers for, as StreamAlert has them: published, behind an alias."""
    role = boto3.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client = boto3.client("lambda")
    code = io.BytesIO()
    with ZipFile(code, "w") as archive:
        archive.writestr("any.py", "")
    for name in functions:
        client.create_function(
            FunctionName=name,
            Role=role,
            Runtime="python3.13",
            Handler="any.handler",
            Code={"ZipFile": code.getvalue()},
            Publish=True,
        )
        client.create_alias(FunctionName=name, Name=ALIAS, FunctionVersion="1")

"""A healthy project in AWS, deployed once; a test plants what is wrong and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from streamalert_apps.aws.session import Session
from streamalert_apps.cli.app import main
from streamalert_apps.cli.examining import subject_of
from streamalert_apps.config import conf
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests import moto_server, proxy
from tests.deploy.test_classifier import ZIP, packed
from tests.proxy import Answer, Rewrite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamalert_apps.checks.finding import Finding
    from tests.proxy import Call, Fault, Hook, Proxy

FUNCTION = "acme_prod_duo_auth_collector_app"
CLASSIFIER = "acme_prod_streamalert_classifier"


def topic(**attributes: str) -> Answer:
    """Return what AWS says of a topic; moto counts no subscribers."""
    entries = "".join(f"<entry><key>{k}</key><value>{v}</value></entry>" for k, v in attributes.items())
    said = f"<Attributes>{entries}</Attributes>"
    form = "GetTopicAttributes"
    return Answer(200, f"<{form}Response><{form}Result>{said}</{form}Result></{form}Response>".encode())


@dataclass
class World:
    """The project, its account behind a proxy, and the simulated Duo."""

    root: Path
    aws: Proxy
    session: Session
    simulator: str
    duo: Mapping[str, Any]
    cache: Path
    classifier: bytes = b""
    clients: dict[str, Any] = field(default_factory=dict)
    planted: list[Hook] = field(default_factory=list)

    def before(self, call: Call) -> Fault | None:
        """Answer for what moto does not know, unless a test says otherwise."""
        for hook in self.planted:
            if fault := hook(call):
                return fault
        if call.name == "lambda.GetAccountSettings":
            limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}
            return Answer(200, json.dumps({"AccountLimit": limit}).encode())
        if call.name == "sns.GetTopicAttributes":
            return topic(SubscriptionsConfirmed="1")
        if call.path == "/classifier.zip":
            return Answer(200, self.classifier)
        return None

    def after(self, call: Call) -> Fault | None:
        """Say where the classifier's code is, and that it has a dead-letter queue."""
        if call.name != "lambda.GetFunction" or CLASSIFIER not in call.path:
            return None
        queue = {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:lost"}}
        code = {"Location": f"{self.aws.url}/classifier.zip"}
        return Rewrite(
            lambda answer: {**answer, "Code": code, "Configuration": {**answer["Configuration"], **queue}}
        )

    def edit(self, file: str, change: Callable[[Any], None]) -> None:
        """Change a JSON file of conf/."""
        path = self.root / "conf" / file
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))

    def setting(self, **changed: Any) -> None:
        """Change settings of the app."""
        self.edit("clusters/prod.json", lambda c: c["modules"]["streamalert_apps"][FUNCTION].update(changed))

    def ours(self, **changed: Any) -> None:
        """Change settings of the project."""
        self.edit("global.json", lambda c: c.setdefault("sa_apps", {}).update(changed))

    def store(self, credentials: Any) -> None:
        """Let Parameter Store answer with other credentials of the app; None: with none."""

        def answer(call: Call) -> Fault | None:
            if call.name != "ssm.GetParameters" or f"{FUNCTION}_auth" not in call.json["Names"]:
                return None
            text = credentials if isinstance(credentials, str) else json.dumps(credentials)
            one = {"Name": f"{FUNCTION}_auth", "Type": "SecureString", "Value": text}
            return Answer(200, json.dumps({"Parameters": [] if credentials is None else [one]}).encode())

        self.planted.append(answer)

    def answers(self, name: str, fault: Fault) -> None:
        """Let a call of this name be answered so."""
        self.planted.append(lambda call: fault if call.name == name else None)

    def findings(self, check: str) -> list[Finding]:
        """Return what a check of the project finds."""
        subject = subject_of(conf.load(self.root), self.session, simulator=self.simulator)
        subject._clients.update(self.clients)
        found = list(import_module(f"streamalert_apps.checks.{check}").look(subject))
        self.clients.update(subject._clients)
        return found


@contextmanager
def _environment(url: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", url)
        yield


def _classifier(archive: bytes) -> None:
    role = boto3.client("iam").create_role(RoleName="classifier", AssumeRolePolicyDocument="{}")
    functions = boto3.client("lambda")
    functions.create_function(
        FunctionName=CLASSIFIER,
        Role=role["Role"]["Arn"],
        Runtime="python3.13",
        Handler="streamalert.classifier.main.handler",
        Code={"ZipFile": archive},
        Publish=True,
    )
    functions.create_alias(FunctionName=CLASSIFIER, Name="production", FunctionVersion="1")


@pytest.fixture(scope="module")
def _healthy(_moto_process: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Deploy a project with an app, a classifier that knows it, and alarms that somebody hears."""
    moto_server.reset(_moto_process)
    root = tmp_path_factory.mktemp("healthy")
    twin = twins.twin("duo", rate=None)
    with (
        proxy.serve(_moto_process) as aws,
        serve(twin) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("streamalert_apps.services.duo.app._Duo.rate", None)
        cache = tmp_path_factory.mktemp("cache")
        patch.setenv("SA_APPS_CACHE_DIR", str(cache))
        (root / "duo.json").write_text(json.dumps(dict(twin.credentials)))
        (root / "duo.json").chmod(0o600)
        world = World(root, aws, Session("us-east-1"), server.url, twin.credentials, cache)
        aws.before, aws.after = world.before, world.after
        with _environment(aws.url):
            words = ["--project-dir", str(root)]
            account = ["--prefix", "acme", "--account-id", "123456789012", "--region", "us-east-1"]
            assert main(["init", *account, *words]) == 0
            auth = ["--auth-file", str(root / "duo.json"), "--no-check"]
            assert main(["new", "duo_auth", "-c", "prod", *auth, *words]) == 0
            assert main(["deploy", "--yes", *words]) == 0
            known = {f: (root / f).read_text() for f in ("conf/clusters/prod.json", "conf/schemas/duo.json")}
            world.classifier = packed(ZIP | known)
            _classifier(world.classifier)
        yield world


@pytest.fixture
def world(_healthy: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Return that project, as a copy in the working directory, and the same account."""
    original, copy = _healthy.root, tmp_path / "project"
    shutil.copytree(original, copy)
    monkeypatch.chdir(copy)
    monkeypatch.setenv("SA_APPS_CACHE_DIR", str(_healthy.cache))
    _healthy.root = copy
    with _environment(_healthy.aws.url):
        yield _healthy
    _healthy.root = original
    _healthy.planted.clear()

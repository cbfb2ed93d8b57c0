"""Projects and a simulated Duo for the command line's tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.cli.app import main
from streamalert_apps.cli.terminal import output
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests import proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.proxy import Proxy

FUNCTION = "acme_prod_duo_auth_collector_app"
_READS = ("Get", "List", "Describe", "Head")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the secrets of other tests, and what a CI sets."""
    monkeypatch.setattr(output, "_secrets", set())
    for name in ("CI", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture
def sa_apps(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command in this process, without a terminal."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main(list(arguments))
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def local(project: Path) -> Path:
    """Return the folder of a local project, the working directory."""
    assert main(["init", "--local"]) == 0
    return project


@pytest.fixture
def aws(aws_env: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Put every call of the commands on record."""
    with proxy.serve(aws_env) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield aws


def writes(aws: Proxy) -> list[str]:
    """Return the calls on record that write, and forget all of them."""
    made = [name for name in aws.names() if not name.partition(".")[2].startswith(_READS)]
    aws.calls.clear()
    return made


@pytest.fixture
def aws_project(project: Path, aws_env: str) -> Path:
    """Return the folder of a project in AWS, the working directory."""
    arguments = ["--prefix", "acme", "--account-id", "123456789012", "--region", "us-east-1"]
    assert main(["init", *arguments]) == 0
    return project


@pytest.fixture(scope="session")
def _kept_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept-packages")


@pytest.fixture
def deployable(
    aws_project: Path, auth_file: Path, monkeypatch: pytest.MonkeyPatch, _kept_packages: Path
) -> Path:
    """Return the folder of a project in AWS with the app `collector`, its credentials stored."""
    monkeypatch.setenv("SA_APPS_CACHE_DIR", str(_kept_packages))
    assert main(["new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check"]) == 0
    return aws_project


@pytest.fixture
def deployed(deployable: Path) -> Path:
    """Return such a folder, the app being deployed."""
    assert main(["deploy", "--yes"]) == 0
    return deployable


@dataclass(frozen=True)
class Duo:
    """A simulated Duo: where it is and what it accepts."""

    url: str
    api_hostname: str
    integration_key: str
    secret_key: str


@pytest.fixture
def duo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Duo]:
    """Serve a simulated Duo that has no limit."""
    monkeypatch.setattr("streamalert_apps.services.duo.app._Duo.rate", None)
    twin = twins.twin("duo", rate=None)
    with serve(twin) as server:
        yield Duo(server.url, **twin.credentials)


@pytest.fixture
def auth_file(tmp_path: Path) -> Path:
    """Return a file with credentials of the right form."""
    return write_auth(tmp_path / "duo.json")


def write_auth(path: Path, **other: str | None) -> Path:
    """Write credentials; `other` replaces values, None leaves one out."""
    values: dict[str, str | None] = {
        "api_hostname": "api-abcdef12.duosecurity.com",
        "integration_key": "DIABCDEFGHIJKLMN1234",
        "secret_key": "a" * 40,
    }
    values |= other
    path.write_text(json.dumps({key: value for key, value in values.items() if value is not None}))
    path.chmod(0o600)
    return path


def settings(folder: Path, function: str = FUNCTION, **changed: Any) -> None:
    """Change an app's entry in conf/; one that is not there is made like the collector's."""
    path = folder / "conf/clusters/prod.json"
    conf = json.loads(path.read_text())
    apps = conf["modules"]["streamalert_apps"]
    name = function.removeprefix("acme_prod_duo_auth_").removesuffix("_app")
    apps[function] = {**apps.get(function, {**apps[FUNCTION], "app_name": name}), **changed}
    path.write_text(json.dumps(conf, indent=2))

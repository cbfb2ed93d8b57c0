"""Builds of packages keep nothing on the developer's machine but uv's own cache; AWS is on loopback."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests import moto_server, proxy
from tests.deploy.cloud import Cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def _kept_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept-packages")


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, _kept_packages: Path) -> None:
    monkeypatch.setenv("SA_APPS_CACHE_DIR", str(_kept_packages))


@pytest.fixture(scope="session")
def _account(_moto_process: str) -> Iterator[Cloud]:
    """One set of clients for all tests: they take longer to make than a deploy."""
    with proxy.serve(_moto_process) as aws, _environment(aws.url):
        yield Cloud.behind(aws)


@contextmanager
def _environment(endpoint: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        yield


@pytest.fixture(scope="module")
def fresh_cloud(_account: Cloud, _moto_process: str) -> Iterator[Callable[[], Cloud]]:
    """Return what empties the account, for what the tests of a module have in common."""

    def empty() -> Cloud:
        moto_server.reset(_moto_process)
        return _account.anew()

    with _environment(_moto_process):
        yield empty


@pytest.fixture
def cloud(aws_env: str, _account: Cloud) -> Cloud:
    """Return an empty account. What a test itself asks of it is not on record."""
    return _account.anew()

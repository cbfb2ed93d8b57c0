"""Builds of packages keep nothing on the developer's machine but uv's own cache; AWS is on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import proxy
from tests.deploy.cloud import Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    with proxy.serve(_moto_process) as aws, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield Cloud.behind(aws)


@pytest.fixture
def cloud(aws_env: str, _account: Cloud) -> Cloud:
    """Return an empty account. What a test itself asks of it is not on record."""
    proxy = _account.proxy
    proxy.calls.clear()
    proxy.accepted.clear()
    proxy.before = proxy.after = lambda _: None
    return Cloud(proxy, _account.aws)

"""Builds of packages keep nothing on the developer's machine but uv's own cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def _kept_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept-packages")


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, _kept_packages: Path) -> None:
    monkeypatch.setenv("SA_APPS_CACHE_DIR", str(_kept_packages))

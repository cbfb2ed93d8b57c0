"""The environment goes before the project."""

from __future__ import annotations

import pytest

from streamalert_apps.config.settings import Settings


def test_the_project_names_the_region() -> None:
    assert Settings(region="eu-west-1").region == "eu-west-1"


def test_the_environment_goes_before_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SA_APPS_REGION", "us-west-2")
    assert Settings(region="eu-west-1").region == "us-west-2"


def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SA_APPS_REGION", "")
    assert Settings(region="eu-west-1").region == "eu-west-1"

"""The environment goes before the defaults."""

from __future__ import annotations

import pytest

from streamalert_apps.config.settings import Settings


def test_without_variables_the_defaults_hold() -> None:
    assert (Settings().profile, Settings().read_seconds) == (None, 20.0)


def test_the_environment_goes_before_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SA_APPS_PROFILE", "audit")
    monkeypatch.setenv("SA_APPS_READ_SECONDS", "7")
    assert (Settings().profile, Settings().read_seconds) == ("audit", 7.0)


def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SA_APPS_PROFILE", "")
    assert Settings().profile is None

"""Projects with plugins, and the one that `sa-apps plugin new` writes, served."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.cli.app import main
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.simulator.server import serve
from streamalert_apps.testing import load_plugin
from tests.cli.conftest import _fresh, auth_file, aws_project, local, sa_apps
from tests.deploy.conftest import _cache, _kept_packages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["_cache", "_fresh", "_kept_packages", "auth_file", "aws_project", "local", "sa_apps"]

EVENTS = 300


@pytest.fixture
def box(local: Path) -> Path:
    """Return a project with the plugin of `sa-apps plugin new box_events`, the working directory."""
    assert main(["plugin", "new", "box_events"]) == 0
    return local


@dataclass(frozen=True)
class Service:
    """A simulated service: where it is, and a file with credentials that it accepts."""

    url: str
    auth: Path
    twin: Any


@contextmanager
def served(plugin: Path, folder: Path) -> Iterator[Service]:
    """Serve a plugin's twin that holds some events."""
    clock = SystemClock()
    loaded = load_plugin(plugin)
    twin = loaded.twin(clock=clock)
    end = clock.now() - timedelta(minutes=10)
    twin.seed(next(iter(loaded.apps)), events=EVENTS, start=end - timedelta(minutes=40), end=end)
    auth = folder / "credentials.json"
    auth.write_text(json.dumps(twin.credentials))
    auth.chmod(0o600)
    with serve(twin) as server:
        yield Service(server.url, auth, twin)


def write_plugin(root: Path, name: str, body: str) -> Path:
    """Write apps/<name>.py, which begins by importing what a plugin needs."""
    path = root / "apps" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"from streamalert_apps import App, AuthField, OldestFirst\n{body}")
    return path


def an_app(app_type: str) -> str:
    """Return the source of an app class."""
    return (
        f"class Any(OldestFirst):\n    type = '{app_type}'\n    collects = 'anything'\n    auth = ()\n"
        "    time_field = 'time'\n"
        "    def fetch(self, since, until, token):\n        raise NotImplementedError\n"
    )

"""The one app that a command is about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from streamalert_apps.cli.project import either, open_project, pick_app
from streamalert_apps.cli.terminal.prompts import Prompts

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project


def meant(
    project_dir: Path | None, name: str | None, name_option: str | None, cluster: str | None, prompts: Prompts
) -> tuple[Project, AppConf]:
    """Return project and app, asking for a name where none is given."""
    project = open_project(project_dir)
    return project, pick_app(project, either(name, name_option, "name"), cluster, prompts)


def label(app: AppConf) -> str:
    """Return how an app is called in what a person reads."""
    return f"{app.name} ({app.cluster})"


def identity(app: AppConf) -> dict[str, str]:
    """Return what tells an app from all others, as --json shows it."""
    return {"cluster": app.cluster, "name": app.name}

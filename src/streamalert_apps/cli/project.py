"""What most commands begin with: the project, the app that is meant, the way to AWS."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from streamalert_apps.cli.terminal import output
from streamalert_apps.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.config.conf import Account, AppConf, Project
    from streamalert_apps.plugins.registry import Registry


def open_project(project_dir: Path | None) -> Project:
    """Load the project in `project_dir`, or the one around the working directory."""
    from streamalert_apps.config import conf

    return conf.load(project_dir.absolute() if project_dir else conf.find_root(Path.cwd()))


def known_types(root: Path | None) -> Registry:
    """Return the app types of a project, its plugins' included; say which of these are left out."""
    from streamalert_apps.plugins.registry import Registry

    return Registry(root, lambda error: output.warn(f"left out: {error.message}"))


def root_if_any(project_dir: Path | None) -> Path | None:
    """Return the project's folder, or None outside of any; one that is named has to be there."""
    from streamalert_apps.config import conf

    if project_dir:
        return conf.load(project_dir.absolute()).root
    with suppress(ConfigError):
        return conf.find_root(Path.cwd())
    return None


def either(argument: str | None, option: str | None, what: str) -> str | None:
    """Return a value that may be given as an argument or as an option."""
    if argument and option and argument != option:
        raise UsageError(f"Two different {what}s are given: '{argument}' and '{option}'.", hint="Give one.")
    return argument or option


def pick_app(project: Project, name: str | None, cluster: str | None, prompts: Prompts) -> AppConf:
    """Return the app that is meant, asking where no name is given."""
    if name:
        return project.find(name, cluster)
    apps = project.apps(cluster)
    if not apps:
        raise UsageError("No Apps configured.", hint="`sa-apps new` adds one.")
    flag = "NAME: one of " + ", ".join(sorted({app.name for app in apps}))
    shown = {app.function: f"{app.name} ({app.type}, cluster {app.cluster})" for app in apps}
    return project.find(
        prompts.choice("Which app?", what="the app's name", flag=flag, choices=shown), cluster
    )


def aws_session(account: Account) -> Session:
    """Return the session of the project's region; `SA_APPS_*` variables override it."""
    from streamalert_apps.aws.session import Session

    if not any(f"SA_APPS_{field.name.upper()}" in os.environ for field in fields(Session)):
        return Session(region=account.region)  # a third of a second sooner
    from pydantic import ValidationError

    from streamalert_apps.config.settings import Settings

    try:
        settings = Settings(region=account.region)
    except ValidationError as error:
        problem = error.errors()[0]
        variable = "SA_APPS_" + "_".join(str(part) for part in problem["loc"]).upper()
        raise ConfigError(f"{variable} is wrong: {problem['msg']}.") from error
    return Session(
        region=settings.region,
        profile=settings.profile,
        connect_seconds=settings.connect_seconds,
        read_seconds=settings.read_seconds,
    )

"""The project that a command works in, and its way to AWS."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import TYPE_CHECKING

from streamalert_apps.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from streamalert_apps.aws.session import Session
    from streamalert_apps.config.conf import Account, Project


def open_project(project_dir: Path | None) -> Project:
    """Load the project in `project_dir`, or the one around the working directory; tell of unknown keys."""
    from streamalert_apps.cli.terminal import output
    from streamalert_apps.config import conf

    project = conf.load(conf.root_of(project_dir))
    for unknown in project.unknown:
        output.warn(unknown)
    return project


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


def need_aws(project: Project) -> None:
    """Raise ConfigError for a project that lives without AWS."""
    if project.account.local:
        raise ConfigError(
            "This project lives without AWS: conf/global.json says so.",
            hint="`sa-apps run` collects here. For AWS, make a project by `sa-apps init` without --local.",
        )

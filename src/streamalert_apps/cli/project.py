"""The project that a command works in, and its way to AWS."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from streamalert_apps.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from streamalert_apps.aws.session import Session
    from streamalert_apps.config.conf import Account, Project


def open_project(project_dir: Path | None) -> Project:
    """Load the project in `project_dir`, or the one around the working directory; tell of unknown keys."""
    from streamalert_apps.cli.terminal import output
    from streamalert_apps.config import conf, content

    root = conf.root_of(project_dir)
    if (root / content.DESTINATIONS).exists():
        know_plugins(root)
    project = conf.load(root)
    for unknown in project.unknown:
        output.warn(unknown)
    return project


def know_plugins(root: Path) -> None:
    """Have the kinds of destinations found that plugins of the project bring along."""
    from streamalert_apps.plugins.sinks import Sinks
    from streamalert_apps.runtime import kinds

    kinds.look_also(Sinks(root).find)


def aws_session(account: Account) -> Session:
    """Return the command's session, signed in to the project's account.

    It is made once for a command, before anything else is asked of AWS. A project that names no account
    takes that of whoever is signed in. Raises CredentialsError.
    """
    return _signed_in(account.region, account.aws_account_id)


def forget_session() -> None:
    """Let the next command sign in anew."""
    _signed_in.cache_clear()


@cache
def _signed_in(region: str, account: str) -> Session:
    session = _session(region)
    if account:
        session.sign_in(account)
    return session


def _session(region: str) -> Session:
    """Return a session with what `SA_APPS_*` variables say of profile and time-outs."""
    from streamalert_apps.aws.session import Session
    from streamalert_apps.cli.terminal.prompts import Prompts

    ask = ask_code if Prompts.on_terminal(no_input=bool(os.environ.get("SA_APPS_NO_INPUT"))).allowed else None
    if not any(
        f"SA_APPS_{name.upper()}" in os.environ for name in ("profile", "connect_seconds", "read_seconds")
    ):
        return Session(region, ask=ask)  # a third of a second sooner
    from pydantic import ValidationError

    from streamalert_apps.config.settings import Settings

    try:
        settings = Settings()
    except ValidationError as error:
        problem = error.errors()[0]
        variable = "SA_APPS_" + "_".join(str(part) for part in problem["loc"]).upper()
        raise ConfigError(f"{variable} is wrong: {problem['msg']}.") from error
    return Session(region, settings.profile, settings.connect_seconds, settings.read_seconds, ask)


def ask_code(question: str) -> str:
    """Ask for the code of a device; it does not show."""
    from getpass import getpass

    from streamalert_apps.errors import Cancelled

    try:
        return getpass(question)
    except (KeyboardInterrupt, EOFError):
        raise Cancelled("Cancelled; nothing was changed.") from None


def need_aws(project: Project) -> None:
    """Raise ConfigError for a local project."""
    if project.account.local:
        raise ConfigError(
            "This is a local project, without AWS: conf/global.json says so.",
            hint="`sa-apps run` collects here. For AWS, use `sa-apps init` in another folder.",
        )

"""`sa-apps enable`: run an app on its schedule again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.cli.terminal.description import identity, label

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project

EXAMPLES = """Examples:

\b
  sa-apps enable duo_prod_collector
  sa-apps enable collector --cluster prod

The first run continues where the last one ended."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Resume an app's schedule."""
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.prompts import Prompts

    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    switch_schedule(project, app, on=True, done="runs on its schedule again.", as_json=as_json)


def switch_schedule(project: Project, app: AppConf, *, on: bool, done: str, as_json: bool) -> None:
    """Let the schedule invoke an app, or no longer; say that it is `done`, or was so already."""
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.deploy.schedule import switch

    command = "enable" if on else "disable"
    changed = switch(Fleet.of(project).job(app.function), on=on)
    if as_json:
        output.envelope(command, {**identity(app), "enabled": on, "changed": changed})
    elif changed:
        output.say(f"{label(app)} {done}")
    else:
        output.say(f"No change: {label(app)} is {command}d already.")

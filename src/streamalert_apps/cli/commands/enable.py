"""`sa-apps enable`: run an app on its schedule again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.cli.terminal.description import label

if TYPE_CHECKING:
    from streamalert_apps.cli.selection import Chosen
    from streamalert_apps.config.conf import AppConf

EXAMPLES = """Examples:

\b
  sa-apps enable duo_prod_collector
  sa-apps enable collector --cluster prod

The first run continues where the last one ended."""


def command(
    *,
    names: options.Names = None,
    names_option: options.NamesOption = None,
    cluster: options.Cluster = None,
    every_app: options.All = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Resume an app's schedule."""
    from streamalert_apps.cli.selection import chosen

    picked = chosen(project_dir, names, names_option, cluster, every=every_app, no_input=no_input)
    return switch_schedules(picked, on=True, done="runs on its schedule again.", as_json=as_json)


def switch_schedules(picked: Chosen, *, on: bool, done: str, as_json: bool) -> int:
    """Let the schedules invoke these apps, or no longer; say that each is `done`, or was so already."""
    from streamalert_apps.cli.each import Told, each
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.deploy.schedule import switch

    command = "enable" if on else "disable"
    fleet = Fleet.of(picked.project)

    def switched(app: AppConf) -> Told:
        changed = switch(fleet.job(app.function), on=on)
        if not as_json:
            output.say(
                f"{label(app)} {done}" if changed else f"No change: {label(app)} is {command}d already."
            )
        return Told({"enabled": on, "changed": changed})

    return each(command, picked, switched, done=f"{command}d", as_json=as_json)

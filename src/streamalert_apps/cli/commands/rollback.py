"""`sa-apps rollback`: let an earlier version of an app run again."""

from __future__ import annotations

from typing import Annotated

import typer

from streamalert_apps.cli.terminal import options, output

EXAMPLES = """Examples:

\b
  sa-apps rollback duo_prod_collector
  sa-apps rollback duo_prod_collector --to 4
  sa-apps rollback collector --cluster prod --json

Code and settings of the function go back. Its schedule, its role and its alarms stay as they are.
conf/ is not changed: the next `sa-apps deploy` brings what it says."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    to: Annotated[
        str | None,
        typer.Option("--to", help="The version; else the last one that differs.", metavar="VERSION"),
    ] = None,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Let the version before, or a certain one, run again."""
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.description import identity, label
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.deploy.rollback import roll_back

    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    fleet = Fleet.of(project)
    moved = roll_back(fleet.job(app.function), to)
    if as_json:
        output.envelope("rollback", {**identity(app), "before": moved.before, "after": moved.after})
    elif moved.before == moved.after:
        output.say(f"No change: {label(app)} runs version {moved.after}.")
    else:
        output.say(f"{label(app)} runs version {moved.after} again; it was {moved.before}.")
        output.say("The next `sa-apps deploy` brings what conf/ and this version of sa-apps say.")

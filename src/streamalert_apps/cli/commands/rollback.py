"""`sa-apps rollback`: let an earlier version of an app run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streamalert_apps.cli.terminal import options, output

if TYPE_CHECKING:
    from streamalert_apps.serve.export import Exported

EXAMPLES = """Examples:

\b
  sa-apps rollback duo_prod_collector
  sa-apps rollback duo_prod_collector --to 4
  sa-apps rollback collector --cluster prod --json

Code and settings of the function go back. Its schedule, its role and its alarms stay as they are.
conf/ is not changed: the next `sa-apps deploy` brings what it says.

A version older than 0.2.0 has no record: what is on record is delivered first, and the version
continues where the record ends, as after `sa-apps state export`."""


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
    """Roll an app back to an earlier version."""
    from streamalert_apps.cli.commands.state import consequences, described
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.cli.handing_back import hand_back, is_handed_back
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.description import identity, label
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.deploy.rollback import roll_back

    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    fleet = Fleet.of(project)
    handed: list[Exported] = []

    def give() -> None:
        if not is_handed_back(project, app) and (done := hand_back(project, app)):
            handed.append(done)

    moved = roll_back(fleet.job(app.function), to, give)
    if as_json:
        state = described(handed[-1]) if handed else None
        content = {"before": moved.before, "after": moved.after, "handed_back": state}
        output.envelope("rollback", {**identity(app), **content})
    elif moved.before == moved.after:
        output.say(f"No change: {label(app)} runs version {moved.after}.")
    else:
        output.say(f"{label(app)} runs version {moved.after} again; it was {moved.before}.")
        for line in (line for done in handed for line in consequences(done)):
            output.say(f"  {line}")
        output.say("The next `sa-apps deploy` brings what conf/ and this version of sa-apps say.")

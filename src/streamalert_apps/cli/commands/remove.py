"""`sa-apps remove`: take an app away, with all that it has."""

from __future__ import annotations

from typing import Annotated

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import Cancelled

EXAMPLES = """Examples:

\b
  sa-apps remove duo_prod_collector
  sa-apps remove duo_prod_collector --keep-auth
  sa-apps remove collector --cluster prod --yes --json

What goes is shown first. Logs that the app has delivered stay where they are."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    keep_auth: Annotated[bool, typer.Option("--keep-auth", help="Keep the credentials.")] = False,
    yes: options.Yes = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Take an app away: from AWS, its credentials, from conf/."""
    from streamalert_apps.cli.meant import identity, label, meant
    from streamalert_apps.cli.removing import removal_of
    from streamalert_apps.cli.terminal.prompts import Prompts

    prompts = Prompts.on_terminal(no_input=no_input)
    project, app = meant(project_dir, name, name_option, cluster, prompts)
    removal = removal_of(project, app, keep_auth=keep_auth)
    gone = [*removal.things(), ("entries", f"conf/clusters/{app.cluster}.json")]
    output.say(f"Of {label(app)} goes:")
    for kind, thing in gone:
        output.say(f"  {kind:<10}  {thing}")
    if not yes and not prompts.confirm(f"Remove {label(app)}?", flag="--yes"):
        raise Cancelled("Cancelled; nothing was changed.")
    removal.carry_out()
    project.remove_app(app)
    if as_json:
        removed = [{"kind": kind, "name": thing} for kind, thing in gone]
        output.envelope("remove", {**identity(app), "removed": removed})
    else:
        output.say(f"{label(app)} is gone.")

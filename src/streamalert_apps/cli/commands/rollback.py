"""`sa-apps rollback`: roll an app back to an earlier version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import UsageError

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf
    from streamalert_apps.serve.export import Exported

EXAMPLES = """Examples:

\b
  sa-apps rollback duo_prod_collector
  sa-apps rollback duo_prod_collector --to 4
  sa-apps rollback collector --cluster prod --json

The function's code and settings are rolled back. Its schedule, role and alarms stay as they are, and so does
conf/: the next `sa-apps deploy` deploys it again.

A version before 0.2.0 keeps no record: events on record are delivered first, and that version continues
where the record ends, as after `sa-apps state export`."""


def command(
    *,
    names: options.Names = None,
    names_option: options.NamesOption = None,
    cluster: options.Cluster = None,
    every_app: options.All = False,
    to: Annotated[
        str | None,
        typer.Option("--to", help="The version. Default: the last one that differs.", metavar="VERSION"),
    ] = None,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Roll an app back to an earlier version."""
    from streamalert_apps.cli.commands.state import consequences, described
    from streamalert_apps.cli.each import Told, each
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.cli.handing_back import hand_back, is_handed_back
    from streamalert_apps.cli.selection import chosen
    from streamalert_apps.cli.terminal.description import label
    from streamalert_apps.deploy.rollback import roll_back

    picked = chosen(project_dir, names, names_option, cluster, every=every_app, no_input=no_input)
    if to and picked.several:
        raise UsageError("--to names a version of one app.", hint="Leave it out, or name one app.")
    fleet = Fleet.of(picked.project)

    def rolled_back(app: AppConf) -> Told:
        handed: list[Exported] = []

        def give() -> None:
            if not is_handed_back(picked.project, app) and (done := hand_back(picked.project, app)):
                handed.append(done)

        moved = roll_back(fleet.job(app.function), to, give)
        if moved.before == moved.after:
            lines = [f"No change: {label(app)} runs version {moved.after}."]
        else:
            lines = [f"{label(app)} runs version {moved.after} again; it was {moved.before}."]
            lines += [f"  {line}" for done in handed for line in consequences(done)]
            lines.append("The next `sa-apps deploy` updates it to conf/ and this version of sa-apps again.")
        for line in [] if as_json else lines:
            output.say(line)
        state = described(handed[-1]) if handed else None
        return Told({"before": moved.before, "after": moved.after, "handed_back": state})

    return each("rollback", picked, rolled_back, done="rolled back", as_json=as_json)
